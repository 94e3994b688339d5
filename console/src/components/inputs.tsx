/** Fields that stand by themselves, outside of the form that is bound to the schema (form/controls). */
import { Input, Switch } from "antd";
import type { ReactNode } from "react";
import { Field } from "./Field";

interface Shared {
  readonly id: string;
  readonly label: ReactNode;
  readonly help?: string;
  readonly whole?: boolean;
  readonly needed?: boolean;
  readonly errors?: readonly string[];
}

interface TextLineProps extends Shared {
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly placeholder?: string;
  readonly autoComplete?: string;
  readonly autoFocus?: boolean;
  readonly required?: boolean;
  readonly className?: string;
  /** Blanks at the ends are left out: names and addresses have none. */
  readonly trim?: boolean;
}

export function TextLine(props: TextLineProps) {
  const { id, label, help, whole, needed, errors, trim, onChange, ...input } = props;
  return (
    <Field id={id} label={label} help={help} whole={whole ?? false} needed={needed ?? false} errors={errors ?? []}>
      <Input
        {...input}
        id={id}
        aria-describedby={`${id}-notes`}
        onChange={(event) => onChange(trim ? event.target.value.trim() : event.target.value)}
      />
    </Field>
  );
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
