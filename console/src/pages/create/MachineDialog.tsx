/** One machine: what it is, how roost signs in, and whether that works, tried on the spot. */
import { Button, Input, InputNumber, Modal, Radio, Select, Switch } from "antd";
import { useEffect, useRef, useState } from "react";
import { checkMachine, type CheckAnswer } from "../../api/machineCheck";
import { Code } from "../../components/Copy";
import { Field } from "../../components/Field";
import { Icon } from "../../components/icons";
import { problemText } from "../../components/Problem";
import { Reason } from "../../components/Progress";
import { Pairs, useFieldWords } from "../../form/controls";
import { at, type Finding } from "../../form/findings";
import { machineName, readAt, written, type Auth, type Form, type MachineRow } from "../../form/model";
import { isIPv4, isIPv6 } from "../../form/network";
import { useWords, type Say } from "../../i18n";
import { useLanguage } from "../../settings";
import { memory } from "../../time";
import { Taints } from "./Taints";

interface Props {
  readonly form: Form;
  readonly row: MachineRow;
  readonly fresh: boolean;
  /** An existing cluster gets the machine: its bridge networks can be chosen. */
  readonly adding?: boolean;
  readonly findings: readonly Finding[];
  readonly onDone: (row: MachineRow) => void;
  readonly onDraft?: ((row: MachineRow) => Promise<void>) | undefined;
  readonly onClose: () => void;
}

type Set = (path: string, value: unknown) => void;

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
  const [error, setError] = useState<unknown>();
  const family = form.spec.onPremises?.network?.ipFamily ?? "IPv4";
  const missing = gaps(row, family, t);
  const set: Set = (path, value) => setRow((before) => written(before, path, value));
  const errors = (path: string): readonly string[] => {
    const own = tried && missing[path] ? [missing[path]] : [];
    if (row !== given) return own;
    const name = machineName(given, form.name);
    return [...own, ...at(findings, "Machine", path, name).filter((one) => !one.warning).map((one) => one.text)];
  };
  const done = () => {
    setTried(true);
    if (Object.keys(missing).length === 0) onDone({ ...row, incomplete: false });
  };
  const draft = async () => {
    try {
      await onDraft?.(row);
    } catch (refused) {
      setError(refused);
    }
  };
  const control = row.spec.role === "ControlPlane";
  const text = (path: string, placeholder?: string) => (
    <TextRow path={path} row={row} set={set} errors={errors(path)} placeholder={placeholder} />
  );
  return (
    <Modal
      open
      width={760}
      title={t(fresh ? "machine.addTitle" : "machine.editTitle")}
      onCancel={onClose}
      maskClosable={false}
      footer={
        <div className="dialog-buttons">
          {onDraft && <Button onClick={() => void draft()}>{t("machine.saveDraft")}</Button>}
          <span className="grow" />
          <Button onClick={onClose}>{t("common.cancel")}</Button>
          <Button type="primary" onClick={done}>
            {t(fresh ? "machine.add" : "common.apply")}
          </Button>
        </div>
      }
    >
      {given.incomplete && <p className="note note-warn">{t("machine.secretsAgain")}</p>}
      {error !== undefined && (
        <p className="field-error" role="alert">
          {problemText(error, t)}
        </p>
      )}
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
        <Check row={row} form={form} ready={Object.keys(missing).length === 0} onTry={() => setTried(true)} set={set} />
      </div>
    </Modal>
  );
}

function idFor(path: string): string {
  return `m-${path.replace(/\W+/g, "-")}`;
}

function TextRow({
  path,
  row,
  set,
  errors,
  placeholder,
}: {
  path: string;
  row: MachineRow;
  set: Set;
  errors: readonly string[];
  placeholder?: string | undefined;
}) {
  const { label, help } = useFieldWords(path, "Machine");
  const id = idFor(path);
  return (
    <Field id={id} label={label} help={help} errors={errors} needed={path.startsWith("spec.addresses")}>
      <Input
        id={id}
        aria-describedby={`${id}-notes`}
        aria-invalid={errors.length > 0 || undefined}
        status={errors.length > 0 ? "error" : undefined}
        placeholder={placeholder}
        value={(readAt(row, path) as string | undefined) ?? ""}
        onChange={(event) => set(path, event.target.value || undefined)}
      />
    </Field>
  );
}

