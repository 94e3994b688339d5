/** What the list of clusters shows of each: drawn for every row in sight, so nothing here may be dear. */
import { useMemo } from "react";
import { Link } from "react-router";
import { keyOf } from "../../api/applyUpdate";
import { useClock } from "../../api/watch";
import { TwoLines } from "../../components/cells";
import type { Column } from "../../components/DataTable";
import { Icon } from "../../components/icons";
import { State } from "../../components/State";
import type { Cluster } from "../../generated/api";
import { hasWord, useSaid, useWords, type Say } from "../../i18n";
import { useLanguage, type Language } from "../../settings";
import { clusterState, clusterType } from "../../states";
import { ageOf } from "../../time";
import { retryTime, withoutRetry } from "./messages";

const GOING_ON = new Set(["Creating", "Updating", "Pending", "Failed", "Deleting", "Importing", "AwaitingConnection", "AwaitingAcceptance"]);

/** The same objects until the language changes or half a minute has passed. */
export function useColumns(): readonly Column<Cluster>[] {
  const t = useWords();
  const language = useLanguage();
  const minute = useClock(true, 30_000);
  return useMemo<readonly Column<Cluster>[]>(
    () => [
      {
        key: "name",
        title: t("clusters.name"),
        width: "20%",
        value: (cluster) => cluster.metadata.name,
        render: (cluster) => (
          <TwoLines second={cluster.spec.displayName || cluster.metadata.namespace}>
            <Link className="name-link" to={`/clusters/${cluster.metadata.namespace}/${cluster.metadata.name}`}>
              {cluster.metadata.name}
            </Link>
          </TwoLines>
        ),
      },
      {
        key: "state",
        title: t("clusters.state"),
        width: "30%",
        value: (cluster) => clusterState(cluster).word,
        render: (cluster) => <StateCell cluster={cluster} t={t} language={language} />,
      },
      {
        key: "version",
        title: t("clusters.version"),
        width: "10%",
        value: (cluster) => cluster.status?.version ?? cluster.spec.version ?? "",
        render: (cluster) => (cluster.status?.version ?? cluster.spec.version ?? "—").replace(/^v/, ""),
      },
      {
        key: "nodes",
        title: t("clusters.nodes"),
        width: "8%",
        align: "end",
        value: (cluster) => cluster.status?.nodes?.total ?? -1,
        render: (cluster) => {
          const nodes = cluster.status?.nodes;
          if (!nodes?.total) return <span className="quiet">—</span>;
          const words = t("clusters.nodesReady", { ready: nodes.ready ?? 0, total: nodes.total });
          return (
            <span title={words}>
              <span aria-hidden="true">{`${nodes.ready ?? 0}/${nodes.total}`}</span>
              <span className="visually-hidden">{words}</span>
            </span>
          );
        },
      },
      {
        key: "type",
        title: t("clusters.type"),
        width: "22%",
        wide: true,
        value: (cluster) => clusterType(cluster),
        render: (cluster) => (
          <TwoLines second={t(`type.${clusterType(cluster)}.provider`)}>
            <span>{t(`type.${clusterType(cluster)}.kind`)}</span>
          </TwoLines>
        ),
      },
      {
        key: "age",
        title: t("clusters.age"),
        width: "10%",
        align: "end",
        value: (cluster) => -Date.parse(cluster.metadata.creationTimestamp ?? ""),
        render: (cluster) => ageOf(cluster.metadata.creationTimestamp, Math.max(minute, Date.now()), language),
      },
    ],
    [t, language, minute],
  );
}

function StateCell({ cluster, t, language }: { cluster: Cluster; t: Say; language: Language }) {
  const state = clusterState(cluster);
  const message = cluster.status?.message ?? "";
  const at = retryTime(message);
  const explained = hasWord(`stateNote.${state.word}`) ? t(`stateNote.${state.word}`) : "";
  const shown = useSaid()(withoutRetry(message)) || explained;
  const second = shown && state.word !== "Running" && (
    <>
      {shown}
      {at && ` · ${t("progress.retryAt", { time: clock(at, language) })}`}
    </>
  );
  return (
    <TwoLines second={second} told={message}>
      <span>
        <State state={state} />
        {GOING_ON.has(state.word) && (
          <Link
            className="icon-button"
            to={`?progress=${encodeURIComponent(keyOf(cluster))}`}
            aria-label={t("clusters.progressOf", { name: cluster.metadata.name })}
            title={t("progress.see")}
          >
            <Icon name="progress" size={15} />
          </Link>
        )}
      </span>
    </TwoLines>
  );
}

function clock(time: string, language: Language): string {
  return new Date(time).toLocaleTimeString(language === "zh" ? "zh-CN" : "en-GB");
}
