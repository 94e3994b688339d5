/** What roost keeps on a machine, as people read it. Pure. */
import type { Machine } from "./generated/api";

/** Kinds by the beginning of a thing's key; whatever else there is are steps. */
const KINDS = ["file", "directory", "symlink", "archive", "program", "image", "unit", "sysctl", "module"] as const;
export type ThingKind = (typeof KINDS)[number] | "step";

export interface Thing {
  readonly key: string;
  readonly kind: ThingKind;
  /** The key without its kind: a path, a name, a reference. */
  readonly name: string;
  /** What is not as wished. */
  readonly difference: Difference | undefined;
}

type Things = NonNullable<NonNullable<Machine["status"]>["things"]>;
export type Difference = NonNullable<Things["differing"]>[number];

export function kindOf(key: string): ThingKind {
  const start = key.split(":", 1)[0] ?? "";
  return KINDS.find((kind) => kind === start) ?? "step";
}

export function thingsOf(machine: Machine): readonly Thing[] {
  const { keys = [], differing = [] } = machine.status?.things ?? {};
  const known = new Map(differing.map((one) => [one.thing, one]));
  return keys.map((key) => {
    const kind = kindOf(key);
    return { key, kind, name: kind === "step" ? key : key.slice(kind.length + 1), difference: known.get(key) };
  });
}

/** How many of each kind, in the order of KINDS; only those that there are. */
export function kindCounts(machine: Machine): readonly (readonly [ThingKind, number])[] {
  const counts = new Map<ThingKind, number>();
  for (const { kind } of thingsOf(machine)) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return ([...KINDS, "step"] as const).flatMap((kind) => {
    const count = counts.get(kind);
    return count ? [[kind, count] as const] : [];
  });
}

/** roost has never changed anything there. */
export function isUntouched(machine: Machine): boolean {
  return !machine.status?.acts?.count;
}
