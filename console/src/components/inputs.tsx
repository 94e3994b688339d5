/** Fields that stand by themselves, outside of the form that is bound to the schema (form/controls). */
import { Input, Switch } from "antd";
import type { ReactNode } from "react";
import { Field } from "./Field";

interface Shared {
  readonly id: string;
  readonly label: ReactNode;
  readonly help?: string;
  readonly whole?: boolean;
}

export function Toggle(props: Shared & { checked: boolean; onChange: (checked: boolean) => void }) {
  const { id, checked, onChange, ...field } = props;
  return (
    <Field id={id} {...field}>
      <span>
        <Switch id={id} aria-describedby={`${id}-notes`} checked={checked} onChange={onChange} />
      </span>
    </Field>
  );
}

export function TextInput(
  props: Shared & {
    value: string;
    onChange: (value: string) => void;
    errors?: readonly string[];
    needed?: boolean;
    placeholder?: string;
    mono?: boolean;
    /** Hidden while it is typed, and proposed by no browser. */
    secret?: boolean;
    /** More than one line. */
    rows?: number;
    /** Blanks at the ends are left out: names and addresses have none. */
    trim?: boolean;
    autoFocus?: boolean;
  },
) {
  const { id, label, help, whole, errors, needed, value, onChange, trim, secret, rows, mono, placeholder, autoFocus } = props;
  const shared = {
    id,
    "aria-describedby": `${id}-notes`,
    "aria-required": needed || undefined,
    "aria-invalid": (errors?.length ?? 0) > 0 || undefined,
    autoComplete: secret ? "new-password" : "off",
    autoFocus,
    className: mono ? "mono" : undefined,
    placeholder,
    value,
    onChange: (event: { target: { value: string } }) => onChange(trim ? event.target.value.trim() : event.target.value),
  };
  return (
    <Field id={id} label={label} help={help} whole={whole} errors={errors} needed={needed}>
      {secret ? (
        <Input.Password {...shared} />
      ) : rows ? (
        <Input.TextArea {...shared} rows={rows} spellCheck={false} />
      ) : (
        <Input {...shared} spellCheck={false} />
      )}
    </Field>
  );
}
