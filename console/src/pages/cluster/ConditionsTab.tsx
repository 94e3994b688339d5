import type { Condition } from "../../api/objects";
import { useClock } from "../../api/watch";
import { TwoLines } from "../../components/cells";
import { Copy } from "../../components/Copy";
import { DataTable, type Column } from "../../components/DataTable";
import { Reason } from "../../components/Progress";
import { Empty } from "../../components/Problem";
import { Dot } from "../../components/State";
import { Told } from "../../components/Told";
import type { Cluster } from "../../generated/api";
import { useModelWords, useSaid, useWords } from "../../i18n";
import { useLanguage } from "../../settings";
import { stepState, STEP_TONE } from "../../states";
import { ageOf, moment } from "../../time";

export function ConditionsTab({ cluster }: { cluster: Pick<Cluster, "status"> }) {
  return <ConditionsTable conditions={(cluster.status?.conditions ?? [])} />;
}

export function ConditionsTable({ conditions }: { conditions: readonly Condition[] }) {
  const t = useWords();
  const language = useLanguage();
  const words = useModelWords();
  const said = useSaid();
  const now = Math.max(useClock(true, 10_000), Date.now());
  const columns: readonly Column<Condition>[] = [
    {
      key: "type",
      title: t("conditions.type"),
      width: "27%",
      render: (one) => (
        <TwoLines title={words.conditions[one.type]?.[1]} second={one.type} mono>
          <span>{words.conditions[one.type]?.[0] ?? one.type}</span>
        </TwoLines>
      ),
    },
    {
      key: "status",
      title: t("conditions.status"),
      width: "13%",
      render: (one) => {
        const state = stepState(one.status, one.reason);
        return (
          <span className={`state state-${STEP_TONE[state]}`}>
            <Dot tone={STEP_TONE[state]} />
            {t(`step.${state}`)}
          </span>
        );
      },
    },
    { key: "reason", title: t("conditions.reason"), width: "18%", render: (one) => <Reason reason={one.reason} /> },
    {
      key: "message",
      title: t("conditions.message"),
      render: (one) => (
        <span className="inline">
          <Told message={one.message} />
          {one.message && <Copy text={said(one.message)} label={t("progress.copyMessage")} />}
        </span>
      ),
    },
    {
      key: "since",
      title: t("conditions.since"),
      width: "10%",
      align: "end",
      render: (one) => (
        <span title={moment(one.lastTransitionTime, language)}>{ageOf(one.lastTransitionTime, now, language)}</span>
      ),
    },
  ];
  if (conditions.length === 0) return <Empty title={t("conditions.none")} />;
  return <DataTable label={t("cluster.tab_conditions")} rows={conditions} columns={columns} rowKey={(one) => one.type} />;
}
