import type { ReactNode } from "react";
import { Link } from "react-router";
import { Code } from "../../components/Copy";
import { Icon } from "../../components/icons";
import { Reason, useConditionTitle } from "../../components/Progress";
import type { Cluster } from "../../generated/api";
import { useClock } from "../../api/watch";
import { useWords } from "../../i18n";
import { useLanguage } from "../../settings";
import { clusterType, stepState } from "../../states";
import { day, duration, moment } from "../../time";

const SOON_DAYS = 30;

export function OverviewTab({ cluster }: { cluster: Cluster }) {
  const t = useWords();
  const language = useLanguage();
  const now = Math.max(useClock(true, 30_000), Date.now());
  const { status, spec } = cluster;
  const network = spec.onPremises?.network;
  const capacity = status?.capacity;
  const usage = status?.usage;
  const of = (used: unknown, whole: unknown) =>
    whole === undefined ? "—" : used === undefined ? String(whole) : t("overview.usedOf", { used, whole });
  const endpoint = status?.endpoint;
  const facts: readonly (readonly [string, ReactNode])[] = [
    [t("clusters.version"), status?.version ?? spec.version ?? "—"],
    [t("overview.endpoint"), endpoint ? <Code>{endpoint}</Code> : "—"],
    [
      t("clusters.nodes"),
      status?.nodes ? t("clusters.nodesReady", { ready: status.nodes.ready ?? 0, total: status.nodes.total ?? 0 }) : "—",
    ],
    [t("clusters.type"), `${t(`type.${clusterType(cluster)}.kind`)} · ${t(`type.${clusterType(cluster)}.provider`)}`],
    [t("overview.cpu"), of(usage?.cpu, capacity?.cpu)],
    [t("overview.memory"), of(usage?.memory, capacity?.memory)],
    [t("overview.pods"), of(usage?.pods, capacity?.pods)],
    [t("clusters.age"), cluster.metadata.creationTimestamp ? moment(cluster.metadata.creationTimestamp, language) : "—"],
    ...(spec.project ? [[t("form.project"), <Link key="p" to={`/projects/${spec.project}`}>{spec.project}</Link>] as const] : []),
    ...(network
      ? [
          [t("form.network_plugin"), network.plugin ?? "Flannel"] as const,
          [t("form.network_podCIDR"), network.podCIDR ?? "10.16.0.0/16"] as const,
          [t("form.network_serviceCIDR"), network.serviceCIDR ?? "10.112.0.0/12"] as const,
        ]
      : []),
    [t("overview.id"), cluster.metadata.annotations?.["cluster.alauda.io/id"] ?? status?.id ?? "—"],
    ...(status?.uid ? [[t("overview.uid"), <Code key="u">{status.uid}</Code>] as const] : []),
  ];
  return (
    <>
      {status?.message && status.phase !== "Running" && (
        <div className="banner">
          <Icon name="warning" />
          <span className="message" lang="en">
            {status.message}
          </span>
        </div>
      )}
      {status?.warnings?.map((warning) => (
        <div className="banner banner-warn" key={warning}>
          <Icon name="warning" />
          <span lang="en">{warning}</span>
        </div>
      ))}
      <section className="card">
        <div className="card-head">
          <h2>{t("overview.title")}</h2>
        </div>
        <div className="card-body">
          <dl className="facts">
            {facts.map(([label, value]) => (
              <div key={label}>
                <dt>{label}</dt>
                <dd>{value}</dd>
              </div>
            ))}
          </dl>
        </div>
      </section>
      <Health cluster={cluster} />
      {status?.certificates && status.certificates.length > 0 && (
        <section className="card">
          <div className="card-head">
            <h2>{t("overview.certificates")}</h2>
          </div>
          <div className="card-body">
            <dl className="facts">
              {status.certificates.map((one) => {
                const left = (Date.parse(one.expires) - now) / 1000;
                return (
                  <div key={one.name}>
                    <dt className="mono">{one.name}</dt>
                    <dd className={left < SOON_DAYS * 86400 ? "state-warn" : undefined}>
                      {left > 0
                        ? t("overview.expires", { day: day(one.expires, language), left: duration(left, language) })
                        : t("overview.expired", { day: day(one.expires, language) })}
                    </dd>
                  </div>
                );
              })}
            </dl>
          </div>
        </section>
      )}
      {status?.agent && (
        <section className="card">
          <div className="card-head">
            <h2>{t("overview.agent")}</h2>
          </div>
          <div className="card-body">
            <dl className="facts">
              <div>
                <dt>{t("overview.agentState")}</dt>
                <dd>{t(status.agent.connected ? "overview.connected" : "overview.notConnected")}</dd>
              </div>
              <div>
                <dt>{t("clusters.version")}</dt>
                <dd>{status.agent.version ?? "—"}</dd>
              </div>
              <div>
                <dt>{t("overview.lastSeen")}</dt>
                <dd>{status.agent.lastSeen ? moment(status.agent.lastSeen, language) : "—"}</dd>
              </div>
              <div>
                <dt>{t("overview.fingerprint")}</dt>
                <dd>{status.agent.fingerprint ? <Code>{status.agent.fingerprint}</Code> : "—"}</dd>
              </div>
            </dl>
          </div>
        </section>
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
    <section className="card">
      <div className="card-head">
        <h2>{t("overview.health")}</h2>
      </div>
      <div className="card-body">
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
                  <p className="step-detail message" lang="en">
                    {one.message}
                  </p>
                )}
              </li>
            ))}
          </ul>
        )}
      </div>
    </section>
  );
}
