import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const here = fileURLToPath(new URL(".", import.meta.url));
// What a module takes in before it runs; types are gone by then, and `import()` comes later.
const STATIC = /^(?:import|export)\s+(?!type\b)(?:[^;]*?\sfrom\s+)?"([^"]+)"/gms;

function imports(file: string): string[] {
  return [...readFileSync(file, "utf8").matchAll(STATIC)].map((found) => found[1] ?? "");
}

function resolved(file: string, name: string): string | undefined {
  const path = join(dirname(file), name);
  return [".ts", ".tsx", "/index.ts"].map((end) => path + end).find(existsSync);
}

/** Packages that the files of the console take in, from one on. */
function packages(entry: string): Set<string> {
  const waiting = [join(here, entry)];
  const seen = new Set(waiting);
  const found = new Set<string>();
  for (let file = waiting.pop(); file; file = waiting.pop()) {
    for (const name of imports(file)) {
      if (!name.startsWith(".")) found.add(name);
      const next = name.startsWith(".") ? resolved(file, name) : undefined;
      if (next && !seen.has(next)) {
        seen.add(next);
        waiting.push(next);
      }
    }
  }
  return found;
}

it("begins without antd, whose start the first row would wait for", () => {
  const first = packages("main.tsx");
  expect([...first].filter((name) => /^(antd|@ant-design|@rc-component)/.test(name))).toEqual([]);
  expect(first).toContain("react-router");
  expect(packages("components/Themed.tsx")).toContain("antd");
});
