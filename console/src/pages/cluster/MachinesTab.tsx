/** Machines of a cluster: their state, facts and things; added, removed, given roles, labels and taints. */
import { Button } from "antd";
import { lazy, Suspense, useState } from "react";
import { useSearchParams } from "react-router";
import { lookNow } from "../../api/lookNow";
import { create, machines, remove, secrets } from "../../api/resources";
import { useLive } from "../../api/watch";
import { IconButton, TwoLines } from "../../components/cells";
import { DataTable, type Column } from "../../components/DataTable";
import { Icon } from "../../components/icons";
import { Known } from "../../components/Known";
import { Empty, Refused } from "../../components/Problem";
import { State } from "../../components/State";
import { useAct } from "../../components/useAct";
import { fromError, type Finding } from "../../form/findings";
import { documents, emptyForm, emptyMachine, machineName, type Form, type MachineRow } from "../../form/model";
import type { Cluster, Machine } from "../../generated/api";
import { useWords } from "../../i18n";
import { machinesOf } from "../../progress";
import { useLanguage } from "../../settings";
import { machineState } from "../../states";
import { thingsOf } from "../../things";
import { memory } from "../../time";
import { nextKey } from "../create/keys";
import { EditDialog, LookDialog, RemoveDialog } from "./MachineDialogs";

const MachineDialog = lazy(() => import("../create/MachineDialog"));

type Open =
  | { readonly kind: "edit" | "remove"; readonly machine: Machine }
  | { readonly kind: "add"; readonly row: MachineRow };

/** The Secrets, then the Machine; a refusal leaves nothing behind. */
async function createMachine(cluster: Cluster, row: MachineRow): Promise<void> {
  // A Secret's name of its own: the cluster's first one may hold something else.
  const stamp = (row.spec.addresses.ipv4 ?? row.spec.addresses.ipv6 ?? "").replace(/[^0-9a-f]+/gi, "-");
  const made = documents({ ...formOf(cluster), machines: [row] });
  const machine = made.machines[0];
  if (!machine) return;
  const rename = (name: string) => `${name}-${stamp}`.slice(0, 63);
  const fresh = new Set(made.secrets.map((one) => one.metadata.name));
  const named = (reference: { name: string }) => (fresh.has(reference.name) ? { name: rename(reference.name) } : reference);
  const { ssh } = machine.spec;
  const proxy = ssh.proxy?.credential ? { ...ssh.proxy, credential: named(ssh.proxy.credential) } : ssh.proxy;
  const spec = { ...machine.spec, ssh: { ...ssh, credential: named(ssh.credential), ...(proxy ? { proxy } : {}) } };
  const there: string[] = [];
  try {
    for (const one of made.secrets) {
      const name = rename(one.metadata.name);
      await create(secrets, { ...one, metadata: { ...one.metadata, name } });
      there.push(name);
    }
    await create(machines, { ...machine, spec });
  } catch (refused) {
    const { namespace } = cluster.metadata;
    for (const name of there) await remove(secrets, { namespace, name }).catch(() => undefined);
    throw refused;
  }
}

function formOf(cluster: Cluster): Form {
  return { ...emptyForm(), name: cluster.metadata.name, namespace: cluster.metadata.namespace ?? "default", spec: cluster.spec };
}

