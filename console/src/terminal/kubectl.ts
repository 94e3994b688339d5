/** The part of kubectl that the browser's terminal knows: each command is a request to the cluster's API. */
import { parseAllDocuments, stringify } from "yaml";
import { ApiError, json, lines, text } from "../api/http";
import type { KubeEvent, KubeList, KubeObject } from "../api/objects";
import { assignments, CommandError, named, parse, podOf, seconds, table, type Command } from "./command";
import { forget, resource, resourceOf, resources, target, type ApiResource } from "./discovery";
import { Lines, open, REFUSED, type Exec } from "./exec";

export const HELP = `kubectl get TYPE [NAME] [-n NAMESPACE | -A] [-l SELECTOR] [-o wide|yaml|json|name] [-w]
kubectl describe TYPE NAME [-n NAMESPACE]
kubectl logs POD [-c CONTAINER] [-n NAMESPACE] [-f] [--tail N] [--since 5m] [--previous]
kubectl exec [-it] POD [-c CONTAINER] [-n NAMESPACE] -- PROGRAM…
kubectl apply -f - [--dry-run=server] [--force-conflicts]
kubectl edit TYPE NAME [-n NAMESPACE]
kubectl scale TYPE NAME --replicas N [-n NAMESPACE]
kubectl rollout restart TYPE NAME [-n NAMESPACE]
kubectl label TYPE NAME KEY=VALUE KEY- [-n NAMESPACE]
kubectl annotate TYPE NAME KEY=VALUE KEY- [-n NAMESPACE]
kubectl cordon NODE | kubectl uncordon NODE
kubectl delete TYPE NAME [-n NAMESPACE]
kubectl api-resources | kubectl version
clear`;

const MANAGER = "roost-console";

export interface Place {
  /** The cluster's root behind the gateway. */
  readonly base: string;
  /** Where a command acts that names no namespace. */
  readonly namespace: string;
}

/** What a command asks the page to open, when it is not done by telling its output. */
export type Opens =
  | { readonly kind: "shell"; readonly exec: Exec }
  | { readonly kind: "editor"; readonly title: string; readonly text: string; readonly save: (text: string) => Promise<string> };

export type Tell = (output: string) => void;

/** One command, by itself: `tell` gets its output as it comes. Raises CommandError and ApiError. */
export async function run(line: string, place: Place, tell: Tell, signal: AbortSignal): Promise<Opens | undefined> {
  const command = parse(line);
  const act = VERBS[command.verb];
  if (!act) throw new CommandError(`this terminal does not know "${command.verb}"; it knows:\n${HELP}`);
  const at = { ...place, namespace: command.flags.namespace ?? place.namespace };
  const answer = await act({ command, at, tell, signal });
  if (typeof answer === "string") tell(answer);
  else return answer;
  return undefined;
}

interface Asked {
  readonly command: Command;
  readonly at: Place;
  readonly tell: Tell;
  readonly signal: AbortSignal;
}

type Verb = (asked: Asked) => Promise<string | Opens | undefined>;

const VERBS: Readonly<Record<string, Verb>> = {
  get,
  describe,
  logs,
  exec,
  apply,
  edit,
  delete: remove,
  scale,
  rollout,
  label: (asked) => keys(asked, "labels", "labeled"),
  annotate: (asked) => keys(asked, "annotations", "annotated"),
  cordon: (asked) => schedulable(asked, true),
  uncordon: (asked) => schedulable(asked, false),
  "api-resources": async ({ at }) => {
    forget(at.base);
    const rows = (await resources(at.base)).map((one) => [one.name, one.shortNames.join(","), one.group, String(one.namespaced), one.kind]);
    return table([["NAME", "SHORTNAMES", "GROUP", "NAMESPACED", "KIND"], ...rows]);
  },
  version: async ({ at }) => `Server Version: ${(await json<{ gitVersion: string }>(`${at.base}/version`)).gitVersion}`,
  help: () => Promise.resolve(HELP),
  "": () => Promise.resolve(HELP),
};

interface ServerTable {
  readonly columnDefinitions?: readonly { readonly name: string; readonly priority: number }[];
  readonly rows?: readonly { readonly cells: readonly unknown[]; readonly object?: KubeObject }[];
  readonly metadata?: { readonly resourceVersion?: string };
}

