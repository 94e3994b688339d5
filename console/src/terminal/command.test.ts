import { describe, expect, it } from "vitest";
import { assignments, CommandError, named, parse, podOf, seconds, table, words } from "./command";

describe("the terminal's kubectl", () => {
  it("divides words as a shell does", () => {
    expect(words(`label node 'a b' "c=d"`)).toEqual(["label", "node", "a b", "c=d"]);
    expect(() => words("a 'b")).toThrow(CommandError);
  });

  it("reads flags in every form", () => {
    const wanted = { verb: "get", words: ["pods"], flags: { namespace: "kube-system", output: "wide" }, program: [] };
    for (const line of ["kubectl get pods -n kube-system -o wide", "get pods -nkube-system --output=wide", "k get pods --namespace kube-system -o=wide"]) {
      expect(parse(line)).toEqual(wanted);
    }
    expect(parse("get pods -A").flags).toEqual({ "all-namespaces": "true" });
    expect(() => parse("get pods -n")).toThrow(CommandError);
  });

  it("keeps a program's own flags to the program", () => {
    expect(parse("exec -it web-0 -c main -- sh -c 'ls -l' -n")).toEqual({
      verb: "exec",
      words: ["web-0"],
      flags: { stdin: "true", tty: "true", container: "main" },
      program: ["sh", "-c", "ls -l", "-n"],
    });
  });

  it("reads -f as follow for logs and as a file elsewhere", () => {
    expect(parse("logs -f web-0 --tail 5").flags).toEqual({ follow: "true", tail: "5" });
    expect(parse("apply -f -").flags).toEqual({ filename: "-" });
  });

  it("takes TYPE NAME and TYPE/NAME", () => {
    expect(named(parse("get deploy/web"), false)).toEqual({ type: "deploy", name: "web", rest: [] });
    expect(named(parse("label no n1 a=b"), true)).toEqual({ type: "no", name: "n1", rest: ["a=b"] });
    expect(() => named(parse("delete pods"), true)).toThrow(CommandError);
    expect(podOf(parse("logs pod/web-0"))).toBe("web-0");
    expect(() => podOf(parse("logs deploy/web"))).toThrow(CommandError);
  });

  it("sets and removes keys", () => {
    expect(assignments(["a=b=c", "d-"])).toEqual({ a: "b=c", d: null });
    expect(() => assignments([])).toThrow(CommandError);
    expect(() => assignments(["a"])).toThrow(CommandError);
  });

  it("lays tables out, and reads durations", () => {
    expect(table([["NAME", "AGE"], ["longer", "1d"]])).toBe("NAME     AGE\nlonger   1d");
    expect(["30s", "5m", "2h"].map(seconds)).toEqual([30, 300, 7200]);
    expect(() => seconds("5")).toThrow(CommandError);
  });
});
