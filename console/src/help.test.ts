import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { helpPage } from "./help";

const places = {
  "/clusters": "clusters",
  "/clusters/new": "create-cluster",
  "/clusters/new/on-premises": "create-cluster",
  "/clusters/new/import": "import",
  "/clusters/new/register": "register",
  "/clusters/default/web": "cluster",
  "/clusters/default/web/machines": "cluster",
  "/clusters/default/web/terminal": "terminal",
  "/clusters/default/web/progress": "progress",
  "/projects/shop": "projects",
  "/users": "users",
  "/feature-gates": "feature-gates",
  "/nowhere": "index",
};

describe("help", () => {
  it("opens the page of the place where one is", () => {
    for (const [place, page] of Object.entries(places)) expect(helpPage(place), place).toBe(page);
  });

  it("has each of these pages in both languages", () => {
    for (const language of ["en", "zh"]) {
      const there = readdirSync(fileURLToPath(new URL(`../../docs/${language}/console`, import.meta.url)));
      for (const page of Object.values(places)) expect(there, language).toContain(`${page}.md`);
    }
  });
});
