import { useMemo } from "react";
import { events, machines } from "../../api/resources";
import type { KubeEvent } from "../../api/objects";
import { useClock, useLive } from "../../api/watch";
import { DataTable, type Column } from "../../components/DataTable";
import { Empty, Loading, Problem } from "../../components/Problem";
import { Stale } from "../../components/Stale";
import { Dot } from "../../components/State";
import { Told } from "../../components/Told";
import type { Cluster } from "../../generated/api";
import { useWords } from "../../i18n";
import { machinesOf } from "../../progress";
import { useLanguage } from "../../settings";
import { ageOf, moment } from "../../time";

function when(event: KubeEvent): string {
  return event.lastTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp ?? "";
}

export default function EventsTab({ cluster }: { cluster: Cluster }) {
  const t = useWords();
  const language = useLanguage();
  const { namespace, name } = cluster.metadata;
  const live = useLive(events, namespace);
  const known = useLive(machines, namespace);
  const now = Math.max(useClock(true, 10_000), Date.now());
  const rows = useMemo(() => {
    const mine = new Set(machinesOf(cluster, known.items?.values() ?? []).map((one) => one.metadata.name));
    return [...(live.items?.values() ?? [])]
      .filter(({ involvedObject: of }) => (of.kind === "Machine" ? mine.has(of.name ?? "") : of.name === name))
      .sort((one, other) => when(other).localeCompare(when(one)));
  }, [live.items, known.items, cluster, name]);
  const columns: readonly Column<KubeEvent>[] = [
    {
      key: "reason",
      title: t("events.reason"),
      width: "22%",
      render: (one) => (
        <span className="state">
          <Dot tone={one.type === "Warning" ? "warn" : "ok"} />
          {one.reason}
          <span className="visually-hidden">{one.type}</span>
        </span>
      ),
    },
    {
      key: "object",
      title: t("events.object"),
      width: "22%",
      render: (one) => <span className="mono">{`${one.involvedObject.kind ?? ""}/${one.involvedObject.name ?? ""}`}</span>,
    },
    {
      key: "message",
      title: t("events.message"),
      render: (one) => <Told message={one.message ?? one.note} />,
    },
    { key: "count", title: t("events.count"), width: "8%", align: "end", render: (one) => one.count ?? 1 },
    {
      key: "age",
      title: t("events.last"),
      width: "11%",
      align: "end",
      render: (one) => <span title={when(one) && moment(when(one), language)}>{ageOf(when(one), now, language)}</span>,
    },
  ];
  if (!live.items) return live.error ? <Problem error={live.error} again={live.again} /> : <Loading />;
  return (
    <>
      <Stale live={live} />
      {rows.length === 0 ? (
        <Empty title={t("events.none")}>{t("events.noneText")}</Empty>
      ) : (
        <DataTable label={t("cluster.tab_events")} rows={rows} columns={columns} rowKey={(one) => one.metadata.name} />
      )}
    </>
  );
}
