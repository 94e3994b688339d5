import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

// `ROOST_GATEWAY=https://127.0.0.1:6440 npm run dev` serves the console from source before a running gateway.
const gateway = process.env.ROOST_GATEWAY ?? "https://127.0.0.1:6440";
const passed = ["/api", "/apis", "/version", "/readyz", "/clusters", "/roost", "/openapi"];

export default defineConfig({
  base: "/console/",
  plugins: [react()],
  resolve: {
    alias: [
      // Styles of components made at run time go into constructed sheets: `style-src 'self'` allows these and
      // refuses <style> elements. Both names by which antd's libraries import the module.
      { find: /^(@rc-component\/util\/(es|lib)\/Dom\/dynamicCSS)$/, replacement: here("src/styles/sheets.ts") },
      { find: /^\.\/dynamicCSS$|^\.\/Dom\/dynamicCSS$/, replacement: here("src/styles/sheets.ts") },
    ],
  },
  server: {
    proxy: Object.fromEntries(passed.map((path) => [path, { target: gateway, secure: false, ws: true }])),
  },
  build: {
    outDir: process.env.ROOST_CONSOLE_OUT ?? here("../src/roost/gateway/static"),
    emptyOutDir: true,
    target: "es2022",
    sourcemap: false,
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 700,
  },
  test: { environment: "node", include: ["src/**/*.test.ts"] },
});
