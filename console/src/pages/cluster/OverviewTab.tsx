import { Link } from "react-router";
import { Card, expiry, Facts, type Fact } from "../../components/Card";
import { Code } from "../../components/Copy";
import { Icon } from "../../components/icons";
import { Reason, useConditionTitle } from "../../components/Progress";
import { Told } from "../../components/Told";
import { Warnings } from "../../components/Warnings";
import type { Cluster } from "../../generated/api";
import { useClock } from "../../api/watch";
import { useWords } from "../../i18n";
import { useLanguage } from "../../settings";
import { clusterType, stepState } from "../../states";
import { mebibytes, moment } from "../../time";

export function OverviewTab({ cluster }: { cluster: Cluster }) {
  const t = useWords();
  const language = useLanguage();
  const now = Math.max(useClock(true, 30_000), Date.now());
  const { status, spec } = cluster;
  const network = spec.onPremises?.network;
  const capacity = status?.capacity;
  const usage = status?.usage;
  // A cluster without nodes has no room to tell of.
  const of = (used: string | number | undefined, whole: string | number | undefined) =>
    whole === undefined || Number.parseFloat(String(whole)) === 0 ? undefined : used === undefined ? String(whole) : t("overview.usedOf", { used, whole });
  const endpoint = status?.endpoint;
  const type = clusterType(cluster);
  const facts: readonly Fact[] = [
    { label: t("clusters.version"), value: status?.version ?? spec.version },
    { label: t("overview.endpoint"), value: endpoint && <Code>{endpoint}</Code> },
    {
      label: t("clusters.nodes"),
      value: status?.nodes && t("clusters.nodesReady", { ready: status.nodes.ready ?? 0, total: status.nodes.total ?? 0 }),
    },
    { label: t("clusters.type"), value: `${t(`type.${type}.kind`)} · ${t(`type.${type}.provider`)}` },
    { label: t("overview.cpu"), value: of(usage?.cpu, capacity?.cpu) },
    { label: t("overview.memory"), value: of(mebibytes(usage?.memory, language), mebibytes(capacity?.memory, language)) },
    { label: t("overview.pods"), value: of(usage?.pods, capacity?.pods) },
    { label: t("users.created"), value: cluster.metadata.creationTimestamp && moment(cluster.metadata.creationTimestamp, language) },
    ...(spec.project ? [{ label: t("form.project"), value: <Link to={`/projects/${spec.project}`}>{spec.project}</Link> }] : []),
    ...(network
      ? [
          { label: t("form.network_plugin"), value: network.plugin ?? "Flannel" },
          { label: t("form.network_podCIDR"), value: network.podCIDR ?? "10.16.0.0/16" },
          { label: t("form.network_serviceCIDR"), value: network.serviceCIDR ?? "10.112.0.0/12" },
        ]
      : []),
    { label: t("overview.id"), value: cluster.metadata.annotations?.["cluster.alauda.io/id"] ?? status?.id },
    ...(status?.uid ? [{ label: t("overview.uid"), value: <Code>{status.uid}</Code> }] : []),
  ];
  return (
    <>
      {status?.message && status.phase !== "Running" && (
        <div className="banner">
          <Icon name="warning" />
          <Told message={status.message} />
        </div>
      )}
      <Card title={t("overview.title")}>
        <Facts facts={facts} />
      </Card>
      <Health cluster={cluster} />
      {/* Known since the creation and true of many a healthy cluster: not what one comes for. */}
      <Warnings of={(status?.warnings ?? []).map((one) => ({ key: one, said: <Told message={one} className="" /> }))} />
      {status?.certificates && status.certificates.length > 0 && (
        <Card title={t("overview.certificates")}>
          <Facts facts={status.certificates.map((one) => expiry(one.name, one.expires, now, t, language))} />
        </Card>
      )}
      {status?.agent && (
        <Card title={t("overview.agent")}>
          <Facts
            facts={[
              { label: t("overview.agentState"), value: t(status.agent.connected ? "overview.connected" : "overview.notConnected") },
              { label: t("clusters.version"), value: status.agent.version },
              { label: t("overview.lastSeen"), value: status.agent.lastSeen && moment(status.agent.lastSeen, language) },
              { label: t("overview.fingerprint"), value: status.agent.fingerprint && <Code>{status.agent.fingerprint}</Code> },
            ]}
          />
        </Card>
      )}
    </>
  );
}

/** Conditions that are not as they should be, or that all are well. */
function Health({ cluster }: { cluster: Cluster }) {
  const t = useWords();
  const title = useConditionTitle();
  const wrong = (cluster.status?.conditions ?? []).filter((one) => stepState(one.status, one.reason) === "failed");
  return (
    <Card title={t("overview.health")}>
      {wrong.length === 0 ? (
        <p className="quiet">{t("overview.nothingWrong")}</p>
      ) : (
        <ul className="steps">
          {wrong.map((one) => (
            <li className="step step-failed" key={one.type}>
              <span className="step-mark">
                <Icon name="cross" size={15} />
              </span>
              <span className="step-name">{title(one.type)}</span>
              <Reason reason={one.reason} message={one.message ?? ""} />
              {one.message && (
                <p className="step-detail">
                  <Told message={one.message} />
                </p>
              )}
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}
