/** Fields that stand by themselves, outside of the form that is bound to the schema (form/controls). */
import { Switch } from "antd";
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
