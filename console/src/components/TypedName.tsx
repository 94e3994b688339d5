import { Input } from "antd";
import { useWords } from "../i18n";
import { Field } from "./Field";

/** Asks for the name of what is taken away, so that nobody does it by habit. */
export function TypedName({ name, value, onChange }: { name: string; value: string; onChange: (value: string) => void }) {
  const t = useWords();
  return (
    <Field id="typed" label={t("delete.type", { name })}>
      <Input id="typed" autoComplete="off" spellCheck={false} value={value} onChange={(event) => onChange(event.target.value)} />
    </Field>
  );
}
