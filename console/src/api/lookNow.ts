/** Asks for a look at a cluster's machines now: a new value of the annotation ends each wait, and all is observed. */
import type { Cluster } from "../generated/api";
import { clusters, merge } from "./resources";

const RETRY_NOW = "cluster.alauda.io/retry-now";

export async function lookNow({ metadata: { namespace, name } }: Cluster): Promise<void> {
  await merge(clusters, { namespace, name }, { metadata: { annotations: { [RETRY_NOW]: new Date().toISOString() } } });
}
