import { Button } from "antd";
import { lazy, Suspense, useState } from "react";
import { Link, useNavigate, useParams } from "react-router";
import { clusters, merge } from "../../api/resources";
import { Icon } from "../../components/icons";
import { Page } from "../../components/Page";
import { Loading, Refused } from "../../components/Problem";
import { Stale } from "../../components/Stale";
import { State } from "../../components/State";
import { useAct } from "../../components/useAct";
import { useWords } from "../../i18n";
import { clusterState, clusterType } from "../../states";
import { ConditionsTab } from "./ConditionsTab";
import { DeleteDialog } from "./DeleteDialog";
import { OverviewTab } from "./OverviewTab";
import { PlanCard } from "./PlanCard";
import { useCluster } from "./useCluster";

const MachinesTab = lazy(() => import("./MachinesTab"));
const EventsTab = lazy(() => import("./EventsTab"));
const YamlTab = lazy(() => import("./YamlTab"));
const AccessTab = lazy(() => import("./AccessTab"));
const TerminalTab = lazy(() => import("./TerminalTab"));

const TABS = ["overview", "machines", "conditions", "events", "yaml", "access", "terminal"] as const;
type Tab = (typeof TABS)[number];

export default function ClusterPage() {
  const t = useWords();
  const navigate = useNavigate();
  const { namespace = "", name = "", tab: asked } = useParams();
  const { live, cluster, missing } = useCluster(namespace, name);
  const [deleting, setDeleting] = useState(false);
  const { error, run } = useAct();
  const above = [{ to: "/clusters", text: t("nav.clusters") }];
  if (missing || !cluster) {
    return (
      <Page title={name} above={above}>
        {missing}
      </Page>
    );
  }
  const tab: Tab = TABS.find((one) => one === asked) ?? "overview";
  const type = clusterType(cluster);
  const tabs = TABS.filter((one) => one !== "machines" || type === "onPremises");
  const set = (spec: Record<string, unknown>) => void run(() => merge(clusters, { namespace, name }, { spec }));
  const waiting = cluster.status?.phase === "AwaitingApproval" && cluster.status.planHash;
  return (
    <Page
      title={cluster.spec.displayName || name}
      above={above}
      lead={
        <span className="inline">
          <State state={clusterState(cluster)} />
          <span>{`${namespace}/${name}`}</span>
          <span>{t(`type.${type}.provider`)}</span>
        </span>
      }
      actions={
        type !== "global" && (
          <>
            <Button onClick={() => void navigate(`/clusters/${namespace}/${name}/progress`)} icon={<Icon name="progress" />}>
              {t("progress.see")}
            </Button>
            <Button danger onClick={() => setDeleting(true)} disabled={cluster.metadata.deletionTimestamp !== undefined}>
              {t("cluster.delete")}
            </Button>
          </>
        )
      }
    >
      <Stale live={live} />
      {cluster.spec.paused && (
        <div className="banner banner-warn">
          <Icon name="warning" />
          <span>{t("cluster.paused")}</span>
          <Button size="small" onClick={() => set({ paused: null })}>
            {t("cluster.resume")}
          </Button>
        </div>
      )}
      {waiting && (
        <div className="banner banner-warn">
          <Icon name="warning" />
          <span>{t("cluster.approve", { hash: waiting })}</span>
        </div>
      )}
      {clusterState(cluster).word === "AwaitingAcceptance" && (
        <div className="banner banner-warn">
          <Icon name="warning" />
          <span>{t("cluster.accept")}</span>
          <Button size="small" onClick={() => set({ registered: { accepted: true } })}>
            {t("cluster.acceptGo")}
          </Button>
        </div>
      )}
      <Refused error={error} />
      <nav className="tabs" aria-label={t("cluster.tabs")}>
        {tabs.map((one) => (
          <Link
            key={one}
            to={`/clusters/${namespace}/${name}${one === "overview" ? "" : `/${one}`}`}
            aria-current={one === tab ? "page" : undefined}
          >
            {t(`cluster.tab_${one}`)}
          </Link>
        ))}
      </nav>
      <Suspense fallback={<Loading />}>
        {tab === "overview" && (
          <>
            <PlanCard cluster={cluster} />
            <OverviewTab cluster={cluster} />
          </>
        )}
        {tab === "machines" && <MachinesTab cluster={cluster} />}
        {tab === "conditions" && <ConditionsTab cluster={cluster} />}
        {tab === "events" && <EventsTab cluster={cluster} />}
        {tab === "yaml" && <YamlTab cluster={cluster} />}
        {tab === "access" && <AccessTab cluster={cluster} />}
        {tab === "terminal" && <TerminalTab cluster={cluster} />}
      </Suspense>
      {deleting && <DeleteDialog cluster={cluster} onClose={() => setDeleting(false)} />}
    </Page>
  );
}
