/** Deletes after the name was typed, and says beforehand what will be undone. */
import { useState } from "react";
import { clusters, machines, merge, remove } from "../../api/resources";
import { useLive } from "../../api/watch";
import { Dialog } from "../../components/Dialog";
import { Toggle } from "../../components/inputs";
import { TypedName } from "../../components/TypedName";
import type { Cluster, Machine } from "../../generated/api";
import { useWords } from "../../i18n";
import { machinesOf } from "../../progress";
import { clusterType } from "../../states";
import { isUntouched, kindCounts } from "../../things";

const FORCE = "cluster.alauda.io/force-removal";

export function DeleteDialog({ cluster, onClose }: { cluster: Cluster; onClose: () => void }) {
  const t = useWords();
  const { namespace, name } = cluster.metadata;
  const live = useLive(machines, namespace);
  const [typed, setTyped] = useState("");
  const [force, setForce] = useState(false);
  const mine = machinesOf(cluster, live.items?.values() ?? []);
  const made = clusterType(cluster) === "onPremises";
  const go = async () => {
    if (force) await merge(clusters, { namespace, name }, { metadata: { annotations: { [FORCE]: "true" } } });
    await remove(clusters, { namespace, name });
  };
  return (
    <Dialog
      width={620}
      title={t("delete.title", { name })}
      onClose={onClose}
      act={{ text: t("cluster.delete"), go, ready: typed === name, danger: true }}
    >
      <p>{t(`delete.${made ? "onPremises" : "attached"}`, { count: mine.length })}</p>
      {mine.length > 0 && (
        <ul className="lines">
          {mine.map((machine) => (
            <li key={machine.metadata.name}>
              <Undone machine={machine} />
            </li>
          ))}
        </ul>
      )}
      {made && (
        <Toggle id="force" label={t("delete.force")} help={t("delete.forceHelp")} checked={force} onChange={setForce} />
      )}
      <TypedName name={name} value={typed} onChange={setTyped} />
    </Dialog>
  );
}

/** What is taken off one machine. */
export function Undone({ machine }: { machine: Machine }) {
  const t = useWords();
  const address = machine.spec.addresses.ipv4 ?? machine.spec.addresses.ipv6 ?? machine.metadata.name;
  const counts = kindCounts(machine).map(([kind, count]) => t(`things.kind_${kind}`, { count }));
  return (
    <>
      <span className="mono">{address}</span>{" "}
      <span className="quiet">
        {isUntouched(machine) ? t("delete.untouched") : counts.length > 0 ? t("delete.undone", { what: counts.join(t("common.comma")) }) : ""}
      </span>
    </>
  );
}
