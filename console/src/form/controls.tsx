/** Fields of the Cluster by kind of value; label and help come from the words under `form.PATH`. */
import { Button, Input, InputNumber, Radio, Select, Switch } from "antd";
import { useState, type ReactNode } from "react";
import { IconButton } from "../components/cells";
import { Field } from "../components/Field";
import { Icon } from "../components/icons";
import { hasWord, useModelWords, useWords } from "../i18n";
import { useField, type Bound } from "./context";
import type { ClusterPath } from "./fields";

export type Path = ClusterPath | "metadata.name";

export function wordKey(path: string): string {
  return `form.${path.replace(/^spec\.(onPremises\.)?/, "").replace(/\[\]/g, "").replace(/\./g, "_")}`;
}

interface Props {
  readonly path: Path;
  readonly hint?: ReactNode;
  readonly whole?: boolean;
  readonly needed?: boolean;
  readonly placeholder?: string;
  readonly disabled?: boolean;
}

export function useFieldWords(path: string, kind = "Cluster"): { label: string; help: string } {
  const t = useWords();
  const models = useModelWords();
  const key = kind === "Machine" ? wordKey(path).replace("form.", "machine.") : wordKey(path);
  const help = hasWord(`${key}_help`) ? t(`${key}_help`) : (models.fields[`${kind}.${path}`] ?? "");
  return { label: t(key), help };
}

function Framed({ props, bound, group, children }: { props: Props; bound: Bound; group?: boolean; children: ReactNode }) {
  const { label, help } = useFieldWords(props.path);
  return (
    <Field
      id={bound.id}
      label={label}
      help={help}
      hint={props.hint}
      errors={bound.errors}
      warnings={bound.warnings}
      needed={props.needed ?? bound.rule.required ?? false}
      whole={props.whole ?? false}
      group={group ?? false}
    >
      {children}
    </Field>
  );
}

function aria(bound: Bound) {
  return { id: bound.id, "aria-describedby": `${bound.id}-notes`, "aria-invalid": bound.errors.length > 0 || undefined };
}

export function TextField(props: Props & { multiline?: boolean }) {
  const bound = useField(props.path);
  const fallback = bound.rule.default;
  const shared = {
    ...aria(bound),
    value: typeof bound.value === "string" ? bound.value : "",
    placeholder: props.placeholder ?? (typeof fallback === "string" ? fallback : undefined),
    disabled: props.disabled,
    status: bound.errors.length > 0 ? ("error" as const) : undefined,
    onBlur: bound.leave,
    onChange: (event: { target: { value: string } }) => bound.set(event.target.value || undefined),
    maxLength: bound.rule.maxLength,
  };
  return (
    <Framed props={props} bound={bound}>
      {props.multiline ? <Input.TextArea {...shared} className="mono" rows={3} /> : <Input {...shared} />}
    </Framed>
  );
}

export function NumberField(props: Props) {
  const bound = useField(props.path);
  const { rule } = bound;
  return (
    <Framed props={props} bound={bound}>
      <InputNumber<number>
        {...aria(bound)}
        value={typeof bound.value === "number" ? bound.value : null}
        placeholder={props.placeholder ?? (typeof rule.default === "number" ? String(rule.default) : undefined)}
        min={rule.minimum}
        max={rule.maximum}
        precision={0}
        disabled={props.disabled}
        status={bound.errors.length > 0 ? "error" : undefined}
        onBlur={bound.leave}
        onChange={(value) => bound.set(value ?? undefined)}
      />
    </Framed>
  );
}

export interface Choice {
  readonly value: string;
  readonly label: string;
  readonly disabled?: boolean;
}

function useChoices(path: string, bound: Bound, given: readonly Choice[] | undefined): readonly Choice[] {
  const t = useWords();
  if (given) return given;
  return (bound.rule.enum ?? []).map((value) => {
    const key = `${wordKey(path).replace("form.", "choice.")}_${value}`;
    return { value, label: hasWord(key) ? t(key) : value };
  });
}

export function ChoiceField(props: Props & { choices?: readonly Choice[]; onChosen?: (value: string) => void }) {
  const bound = useField(props.path);
  const choices = useChoices(props.path, bound, props.choices);
  const value = (bound.value ?? bound.rule.default) as string | undefined;
  return (
    <Framed props={props} bound={bound} group>
      <Radio.Group
        aria-labelledby={`${bound.id}-label`}
        optionType="button"
        value={value}
        disabled={props.disabled}
        options={choices.map((one) => ({ ...one }))}
        onChange={(event) => {
          const next = String(event.target.value);
          bound.set(next);
          bound.leave();
          props.onChosen?.(next);
        }}
      />
    </Framed>
  );
}

