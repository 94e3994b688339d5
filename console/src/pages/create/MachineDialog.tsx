/** One machine: what it is, how roost signs in, and whether that works, tried on the spot. */
import { Button } from "antd";
import { useState } from "react";
import { Dialog } from "../../components/Dialog";
import { Field } from "../../components/Field";
import { Refused } from "../../components/Problem";
import { useAct } from "../../components/useAct";
import { Pairs } from "../../form/controls";
import { at, type Finding } from "../../form/findings";
import { machineName, written, type Form, type MachineRow } from "../../form/model";
import { isIPv4, isIPv6 } from "../../form/network";
import { useWords, type Say } from "../../i18n";
import { AppsRow, AuthRows, ChoiceRow, PortRow, ProxyRows, TagsRow, TextRow, type SetField } from "./machineFields";
import { SshCheck } from "./SshCheck";
import { Taints } from "./Taints";

interface Props {
  readonly form: Form;
  readonly row: MachineRow;
  readonly fresh: boolean;
  /** An existing cluster gets the machine: its bridge networks can be chosen. */
  readonly adding?: boolean;
  readonly findings: readonly Finding[];
  /** A refusal is shown in the dialog. */
  readonly onDone: (row: MachineRow) => unknown;
  readonly onDraft?: ((row: MachineRow) => Promise<void>) | undefined;
  readonly onClose: () => void;
}

/** What is plainly missing, before any server is asked. */
export function gaps(row: MachineRow, family: string, t: Say): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  const { ipv4, ipv6 } = row.spec.addresses;
  if (family !== "IPv6" && !ipv4) found["spec.addresses.ipv4"] = t("machine.needed");
  if (ipv4 && !isIPv4(ipv4)) found["spec.addresses.ipv4"] = t("machine.notIPv4");
  if (family !== "IPv4" && !ipv6) found["spec.addresses.ipv6"] = t("machine.needed");
  if (ipv6 && !isIPv6(ipv6)) found["spec.addresses.ipv6"] = t("machine.notIPv6");
  const { auth } = row;
  if (auth.kind === "password" && !auth.password) found.auth = t("machine.needed");
  if (auth.kind === "key" && !auth.privateKey) found.auth = t("machine.needed");
  if (auth.kind === "existing" && !auth.secret) found.auth = t("machine.needed");
  const proxy = row.spec.ssh.proxy;
  if (proxy && !proxy.address) found["spec.ssh.proxy.address"] = t("machine.needed");
  return found;
}

export default function MachineDialog({ form, row: given, fresh, adding, findings, onDone, onDraft, onClose }: Props) {
  const t = useWords();
  const [row, setRow] = useState(given);
  const [tried, setTried] = useState(!fresh);
  const draft = useAct();
  const family = form.spec.onPremises?.network?.ipFamily ?? "IPv4";
  const missing = gaps(row, family, t);
  const set: SetField = (path, value) => setRow((before) => written(before, path, value));
  const errors = (path: string): readonly string[] => {
    const own = tried && missing[path] ? [missing[path]] : [];
    if (row !== given) return own;
    const name = machineName(given, form.name);
    return [...own, ...at(findings, "Machine", path, name).filter((one) => !one.warning).map((one) => one.text)];
  };
  const done = async () => {
    setTried(true);
    if (Object.keys(missing).length > 0) return "stay";
    await onDone({ ...row, incomplete: false });
    return undefined;
  };
  const control = row.spec.role === "ControlPlane";
  const text = (path: string, placeholder?: string) => (
    <TextRow path={path} row={row} set={set} errors={errors(path)} placeholder={placeholder} />
  );
  return (
    <Dialog
      width={760}
      holds
      title={t(fresh ? "machine.addTitle" : "machine.editTitle")}
      onClose={onClose}
      act={{ text: t(fresh ? "machine.add" : "common.apply"), go: done }}
      aside={
        onDraft && (
          <Button loading={draft.busy} onClick={() => void draft.run(() => onDraft(row))}>
            {t("machine.saveDraft")}
          </Button>
        )
      }
    >
      {given.incomplete && <p className="note note-warn">{t("machine.secretsAgain")}</p>}
      <div className="form-grid dialog-form">
        <ChoiceRow
          path="spec.role"
          value={row.spec.role}
          onChange={(value) => set("spec.role", value)}
          choices={["ControlPlane", "Worker"].map((value) => ({ value, label: t(`role.${value}`) }))}
        />
        {control ? <AppsRow row={row} set={set} /> : text("spec.displayName")}
        {family !== "IPv6" && text("spec.addresses.ipv4", "10.0.0.11")}
        {family !== "IPv4" && text("spec.addresses.ipv6", "fd00::11")}
        {control && text("spec.displayName")}
        {text("spec.ssh.address", t("machine.sameAddress"))}
        <PortRow row={row} set={set} />
        {text("spec.ssh.user", "root")}
        {text("spec.nic", "eth0")}
        {adding && text("spec.bridgeNetwork")}
        <AuthRows auth={row.auth} onChange={(auth) => set("auth", auth)} error={tried ? missing.auth : undefined} />
        <ProxyRows row={row} set={set} error={errors("spec.ssh.proxy.address")} />
        <details className="whole">
          <summary>{t("machine.more")}</summary>
          <div className="form-grid dialog-form">
            {!control && <TagsRow path="spec.roles" row={row} set={set} errors={errors("spec.roles")} placeholder="infra, log" />}
            <Field id="m-labels" label={t("machine.labels")} whole group errors={errors("spec.labels")}>
              <Pairs id="m-labels" value={row.spec.labels ?? {}} onChange={(value) => set("spec.labels", value)} />
            </Field>
            <Field id="m-taints" label={t("machine.taints")} whole group errors={errors("spec.taints")}>
              <Taints value={row.spec.taints ?? []} onChange={(value) => set("spec.taints", value)} />
            </Field>
            <TagsRow path="spec.ssh.hostKeys" row={row} set={set} errors={errors("spec.ssh.hostKeys")} placeholder="SHA256:…" />
          </div>
        </details>
        <SshCheck row={row} form={form} ready={Object.keys(missing).length === 0} onTry={() => setTried(true)} set={set} />
      </div>
      <Refused error={draft.error} />
    </Dialog>
  );
}
