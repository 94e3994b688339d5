/** The plan that waits: every change on every machine and in the cluster's API, to be read before it is approved. */
import { Button } from "antd";
import { merge, clusters, plans } from "../../api/resources";
import { useLive } from "../../api/watch";
import { Card } from "../../components/Card";
import { Code } from "../../components/Copy";
import { Icon } from "../../components/icons";
import { Loading, Refused } from "../../components/Problem";
import { useAct } from "../../components/useAct";
import type { Cluster, Plan } from "../../generated/api";
import { useWords } from "../../i18n";

type Changed = NonNullable<Plan["spec"]["objects"]>[number];

export function PlanCard({ cluster }: { cluster: Cluster }) {
  const t = useWords();
  const { namespace, name } = cluster.metadata;
  const { planName, planHash } = cluster.status ?? {};
  const live = useLive(plans, namespace);
  const { busy, error, run } = useAct();
  if (!planName || !planHash) return null;
  const plan = live.items?.get(`${namespace}/${planName}`);
  const waiting = cluster.status?.phase === "AwaitingApproval";
  const set = (spec: Record<string, unknown>) => void run(() => merge(clusters, { namespace, name }, { spec }));
  const machines = plan?.spec.machines ?? [];
  const objects = plan?.spec.objects ?? [];
  const total = objects.length + machines.reduce((sum, one) => sum + (one.changes ?? []).length, 0);
  return (
    <Card
      title={t("plan.title")}
      aside={
        <>
          <Code>{planHash}</Code>
          <span className="grow" />
          {waiting && (
            <Button type="primary" loading={busy} onClick={() => set({ approvedPlan: planHash })}>
              {t("plan.approve")}
            </Button>
          )}
        </>
      }
    >
      <Refused error={error ?? (live.items ? undefined : live.error)} />
      {!live.items && !live.error && <Loading />}
      {plan && total === 0 && (
        <p className="inline">
          <Icon name="check" /> {t("plan.nothing")}
        </p>
      )}
      {total > 0 && <p>{t("plan.summary", { count: total, machines: machines.length })}</p>}
      {machines.map((one) => (
        <Changes key={one.name} title={one.name} changes={one.changes ?? []} />
      ))}
      {objects.length > 0 && <Changes title={t("plan.objects")} changes={objects} />}
    </Card>
  );
}

function Changes({ title, changes }: { title: string; changes: readonly Changed[] }) {
  const t = useWords();
  return (
    <details className="plan-part">
      <summary>
        {title} <span className="quiet">· {t("plan.changes", { count: changes.length })}</span>
      </summary>
      <ol className="plan-changes">
        {changes.map((one) => (
          <li key={one.thing}>
            <span className="tag">{t(`plan.action_${one.action}`)}</span> <code>{one.thing}</code>{" "}
            <span className="quiet" lang="en">
              {one.summary}
            </span>
          </li>
        ))}
      </ol>
    </details>
  );
}
