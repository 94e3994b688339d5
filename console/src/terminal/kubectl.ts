/** The part of kubectl that the browser's terminal knows: get, describe, logs, delete, scale, label, annotate. */
import { stringify } from "yaml";
import { json, text } from "../api/http";
import type { KubeEvent, KubeList, KubeObject } from "../api/objects";

export const HELP = `kubectl get TYPE [NAME] [-n NAMESPACE | -A] [-l SELECTOR] [-o wide|yaml|json|name]
kubectl describe TYPE NAME [-n NAMESPACE]
kubectl logs POD [-c CONTAINER] [-n NAMESPACE] [--tail N] [--previous]
kubectl scale TYPE NAME --replicas N [-n NAMESPACE]
kubectl label TYPE NAME KEY=VALUE KEY- [-n NAMESPACE]
kubectl annotate TYPE NAME KEY=VALUE KEY- [-n NAMESPACE]
kubectl cordon NODE | kubectl uncordon NODE
kubectl delete TYPE NAME [-n NAMESPACE]
kubectl api-resources | kubectl version
clear`;

export interface Command {
  readonly verb: string;
  readonly words: readonly string[];
  readonly flags: Readonly<Record<string, string>>;
}

export class CommandError extends Error {}

const VALUED = new Set(["n", "namespace", "l", "selector", "o", "output", "c", "container", "tail", "replicas"]);
const LONG: Readonly<Record<string, string>> = { n: "namespace", l: "selector", o: "output", c: "container", A: "all-namespaces", p: "previous" };

/** Words as a shell divides them: quotes join, nothing is expanded. */
export function words(line: string): string[] {
  const found: string[] = [];
  let current: string | undefined;
  let quote = "";
  for (const sign of line) {
    if (quote) {
      if (sign === quote) quote = "";
      else current += sign;
    } else if (sign === "'" || sign === '"') {
      quote = sign;
      current ??= "";
    } else if (/\s/.test(sign)) {
      if (current !== undefined) found.push(current);
      current = undefined;
    } else current = (current ?? "") + sign;
  }
  if (quote) throw new CommandError(`a ${quote} is not closed`);
  if (current !== undefined) found.push(current);
  return found;
}

export function parse(line: string): Command {
  const all = words(line);
  if (all[0] === "kubectl" || all[0] === "k") all.shift();
  const rest: string[] = [];
  const flags: Record<string, string> = {};
  for (let at = 0; at < all.length; at += 1) {
    const word = all[at] ?? "";
    if (!word.startsWith("-") || word === "-") {
      rest.push(word);
      continue;
    }
    let [name = "", value] = word.replace(/^--?/, "").split(/=(.*)/s) as [string, string | undefined];
    if (!word.startsWith("--") && name.length > 1 && VALUED.has(name[0] ?? "") && value === undefined) {
      value = name.slice(1);
      name = name[0] ?? "";
    }
    if (VALUED.has(name) && value === undefined) {
      at += 1;
      value = all[at];
      if (value === undefined) throw new CommandError(`${word} needs a value`);
    }
    flags[LONG[name] ?? name] = value ?? "true";
  }
  const [verb = "", ...more] = rest;
  return { verb, words: more, flags };
}

interface ApiResource {
  readonly name: string;
  readonly singularName?: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly shortNames?: readonly string[];
  readonly group: string;
  readonly path: string;
}

const discovered = new Map<string, Promise<readonly ApiResource[]>>();

async function discover(base: string): Promise<readonly ApiResource[]> {
  interface Aggregated {
    items?: { metadata: { name?: string }; versions: { version: string; resources?: Found[] }[] }[];
  }
  interface Found {
    resource: string;
    singularResource?: string;
    scope: string;
    shortNames?: string[];
    responseKind: { kind: string };
  }
  const accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList";
  const lists = await Promise.all(["/api", "/apis"].map((root) => json<Aggregated>(base + root, { accept })));
  return lists.flatMap((list, index) =>
    (list.items ?? []).flatMap((group) => {
      const name = group.metadata.name ?? "";
      const first = group.versions[0];
      return (first?.resources ?? []).map((one) => ({
        name: one.resource,
        singularName: one.singularResource ?? "",
        kind: one.responseKind.kind,
        namespaced: one.scope === "Namespaced",
        shortNames: one.shortNames ?? [],
        group: name,
        path: index === 0 ? `/api/${first?.version}` : `/apis/${name}/${first?.version}`,
      }));
    }),
  );
}