function TagsRow(props: { path: string; row: MachineRow; set: Set; errors: readonly string[]; placeholder: string }) {
  const { label, help } = useFieldWords(props.path, "Machine");
  const id = idFor(props.path);
  return (
    <Field id={id} label={label} help={help} errors={props.errors} whole>
      <Select
        id={id}
        aria-describedby={`${id}-notes`}
        mode="tags"
        open={false}
        suffixIcon={null}
        tokenSeparators={[",", " "]}
        placeholder={props.placeholder}
        value={(readAt(props.row, props.path) as string[] | undefined) ?? []}
        onChange={(value: string[]) => props.set(props.path, value.length > 0 ? value : undefined)}
      />
    </Field>
  );
}

function ChoiceRow(props: {
  path: string;
  value: string;
  onChange: (value: string) => void;
  choices: readonly { value: string; label: string }[];
}) {
  const { label, help } = useFieldWords(props.path, "Machine");
  const id = idFor(props.path);
  return (
    <Field id={id} label={label} help={help} group>
      <Radio.Group
        aria-labelledby={`${id}-label`}
        optionType="button"
        value={props.value}
        options={props.choices.map((one) => ({ ...one }))}
        onChange={(event) => props.onChange(String(event.target.value))}
      />
    </Field>
  );
}

function AppsRow({ row, set }: { row: MachineRow; set: Set }) {
  const { label, help } = useFieldWords("spec.allowApps", "Machine");
  return (
    <Field id="m-apps" label={label} help={help}>
      <span>
        <Switch
          id="m-apps"
          aria-describedby="m-apps-notes"
          checked={row.spec.allowApps === true}
          onChange={(value) => set("spec.allowApps", value || undefined)}
        />
      </span>
    </Field>
  );
}

function PortRow({ row, set }: { row: MachineRow; set: Set }) {
  const { label, help } = useFieldWords("spec.ssh.port", "Machine");
  return (
    <Field id="m-port" label={label} help={help}>
      <InputNumber<number>
        id="m-port"
        aria-describedby="m-port-notes"
        min={1}
        max={65535}
        precision={0}
        placeholder="22"
        value={row.spec.ssh.port ?? null}
        onChange={(value) => set("spec.ssh.port", value ?? undefined)}
      />
    </Field>
  );
}

function AuthRows({ auth, onChange, error }: { auth: Auth; onChange: (auth: Auth) => void; error: string | undefined }) {
  const t = useWords();
  const errors = error ? [error] : [];
  const choose = (kind: string) => {
    if (kind === "key") onChange({ kind, privateKey: "", passphrase: "", sudoPassword: "" });
    else if (kind === "existing") onChange({ kind, secret: "" });
    else onChange({ kind: "password", password: "" });
  };
  return (
    <>
      <Field id="m-auth" label={t("machine.auth")} help={t("machine.authHelp")} whole group>
        <Radio.Group
          aria-labelledby="m-auth-label"
          optionType="button"
          value={auth.kind}
          options={["password", "key", "existing"].map((value) => ({ value, label: t(`machine.auth_${value}`) }))}
          onChange={(event) => choose(String(event.target.value))}
        />
      </Field>
      {auth.kind === "password" && (
        <Field id="m-password" label={t("machine.password")} errors={errors} needed>
          <Input.Password
            id="m-password"
            aria-describedby="m-password-notes"
            autoComplete="new-password"
            status={error ? "error" : undefined}
            value={auth.password}
            onChange={(event) => onChange({ ...auth, password: event.target.value })}
          />
        </Field>
      )}
      {auth.kind === "existing" && (
        <Field id="m-secret" label={t("machine.secret")} help={t("machine.secretHelp")} errors={errors} needed>
          <Input
            id="m-secret"
            aria-describedby="m-secret-notes"
            value={auth.secret}
            onChange={(event) => onChange({ ...auth, secret: event.target.value.trim() })}
          />
        </Field>
      )}
      {auth.kind === "key" && (
        <>
          <Field id="m-key" label={t("machine.privateKey")} errors={errors} needed whole>
            <Input.TextArea
              id="m-key"
              aria-describedby="m-key-notes"
              className="mono"
              rows={3}
              spellCheck={false}
              placeholder={t("machine.keyExample")}
              value={auth.privateKey}
              onChange={(event) => onChange({ ...auth, privateKey: event.target.value })}
            />
          </Field>
          <Field id="m-passphrase" label={t("machine.passphrase")}>
            <Input.Password
              id="m-passphrase"
              autoComplete="new-password"
              value={auth.passphrase}
              onChange={(event) => onChange({ ...auth, passphrase: event.target.value })}
            />
          </Field>
          <Field id="m-sudo" label={t("machine.sudoPassword")} help={t("machine.sudoHelp")}>
            <Input.Password
              id="m-sudo"
              aria-describedby="m-sudo-notes"
              autoComplete="new-password"
              value={auth.sudoPassword}
              onChange={(event) => onChange({ ...auth, sudoPassword: event.target.value })}
            />
          </Field>
        </>
      )}
    </>
  );
}

