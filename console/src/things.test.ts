import { describe, expect, it } from "vitest";
import type { Machine } from "./generated/api";
import { isUntouched, kindCounts, thingsOf } from "./things";

const machine: Machine = {
  apiVersion: "cluster.alauda.io/v1alpha1",
  kind: "Machine",
  metadata: { name: "m", namespace: "default" },
  spec: { clusterName: "web", role: "Worker", addresses: {}, ssh: { credential: { name: "s" } } },
  status: {
    acts: { count: 2 },
    things: {
      keys: ["file:/etc/a", "file:/etc/b:c", "image:registry/pause:3.10", "kubeadm:join"],
      differing: [{ thing: "file:/etc/b:c", action: "Update", summary: "its content differs" }],
    },
  },
};

describe("things on a machine", () => {
  it("are told by kind and name, with what differs", () => {
    expect(thingsOf(machine).map((one) => [one.kind, one.name, one.difference?.action])).toEqual([
      ["file", "/etc/a", undefined],
      ["file", "/etc/b:c", "Update"],
      ["image", "registry/pause:3.10", undefined],
      ["step", "kubeadm:join", undefined],
    ]);
  });

  it("are counted by kind", () => {
    expect(kindCounts(machine)).toEqual([["file", 2], ["image", 1], ["step", 1]]);
  });

  it("are none where roost has changed nothing", () => {
    const { status: _, ...bare } = machine;
    expect([isUntouched(machine), isUntouched(bare), kindCounts(bare).length]).toEqual([false, true, 0]);
  });
});
