import { describe, expect, it } from "vitest";
import type { Cluster, Machine } from "./generated/api";
import { machinesOf, progressOf, stepsOf } from "./progress";

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();
const now = Date.UTC(2026, 0, 1, 0, 1, 0);
const condition = (type: string, status: "True" | "False" | "Unknown", reason: string, second: number) => ({
  type,
  status,
  reason,
  message: "",
  lastTransitionTime: at(second),
});

function cluster(...conditions: ReturnType<typeof condition>[]): Cluster {
  return {
    apiVersion: "",
    kind: "Cluster",
    metadata: { name: "web", namespace: "a", creationTimestamp: at(0) },
    spec: { onPremises: { controlPlaneEndpoint: { host: "10.0.0.1" } } },
    status: { conditions, startedTime: at(0), retry: { attempt: 2, nextTime: at(72) } },
  };
}

function machine(name: string, role: "ControlPlane" | "Worker", of = "web"): Machine {
  return {
    apiVersion: "",
    kind: "Machine",
    metadata: { name, namespace: "a", creationTimestamp: at(0) },
    spec: { clusterName: of, role, addresses: {}, ssh: { credential: { name: "x" } } },
    status: { conditions: [condition("Reachable", "True", "Succeeded", 3), condition("Checked", "False", "OSUnsupported", 5)] },
  };
}

describe("progressOf", () => {
  const view = progressOf(
    cluster(condition("Validated", "True", "Succeeded", 2), condition("PreflightPassed", "False", "InProgress", 10)),
    [machine("w-10", "Worker"), machine("w-2", "Worker"), machine("c", "ControlPlane"), machine("x", "Worker", "other")],
    now,
  );
  it("times a done phase from the one before it, and one under way until now", () => {
    expect(view.phases.slice(0, 3).map((step) => [step.name, step.state, step.seconds])).toEqual([
      ["Validated", "done", 2],
      ["PreflightPassed", "working", 50],
      ["MachinesPrepared", "waiting", undefined],
    ]);
    expect(view.done).toBe(1);
  });
  it("shows for each machine its first phase that is not done, control planes first", () => {
    expect(view.machines.map((step) => [step.machine, step.name, step.state])).toEqual([
      ["c", "Checked", "failed"],
      ["w-2", "Checked", "failed"],
      ["w-10", "Checked", "failed"],
    ]);
  });
  it("counts down to the next retry", () => {
    expect(view.attempt).toBe(2);
    expect(view.nextRetryIn).toBe(12);
    expect(view.available).toBe(false);
  });
  it("keeps phases in their order although the API gives them in another", () => {
    const steps = stepsOf([condition("B", "True", "Succeeded", 9), condition("A", "True", "Succeeded", 4)], ["A", "B"], Date.parse(at(0)), now);
    expect(steps.map((step) => step.seconds)).toEqual([4, 5]);
  });
  it("takes only machines of the same namespace", () => {
    const other = { ...machine("c", "ControlPlane"), metadata: { name: "c", namespace: "b" } };
    expect(machinesOf(cluster(), [other])).toEqual([]);
  });
});
