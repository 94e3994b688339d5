import { describe, expect, it } from "vitest";
import { assignments, CommandError, parse, table, words } from "./kubectl";

describe("the terminal's kubectl", () => {
  it("divides words as a shell does", () => {
    expect(words(`label node 'a b' "c=d"`)).toEqual(["label", "node", "a b", "c=d"]);
    expect(() => words("a 'b")).toThrow(CommandError);
  });
  it("reads flags in every form", () => {
    const wanted = { verb: "get", words: ["pods"], flags: { namespace: "kube-system", output: "wide" } };
    for (const line of ["kubectl get pods -n kube-system -o wide", "get pods -nkube-system --output=wide", "k get pods --namespace kube-system -o=wide"]) {
      expect(parse(line)).toEqual(wanted);
    }
    expect(parse("get pods -A").flags).toEqual({ "all-namespaces": "true" });
    expect(() => parse("get pods -n")).toThrow(CommandError);
  });
  it("sets and removes keys", () => {
    expect(assignments(["a=b=c", "d-"])).toEqual({ a: "b=c", d: null });
    expect(() => assignments([])).toThrow(CommandError);
    expect(() => assignments(["a"])).toThrow(CommandError);
  });
  it("lays tables out", () => {
    expect(table([["NAME", "AGE"], ["longer", "1d"]])).toBe("NAME     AGE\nlonger   1d");
  });
});
