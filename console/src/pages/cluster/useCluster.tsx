import type { ReactNode } from "react";
import { ApiError } from "../../api/http";
import { clusters } from "../../api/resources";
import { useLive, type Live } from "../../api/watch";
import { Loading, Problem } from "../../components/Problem";
import type { Cluster } from "../../generated/api";

/**
 * One cluster out of the list that is watched anyway, or by itself where the person may not see the others;
 * `missing` is what to show while there is none.
 */
export function useCluster(
  namespace: string,
  name: string,
): { live: Live<Cluster>; cluster: Cluster | undefined; missing: ReactNode | undefined } {
  const all = useLive(clusters);
  const alone = all.error?.kind === "forbidden" && !all.items;
  const live = useLive(clusters, alone ? namespace : undefined, alone ? name : undefined);
  const cluster = live.items?.get(`${namespace}/${name}`);
  let missing: ReactNode | undefined;
  if (!live.items) missing = live.error ? <Problem error={live.error} again={live.again} /> : <Loading />;
  else if (!cluster) missing = <Problem error={new ApiError(404, {}, `${namespace}/${name}`)} />;
  return { live, cluster, missing };
}
