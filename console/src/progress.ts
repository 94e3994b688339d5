/** What `roost progress` tells, from the same objects and by the same rules. Pure. */
import { clusterPhases, machinePhases, type Cluster, type Machine } from "./generated/api";
import type { Condition } from "./api/objects";
import { stepState, type StepState } from "./states";

export interface Step {
  readonly name: string;
  readonly state: StepState;
  readonly reason: string;
  readonly message: string;
  /** How long it took, or has been going on; undefined before it began. */
  readonly seconds: number | undefined;
}

export interface MachineStep extends Step {
  readonly machine: string;
  readonly role: string;
  readonly steps: readonly Step[];
}

export interface Progress {
  readonly phases: readonly Step[];
  readonly machines: readonly MachineStep[];
  readonly attempt: number;
  readonly nextRetryIn: number | undefined;
  readonly available: boolean;
  readonly elapsed: number | undefined;
  readonly done: number;
}

const milliseconds = (time: string | undefined): number | undefined => (time ? Date.parse(time) : undefined);

export function stepsOf(
  conditions: readonly Condition[],
  order: readonly string[],
  start: number | undefined,
  now: number,
): Step[] {
  const found = new Map(conditions.map((one) => [one.type, one]));
  let previous = start;
  return order.map((name) => {
    const one = found.get(name);
    if (!one) return { name, state: "waiting", reason: "Waiting", message: "", seconds: undefined };
    const at = milliseconds(one.lastTransitionTime);
    let seconds: number | undefined;
    if (one.status === "True" && at !== undefined && previous !== undefined) {
      seconds = Math.max((at - previous) / 1000, 0);
      previous = Math.max(at, previous);
    } else if (one.status !== "True" && one.reason !== "Waiting" && at !== undefined) {
      seconds = Math.max((now - at) / 1000, 0);
    }
    const state = stepState(one.status, one.reason);
    return { name, state, reason: one.reason, message: one.message ?? "", seconds };
  });
}

function ofMachine(machine: Machine, now: number): MachineStep {
  const conditions = (machine.status?.conditions ?? []) as Condition[];
  const steps = stepsOf(conditions, machinePhases, milliseconds(machine.metadata.creationTimestamp), now);
  const current = steps.find((step) => step.state !== "done") ?? steps[steps.length - 1];
  const base = { machine: machine.metadata.name, role: machine.spec.role, steps };
  if (machine.metadata.deletionTimestamp || !current) {
    const going = conditions.find((one) => one.type === "Deleting");
    return { ...base, name: "Deleting", state: "working", reason: "InProgress", message: going?.message ?? "", seconds: undefined };
  }
  return { ...base, ...current };
}

/** Conditions that this kind of cluster carries: those known in order, then whatever else it has. */
function orderOf(cluster: Cluster, conditions: readonly Condition[]): readonly string[] {
  if (cluster.spec.onPremises) return clusterPhases;
  return conditions.map((one) => one.type);
}

export function progressOf(cluster: Cluster, machines: Iterable<Machine>, now: number): Progress {
  const conditions = (cluster.status?.conditions ?? []) as Condition[];
  const start = milliseconds(cluster.status?.startedTime ?? cluster.metadata.creationTimestamp);
  const phases = stepsOf(conditions, orderOf(cluster, conditions), start, now);
  const next = milliseconds(cluster.status?.retry?.nextTime);
  const mine = machinesOf(cluster, machines);
  const end = milliseconds(cluster.status?.availableTime) ?? now;
  return {
    phases,
    machines: mine.map((machine) => ofMachine(machine, now)),
    attempt: cluster.status?.retry?.attempt ?? 0,
    nextRetryIn: next === undefined ? undefined : Math.max((next - now) / 1000, 0),
    available: phases.some((step) => step.name === "Available" && step.state === "done"),
    elapsed: start === undefined ? undefined : Math.max((end - start) / 1000, 0),
    done: phases.filter((step) => step.state === "done").length,
  };
}

export function machinesOf(cluster: Cluster, machines: Iterable<Machine>): Machine[] {
  const { name, namespace } = cluster.metadata;
  return [...machines]
    .filter((machine) => machine.spec.clusterName === name && machine.metadata.namespace === namespace)
    .sort((one, other) => {
      const order = (machine: Machine) => (machine.spec.role === "ControlPlane" ? 0 : 1);
      return order(one) - order(other) || one.metadata.name.localeCompare(other.metadata.name, "en", { numeric: true });
    });
}
