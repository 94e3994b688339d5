import { describe, expect, it } from "vitest";
import type { Machine } from "../generated/api";
import { usersOf } from "./machineAccess";

const machine = (ssh: string, proxy?: string): Machine => ({
  apiVersion: "cluster.alauda.io/v1alpha1",
  kind: "Machine",
  metadata: { name: "m" },
  spec: {
    clusterName: "web",
    role: "Worker",
    addresses: {},
    ssh: { credential: { name: ssh }, ...(proxy ? { proxy: { address: "p:1080", credential: { name: proxy } } } : {}) },
  },
});

describe("a Secret with which roost signs in", () => {
  it("is shared when another machine or proxy names it, too", () => {
    const all = [machine("a"), machine("b", "a"), machine("c")];
    expect(["a", "b", "c", "d"].map((name) => usersOf(name, all))).toEqual([2, 1, 1, 0]);
  });
});
