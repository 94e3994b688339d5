/** Gives every field of the form its value, its rules from the schema and what was found wrong with it. */
import { createContext, useContext, type ReactNode } from "react";
import rules from "../generated/fields.json";
import { at, type Finding } from "./findings";
import { readAt, written, type Form } from "./model";

export interface Rule {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly required?: boolean;
}

export interface FormState {
  readonly form: Form;
  readonly change: (next: (before: Form) => Form) => void;
  readonly findings: readonly Finding[];
  /** Paths that a person has been at; an empty form is not full of red. */
  readonly touched: ReadonlySet<string>;
  readonly touch: (path: string) => void;
  readonly showAll: boolean;
}

const Context = createContext<FormState | undefined>(undefined);

export function FormProvider({ value, children }: { value: FormState; children: ReactNode }) {
  return <Context.Provider value={value}>{children}</Context.Provider>;
}

export function useForm(): FormState {
  const state = useContext(Context);
  if (!state) throw new Error("outside of a form");
  return state;
}

export function ruleOf(kind: string, path: string): Rule {
  return (rules as unknown as Record<string, Rule>)[`${kind}.${path}`] ?? {};
}

export interface Bound {
  readonly id: string;
  readonly value: unknown;
  readonly rule: Rule;
  readonly set: (value: unknown) => void;
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
  readonly leave: () => void;
}

export function idOf(path: string): string {
  return `f-${path.replace(/\W+/g, "-")}`;
}

/** A field of the Cluster. */
export function useField(path: string): Bound {
  const { form, change, findings, touched, touch, showAll } = useForm();
  const found = at(findings, "Cluster", path);
  const value = path === "metadata.name" ? form.name : readAt(form, path);
  const shown = showAll || touched.has(path);
  return {
    id: idOf(path),
    value,
    rule: ruleOf("Cluster", path),
    set: (next) =>
      change((before) => (path === "metadata.name" ? { ...before, name: typeof next === "string" ? next : "" } : written(before, path, next))),
    errors: shown ? found.filter((one) => !one.warning).map((one) => one.text) : [],
    warnings: shown || value !== undefined ? found.filter((one) => one.warning).map((one) => one.text) : [],
    leave: () => touch(path),
  };
}
