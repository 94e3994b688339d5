/**
 * Every field of the creation form, by its path in the Cluster or the Machine. The form draws from this list, and a
 * contract test holds it to the schema: a field of the schema stands here or among the exceptions, with a reason.
 */
import type { Section } from "./findings";

export const CLUSTER_FIELDS = [
  ["spec.displayName", "basic"],
  ["spec.version", "basic"],
  ["spec.project", "basic"],
  ["spec.onPremises.runtime.type", "basic"],
  ["spec.onPremises.runtime.logMaxSize", "basic"],
  ["spec.onPremises.runtime.logMaxFiles", "basic"],
  ["spec.onPremises.runtime.dataDirectory", "basic"],
  ["spec.onPremises.network.ipFamily", "basic"],
  ["spec.onPremises.controlPlaneEndpoint.host", "basic"],
  ["spec.onPremises.controlPlaneEndpoint.port", "basic"],
  ["spec.onPremises.controlPlaneEndpoint.selfBuiltVIP.address", "basic"],
  ["spec.onPremises.controlPlaneEndpoint.selfBuiltVIP.virtualRouterID", "basic"],
  ["spec.onPremises.controlPlaneEndpoint.externalAccess.host", "basic"],
  ["spec.onPremises.controlPlaneEndpoint.externalAccess.port", "basic"],
  ["spec.onPremises.registry.type", "basic"],
  ["spec.onPremises.registry.address", "basic"],
  ["spec.onPremises.registry.credential.name", "basic"],
  ["spec.onPremises.registry.ca", "basic"],
  ["spec.onPremises.network.plugin", "network"],
  ["spec.onPremises.network.podCIDR", "network"],
  ["spec.onPremises.network.ipsPerNode", "network"],
  ["spec.onPremises.network.serviceCIDR", "network"],
  ["spec.onPremises.network.dnsDomain", "network"],
  ["spec.onPremises.network.transmitMode", "network"],
  ["spec.onPremises.network.joinCIDR", "network"],
  ["spec.onPremises.network.gateway", "network"],
  ["spec.onPremises.network.vlanID", "network"],
  ["spec.onPremises.network.reservedIPs", "network"],
  ["spec.onPremises.network.nic", "nodes"],
  ["spec.onPremises.nodeName", "nodes"],
  ["spec.onPremises.monitoring.type", "nodes"],
  ["spec.onPremises.monitoring.deployment", "nodes"],
  ["spec.onPremises.monitoring.linkedCluster.namespace", "nodes"],
  ["spec.onPremises.monitoring.linkedCluster.name", "nodes"],
  ["spec.onPremises.monitoring.machines", "nodes"],
  ["spec.onPremises.dockerExtraArgs", "extension"],
  ["spec.onPremises.kubeletExtraArgs", "extension"],
  ["spec.onPremises.controllerManagerExtraArgs", "extension"],
  ["spec.onPremises.schedulerExtraArgs", "extension"],
  ["spec.onPremises.apiServerExtraArgs", "extension"],
  ["spec.onPremises.publicAlternativeNames", "extension"],
  ["spec.annotations", "extension"],
  ["spec.paused", "extension"],
  ["spec.approval", "extension"],
] as const satisfies readonly (readonly [string, Section])[];

export const MACHINE_FIELDS = [
  "spec.role",
  "spec.displayName",
  "spec.addresses.ipv4",
  "spec.addresses.ipv6",
  "spec.allowApps",
  "spec.roles",
  "spec.labels",
  "spec.taints[].key",
  "spec.taints[].value",
  "spec.taints[].effect",
  "spec.nic",
  "spec.bridgeNetwork",
  "spec.ssh.address",
  "spec.ssh.port",
  "spec.ssh.user",
  "spec.ssh.credential.name",
  "spec.ssh.proxy.address",
  "spec.ssh.proxy.credential.name",
  "spec.ssh.hostKeys",
] as const;

/** Fields of the schema that the creation form leaves out, and why. */
export const EXCEPTIONS: Readonly<Record<string, string>> = {
  "Cluster.spec.approvedPlan": "names a plan, which exists only after the creation; the cluster's page approves it",
  "Cluster.spec.imported": "has a form of its own: clusters/new/import",
  "Cluster.spec.registered": "has a form of its own: clusters/new/register",
  "Cluster.spec.global": "only roost writes the Cluster that stands for the platform",
  "Machine.spec.clusterName": "is the name of the cluster that is being created",
};

export type ClusterPath = (typeof CLUSTER_FIELDS)[number][0];
