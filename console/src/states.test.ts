import { describe, expect, it } from "vitest";
import type { Cluster } from "./generated/api";
import { clusterState } from "./states";

const imported = (phase: string, type: string, reason: string) =>
  ({
    apiVersion: "cluster.alauda.io/v1alpha1",
    kind: "Cluster",
    metadata: { name: "theirs", namespace: "default" },
    spec: { imported: { credential: { name: "theirs-import" } } },
    status: { phase, conditions: [{ type, status: "False", reason, lastTransitionTime: "2026-01-01T00:00:00Z" }] },
  }) as unknown as Cluster;

const registered = (phase: string) =>
  ({
    apiVersion: "cluster.alauda.io/v1alpha1",
    kind: "Cluster",
    metadata: { name: "edge", namespace: "default" },
    spec: { registered: {} },
    status: {
      phase,
      conditions: [
        { type: "TunnelConnected", status: "Unknown", reason: "Waiting", lastTransitionTime: "2026-01-01T00:00:00Z" },
      ],
    },
  }) as unknown as Cluster;

describe("the state of a registered cluster", () => {
  it("tells an agent that never came from one that waits for a person and one that is gone", () => {
    expect(clusterState(registered("Pending")).word).toBe("AwaitingConnection");
    expect(clusterState(registered("AwaitingApproval")).word).toBe("AwaitingAcceptance");
    expect(clusterState(registered("Unavailable")).word).toBe("NotConnected");
    expect(clusterState(registered("Running")).word).toBe("Running");
  });
});

describe("the state of an imported cluster", () => {
  it("tells a refused credential from an API that is gone, and both from what else failed", () => {
    expect(clusterState(imported("Failed", "Available", "CredentialNotAccepted")).word).toBe("Unauthorized");
    expect(clusterState(imported("Failed", "Authenticated", "CredentialNotAccepted")).word).toBe("Unauthorized");
    expect(clusterState(imported("Unavailable", "Available", "ConnectionRefused")).word).toBe("Unreachable");
    expect(clusterState(imported("Failed", "VersionSupported", "VersionNotSupported")).word).toBe("Failed");
  });
});