async function resource(base: string, word: string): Promise<ApiResource> {
  let known = discovered.get(base);
  if (!known) {
    known = discover(base);
    discovered.set(base, known);
    known.catch(() => discovered.delete(base));
  }
  const [name = "", group] = word.toLowerCase().split(/\.(.*)/s);
  const found = (await known).find(
    (one) =>
      (group === undefined || one.group === group) &&
      (one.name === name || one.singularName === name || one.kind.toLowerCase() === name || one.shortNames?.includes(name)),
  );
  if (!found) throw new CommandError(`the server doesn't have a resource type "${word}"`);
  return found;
}

export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, at) => (widths[at] = Math.max(widths[at] ?? 0, cell.length)));
  return rows
    .map((row) => row.map((cell, at) => (at === row.length - 1 ? cell : cell.padEnd((widths[at] ?? 0) + 3))).join("").trimEnd())
    .join("\n");
}

interface ServerTable {
  readonly columnDefinitions: readonly { readonly name: string; readonly priority: number }[];
  readonly rows?: readonly { readonly cells: readonly unknown[]; readonly object?: KubeObject }[];
}

function target(kind: ApiResource, command: Command, name?: string): string {
  const all = command.flags["all-namespaces"] === "true";
  const namespace = command.flags.namespace ?? "default";
  const within = kind.namespaced && !all ? `/namespaces/${encodeURIComponent(namespace)}` : "";
  return `${kind.path}${within}/${kind.name}${name ? `/${encodeURIComponent(name)}` : ""}`;
}

/** TYPE NAME or TYPE/NAME. */
function named(command: Command, needed: boolean): { type: string; name: string | undefined; rest: readonly string[] } {
  const [first = "", second, ...rest] = command.words;
  if (!first) throw new CommandError("name a type, such as pods");
  if (first.includes("/")) {
    const [type = "", name] = first.split("/");
    return { type, name, rest: command.words.slice(1) };
  }
  if (needed && !second) throw new CommandError(`name one of ${first}`);
  return { type: first, name: second, rest };
}

async function get(base: string, command: Command): Promise<string> {
  const { type, name } = named(command, false);
  const kind = await resource(base, type);
  const selector = command.flags.selector ? `?labelSelector=${encodeURIComponent(command.flags.selector)}` : "";
  const path = `${base}${target(kind, command, name)}${name ? "" : selector}`;
  const output = command.flags.output ?? "";
  if (output === "yaml" || output === "json" || output === "name") {
    const found = await json<KubeObject & Partial<KubeList<KubeObject>>>(path);
    const items = found.items ?? [found];
    if (output === "name") return items.map((one) => `${kind.singularName || kind.name}/${one.metadata.name}`).join("\n");
    for (const one of items) delete one.metadata.managedFields;
    return output === "json" ? JSON.stringify(found, null, 2) : stringify(found, { lineWidth: 0 });
  }
  const accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
  const found = await json<ServerTable>(path, { accept });
  const shown = found.columnDefinitions.map((column, at) => [column, at] as const).filter(([column]) => output === "wide" || column.priority === 0);
  const all = command.flags["all-namespaces"] === "true" && kind.namespaced;
  const rows = (found.rows ?? []).map((row) => [
    ...(all ? [row.object?.metadata.namespace ?? ""] : []),
    ...shown.map(([, at]) => String(row.cells[at] ?? "<none>")),
  ]);
  if (rows.length === 0) return `No resources found${kind.namespaced && !all ? ` in ${command.flags.namespace ?? "default"} namespace` : ""}.`;
  return table([[...(all ? ["NAMESPACE"] : []), ...shown.map(([column]) => column.name.toUpperCase())], ...rows]);
}