function ProxyRows({ row, set, error }: { row: MachineRow; set: Set; error: readonly string[] }) {
  const t = useWords();
  const { label, help } = useFieldWords("spec.ssh.proxy.address", "Machine");
  const proxy = row.spec.ssh.proxy;
  return (
    <>
      <Field id="m-proxy" label={t("machine.proxy")} help={t("machine.proxyHelp")} whole>
        <span>
          <Switch
            id="m-proxy"
            aria-describedby="m-proxy-notes"
            checked={proxy !== undefined}
            onChange={(on) => set("spec.ssh.proxy", on ? { address: "" } : undefined)}
          />
        </span>
      </Field>
      {proxy && (
        <>
          <Field id="m-proxy-address" label={label} help={help} errors={error} needed whole>
            <Input
              id="m-proxy-address"
              aria-describedby="m-proxy-address-notes"
              placeholder="192.168.1.1:1080"
              value={proxy.address}
              onChange={(event) => set("spec.ssh.proxy.address", event.target.value)}
            />
          </Field>
          <Field id="m-proxy-user" label={t("machine.proxyUser")}>
            <Input
              id="m-proxy-user"
              autoComplete="off"
              value={row.proxyAuth.user}
              onChange={(event) => set("proxyAuth.user", event.target.value)}
            />
          </Field>
          <Field id="m-proxy-password" label={t("machine.proxyPassword")}>
            <Input.Password
              id="m-proxy-password"
              autoComplete="new-password"
              value={row.proxyAuth.password}
              onChange={(event) => set("proxyAuth.password", event.target.value)}
            />
          </Field>
        </>
      )}
    </>
  );
}

type CheckState = "idle" | "asking" | "late" | CheckAnswer | { readonly refused: unknown };

function Check(props: { row: MachineRow; form: Form; ready: boolean; onTry: () => void; set: Set }) {
  const t = useWords();
  const language = useLanguage();
  const [state, setState] = useState<CheckState>("idle");
  const running = useRef<AbortController | undefined>(undefined);
  useEffect(() => () => running.current?.abort(), []);
  const go = async () => {
    props.onTry();
    if (!props.ready) return;
    running.current?.abort();
    const control = new AbortController();
    running.current = control;
    setState("asking");
    try {
      setState(await checkMachine(props.row, props.form, control.signal));
    } catch (refused) {
      if (!control.signal.aborted) setState({ refused });
    }
  };
  const answer = typeof state === "object" && "ok" in state ? state : undefined;
  const facts = answer?.facts;
  return (
    <div className="whole check">
      <div className="inline">
        <Button loading={state === "asking"} onClick={() => void go()}>
          {t("machine.check")}
        </Button>
        <span className="quiet small">{t("machine.checkHelp")}</span>
      </div>
      <div role="status" aria-live="polite">
        {state === "late" && <p className="field-warning">{t("machine.checkLate")}</p>}
        {typeof state === "object" && "refused" in state && <p className="field-error">{problemText(state.refused, t)}</p>}
        {answer?.ok && (
          <div className="note check-ok">
            <p>
              <Icon name="check" /> {t("machine.checkGood")}
            </p>
            {facts && (
              <p className="small">
                {[
                  facts.hostname,
                  facts.operatingSystem,
                  facts.architecture,
                  facts.cpus === undefined ? "" : t("machine.cpus", { count: facts.cpus }),
                  facts.memoryMiB === undefined ? "" : memory(facts.memoryMiB, language),
                ]
                  .filter(Boolean)
                  .join(" · ")}
              </p>
            )}
            {answer.hostKey && (
              <p className="small inline">
                {t("machine.hostKey")} <Code>{answer.hostKey}</Code>
                <Button size="small" onClick={() => props.set("spec.ssh.hostKeys", [answer.hostKey])}>
                  {t("machine.pin")}
                </Button>
              </p>
            )}
          </div>
        )}
        {answer && !answer.ok && (
          <div className="note note-bad">
            <p>
              <Reason reason={answer.reason} message={answer.message} />
            </p>
            <p className="message" lang="en">
              {answer.message}
            </p>
          </div>
        )}
      </div>
    </div>
  );
}
