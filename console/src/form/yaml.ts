/** The form as YAML and back. Secrets are not in it: what is entered for a machine stays with it by name. Pure. */
import { parseAllDocuments, stringify } from "yaml";
import { API_VERSION } from "../api/resources";
import type { Machine } from "../generated/api";
import { documents, emptyMachine, machineName, type Auth, type Form, type MachineRow } from "./model";

export interface YamlProblem {
  readonly line: number | undefined;
  /** Key under `yaml.`, or the parser's own words. */
  readonly key?: "kind" | "twoClusters" | "noCluster" | "notAnObject";
  readonly words: string;
}

export type Read = { readonly form: Form } | { readonly problem: YamlProblem };

const options = { lineWidth: 0, indentSeq: false } as const;

export function toYaml(form: Form): string {
  const { machines, cluster } = documents(form);
  return [...machines, cluster].map((object) => stringify(object, options)).join("---\n");
}

type Loose = { apiVersion?: unknown; kind?: unknown; metadata?: { name?: unknown; namespace?: unknown }; spec?: unknown };

/** What YAML has as a name; a number is meant as its digits. */
function word(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

export function fromYaml(text: string, before: Form, makeKey: () => string): Read {
  const clusters: Loose[] = [];
  const machines: Loose[] = [];
  for (const document of parseAllDocuments(text, { version: "1.1", schema: "core" })) {
    const error = document.errors[0];
    if (error) return { problem: { line: error.linePos?.[0].line, words: error.message.split("\n")[0] ?? "" } };
    const body = document.toJS() as unknown;
    if (body === null) continue;
    const offset = document.contents?.range?.[0] ?? 0;
    const line = text.slice(0, offset).split("\n").length;
    if (typeof body !== "object" || Array.isArray(body)) return { problem: { line, key: "notAnObject", words: "" } };
    const object = body as Loose;
    if (object.apiVersion === API_VERSION && object.kind === "Cluster") clusters.push(object);
    else if (object.apiVersion === API_VERSION && object.kind === "Machine") machines.push(object);
    else return { problem: { line, key: "kind", words: `${String(object.apiVersion)} ${String(object.kind)}` } };
  }
  if (clusters.length > 1) return { problem: { line: undefined, key: "twoClusters", words: "" } };
  const cluster = clusters[0];
  if (!cluster) return { problem: { line: undefined, key: "noCluster", words: "" } };
  const name = word(cluster.metadata?.name);
  const known = new Map(before.machines.map((row) => [machineName(row, before.name), row]));
  const secretsBefore = new Map(
    documents(before).machines.map((machine, index) => [machine.spec.ssh.credential.name, before.machines[index]]),
  );
  return {
    form: {
      ...before,
      name,
      namespace: word(cluster.metadata?.namespace) || "default",
      spec: cluster.spec ?? {},
      machines: machines.map((object) => {
        const own = word(object.metadata?.name);
        const spec = (object.spec ?? {}) as Partial<Machine["spec"]>;
        return machineRow(own, name, spec, known.get(own), secretsBefore, makeKey);
      }),
    },
  };
}

function machineRow(
  own: string,
  cluster: string,
  spec: Partial<Machine["spec"]>,
  before: MachineRow | undefined,
  secretsBefore: ReadonlyMap<string, MachineRow | undefined>,
  makeKey: () => string,
): MachineRow {
  const { clusterName: _, ...rest } = spec;
  const role = rest.role ?? "Worker";
  const base = before ?? emptyMachine(makeKey(), role);
  const wanted = rest.ssh?.credential?.name ?? "";
  const shared = secretsBefore.get(wanted);
  const auth: Auth = before && credentialOf(before) === undefined && shared === undefined && wanted
    ? { kind: "existing", secret: wanted }
    : (shared?.auth ?? (wanted ? { kind: "existing", secret: wanted } : base.auth));
  const row: MachineRow = {
    ...base,
    name: own,
    spec: {
      ...rest,
      role,
      addresses: rest.addresses ?? {},
      ssh: { ...rest.ssh, credential: { name: "" } },
    },
    auth,
    proxyAuth: before?.proxyAuth ?? shared?.proxyAuth ?? base.proxyAuth,
  };
  // The name that would be made anyway needs no place of its own.
  return machineName({ ...row, name: "" }, cluster) === own ? { ...row, name: "" } : row;
}

function credentialOf(row: MachineRow): string | undefined {
  return row.auth.kind === "existing" ? row.auth.secret : undefined;
}