export function SelectField(props: Props & { choices?: readonly Choice[]; clear?: boolean; many?: boolean }) {
  const bound = useField(props.path);
  const choices = useChoices(props.path, bound, props.choices);
  return (
    <Framed props={props} bound={bound}>
      <Select
        {...aria(bound)}
        value={(bound.value ?? (props.clear ? undefined : bound.rule.default) ?? (props.many ? [] : undefined))}
        mode={props.many ? "multiple" : undefined}
        allowClear={props.clear ?? false}
        placeholder={props.placeholder}
        disabled={props.disabled}
        status={bound.errors.length > 0 ? "error" : undefined}
        options={choices.map((one) => ({ ...one }))}
        onBlur={bound.leave}
        onChange={(value: unknown) => bound.set(Array.isArray(value) && value.length === 0 ? undefined : (value ?? undefined))}
      />
    </Framed>
  );
}

/** A list of texts, entered one after the other. */
export function ListField(props: Props) {
  const bound = useField(props.path);
  return (
    <Framed props={props} bound={bound}>
      <Select
        {...aria(bound)}
        mode="tags"
        open={false}
        suffix={null}
        tokenSeparators={[",", " ", "\n"]}
        value={(bound.value as string[] | undefined) ?? []}
        placeholder={props.placeholder}
        status={bound.errors.length > 0 ? "error" : undefined}
        onBlur={bound.leave}
        onChange={(value: string[]) => bound.set(value.length > 0 ? value : undefined)}
      />
    </Framed>
  );
}

export function SwitchField(props: Props) {
  const bound = useField(props.path);
  return (
    <Framed props={props} bound={bound}>
      <span>
        <Switch {...aria(bound)} checked={bound.value === true} onChange={(value) => bound.set(value || undefined)} />
      </span>
    </Framed>
  );
}

export function Pairs({
  id,
  value,
  onChange,
  onLeave,
}: {
  id: string;
  value: Readonly<Record<string, string>>;
  onChange: (value: Record<string, string> | undefined) => void;
  onLeave?: () => void;
}) {
  const t = useWords();
  const [rows, setRows] = useState<readonly (readonly [string, string])[]>(() => Object.entries(value));
  // What came from elsewhere, such as the YAML beside the form, replaces what is shown.
  const shown = same(rows, value) ? rows : Object.entries(value);
  const put = (next: readonly (readonly [string, string])[]) => {
    setRows(next);
    const kept = next.filter(([key]) => key.trim() !== "");
    onChange(kept.length > 0 ? Object.fromEntries(kept.map(([key, inner]) => [key.trim(), inner])) : undefined);
  };
  return (
    <div className="pairs" id={id}>
      {shown.map(([key, inner], index) => (
        <div className="pair" key={index}>
          <Input
            aria-label={t("form.key")}
            placeholder={t("form.key")}
            className="mono"
            value={key}
            onBlur={onLeave}
            onChange={(event) => put(shown.map((row, at) => (at === index ? [event.target.value, row[1]] : row)))}
          />
          <Input
            aria-label={t("form.value")}
            placeholder={t("form.value")}
            className="mono"
            value={inner}
            onBlur={onLeave}
            onChange={(event) => put(shown.map((row, at) => (at === index ? [row[0], event.target.value] : row)))}
          />
          <IconButton icon="cross" label={t("form.removePair", { key })} onClick={() => put(shown.filter((_, at) => at !== index))} />
        </div>
      ))}
      <div>
        <Button size="small" icon={<Icon name="plus" size={13} />} onClick={() => setRows([...shown, ["", ""]])}>
          {t("form.addPair")}
        </Button>
      </div>
    </div>
  );
}

function same(rows: readonly (readonly [string, string])[], value: Readonly<Record<string, string>>): boolean {
  const kept = rows.filter(([key]) => key.trim() !== "").map(([key, inner]) => [key.trim(), inner] as const);
  const map = Object.fromEntries(kept);
  return JSON.stringify(map) === JSON.stringify(value);
}

export function PairsField(props: Props) {
  const bound = useField(props.path);
  const value = (bound.value as Record<string, string> | undefined) ?? {};
  return (
    <Framed props={{ whole: true, ...props }} bound={bound} group>
      <Pairs id={bound.id} value={value} onChange={bound.set} onLeave={bound.leave} />
    </Framed>
  );
}
