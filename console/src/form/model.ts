/**
 * What is in the creation form, and the objects that it makes: Secrets and Machines first, the Cluster last, since
 * roost begins when everything that a Cluster names is there. Pure.
 */
import { API_VERSION } from "../api/resources";
import type { Secret } from "../api/objects";
import type { Cluster, Machine } from "../generated/api";

export type Auth =
  | { readonly kind: "password"; readonly password: string }
  | { readonly kind: "key"; readonly privateKey: string; readonly passphrase: string; readonly sudoPassword: string }
  | { readonly kind: "existing"; readonly secret: string };

export interface ProxyAuth {
  readonly user: string;
  readonly password: string;
}

/** A machine of the form. Its Secrets' contents stand beside it, never in it. */
export interface MachineRow {
  readonly key: string;
  /** As it will be created; `metadata.name` empty means: made from the cluster's name and the address. */
  readonly name: string;
  readonly spec: Omit<Machine["spec"], "clusterName">;
  readonly auth: Auth;
  readonly proxyAuth: ProxyAuth;
  /** Restored from a draft: its secrets have to be entered again. */
  readonly incomplete?: boolean;
}

export interface Form {
  readonly namespace: string;
  readonly name: string;
  readonly spec: Cluster["spec"];
  readonly machines: readonly MachineRow[];
  /** Credentials of a private registry that are entered here. */
  readonly registryAuth: ProxyAuth;
}

export const NO_AUTH: ProxyAuth = { user: "", password: "" };

export function emptyForm(): Form {
  return {
    namespace: "default",
    name: "",
    spec: { onPremises: { controlPlaneEndpoint: { host: "" }, network: { plugin: "Flannel" } } },
    machines: [],
    registryAuth: NO_AUTH,
  };
}

export function emptyMachine(key: string, role: "ControlPlane" | "Worker"): MachineRow {
  return {
    key,
    name: "",
    spec: { role, addresses: {}, ssh: { credential: { name: "" } } },
    auth: { kind: "password", password: "" },
    proxyAuth: NO_AUTH,
  };
}

/** `web`, 10.0.0.7 → `web-10-0-0-7`: the same machine always gets the same name. */
export function machineName(row: MachineRow, cluster: string): string {
  if (row.name) return row.name;
  const address = row.spec.addresses.ipv4 || row.spec.addresses.ipv6 || "";
  const short = address.replace(/[^0-9a-f]+/gi, "-").replace(/^-+|-+$/g, "").toLowerCase();
  return [cluster, short].filter(Boolean).join("-").slice(0, 63).replace(/-+$/, "");
}

type Json = unknown;

/** Without what says nothing: undefined, empty text, empty lists and maps. */
export function pruned<T>(value: T): T {
  return (prune(value) ?? {}) as T;
}

function prune(value: Json): Json {
  if (value === undefined || value === null || value === "") return undefined;
  if (Array.isArray(value)) {
    const items = value.map(prune).filter((item) => item !== undefined);
    return items.length > 0 ? items : undefined;
  }
  if (typeof value !== "object") return value;
  const kept = Object.entries(value)
    .map(([key, inner]) => [key, prune(inner)] as const)
    .filter(([, inner]) => inner !== undefined);
  return kept.length > 0 ? Object.fromEntries(kept) : undefined;
}

interface Made {
  readonly secrets: Secret[];
  readonly machines: Machine[];
  readonly cluster: Cluster;
}

export type SecretContent = Pick<Secret, "type" | "stringData">;

/** Undefined where nothing was entered. */
export function sshSecret(auth: Auth): SecretContent | undefined {
  if (auth.kind === "password" && auth.password) {
    return { type: "kubernetes.io/basic-auth", stringData: { password: auth.password } };
  }
  if (auth.kind === "key" && auth.privateKey) {
    const stringData: Record<string, string> = { "ssh-privatekey": ended(auth.privateKey) };
    if (auth.passphrase) stringData.passphrase = auth.passphrase;
    if (auth.sudoPassword) stringData["sudo-password"] = auth.sudoPassword;
    return { type: "kubernetes.io/ssh-auth", stringData };
  }
  return undefined;
}

