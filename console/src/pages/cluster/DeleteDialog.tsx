import { Button, Input, Modal, Switch } from "antd";
import { useState } from "react";
import { clusters, machines, merge, remove } from "../../api/resources";
import { useLive } from "../../api/watch";
import { Field } from "../../components/Field";
import { problemText } from "../../components/Problem";
import type { Cluster } from "../../generated/api";
import { useWords } from "../../i18n";
import { machinesOf } from "../../progress";
import { clusterType } from "../../states";

const FORCE = "cluster.alauda.io/force-removal";

/** Deletes after the name was typed, and says beforehand what will be undone. */
export function DeleteDialog({ cluster, onClose }: { cluster: Cluster; onClose: () => void }) {
  const t = useWords();
  const { namespace, name } = cluster.metadata;
  const live = useLive(machines, namespace);
  const [typed, setTyped] = useState("");
  const [force, setForce] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const mine = machinesOf(cluster, live.items?.values() ?? []);
  const type = clusterType(cluster);
  const go = async () => {
    setBusy(true);
    setError(undefined);
    try {
      if (force) await merge(clusters, { namespace, name }, { metadata: { annotations: { [FORCE]: "true" } } });
      await remove(clusters, { namespace, name });
      onClose();
    } catch (refused) {
      setError(refused);
      setBusy(false);
    }
  };
  return (
    <Modal
      open
      title={t("delete.title", { name })}
      onCancel={onClose}
      footer={
        <div className="dialog-buttons">
          <span className="grow" />
          <Button onClick={onClose}>{t("common.cancel")}</Button>
          <Button danger type="primary" disabled={typed !== name} loading={busy} onClick={() => void go()}>
            {t("cluster.delete")}
          </Button>
        </div>
      }
    >
      <div className="stack">
        <p>{t(`delete.${type === "onPremises" ? "onPremises" : "attached"}`, { count: mine.length })}</p>
        {mine.length > 0 && (
          <ul className="tags">
            {mine.map((machine) => (
              <li className="tag" key={machine.metadata.name}>
                {machine.spec.addresses.ipv4 ?? machine.spec.addresses.ipv6 ?? machine.metadata.name}
              </li>
            ))}
          </ul>
        )}
        {type === "onPremises" && (
          <Field id="force" label={t("delete.force")} help={t("delete.forceHelp")}>
            <span>
              <Switch id="force" aria-describedby="force-notes" checked={force} onChange={setForce} />
            </span>
          </Field>
        )}
        <Field id="typed" label={t("delete.type", { name })}>
          <Input id="typed" autoComplete="off" value={typed} onChange={(event) => setTyped(event.target.value)} />
        </Field>
        {error !== undefined && (
          <p className="field-error" role="alert">
            {problemText(error, t)}
          </p>
        )}
      </div>
    </Modal>
  );
}
