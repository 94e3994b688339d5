/** Which clusters a person's words leave. Pure. */
import type { Cluster } from "../../generated/api";
import { clusterType } from "../../states";

/** Everything that a person may type to find a cluster, in one lower-case text. */
function searchText(cluster: Cluster): string {
  return [
    cluster.metadata.name,
    cluster.metadata.namespace,
    cluster.spec.displayName,
    cluster.status?.version ?? cluster.spec.version,
    cluster.status?.phase,
    cluster.status?.message,
    clusterType(cluster),
    cluster.spec.project,
  ]
    .join("\n")
    .toLowerCase();
}

// An object that changes is another object, so its text is made once, and goes with it.
const texts = new WeakMap<Cluster, string>();

function textOf(cluster: Cluster): string {
  let text = texts.get(cluster);
  if (text === undefined) {
    text = searchText(cluster);
    texts.set(cluster, text);
  }
  return text;
}

/** Those of a type (all for none) that hold each of the words, in the order given. */
export function filtered(clusters: readonly Cluster[], typed: string, type: string): readonly Cluster[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0 && !type) return clusters;
  return clusters.filter((cluster) => {
    if (type && clusterType(cluster) !== type) return false;
    if (words.length === 0) return true;
    const text = textOf(cluster);
    return words.every((word) => text.includes(word));
  });
}