export function basicAuth({ user, password }: ProxyAuth): SecretContent {
  return { type: "kubernetes.io/basic-auth", stringData: { username: user, password } };
}

/** Keys end with a line break; pasting often loses it. */
function ended(key: string): string {
  const text = key.replace(/\r\n/g, "\n").trim();
  return `${text}\n`;
}

/** One Secret for each different content: ten machines with the same password share one. */
class Vault {
  readonly secrets: Secret[] = [];
  private readonly known = new Map<string, string>();
  constructor(
    private readonly namespace: string,
    private readonly prefix: string,
  ) {}

  name(purpose: string, content: SecretContent): string {
    const key = JSON.stringify([purpose, content]);
    const before = this.known.get(key);
    if (before) return before;
    const count = [...this.known.keys()].filter((known) => known.startsWith(`["${purpose}"`)).length;
    const name = `${this.prefix}-${purpose}${count > 0 ? `-${count + 1}` : ""}`;
    this.known.set(key, name);
    this.secrets.push({ apiVersion: "v1", kind: "Secret", metadata: { name, namespace: this.namespace }, ...content });
    return name;
  }
}

export function documents(form: Form): Made {
  const prefix = form.name || "cluster";
  const vault = new Vault(form.namespace, prefix);
  const machines = form.machines.map((row): Machine => {
    const secret = sshSecret(row.auth);
    const credential =
      row.auth.kind === "existing" ? row.auth.secret : secret ? vault.name("ssh", secret) : `${prefix}-ssh`;
    const proxy = row.spec.ssh.proxy;
    const proxyName =
      proxy?.address && row.proxyAuth.user
        ? vault.name("proxy", basicAuth(row.proxyAuth))
        : proxy?.credential?.name;
    const spec = pruned<Machine["spec"]>({
      clusterName: form.name,
      ...row.spec,
      ssh: {
        ...row.spec.ssh,
        credential: { name: credential },
        ...(proxy ? { proxy: { ...proxy, ...(proxyName ? { credential: { name: proxyName } } : {}) } } : {}),
      },
    });
    const metadata = { name: machineName(row, form.name), namespace: form.namespace };
    return { apiVersion: API_VERSION, kind: "Machine", metadata, spec };
  });
  const spec = pruned(form.spec);
  // An empty host is judged at its own field, a missing endpoint is not.
  if (spec.onPremises) {
    const endpoint: Partial<typeof spec.onPremises.controlPlaneEndpoint> = spec.onPremises.controlPlaneEndpoint ?? {};
    spec.onPremises.controlPlaneEndpoint = { ...endpoint, host: endpoint.host ?? "" };
  }
  const registry = spec.onPremises?.registry;
  if (spec.onPremises && registry?.type === "Private" && form.registryAuth.user) {
    const name = vault.name("registry", basicAuth(form.registryAuth));
    spec.onPremises = { ...spec.onPremises, registry: { ...registry, credential: { name } } };
  }
  const cluster: Cluster = {
    apiVersion: API_VERSION,
    kind: "Cluster",
    metadata: { name: form.name, namespace: form.namespace },
    spec,
  };
  return { secrets: vault.secrets, machines, cluster };
}

/** Immutable write of one dotted path; undefined takes the field away. */
export function written<T>(object: T, path: string, value: unknown): T {
  const [first = "", ...rest] = path.split(".");
  const before = (object ?? {}) as Record<string, unknown>;
  const next = rest.length === 0 ? value : written(before[first], rest.join("."), value);
  const { [first]: _before, ...others } = before;
  return (next === undefined ? others : { ...before, [first]: next }) as T;
}

export function readAt(object: unknown, path: string): unknown {
  let here = object;
  for (const part of path.split(".")) {
    if (typeof here !== "object" || here === null) return undefined;
    here = (here as Record<string, unknown>)[part];
  }
  return here;
}
