import { afterEach, describe, expect, it, vi } from "vitest";
import { clusters, pieces } from "./resources";

const answer = (names: readonly string[], more = "") =>
  new Response(JSON.stringify({ metadata: { resourceVersion: "7", continue: more }, items: names.map((name) => ({ metadata: { name } })) }));

afterEach(() => vi.unstubAllGlobals());

describe("a long list", () => {
  it("comes in pieces, each asked for with the token of the one before, until there is none", async () => {
    const asked: string[] = [];
    const answers = [answer(["a", "b"], "to/ken="), answer(["c"])];
    vi.stubGlobal("fetch", (path: string) => {
      asked.push(path);
      return Promise.resolve(answers.shift());
    });
    const found: string[][] = [];
    for await (const piece of pieces(clusters, { namespace: "default" }, "labelSelector=x")) {
      found.push(piece.items.map((one) => one.metadata.name));
    }
    expect(found).toEqual([["a", "b"], ["c"]]);
    const path = "/apis/cluster.alauda.io/v1alpha1/namespaces/default/clusters?labelSelector=x";
    expect(asked).toEqual([`${path}&limit=50`, `${path}&limit=250&continue=to%2Fken%3D`]);
  });
});
