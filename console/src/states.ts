/** The one place that decides how a state looks: its tone, and the word's key. Pure. */
import type { Cluster, Machine } from "./generated/api";
import type { Condition } from "./api/objects";

export type Tone = "ok" | "busy" | "warn" | "bad" | "idle";

export interface State {
  readonly tone: Tone;
  /** Key under `state.`; an unknown phase of a newer platform is shown as it is. */
  readonly word: string;
}

const TONES: Readonly<Record<string, Tone>> = {
  Running: "ok",
  Ready: "ok",
  Available: "ok",
  Connected: "ok",
  Creating: "busy",
  Updating: "busy",
  Connecting: "busy",
  Checking: "busy",
  Preparing: "busy",
  Joining: "busy",
  Importing: "busy",
  Registering: "busy",
  Deleting: "busy",
  Restored: "idle",
  Pending: "idle",
  Waiting: "idle",
  Paused: "idle",
  AwaitingApproval: "warn",
  AwaitingConnection: "idle",
  AwaitingAcceptance: "warn",
  Degraded: "warn",
  NotReady: "warn",
  NotConnected: "warn",
  Disconnected: "warn",
  Unavailable: "bad",
  Unreachable: "bad",
  Unauthorized: "bad",
  Failed: "bad",
  DeletionRefused: "bad",
};

export function conditionsOf(object: { status?: { conditions?: readonly Condition[] } | undefined }): readonly Condition[] {
  return object.status?.conditions ?? [];
}

export function condition(
  object: { status?: { conditions?: readonly Condition[] } | undefined },
  type: string,
): Condition | undefined {
  return conditionsOf(object).find((one) => one.type === type);
}

function ofPhase(phase: string): State {
  return { tone: TONES[phase] ?? "idle", word: phase };
}

/**
 * A cluster that answers 401 or can't be reached is told apart from one whose agent is not connected, and that from one
 * whose agent was never there or waits for a person.
 */
export function clusterState(cluster: Cluster): State {
  if (cluster.metadata.deletionTimestamp) return ofPhase("Deleting");
  const phase = cluster.status?.phase ?? "Pending";
  if (cluster.spec.registered) {
    const tunnel = condition(cluster, "TunnelConnected");
    if (tunnel && tunnel.status !== "True" && (phase === "Unavailable" || phase === "Unreachable")) {
      return ofPhase("NotConnected");
    }
    if (phase === "AwaitingApproval") return ofPhase("AwaitingAcceptance");
    if (phase === "Pending") return ofPhase("AwaitingConnection");
  }
  if (cluster.spec.imported && (phase === "Unavailable" || phase === "Unreachable" || phase === "Failed")) {
    // With a credential that the cluster refuses for good nothing changes until somebody gives another: that is Failed.
    const refused =
      condition(cluster, "Authenticated")?.status === "False" ||
      condition(cluster, "Available")?.reason === "CredentialNotAccepted";
    if (refused) return ofPhase("Unauthorized");
    return ofPhase(phase === "Failed" ? phase : "Unreachable");
  }
  return ofPhase(phase);
}

export function machineState(machine: Machine): State {
  if (machine.metadata.deletionTimestamp && machine.status?.phase !== "DeletionRefused") return ofPhase("Deleting");
  return ofPhase(machine.status?.phase ?? "Pending");
}

export type ClusterType = "onPremises" | "imported" | "registered" | "global";

export function clusterType(cluster: Cluster): ClusterType {
  if (cluster.spec.onPremises) return "onPremises";
  if (cluster.spec.imported) return "imported";
  if (cluster.spec.registered) return "registered";
  return "global";
}

const UNDER_WAY = new Set(["InProgress"]);
const HELD = new Set(["Waiting", "Paused", "AwaitingApproval"]);

export type StepState = "done" | "working" | "failed" | "waiting";

/** A phase under way is False by its type, and no failure. */
export function stepState(status: string, reason: string): StepState {
  if (status === "True") return "done";
  if (UNDER_WAY.has(reason)) return "working";
  if (HELD.has(reason) || status === "Unknown") return "waiting";
  return "failed";
}

export const STEP_TONE: Readonly<Record<StepState, Tone>> = {
  done: "ok",
  working: "busy",
  failed: "bad",
  waiting: "idle",
};
