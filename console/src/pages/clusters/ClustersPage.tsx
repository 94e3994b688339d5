import { Button, Input, Select } from "antd";
import { lazy, Suspense, useCallback, useDeferredValue, useMemo, useState } from "react";
import { Link, useNavigate, useSearchParams } from "react-router";
import { clusters } from "../../api/resources";
import { useClock, useLive } from "../../api/watch";
import { TwoLines } from "../../components/cells";
import { DataTable, type Column, type Sorting } from "../../components/DataTable";
import { Icon } from "../../components/icons";
import { Page } from "../../components/Page";
import { Empty, Loading, Problem } from "../../components/Problem";
import { Stale } from "../../components/Stale";
import { State } from "../../components/State";
import type { Cluster } from "../../generated/api";
import { hasWord, useWords } from "../../i18n";
import { useLanguage } from "../../settings";
import { clusterState, clusterType } from "../../states";
import { ageOf } from "../../time";
import { retryTime, withoutRetry } from "./messages";

const ProgressDialog = lazy(() => import("./ProgressDialog"));

/** Everything that a person may type to find a cluster, in one lower-case text. */
export function searchText(cluster: Cluster): string {
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

const GOING_ON = new Set(["Creating", "Updating", "Pending", "Failed", "Deleting", "Importing", "Registering"]);

export function ClustersPage() {
  const t = useWords();
  const language = useLanguage();
  const navigate = useNavigate();
  const live = useLive(clusters);
  const [search, setSearch] = useSearchParams();
  const [typed, setTyped] = useState(search.get("q") ?? "");
  const filter = useDeferredValue(typed.trim().toLowerCase());
  const type = search.get("type") ?? "";
  const progressOf = search.get("progress");
  const minute = useClock(true, 30_000);

  const set = useCallback(
    (changes: Record<string, string>) => {
      setSearch(
        (before) => {
          const next = new URLSearchParams(before);
          for (const [key, value] of Object.entries(changes)) {
            if (value) next.set(key, value);
            else next.delete(key);
          }
          return next;
        },
        { replace: true },
      );
    },
    [setSearch],
  );

  const prepared = useMemo(
    () => [...(live.items?.values() ?? [])].map((cluster) => ({ cluster, text: searchText(cluster) })),
    [live.items],
  );
  const rows = useMemo(() => {
    const words = filter.split(/\s+/).filter(Boolean);
    return prepared
      .filter(({ cluster, text }) => (!type || clusterType(cluster) === type) && words.every((word) => text.includes(word)))
      .map(({ cluster }) => cluster);
  }, [prepared, filter, type]);

  const sorting: Sorting = { key: search.get("sort") ?? "name", down: search.get("down") === "1" };
  const columns = useMemo<readonly Column<Cluster>[]>(
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
        render: (cluster) => <StateCell cluster={cluster} language={language} />,
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

  const open = progressOf ? live.items?.get(progressOf) : undefined;
  const create = (
    <Button type="primary" icon={<Icon name="plus" />} onClick={() => void navigate("/clusters/new")}>
      {t("clusters.create")}
    </Button>
  );
  const connect = (
    <Button icon={<Icon name="link" />} onClick={() => void navigate("/clusters/new?way=connect")}>
      {t("clusters.connect")}
    </Button>
  );
  const actions = (
    <>
      {connect}
      {create}
    </>
  );

  // Who may not see all clusters may still belong to projects.
  const yours = live.error?.kind === "forbidden" && <Link to="/projects">{t("clusters.yours")}</Link>;
  if (!live.items) {
    return (
      <Page title={t("nav.clusters")} lead={t("clusters.lead")}>
        {live.error ? <Problem error={live.error} again={live.again} action={yours} /> : <Loading />}
      </Page>
    );
  }
  return (
    <Page title={t("nav.clusters")} lead={t("clusters.lead")} actions={actions}>
      <Stale live={live} />
      {live.items.size === 0 ? (
        <Empty title={t("clusters.emptyTitle")} action={actions}>
          {t("clusters.emptyText")}
        </Empty>
      ) : (
        <>
          <div className="toolbar">
            <Input
              allowClear
              prefix={<Icon name="search" />}
              placeholder={t("clusters.filter")}
              aria-label={t("clusters.filter")}
              value={typed}
              onChange={(event) => setTyped(event.target.value)}
              onBlur={() => set({ q: typed })}
            />
            <Select
              aria-label={t("clusters.type")}
              value={type}
              style={{ minWidth: 150 }}
              onChange={(value: string) => set({ type: value })}
              options={["", "onPremises", "imported", "registered", "global"].map((value) => ({
                value,
                label: value ? t(`type.${value}.kind`) : t("clusters.allTypes"),
              }))}
            />
            <span className="grow" />
            <span className="quiet" aria-live="polite">
              {t("clusters.count", { count: rows.length, total: live.items.size + live.coming })}
            </span>
          </div>
          {rows.length === 0 && live.coming > 0 ? (
            <Loading />
          ) : rows.length === 0 ? (
            <Empty
              title={t("clusters.nothingFound")}
              action={
                <Button
                  onClick={() => {
                    setTyped("");
                    set({ q: "", type: "" });
                  }}
                >
                  {t("common.clearFilter")}
                </Button>
              }
            />
          ) : (
            <DataTable
              label={t("nav.clusters")}
              rows={rows}
              columns={columns}
              rowKey={(cluster) => `${cluster.metadata.namespace}/${cluster.metadata.name}`}
              sorting={sorting}
              onSort={(next) => set({ sort: next.key, down: next.down ? "1" : "" })}
            />
          )}
        </>
      )}
      {open && (
        <Suspense fallback={null}>
          <ProgressDialog cluster={open} onClose={() => set({ progress: "" })} />
        </Suspense>
      )}
    </Page>
  );
}

function StateCell({ cluster, language }: { cluster: Cluster; language: "en" | "zh" }) {
  const t = useWords();
  const state = clusterState(cluster);
  const message = cluster.status?.message ?? "";
  const at = retryTime(message);
  const key = `${cluster.metadata.namespace}/${cluster.metadata.name}`;
  const explained = hasWord(`stateNote.${state.word}`) ? t(`stateNote.${state.word}`) : "";
  const shown = withoutRetry(message) || explained;
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
            to={`?progress=${encodeURIComponent(key)}`}
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

function clock(time: string, language: "en" | "zh"): string {
  return new Date(time).toLocaleTimeString(language === "zh" ? "zh-CN" : "en-GB");
}
