/** Dialogs about one machine of a cluster: look at it, change it, remove it. */
import { Select } from "antd";
import { useState } from "react";
import { correctAccess } from "../../api/machineAccess";
import { machines, merge, remove } from "../../api/resources";
import { useLive } from "../../api/watch";
import { Dialog } from "../../components/Dialog";
import { Field } from "../../components/Field";
import { Icon } from "../../components/icons";
import { TextLine, Toggle } from "../../components/inputs";
import { TypedName } from "../../components/TypedName";
import { Pairs } from "../../form/controls";
import { emptyMachine, written, type Auth, type MachineRow } from "../../form/model";
import type { Machine } from "../../generated/api";
import { useWords } from "../../i18n";
import { useLanguage } from "../../settings";
import { kindCounts, thingsOf, type Difference, type ThingKind } from "../../things";
import { moment } from "../../time";
import { AuthRows, PortRow, ProxyRows, TagsRow, TextRow, type SetField } from "../create/machineFields";
import { Taints, type Taint } from "../create/Taints";
import { ConditionsTable } from "./ConditionsTab";
import { Undone } from "./DeleteDialog";

interface Props {
  readonly machine: Machine;
  readonly onClose: () => void;
}

/** What is known of a machine: its conditions, and the things that roost keeps on it. */
export function LookDialog({ machine, onClose }: Props) {
  const t = useWords();
  return (
    <Dialog width={900} title={machine.metadata.name} onClose={onClose}>
      <ConditionsTable conditions={(machine.status?.conditions ?? [])} />
      <h2>{t("things.on")}</h2>
      <Things machine={machine} />
    </Dialog>
  );
}

function Things({ machine }: { machine: Machine }) {
  const t = useWords();
  const language = useLanguage();
  const all = thingsOf(machine);
  const drift = machine.status?.things?.drift;
  if (all.length === 0) return <p className="quiet">{t("things.none")}</p>;
  const differing = all.flatMap((one) => (one.difference ? [one.difference] : []));
  return (
    <>
      {differing.length > 0 ? (
        <div className="note note-warn">
          <p>{t("things.differ", { count: differing.length })}</p>
          <Differences list={differing} />
        </div>
      ) : (
        <p className="inline">
          <Icon name="check" /> {t("things.allAsWished", { count: all.length })}
        </p>
      )}
      {drift?.time && (
        <div className="note">
          <p>{t("things.drifted", { time: moment(drift.time, language) })}</p>
          <Differences list={drift.differences ?? []} />
        </div>
      )}
      {kindCounts(machine).map(([kind, count]) => (
        <OfKind key={kind} machine={machine} kind={kind} count={count} />
      ))}
    </>
  );
}

function Differences({ list }: { list: readonly Difference[] }) {
  const t = useWords();
  return (
    <ul>
      {list.map((one) => (
        <li key={one.thing}>
          <code>{one.thing}</code> <span className="quiet">{t(`things.action_${one.action}`)}</span>{" "}
          <span lang="en">{one.summary}</span>
        </li>
      ))}
    </ul>
  );
}

function OfKind({ machine, kind, count }: { machine: Machine; kind: ThingKind; count: number }) {
  const t = useWords();
  return (
    <details>
      <summary>{t(`things.kind_${kind}`, { count })}</summary>
      <ul className="lines">
        {thingsOf(machine)
          .filter((one) => one.kind === kind)
          .map((one) => (
            <li key={one.key} className="mono">
              {one.name}
            </li>
          ))}
      </ul>
    </details>
  );
}