function cellText(cell: unknown): string {
  if (cell === undefined || cell === null) return "<none>";
  return typeof cell === "string" ? cell : JSON.stringify(cell);
}

const AS_TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

async function get(asked: Asked): Promise<string | undefined> {
  const { command, at } = asked;
  const { type, name } = named(command, false);
  const kind = await resource(at.base, type);
  const query = new URLSearchParams();
  if (command.flags.selector) query.set("labelSelector", command.flags.selector);
  // One object is watched as a list of one.
  const watching = command.flags.watch === "true";
  if (watching && name) query.set("fieldSelector", `metadata.name=${name}`);
  const path = `${at.base}${target(kind, command, at.namespace, watching ? undefined : name)}`;
  const search = name && !watching ? "" : `?${query}`;
  const output = command.flags.output ?? "";
  if (output === "yaml" || output === "json" || output === "name") {
    const found = await json<KubeObject & Partial<KubeList<KubeObject>>>(path + search);
    const items = found.items ?? [found];
    if (output === "name") return items.map((one) => `${kind.singularName || kind.name}/${one.metadata.name}`).join("\n");
    for (const one of items) delete one.metadata.managedFields;
    return output === "json" ? JSON.stringify(found, null, 2) : stringify(found, { lineWidth: 0 });
  }
  const found = await json<ServerTable>(path + search, { accept: AS_TABLE });
  const all = command.flags["all-namespaces"] === "true" && kind.namespaced;
  const columns = (found.columnDefinitions ?? []).map((column, index) => [column, index] as const).filter(([column]) => output === "wide" || column.priority === 0);
  const cells = (rows: ServerTable["rows"]) =>
    (rows ?? []).map((row) => [
      ...(all ? [row.object?.metadata.namespace ?? ""] : []),
      ...columns.map(([, index]) => cellText(row.cells[index])),
    ]);
  const head = [...(all ? ["NAMESPACE"] : []), ...columns.map(([column]) => column.name.toUpperCase())];
  const rows = cells(found.rows);
  if (!watching) {
    if (rows.length > 0) return table([head, ...rows]);
    return `No resources found${kind.namespaced && !all ? ` in ${at.namespace} namespace` : ""}.`;
  }
  asked.tell(table([head, ...rows]));
  query.set("watch", "true");
  query.set("resourceVersion", found.metadata?.resourceVersion ?? "");
  await lines(`${path}?${query}`, { accept: AS_TABLE, signal: asked.signal }, (line) => {
    const event = JSON.parse(line) as { type: string; object: ServerTable & { message?: string } };
    if (event.type === "ERROR") throw new CommandError(event.object.message ?? "the watch ended");
    asked.tell(table(cells(event.object.rows)));
  });
  return undefined;
}

async function describe({ command, at }: Asked): Promise<string> {
  const { type, name } = named(command, true);
  const kind = await resource(at.base, type);
  const found = await json<KubeObject>(at.base + target(kind, command, at.namespace, name));
  delete found.metadata.managedFields;
  const namespace = found.metadata.namespace ?? "default";
  const selector = encodeURIComponent(`involvedObject.name=${found.metadata.name},involvedObject.kind=${found.kind}`);
  const events = await json<KubeList<KubeEvent>>(`${at.base}/api/v1/namespaces/${namespace}/events?fieldSelector=${selector}`);
  const rows = events.items.map((one) => [one.type ?? "", one.reason ?? "", String(one.count ?? 1), one.message ?? one.note ?? ""]);
  const tail = rows.length > 0 ? table([["TYPE", "REASON", "COUNT", "MESSAGE"], ...rows]) : "<none>";
  return `${stringify(found, { lineWidth: 0 })}\nEvents:\n${tail}`;
}

async function logs({ command, at, tell, signal }: Asked): Promise<string | undefined> {
  const pod = podOf(command);
  const query = new URLSearchParams({ tailLines: command.flags.tail ?? "200" });
  if (command.flags.container) query.set("container", command.flags.container);
  if (command.flags.previous === "true") query.set("previous", "true");
  if (command.flags.since) query.set("sinceSeconds", String(seconds(command.flags.since)));
  const path = `${at.base}/api/v1/namespaces/${encodeURIComponent(at.namespace)}/pods/${encodeURIComponent(pod)}/log`;
  if (command.flags.follow !== "true") return text(`${path}?${query}`, { accept: "*/*" });
  query.set("follow", "true");
  await lines(`${path}?${query}`, { accept: "*/*", signal }, tell);
  return undefined;
}

