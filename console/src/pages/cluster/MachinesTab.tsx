/** Machines of a cluster: their state and facts; added, removed, given roles, labels and taints. */
import { Button, Input, Modal, Select } from "antd";
import { lazy, Suspense, useState } from "react";
import { create, machines, merge, remove, secrets } from "../../api/resources";
import { useLive } from "../../api/watch";
import { DataTable, type Column } from "../../components/DataTable";
import { Field } from "../../components/Field";
import { Icon } from "../../components/icons";
import { Empty, Loading, Problem, problemText } from "../../components/Problem";
import { Stale } from "../../components/Stale";
import { State } from "../../components/State";
import { Pairs } from "../../form/controls";
import { fromError, type Finding } from "../../form/findings";
import { documents, emptyForm, emptyMachine, type Form, type MachineRow } from "../../form/model";
import type { Cluster, Machine } from "../../generated/api";
import { useWords } from "../../i18n";
import { machinesOf } from "../../progress";
import { useLanguage } from "../../settings";
import { machineState } from "../../states";
import { memory } from "../../time";
import { nextKey } from "../create/keys";
import { Taints, type Taint } from "../create/Taints";
import { ConditionsTab } from "./ConditionsTab";

const MachineDialog = lazy(() => import("../create/MachineDialog"));

type Open = { readonly kind: "edit" | "remove" | "conditions"; readonly machine: Machine } | { readonly kind: "add"; readonly row: MachineRow };

function formOf(cluster: Cluster): Form {
  return { ...emptyForm(), name: cluster.metadata.name, namespace: cluster.metadata.namespace ?? "default", spec: cluster.spec };
}

