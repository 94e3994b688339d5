import { describe, expect, it } from "vitest";
import vectors from "../../../tests/unit/api/sentences.json";
import chinese from "../generated/words.zh.json";
import { saying } from "./sentences";

const sentences: Readonly<Record<string, string>> = chinese.sentences;
const said = saying(sentences);

describe("messages in Chinese", () => {
  it.each(vectors)("are as Python shows them: $message", ({ message, expected }) => {
    expect(said(message)).toBe(expected);
    expect(said(message)).toBe(expected);
  });

  it("have every sentence that is known", () => {
    for (const [english, words] of Object.entries(sentences)) {
      const values = Object.fromEntries([...english.matchAll(/\{(\w+)\}/g)].map((place, index) => [place[1] ?? "", `v${index}`]));
      // Of several in a row the first has a value, at the start the last: the others are additions that may be empty.
      for (const run of english.matchAll(/(?:\{\w+\}){2,}/g)) {
        const names = run[0].slice(1, -1).split("}{");
        for (const name of run.index === 0 ? names.slice(0, -1) : names.slice(1)) values[name] = "";
      }
      const filled = (text: string) => text.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? "");
      expect(said(filled(english))).toBe(filled(words));
    }
  });

  it("stay as they are where nothing is known, or in English", () => {
    for (const text of ["", "xyzzy: 17 (qux)\n\nfoo; bar.", "\ue000 no answer within 10 s"]) expect(said(text)).toBe(text);
    expect(saying({})("m1: no answer within 10 s; check the network")).toBe("m1: no answer within 10 s; check the network");
  });
});