export default function MachinesTab({ cluster }: { cluster: Cluster }) {
  const t = useWords();
  const language = useLanguage();
  const live = useLive(machines, cluster.metadata.namespace);
  const act = useAct();
  const [open, setOpen] = useState<Open>();
  const [search, setSearch] = useSearchParams();
  const [findings, setFindings] = useState<readonly Finding[]>([]);
  const rows = machinesOf(cluster, live.items?.values() ?? []);
  const looked = rows.find((one) => one.metadata.name === search.get("machine"));
  const look = (name: string) => setSearch(name ? { machine: name } : {}, { replace: true });
  const add = async (row: MachineRow) => {
    try {
      await createMachine(cluster, row);
    } catch (refused) {
      setFindings(fromError(refused, { kind: "Machine", name: machineName(row, cluster.metadata.name) }));
      throw refused;
    }
  };
  const columns: readonly Column<Machine>[] = [
    {
      key: "name",
      title: t("machines.name"),
      width: "18%",
      value: (one) => one.metadata.name,
      render: (one) => (
        <TwoLines second={[one.spec.addresses.ipv4, one.spec.addresses.ipv6].filter(Boolean).join(" ")} mono>
          <button type="button" className="link-button name-link start" onClick={() => look(one.metadata.name)}>
            {one.spec.displayName || one.metadata.name}
          </button>
        </TwoLines>
      ),
    },
    {
      key: "state",
      title: t("clusters.state"),
      width: "19%",
      value: (one) => machineState(one).word,
      render: (one) => (
        <TwoLines second={one.status?.message} told={one.status?.message}>
          <button type="button" className="link-button plain-link" onClick={() => look(one.metadata.name)}>
            <State state={machineState(one)} />
          </button>
        </TwoLines>
      ),
    },
    {
      key: "role",
      title: t("machines.role"),
      width: "15%",
      value: (one) => one.spec.role,
      render: (one) => (
        <TwoLines>
          <span>{t(`role.${one.spec.role}`)}</span>
          <span className="tags">
            {(one.spec.roles ?? []).map((role) => (
              <span className="tag" key={role}>
                {role}
              </span>
            ))}
            {(one.spec.taints ?? []).length > 0 && (
              <span className="tag">{t("machines.taints", { count: (one.spec.taints ?? []).length })}</span>
            )}
          </span>
        </TwoLines>
      ),
    },
    {
      key: "things",
      title: t("things.title"),
      width: "14%",
      render: (one) => <ThingsCell machine={one} onLook={() => look(one.metadata.name)} />,
    },
    {
      key: "facts",
      title: t("machines.facts"),
      wide: true,
      render: (one) => {
        const facts = one.status?.facts;
        if (!facts) return <span className="quiet">—</span>;
        const sizes = [
          facts.architecture,
          facts.cpus && t("machine.cpus", { count: facts.cpus }),
          facts.memoryMiB && memory(facts.memoryMiB, language),
        ];
        return (
          <TwoLines second={sizes.filter(Boolean).join(" · ")}>
            <span>{facts.operatingSystem ?? facts.hostname}</span>
          </TwoLines>
        );
      },
    },
    {
      key: "actions",
      title: "",
      width: "84px",
      align: "end",
      render: (one) => (
        <span className="row-actions">
          <IconButton icon="edit" label={t("machines.edit", { name: one.metadata.name })} onClick={() => setOpen({ kind: "edit", machine: one })} />
          <IconButton icon="trash" label={t("machines.remove", { name: one.metadata.name })} disabled={one.metadata.deletionTimestamp !== undefined} onClick={() => setOpen({ kind: "remove", machine: one })} />
        </span>
      ),
    },
  ];
  const adding = (
    <Button type="primary" icon={<Icon name="plus" />} onClick={() => setOpen({ kind: "add", row: emptyMachine(nextKey(), "Worker") })}>
      {t("machines.add")}
    </Button>
  );
  return (
    <Known live={live}>
      {() => (
        <>
          <div className="toolbar">
            <span className="quiet">{t("machines.count", { count: rows.length })}</span>
            <span className="grow" />
            {rows.length > 0 && (
              <Button icon={<Icon name="retry" />} loading={act.busy} onClick={() => void act.run(() => lookNow(cluster))}>
                {t("machines.lookNow")}
              </Button>
            )}
            {adding}
          </div>
          <Refused error={act.error} />
          {rows.length === 0 ? (
            <Empty title={t("machines.empty")} action={adding} />
          ) : (
            <DataTable label={t("cluster.tab_machines")} rows={rows} columns={columns} rowKey={(one) => one.metadata.name} />
          )}
          <Suspense fallback={null}>
            {open?.kind === "add" && (
              <MachineDialog
                form={formOf(cluster)}
                row={open.row}
                fresh
                adding
                findings={findings}
                onClose={() => setOpen(undefined)}
                onDone={add}
              />
            )}
          </Suspense>
          {open?.kind === "edit" && <EditDialog machine={open.machine} onClose={() => setOpen(undefined)} />}
          {open?.kind === "remove" && <RemoveDialog machine={open.machine} onClose={() => setOpen(undefined)} />}
          {looked && <LookDialog machine={looked} onClose={() => look("")} />}
        </>
      )}
    </Known>
  );
}

/** How many things, and whether each is as roost left it. */
function ThingsCell({ machine, onLook }: { machine: Machine; onLook: () => void }) {
  const t = useWords();
  const all = thingsOf(machine);
  if (all.length === 0) return <span className="quiet">—</span>;
  const differing = all.filter((one) => one.difference).length;
  return (
    <button type="button" className="link-button plain-link" onClick={onLook}>
      {differing > 0 ? (
        <span className="state-warn">{t("things.differing", { count: differing })}</span>
      ) : (
        t("things.asWished", { count: all.length })
      )}
    </button>
  );
}
