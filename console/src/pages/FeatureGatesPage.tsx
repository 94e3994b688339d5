import { Switch } from "antd";
import { useState } from "react";
import { API_VERSION, create, featureGates, merge } from "../api/resources";
import { useLive } from "../api/watch";
import { DataTable, type Column } from "../components/DataTable";
import { Page } from "../components/Page";
import { Loading, Problem, problemText } from "../components/Problem";
import { Stale } from "../components/Stale";
import { hasWord, useWords } from "../i18n";

/** Gates that roost knows; one that nobody has set yet is off. */
const KNOWN = ["cri-docker"];

export default function FeatureGatesPage() {
  const t = useWords();
  const live = useLive(featureGates);
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState("");
  const names = [...new Set([...KNOWN, ...(live.items?.keys() ?? [])])].sort();
  const set = async (name: string, enabled: boolean) => {
    setError(undefined);
    setBusy(name);
    try {
      if (live.items?.has(name)) await merge(featureGates, { name }, { spec: { enabled } });
      else await create(featureGates, { apiVersion: API_VERSION, kind: "FeatureGate", metadata: { name }, spec: { enabled } });
    } catch (refused) {
      setError(refused);
    } finally {
      setBusy("");
    }
  };
  const columns: readonly Column<string>[] = [
    { key: "name", title: t("gates.name"), width: "24%", render: (name) => <span className="mono">{name}</span> },
    { key: "what", title: t("gates.what"), render: (name) => (hasWord(`gates.${name}`) ? t(`gates.${name}`) : "") },
    {
      key: "on",
      title: t("gates.on"),
      width: "16%",
      align: "end",
      render: (name) => (
        <Switch
          aria-label={name}
          loading={busy === name}
          checked={live.items?.get(name)?.spec.enabled === true}
          onChange={(value) => void set(name, value)}
        />
      ),
    },
  ];
  return (
    <Page title={t("nav.gates")} lead={t("gates.lead")}>
      <Stale live={live} />
      {!live.items && (live.error ? <Problem error={live.error} again={live.again} /> : <Loading />)}
      {error !== undefined && (
        <p className="field-error" role="alert">
          {problemText(error, t)}
        </p>
      )}
      {live.items && <DataTable label={t("nav.gates")} rows={names} columns={columns} rowKey={(name) => name} />}
    </Page>
  );
}
