import { describe, expect, it } from "vitest";
import type { Cluster } from "../../generated/api";
import { filtered } from "./filter";

function cluster(name: string, displayName: string, more: Partial<Cluster["spec"]> = {}): Cluster {
  const metadata = { name, namespace: "default" };
  return { apiVersion: "cluster.alauda.io/v1alpha1", kind: "Cluster", metadata, spec: { displayName, ...more } };
}

const north = cluster("site-1", "North Bay", { registered: {} });
const south = cluster("site-2", "South Bay");
const all = [south, north];
const names = (found: readonly Cluster[]) => found.map((one) => one.metadata.name);

describe("the filter of clusters", () => {
  it("leaves those that hold each word, in whatever case, in the order given", () => {
    expect(names(filtered(all, " BAY ", ""))).toEqual(["site-2", "site-1"]);
    expect(names(filtered(all, "bay nor", ""))).toEqual(["site-1"]);
    expect(names(filtered(all, "bay west", ""))).toEqual([]);
  });

  it("leaves those of a type", () => {
    expect(names(filtered(all, "", "registered"))).toEqual(["site-1"]);
    expect(names(filtered(all, "site-2", "registered"))).toEqual([]);
  });

  it("gives the same rows while nothing is asked for, so that nothing is drawn again", () => {
    expect(filtered(all, "  ", "")).toBe(all);
  });

  it("finds what an object says now, not what its predecessor said", () => {
    filtered(all, "bay", "");
    expect(names(filtered([cluster("site-2", "Hill")], "bay", ""))).toEqual([]);
    expect(names(filtered([cluster("site-2", "Hill")], "hill", ""))).toEqual(["site-2"]);
  });
});
