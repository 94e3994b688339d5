import { useMutation, useQuery } from "@tanstack/react-query";
import { Button, Input } from "antd";
import { useState } from "react";
import { listAudit, verifyAudit, type AuditEvent, type AuditFilter } from "../api/people";
import { TwoLines } from "../components/cells";
import { DataTable, type Column } from "../components/DataTable";
import { Icon } from "../components/icons";
import { Page } from "../components/Page";
import { Empty, Loading, Problem, problemText } from "../components/Problem";
import { Dot } from "../components/State";
import { useWords } from "../i18n";
import { useLanguage } from "../settings";
import { moment } from "../time";

export default function AuditPage() {
  const t = useWords();
  const language = useLanguage();
  const [filter, setFilter] = useState<AuditFilter>({ user: "", verb: "", cluster: "" });
  const [typed, setTyped] = useState(filter);
  const found = useQuery({ queryKey: ["audit", filter], queryFn: () => listAudit(filter) });
  const chain = useMutation({ mutationFn: verifyAudit });
  const columns: readonly Column<AuditEvent>[] = [
    { key: "time", title: t("audit.time"), width: "23%", render: (one) => <span className="nowrap">{moment(one.stageTimestamp, language)}</span> },
    {
      key: "user",
      title: t("audit.user"),
      width: "18%",
      render: (one) => (
        <TwoLines second={one.sourceIPs?.join(", ")}>
          <span className="mono">{one.user.username || t("audit.nobody")}</span>
        </TwoLines>
      ),
    },
    { key: "verb", title: t("audit.verb"), width: "10%", render: (one) => one.verb },
    {
      key: "what",
      title: t("audit.what"),
      render: (one) => (
        <TwoLines title={one.requestURI} second={one.requestURI} mono>
          <span>{[one.objectRef?.resource, one.objectRef?.namespace, one.objectRef?.name].filter(Boolean).join(" / ") || "—"}</span>
        </TwoLines>
      ),
    },
    {
      key: "code",
      title: t("audit.answer"),
      width: "9%",
      align: "end",
      render: (one) => {
        const code = one.responseStatus?.code;
        return (
          <span className="state" title={one.responseStatus?.message}>
            <Dot tone={code === undefined ? "idle" : code < 400 ? "ok" : code < 500 ? "warn" : "bad"} />
            {code ?? "—"}
          </span>
        );
      },
    },
  ];
  return (
    <Page
      title={t("nav.audit")}
      lead={t("audit.lead")}
      actions={
        <Button loading={chain.isPending} onClick={() => chain.mutate()}>
          {t("audit.verify")}
        </Button>
      }
    >
      {chain.data && (
        <div className={chain.data.whole ? "banner" : "banner banner-bad"} role="status">
          <Icon name={chain.data.whole ? "check" : "warning"} />
          <span>
            {chain.data.whole
              ? t("audit.whole", { count: chain.data.events })
              : t("audit.broken", { file: chain.data.broken?.file, line: chain.data.broken?.line, why: chain.data.broken?.why })}
          </span>
        </div>
      )}
      {chain.error && <p className="field-error">{problemText(chain.error, t)}</p>}
      <form
        className="toolbar"
        onSubmit={(event) => {
          event.preventDefault();
          setFilter(typed);
        }}
      >
        {(["user", "verb", "cluster"] as const).map((key) => (
          <Input
            key={key}
            aria-label={t(`audit.filter_${key}`)}
            placeholder={t(`audit.filter_${key}`)}
            style={{ width: 200 }}
            value={typed[key]}
            onChange={(event) => setTyped({ ...typed, [key]: event.target.value.trim() })}
          />
        ))}
        <Button htmlType="submit" icon={<Icon name="search" />}>
          {t("audit.search")}
        </Button>
        <Button onClick={() => void found.refetch()} icon={<Icon name="retry" />} loading={found.isFetching}>
          {t("audit.refresh")}
        </Button>
      </form>
      {found.isPending && <Loading />}
      {found.error && <Problem error={found.error} again={() => void found.refetch()} />}
      {found.data?.length === 0 && <Empty title={t("audit.none")} />}
      {found.data && found.data.length > 0 && (
        <DataTable label={t("nav.audit")} rows={found.data} columns={columns} rowKey={(one) => `${one.auditID}${one.stageTimestamp}${one.verb}`} />
      )}
    </Page>
  );
}
