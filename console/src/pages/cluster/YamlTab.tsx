import { Button } from "antd";
import { useEffect, useState } from "react";
import { parse, stringify } from "yaml";
import { clusters, replace } from "../../api/resources";
import { Copy } from "../../components/Copy";
import { problemText } from "../../components/Problem";
import YamlEditor from "../../components/YamlEditor";
import type { Cluster } from "../../generated/api";
import { useWords } from "../../i18n";

function shown(cluster: Cluster): string {
  const { managedFields: _, ...metadata } = cluster.metadata;
  return stringify({ ...cluster, metadata }, { lineWidth: 0, indentSeq: false });
}

/** Shows the object as it is, and saves what is changed: a PUT with the version that was read, so nothing is lost. */
export default function YamlTab({ cluster }: { cluster: Cluster }) {
  const t = useWords();
  const [text, setText] = useState(() => shown(cluster));
  const [changed, setChanged] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const [saved, setSaved] = useState(false);
  useEffect(() => {
    if (!changed) setText(shown(cluster));
  }, [cluster, changed]);
  const save = async () => {
    setBusy(true);
    setError(undefined);
    try {
      await replace(clusters, parse(text) as Cluster);
      setChanged(false);
      setSaved(true);
    } catch (refused) {
      setError(refused);
    } finally {
      setBusy(false);
    }
  };
  return (
    <section className="card yaml-card">
      <div className="yaml-pane-head">
        <span className="quiet small">{t(changed ? "yaml.changed" : "yaml.live")}</span>
        <span className="grow" />
        {saved && !changed && <span role="status">{t("common.saved")}</span>}
        <Copy text={text} />
        <Button size="small" disabled={!changed} onClick={() => setChanged(false)}>
          {t("yaml.discard")}
        </Button>
        <Button size="small" type="primary" disabled={!changed} loading={busy} onClick={() => void save()}>
          {t("common.save")}
        </Button>
      </div>
      {error !== undefined && (
        <p className="yaml-problem field-error" role="alert">
          {problemText(error, t)}
        </p>
      )}
      <YamlEditor
        className="yaml-editor fixed"
        value={text}
        label={t("yaml.editor")}
        onChange={(next) => {
          setText(next);
          setChanged(true);
          setSaved(false);
        }}
      />
    </section>
  );
}
