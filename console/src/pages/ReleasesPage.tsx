import { releases } from "../api/resources";
import { useLive } from "../api/watch";
import { Code } from "../components/Copy";
import { DataTable, type Column } from "../components/DataTable";
import { Page } from "../components/Page";
import { Empty, Loading, Problem } from "../components/Problem";
import { Stale } from "../components/Stale";
import type { KubernetesRelease } from "../generated/api";
import { useWords } from "../i18n";

export default function ReleasesPage() {
  const t = useWords();
  const live = useLive(releases);
  const rows = [...(live.items?.values() ?? [])];
  const columns: readonly Column<KubernetesRelease>[] = [
    { key: "version", title: t("clusters.version"), width: "14%", value: (one) => one.spec.version, render: (one) => <span className="name-link">{one.spec.version}</span> },
    { key: "architectures", title: t("releases.architectures"), width: "14%", render: (one) => (one.spec.architectures ?? []).join(", ") || "—" },
    {
      key: "components",
      title: t("releases.components"),
      render: (one) => (
        <span className="tags">
          {(one.spec.components ?? []).map((part) => (
            <span className="tag" key={part.name}>{`${part.name} ${part.version}`}</span>
          ))}
        </span>
      ),
    },
    {
      key: "tested",
      title: t("releases.tested"),
      width: "16%",
      render: (one) => {
        const tested = one.spec.tested ?? [];
        const passed = tested.filter((story) => story.outcome === "Passed").length;
        return tested.length === 0 ? <span className="quiet">{t("releases.untested")}</span> : t("releases.passed", { passed, total: tested.length });
      },
    },
    {
      key: "digest",
      title: t("releases.digest"),
      width: "20%",
      wide: true,
      render: (one) => (one.spec.digest ? <Code>{one.spec.digest}</Code> : "—"),
    },
  ];
  return (
    <Page title={t("nav.releases")} lead={t("releases.lead")}>
      <Stale live={live} />
      {!live.items && (live.error ? <Problem error={live.error} again={live.again} /> : <Loading />)}
      {live.items && rows.length === 0 && (
        <Empty title={t("releases.emptyTitle")}>
          {t("releases.emptyText")} <Code>roost bundle create 1.31.4</Code>
        </Empty>
      )}
      {rows.length > 0 && (
        <DataTable label={t("nav.releases")} rows={rows} columns={columns} rowKey={(one) => one.metadata.name} sorting={{ key: "version", down: true }} />
      )}
      <p className="quiet below">{t("releases.range")}</p>
    </Page>
  );
}