async function describe(base: string, command: Command): Promise<string> {
  const { type, name } = named(command, true);
  const kind = await resource(base, type);
  const found = await json<KubeObject>(base + target(kind, command, name));
  delete found.metadata.managedFields;
  const namespace = found.metadata.namespace ?? "default";
  const selector = encodeURIComponent(`involvedObject.name=${found.metadata.name},involvedObject.kind=${found.kind}`);
  const events = await json<KubeList<KubeEvent>>(`${base}/api/v1/namespaces/${namespace}/events?fieldSelector=${selector}`);
  const rows = events.items.map((one) => [one.type ?? "", one.reason ?? "", String(one.count ?? 1), one.message ?? one.note ?? ""]);
  const tail = rows.length > 0 ? table([["TYPE", "REASON", "COUNT", "MESSAGE"], ...rows]) : "<none>";
  return `${stringify(found, { lineWidth: 0 })}\nEvents:\n${tail}`;
}

async function logs(base: string, command: Command): Promise<string> {
  const [word = ""] = command.words;
  const pod = word.replace(/^pods?\//, "");
  if (!pod) throw new CommandError("name a pod");
  const query = new URLSearchParams({ tailLines: command.flags.tail ?? "200" });
  if (command.flags.container) query.set("container", command.flags.container);
  if (command.flags.previous === "true") query.set("previous", "true");
  const namespace = encodeURIComponent(command.flags.namespace ?? "default");
  return text(`${base}/api/v1/namespaces/${namespace}/pods/${encodeURIComponent(pod)}/log?${query}`, { accept: "*/*" });
}

async function patch(base: string, command: Command, body: unknown, done: string): Promise<string> {
  const { type, name } = named(command, true);
  const kind = await resource(base, type);
  await json(base + target(kind, command, name), { method: "PATCH", body, contentType: "application/merge-patch+json" });
  return `${kind.singularName || kind.name}/${name} ${done}`;
}

/** `a=b c-` → {a: "b", c: null}. */
export function assignments(list: readonly string[]): Record<string, string | null> {
  const found: Record<string, string | null> = {};
  for (const one of list) {
    const [key = "", value] = one.split(/=(.*)/s);
    if (value !== undefined) found[key] = value;
    else if (one.endsWith("-")) found[one.slice(0, -1)] = null;
    else throw new CommandError(`write KEY=VALUE or KEY-, not ${one}`);
  }
  if (Object.keys(found).length === 0) throw new CommandError("write KEY=VALUE or KEY-");
  return found;
}

export async function run(line: string, base: string): Promise<string> {
  const command = parse(line);
  switch (command.verb) {
    case "get":
      return get(base, command);
    case "describe":
      return describe(base, command);
    case "logs":
      return logs(base, command);
    case "delete": {
      const { type, name } = named(command, true);
      const kind = await resource(base, type);
      await json(base + target(kind, command, name), { method: "DELETE" });
      return `${kind.singularName || kind.name} "${name}" deleted`;
    }
    case "scale": {
      const replicas = Number(command.flags.replicas);
      if (!Number.isInteger(replicas) || replicas < 0) throw new CommandError("--replicas needs a whole number");
      return patch(base, command, { spec: { replicas } }, "scaled");
    }
    case "label":
    case "annotate": {
      const field = command.verb === "label" ? "labels" : "annotations";
      const changes = assignments(named(command, true).rest);
      return patch(base, command, { metadata: { [field]: changes } }, command.verb === "label" ? "labeled" : "annotated");
    }
    case "cordon":
    case "uncordon": {
      const on = command.verb === "cordon";
      const node = { ...command, words: ["nodes", command.words[0]?.replace(/^nodes?\//, "") ?? ""] };
      return patch(base, node, { spec: { unschedulable: on || null } }, on ? "cordoned" : "uncordoned");
    }
    case "api-resources": {
      const known = await discover(base);
      return table([["NAME", "SHORTNAMES", "GROUP", "NAMESPACED", "KIND"], ...known.map((one) => [one.name, one.shortNames?.join(",") ?? "", one.group, String(one.namespaced), one.kind])]);
    }
    case "version": {
      const version = await json<{ gitVersion: string }>(`${base}/version`);
      return `Server Version: ${version.gitVersion}`;
    }
    case "":
    case "help":
      return HELP;
    default:
      throw new CommandError(`this terminal does not know "${command.verb}"; it knows:\n${HELP}`);
  }
}
