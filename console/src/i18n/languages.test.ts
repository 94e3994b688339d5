import { describe, expect, it } from "vitest";
import en from "./en";
import zh from "./zh";

function keys(value: unknown, path = ""): [string, unknown][] {
  if (typeof value !== "object" || value === null) return [[path, value]];
  return Object.entries(value).flatMap(([key, inner]) => keys(inner, path ? `${path}.${key}` : key));
}

const places = (text: unknown) => [...String(text).matchAll(/\{\{\s*([^}\s]+)\s*\}\}/g)].map((m) => m[1]).sort();

// English tells one from many; Chinese has one form for both.
const plain = (key: string) => key.replace(/_(one|other)$/, "");

describe("words", () => {
  const english = new Map(keys(en));
  const chinese = new Map(keys(zh));

  it("stand under the same keys in both languages", () => {
    const unique = (found: Iterable<string>) => [...new Set([...found].map(plain))].sort();
    expect(unique(chinese.keys())).toEqual(unique(english.keys()));
  });

  it("are never empty, and name the same values", () => {
    for (const [key, text] of [...english, ...chinese]) expect(String(text).trim(), key).not.toBe("");
    for (const [key, text] of english) {
      const other = chinese.get(key) ?? chinese.get(plain(key));
      if (key.endsWith("_one")) continue;
      expect(places(other), key).toEqual(places(text));
    }
  });
});
