import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

// `ROOST_GATEWAY=https://127.0.0.1:6440 npm run dev` serves the console from source before a running gateway.
const gateway = process.env.ROOST_GATEWAY ?? "https://127.0.0.1:6440";
const passed = ["/api", "/apis", "/version", "/readyz", "/clusters", "/roost", "/openapi"];

/** Tells public/first.js where the words of each language lie: it fetches those in use beside the script that asks for them. */
const words: Plugin = {
  name: "roost-words",
  transformIndexHtml: {
    order: "post",
    handler: (_, { bundle }) =>
      Object.values(bundle ?? {}).flatMap((chunk) => {
        const language = chunk.type === "chunk" && /\/src\/i18n\/(en|zh)\/index\.ts$/.exec(chunk.facadeModuleId ?? "")?.[1];
        if (!language) return [];
        const attrs = { name: `words-${language}`, content: `/console/${chunk.fileName}` };
        return [{ tag: "meta", attrs, injectTo: "head-prepend" as const }];
      }),
  },
};

export default defineConfig({
  base: "/console/",
  plugins: [react(), words],
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