export default function MachinesTab({ cluster }: { cluster: Cluster }) {
  const t = useWords();
  const language = useLanguage();
  const live = useLive(machines, cluster.metadata.namespace);
  const [open, setOpen] = useState<Open>();
  const [error, setError] = useState<unknown>();
  const [findings, setFindings] = useState<readonly Finding[]>([]);
  const rows = machinesOf(cluster, live.items?.values() ?? []);
  const add = async (row: MachineRow) => {
    setError(undefined);
    // A Secret's name of its own: the cluster's first one may hold something else.
    const stamp = (row.spec.addresses.ipv4 ?? row.spec.addresses.ipv6 ?? "").replace(/[^0-9a-f]+/gi, "-");
    const made = documents({ ...formOf(cluster), machines: [row] });
    const machine = made.machines[0];
    if (!machine) return;
    const rename = (name: string) => `${name}-${stamp}`.slice(0, 63);
    try {
      for (const one of made.secrets) {
        await create(secrets, { ...one, metadata: { ...one.metadata, name: rename(one.metadata.name) } });
      }
      const { ssh } = machine.spec;
      const fresh = new Set(made.secrets.map((one) => one.metadata.name));
      const named = (reference: { name: string }) => (fresh.has(reference.name) ? { name: rename(reference.name) } : reference);
      const proxy = ssh.proxy?.credential ? { ...ssh.proxy, credential: named(ssh.proxy.credential) } : ssh.proxy;
      const spec = { ...machine.spec, ssh: { ...ssh, credential: named(ssh.credential), ...(proxy ? { proxy } : {}) } };
      await create(machines, { ...machine, spec });
      setOpen(undefined);
    } catch (refused) {
      const { namespace } = cluster.metadata;
      for (const one of made.secrets) await remove(secrets, { namespace, name: rename(one.metadata.name) }).catch(() => undefined);
      setError(refused);
      setFindings(fromError(refused, { kind: "Machine", name: machine.metadata.name }));
    }
  };
  const columns: readonly Column<Machine>[] = [
    {
      key: "name",
      title: t("machines.name"),
      width: "22%",
      value: (one) => one.metadata.name,
      render: (one) => (
        <span className="two">
          <span className="name-link">{one.spec.displayName || one.metadata.name}</span>
          <span className="second mono">{[one.spec.addresses.ipv4, one.spec.addresses.ipv6].filter(Boolean).join(" ")}</span>
        </span>
      ),
    },
    {
      key: "state",
      title: t("clusters.state"),
      width: "26%",
      value: (one) => machineState(one).word,
      render: (one) => (
        <span className="two">
          <button type="button" className="link-button plain-link" onClick={() => setOpen({ kind: "conditions", machine: one })}>
            <State state={machineState(one)} />
          </button>
          {one.status?.message && (
            <span className="second" lang="en" title={one.status.message}>
              {one.status.message}
            </span>
          )}
        </span>
      ),
    },
    {
      key: "role",
      title: t("machines.role"),
      width: "19%",
      value: (one) => one.spec.role,
      render: (one) => (
        <span className="two">
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
        </span>
      ),
    },
    {
      key: "facts",
      title: t("machines.facts"),
      wide: true,
      render: (one) => {
        const facts = one.status?.facts;
        if (!facts) return <span className="quiet">—</span>;
        return (
          <span className="two">
            <span>{facts.operatingSystem ?? facts.hostname}</span>
            <span className="second">
              {[facts.architecture, facts.cpus && t("machine.cpus", { count: facts.cpus }), facts.memoryMiB && memory(facts.memoryMiB, language)]
                .filter(Boolean)
                .join(" · ")}
            </span>
          </span>
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
          <button type="button" className="icon-button" aria-label={t("machines.edit", { name: one.metadata.name })} onClick={() => setOpen({ kind: "edit", machine: one })}>
            <Icon name="edit" />
          </button>
          <button
            type="button"
            className="icon-button"
            aria-label={t("machines.remove", { name: one.metadata.name })}
            disabled={one.metadata.deletionTimestamp !== undefined}
            onClick={() => setOpen({ kind: "remove", machine: one })}
          >
            <Icon name="trash" />
          </button>
        </span>
      ),
    },
  ];
  if (!live.items) return live.error ? <Problem error={live.error} again={live.again} /> : <Loading />;
  return (
    <>
      <Stale live={live} />
      <div className="toolbar">
        <span className="quiet">{t("machines.count", { count: rows.length })}</span>
        <span className="grow" />
        <Button type="primary" icon={<Icon name="plus" />} onClick={() => setOpen({ kind: "add", row: emptyMachine(nextKey(), "Worker") })}>
          {t("machines.add")}
        </Button>
      </div>
      {error !== undefined && (
        <p className="field-error" role="alert">
          {problemText(error, t)}
        </p>
      )}
      {rows.length === 0 ? (
        <Empty title={t("machines.empty")} />
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
            onDone={(row) => void add(row)}
          />
        )}
      </Suspense>
      {open?.kind === "edit" && <EditDialog machine={open.machine} onClose={() => setOpen(undefined)} />}
      {open?.kind === "remove" && <RemoveDialog machine={open.machine} onClose={() => setOpen(undefined)} />}
      {open?.kind === "conditions" && (
        <Modal open width={860} title={open.machine.metadata.name} footer={null} onCancel={() => setOpen(undefined)}>
          <ConditionsTab cluster={live.items.get(`${open.machine.metadata.namespace}/${open.machine.metadata.name}`) as never ?? open.machine} />
        </Modal>
      )}
    </>
  );
}

/** What can be changed of a machine that has joined. */
function EditDialog({ machine, onClose }: { machine: Machine; onClose: () => void }) {
  const t = useWords();
  const [displayName, setDisplayName] = useState(machine.spec.displayName ?? "");
  const [roles, setRoles] = useState(machine.spec.roles ?? []);
  const [labels, setLabels] = useState<Record<string, string> | undefined>(machine.spec.labels);
  const [taints, setTaints] = useState<readonly Taint[] | undefined>(machine.spec.taints);
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const save = async () => {
    setBusy(true);
    setError(undefined);
    // A merge patch takes a key away only when it is null.
    const gone = Object.fromEntries(
      Object.keys(machine.spec.labels ?? {})
        .filter((key) => !(key in (labels ?? {})))
        .map((key) => [key, null]),
    );
    const { namespace, name } = machine.metadata;
    const spec = {
      displayName: displayName || null,
      ...(machine.spec.role === "Worker" ? { roles: roles.length > 0 ? roles : null } : {}),
      labels: labels || Object.keys(gone).length > 0 ? { ...gone, ...labels } : null,
      taints: taints && taints.length > 0 ? taints : null,
    };
    try {
      await merge(machines, { namespace, name }, { spec });
      onClose();
    } catch (refused) {
      setError(refused);
      setBusy(false);
    }
  };
  return (
    <Modal
      open
      width={680}
      title={t("machines.editTitle", { name: machine.metadata.name })}
      onCancel={onClose}
      onOk={() => void save()}
      okText={t("common.save")}
      cancelText={t("common.cancel")}
      confirmLoading={busy}
    >
      <div className="stack">
        <Field id="e-display" label={t("machine.displayName")}>
          <Input id="e-display" value={displayName} onChange={(event) => setDisplayName(event.target.value)} />
        </Field>
        {machine.spec.role === "Worker" && (
          <Field id="e-roles" label={t("machine.roles")} help={t("machine.roles_help")}>
            <Select id="e-roles" aria-describedby="e-roles-notes" mode="tags" open={false} suffixIcon={null} tokenSeparators={[",", " "]} value={roles} onChange={setRoles} />
          </Field>
        )}
        <Field id="e-labels" label={t("machine.labels")} group>
          <Pairs id="e-labels" value={labels ?? {}} onChange={setLabels} />
        </Field>
        <Field id="e-taints" label={t("machine.taints")} group>
          <Taints value={taints ?? []} onChange={setTaints} />
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

function RemoveDialog({ machine, onClose }: { machine: Machine; onClose: () => void }) {
  const t = useWords();
  const [typed, setTyped] = useState("");
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const { namespace, name } = machine.metadata;
  const go = async () => {
    setBusy(true);
    try {
      await remove(machines, { namespace, name });
      onClose();
    } catch (refused) {
      setError(refused);
      setBusy(false);
    }
  };
  return (
    <Modal
      open
      title={t("machines.removeTitle", { name })}
      onCancel={onClose}
      okText={t("machines.removeGo")}
      cancelText={t("common.cancel")}
      okButtonProps={{ danger: true, disabled: typed !== name, loading: busy }}
      onOk={() => void go()}
    >
      <div className="stack">
        <p>{t("machines.removeText")}</p>
        <Field id="r-typed" label={t("delete.type", { name })}>
          <Input id="r-typed" autoComplete="off" value={typed} onChange={(event) => setTyped(event.target.value)} />
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