/** What can be changed of a machine that has joined. */
export function EditDialog({ machine, onClose }: Props) {
  const t = useWords();
  const [displayName, setDisplayName] = useState(machine.spec.displayName ?? "");
  const [roles, setRoles] = useState(machine.spec.roles ?? []);
  const [labels, setLabels] = useState<Record<string, string> | undefined>(machine.spec.labels);
  const [taints, setTaints] = useState<readonly Taint[] | undefined>(machine.spec.taints);
  const live = useLive(machines, machine.metadata.namespace);
  // The part of the creation form that says how roost signs in; `undefined`: nothing of it is touched.
  const [row, setRow] = useState<MachineRow>(() => ({ ...emptyMachine(machine.metadata.name, machine.spec.role), spec: machine.spec }));
  const [access, setAccess] = useState(false);
  const [newAuth, setNewAuth] = useState(false);
  const set: SetField = (path, value) => setRow((before) => written(before, path, value));
  const worker = machine.spec.role === "Worker";
  const save = async () => {
    const { namespace, name } = machine.metadata;
    const spec = {
      displayName: displayName || null,
      ...(worker ? { roles: roles.length > 0 ? roles : null } : {}),
      labels: patchOf(machine.spec.labels ?? {}, labels ?? {}),
      taints: taints && taints.length > 0 ? taints : null,
    };
    await merge(machines, { namespace, name }, { spec });
    if (!access) return;
    const auth = newAuth ? row.auth : undefined;
    await correctAccess(machine, { ssh: row.spec.ssh, auth, proxyAuth: row.proxyAuth }, [...(live.items?.values() ?? [])]);
  };
  const proxy = row.spec.ssh.proxy;
  const ready = !access || ((!newAuth || isGiven(row.auth)) && (!proxy || proxy.address !== ""));
  return (
    <Dialog
      width={680}
      holds
      title={t("machines.editTitle", { name: machine.metadata.name })}
      onClose={onClose}
      act={{ text: t("common.save"), go: save, ready }}
    >
      <TextLine id="e-display" label={t("machine.displayName")} value={displayName} onChange={setDisplayName} />
      {worker && (
        <Field id="e-roles" label={t("machine.roles")} help={t("machine.roles_help")}>
          <Select
            id="e-roles"
            aria-describedby="e-roles-notes"
            mode="tags"
            open={false}
            suffix={null}
            tokenSeparators={[",", " "]}
            placeholder="infra, log"
            value={roles}
            onChange={setRoles}
          />
        </Field>
      )}
      <Field id="e-labels" label={t("machine.labels")} group>
        <Pairs id="e-labels" value={labels ?? {}} onChange={setLabels} />
      </Field>
      <Field id="e-taints" label={t("machine.taints")} group>
        <Taints value={taints ?? []} onChange={setTaints} />
      </Field>
      <details onToggle={(event) => setAccess(event.currentTarget.open)}>
        <summary>{t("machines.access")}</summary>
        <div className="form-grid dialog-form">
          <TextRow path="spec.ssh.address" row={row} set={set} errors={[]} placeholder={t("machine.sameAddress")} />
          <PortRow row={row} set={set} />
          <TextRow path="spec.ssh.user" row={row} set={set} errors={[]} placeholder="root" />
          <TagsRow path="spec.ssh.hostKeys" row={row} set={set} errors={[]} placeholder="SHA256:…" />
          <Toggle id="e-auth" label={t("machines.newAuth")} help={t("machines.newAuthHelp", { name: machine.spec.ssh.credential.name })} whole checked={newAuth} onChange={setNewAuth} />
          {newAuth && <AuthRows auth={row.auth} onChange={(auth) => set("auth", auth)} error={undefined} />}
          <ProxyRows row={row} set={set} error={[]} />
        </div>
      </details>
    </Dialog>
  );
}

function isGiven(auth: Auth): boolean {
  if (auth.kind === "password") return auth.password !== "";
  return auth.kind === "key" ? auth.privateKey !== "" : auth.secret !== "";
}

/** A merge patch takes a key away only when it is null. */
function patchOf(before: Readonly<Record<string, string>>, after: Readonly<Record<string, string>>): Record<string, string | null> | null {
  const gone = Object.keys(before).filter((key) => !(key in after));
  const patch = { ...Object.fromEntries(gone.map((key) => [key, null])), ...after };
  return Object.keys(patch).length > 0 ? patch : null;
}

export function RemoveDialog({ machine, onClose }: Props) {
  const t = useWords();
  const [typed, setTyped] = useState("");
  const { namespace, name } = machine.metadata;
  return (
    <Dialog
      width={620}
      title={t("machines.removeTitle", { name })}
      onClose={onClose}
      act={{
        text: t("machines.removeGo"),
        go: () => remove(machines, { namespace, name }),
        ready: typed === name,
        danger: true,
      }}
    >
      <p>{t("machines.removeText")}</p>
      <p>
        <Undone machine={machine} />
      </p>
      <TypedName name={name} value={typed} onChange={setTyped} />
    </Dialog>
  );
}
