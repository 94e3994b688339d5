import { readFileSync } from "node:fs";
import { runInThisContext } from "node:vm";
import { afterEach, expect, it, vi } from "vitest";
import { clusters, pieces } from "./api/resources";
import { sessionQuery } from "./api/session";

const script = readFileSync(new URL("../public/first.js", import.meta.url), "utf8");

afterEach(() => vi.unstubAllGlobals());

function answer(path: string, signedIn: boolean): Response {
  if (path.startsWith("/roost/v1/session")) return new Response('{"user":{"name":"ann"}}', { status: signedIn ? 200 : 401 });
  return new Response(JSON.stringify({ metadata: {}, items: [{ metadata: { name: "one" } }] }));
}

/** Opens a page; gives what was asked for, in order. */
function opened(pathname: string, signedIn = true): string[] {
  const asked: string[] = [];
  vi.stubGlobal("fetch", (path: string) => {
    asked.push(path);
    return Promise.resolve(answer(path, signedIn));
  });
  vi.stubGlobal("window", globalThis);
  vi.stubGlobal("document", { documentElement: { dataset: {} }, querySelector: () => null });
  vi.stubGlobal("localStorage", { getItem: () => "en" });
  vi.stubGlobal("matchMedia", () => ({ matches: false }));
  vi.stubGlobal("location", { pathname });
  vi.stubGlobal("roostEarly", undefined);
  runInThisContext(script);
  return asked;
}

async function pageAsks(): Promise<string[]> {
  const found: string[] = [];
  await (sessionQuery.queryFn as () => Promise<unknown>)();
  for await (const piece of pieces(clusters)) found.push(...piece.items.map((one) => one.metadata.name));
  return found;
}

it("asks before the page does for exactly what the list of clusters asks for, and once", async () => {
  const asked = opened("/console/clusters");
  expect(await pageAsks()).toEqual(["one"]);
  expect(asked).toEqual(["/roost/v1/session", "/apis/cluster.alauda.io/v1alpha1/clusters?limit=50"]);
  // A later look tells of a later moment.
  await pageAsks();
  expect(asked.length).toBe(4);
});

it("asks for no list where nobody is signed in", async () => {
  const asked = opened("/console/", false);
  await expect(globalThis.roostEarly?.get("/apis/cluster.alauda.io/v1alpha1/clusters?limit=50")).resolves.toBeUndefined();
  expect(asked).toEqual(["/roost/v1/session"]);
});

it("asks for nothing on other pages", () => {
  expect(opened("/console/clusters/default/one")).toEqual([]);
});
