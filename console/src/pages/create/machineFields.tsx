/** The fields of the machine dialog, by kind of value; label and help come from the words under `machine.PATH`. */
import { Input, InputNumber, Radio, Select } from "antd";
import { Field } from "../../components/Field";
import { Toggle } from "../../components/inputs";
import { useFieldWords } from "../../form/controls";
import { readAt, type Auth, type MachineRow } from "../../form/model";
import { useWords } from "../../i18n";

export type SetField = (path: string, value: unknown) => void;

function idFor(path: string): string {
  return `m-${path.replace(/\W+/g, "-")}`;
}

export function TextRow({
  path,
  row,
  set,
  errors,
  placeholder,
}: {
  path: string;
  row: MachineRow;
  set: SetField;
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

export function TagsRow(props: { path: string; row: MachineRow; set: SetField; errors: readonly string[]; placeholder: string }) {
  const { label, help } = useFieldWords(props.path, "Machine");
  const id = idFor(props.path);
  return (
    <Field id={id} label={label} help={help} errors={props.errors} whole>
      <Select
        id={id}
        aria-describedby={`${id}-notes`}
        mode="tags"
        open={false}
        suffix={null}
        tokenSeparators={[",", " "]}
        placeholder={props.placeholder}
        value={(readAt(props.row, props.path) as string[] | undefined) ?? []}
        onChange={(value: string[]) => props.set(props.path, value.length > 0 ? value : undefined)}
      />
    </Field>
  );
}

export function ChoiceRow(props: {
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

export function AppsRow({ row, set }: { row: MachineRow; set: SetField }) {
  const { label, help } = useFieldWords("spec.allowApps", "Machine");
  return (
    <Toggle id="m-apps" label={label} help={help} checked={row.spec.allowApps === true} onChange={(value) => set("spec.allowApps", value || undefined)} />
  );
}

export function PortRow({ row, set }: { row: MachineRow; set: SetField }) {
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

export function AuthRows({ auth, onChange, error }: { auth: Auth; onChange: (auth: Auth) => void; error: string | undefined }) {
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

export function ProxyRows({ row, set, error }: { row: MachineRow; set: SetField; error: readonly string[] }) {
  const t = useWords();
  const { label, help } = useFieldWords("spec.ssh.proxy.address", "Machine");
  const proxy = row.spec.ssh.proxy;
  return (
    <>
      <Toggle id="m-proxy" label={t("machine.proxy")} help={t("machine.proxyHelp")} whole checked={proxy !== undefined} onChange={(on) => set("spec.ssh.proxy", on ? { address: "" } : undefined)} />
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