async function exec({ command, at, tell, signal }: Asked): Promise<Opens | undefined> {
  const pod = podOf(command);
  // `exec POD PROGRAM` without `--` is what kubectl itself no longer takes.
  if (command.program.length === 0) throw new CommandError("write the program after --, such as -- sh");
  const wish: Exec = {
    base: at.base,
    namespace: at.namespace,
    pod,
    container: command.flags.container,
    program: command.program,
    tty: command.flags.tty === "true",
    stdin: command.flags.stdin === "true",
  };
  if (wish.tty) return { kind: "shell", exec: { ...wish, stdin: true } };
  const outputs = [new Lines(tell), new Lines(tell)] as const;
  await new Promise<void>((done, stop) => {
    const session = open(
      { ...wish, stdin: false },
      {
        onOutput: (bytes, error) => outputs[error ? 1 : 0].add(bytes),
        onEnd: (problem) => {
          outputs.forEach((one) => one.end());
          if (problem === undefined) done();
          else if (problem === REFUSED) void why(wish).then((words) => stop(new CommandError(words)));
          else stop(new CommandError(problem));
        },
      },
    );
    signal.addEventListener("abort", () => {
      session.close();
      stop(new DOMException("stopped", "AbortError"));
    });
  });
  return undefined;
}

/** A browser keeps why a WebSocket was refused to itself: the same is asked in a way that is answered. */
export async function why(exec: Exec): Promise<string> {
  const namespace = encodeURIComponent(exec.namespace);
  try {
    await json(`${exec.base}/api/v1/namespaces/${namespace}/pods/${encodeURIComponent(exec.pod)}`);
    const question = {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SelfSubjectAccessReview",
      spec: { resourceAttributes: { verb: "create", resource: "pods", subresource: "exec", namespace: exec.namespace, name: exec.pod } },
    };
    const answer = await json<{ status?: { allowed?: boolean } }>(`${exec.base}/apis/authorization.k8s.io/v1/selfsubjectaccessreviews`, {
      method: "POST",
      body: question,
    });
    if (answer.status?.allowed === false) return `pods "${exec.pod}" is forbidden: you may not exec in the namespace "${exec.namespace}"`;
    return `the connection to ${exec.pod} could not be opened; its container may not be running`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Server-side apply, as `kubectl apply --server-side`: one request for each document, and what differs is the server's matter. */
function apply({ command, at }: Asked): Promise<Opens> {
  if ((command.flags.filename ?? "-") !== "-") {
    return Promise.reject(new CommandError("a browser has no files: write apply -f - and paste the objects"));
  }
  const query = new URLSearchParams({ fieldManager: MANAGER, fieldValidation: "Strict" });
  if (command.flags["force-conflicts"] === "true") query.set("force", "true");
  const dry = command.flags["dry-run"];
  if (dry !== undefined && dry !== "none") query.set("dryRun", "All");
  const save = async (given: string) => {
    const told: string[] = [];
    for (const object of documentsOf(given)) {
      const kind = await resourceOf(at.base, object.apiVersion, object.kind);
      const namespace = object.metadata.namespace ?? at.namespace;
      const path = at.base + target(kind, { ...command, flags: {} }, namespace, object.metadata.name);
      try {
        await json(`${path}?${query}`, { method: "PATCH", body: object, contentType: "application/apply-patch+yaml" });
      } catch (error) {
        // What came before it stands: that is told, too.
        if (!(error instanceof ApiError) || told.length === 0) throw error;
        throw new CommandError([...told, error.message].join("\n"));
      }
      told.push(`${kind.singularName || kind.name}/${object.metadata.name} serverside-applied${query.has("dryRun") ? " (server dry run)" : ""}`);
    }
    return told.join("\n");
  };
  return Promise.resolve({ kind: "editor", title: "kubectl apply -f -", text: "", save });
}

export function documentsOf(given: string): KubeObject[] {
  const found: KubeObject[] = [];
  for (const document of parseAllDocuments(given, { version: "1.1", schema: "core" })) {
    const error = document.errors[0];
    if (error) throw new CommandError(error.message.split("\n")[0] ?? "this is not YAML");
    const body = document.toJS() as unknown;
    if (body === null || body === undefined) continue;
    found.push(...unfolded(body));
  }
  if (found.length === 0) throw new CommandError("there is no object in the text");
  return found;
}

/** A `kind: List` is its items. */
function unfolded(body: unknown): KubeObject[] {
  const object = body as Partial<KubeObject> & { items?: unknown[] };
  if (typeof body !== "object" || !object.kind || !object.apiVersion) throw new CommandError("each document needs apiVersion and kind");
  if (object.kind === "List" && Array.isArray(object.items)) return object.items.flatMap(unfolded);
  if (!object.metadata?.name) throw new CommandError(`${object.kind}: metadata.name is needed`);
  return [object as KubeObject];
}

/** The object as it is, and a PUT with the version that was read. */
async function edit({ command, at }: Asked): Promise<Opens> {
  const { type, name } = named(command, true);
  const kind = await resource(at.base, type);
  const path = at.base + target(kind, command, at.namespace, name);
  const found = await json<KubeObject>(path);
  delete found.metadata.managedFields;
  return {
    kind: "editor",
    title: `kubectl edit ${kind.singularName || kind.name} ${name}`,
    text: stringify(found, { lineWidth: 0, indentSeq: false }),
    save: async (given) => {
      const [object, other] = documentsOf(given);
      if (other || object?.metadata.name !== name) throw new CommandError(`keep to the one object ${name}`);
      await json(`${path}?fieldManager=${MANAGER}&fieldValidation=Strict`, { method: "PUT", body: object });
      return `${kind.singularName || kind.name}/${name} edited`;
    },
  };
}

async function remove({ command, at }: Asked): Promise<string> {
  const { type, name } = named(command, true);
  const kind = await resource(at.base, type);
  await json(at.base + target(kind, command, at.namespace, name), { method: "DELETE", body: { propagationPolicy: "Background" } });
  return `${kind.singularName || kind.name} "${name}" deleted`;
}

async function patched(asked: Asked, body: unknown, done: string, at?: { kind: ApiResource; name: string }): Promise<string> {
  const { command } = asked;
  let { kind, name } = at ?? { kind: undefined, name: "" };
  if (!kind) {
    const found = named(command, true);
    kind = await resource(asked.at.base, found.type);
    name = found.name ?? "";
  }
  await json(`${asked.at.base}${target(kind, command, asked.at.namespace, name)}?fieldManager=${MANAGER}`, {
    method: "PATCH",
    body,
    contentType: "application/merge-patch+json",
  });
  return `${kind.singularName || kind.name}/${name} ${done}`;
}

function scale(asked: Asked): Promise<string> {
  const replicas = Number(asked.command.flags.replicas);
  if (!Number.isInteger(replicas) || replicas < 0) throw new CommandError("--replicas needs a whole number");
  return patched(asked, { spec: { replicas } }, "scaled");
}

async function rollout(asked: Asked): Promise<string> {
  const [what, ...rest] = asked.command.words;
  if (what !== "restart") throw new CommandError("this terminal knows rollout restart alone");
  const { type, name } = named({ ...asked.command, words: rest }, true);
  const kind = await resource(asked.at.base, type);
  const annotations = { "kubectl.kubernetes.io/restartedAt": new Date().toISOString() };
  return patched(asked, { spec: { template: { metadata: { annotations } } } }, "restarted", { kind, name: name ?? "" });
}

function keys(asked: Asked, field: "labels" | "annotations", done: string): Promise<string> {
  return patched(asked, { metadata: { [field]: assignments(named(asked.command, true).rest) } }, done);
}

async function schedulable(asked: Asked, cordoned: boolean): Promise<string> {
  const name = asked.command.words[0]?.replace(/^nodes?\//, "");
  if (!name) throw new CommandError("name a node");
  const kind = await resource(asked.at.base, "nodes");
  return patched(asked, { spec: { unschedulable: cordoned || null } }, cordoned ? "cordoned" : "uncordoned", { kind, name });
}
