/** Where the objects of each kind stand in the API, and the verbs on them: the same paths that kubectl asks. */
import type {
  CloudCredential,
  Cluster,
  FeatureGate,
  KubernetesRelease,
  Machine,
  MachineCheck,
  MachineDraft,
  Plan,
  Project,
} from "../generated/api";
import { json } from "./http";
import type { KubeEvent, KubeList, KubeObject, Secret } from "./objects";

export interface Resource<T extends KubeObject> {
  readonly kind: T["kind"];
  readonly root: string;
  readonly plural: string;
  readonly namespaced: boolean;
}

export const GROUP = "cluster.alauda.io";
export const API_VERSION = `${GROUP}/v1alpha1`;
const OURS = `/apis/${API_VERSION}`;

function ours<T extends KubeObject>(kind: T["kind"], plural: string, namespaced = true): Resource<T> {
  return { kind, root: OURS, plural, namespaced };
}

export const clusters = ours<Cluster>("Cluster", "clusters");
export const machines = ours<Machine>("Machine", "machines");
export const plans = ours<Plan>("Plan", "plans");
export const machineChecks = ours<MachineCheck>("MachineCheck", "machinechecks");
export const machineDrafts = ours<MachineDraft>("MachineDraft", "machinedrafts");
export const cloudCredentials = ours<CloudCredential>("CloudCredential", "cloudcredentials");
export const projects = ours<Project>("Project", "projects", false);
export const featureGates = ours<FeatureGate>("FeatureGate", "featuregates", false);
export const releases = ours<KubernetesRelease>("KubernetesRelease", "kubernetesreleases", false);
export const secrets: Resource<Secret> = { kind: "Secret", root: "/api/v1", plural: "secrets", namespaced: true };
export const events: Resource<KubeEvent> = { kind: "Event", root: "/api/v1", plural: "events", namespaced: true };
export const namespaces: Resource<KubeObject> = {
  kind: "Namespace",
  root: "/api/v1",
  plural: "namespaces",
  namespaced: false,
};

export interface Place {
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
}

export function path<T extends KubeObject>(resource: Resource<T>, place: Place = {}, query = ""): string {
  const namespace = resource.namespaced && place.namespace ? `/namespaces/${encodeURIComponent(place.namespace)}` : "";
  const name = place.name ? `/${encodeURIComponent(place.name)}` : "";
  return `${resource.root}${namespace}/${resource.plural}${name}${query ? `?${query}` : ""}`;
}

function placeOf(object: KubeObject): Place {
  return { namespace: object.metadata.namespace, name: object.metadata.name };
}

export interface Options {
  readonly dryRun?: boolean;
  readonly onWarning?: (text: string) => void;
}

const MANAGER = "fieldManager=roost-console";

function query(options: Options): string {
  return options.dryRun ? `${MANAGER}&dryRun=All` : MANAGER;
}

/** Objects of the first piece: more than a window shows, and little enough to come uncompressed. first.js knows it too. */
const FIRST = 50;
const PIECE = 250;

/** A list piece by piece: the first rows of thousands are there early, and no piece holds the page up for long. */
export async function* pieces<T extends KubeObject>(
  resource: Resource<T>,
  place: Place = {},
  search = "",
): AsyncGenerator<KubeList<T>, void> {
  let next = "";
  do {
    const words = [search, `limit=${next ? PIECE : FIRST}`, next && `continue=${encodeURIComponent(next)}`];
    const piece: KubeList<T> = await json(path(resource, place, words.filter(Boolean).join("&")));
    yield piece;
    next = piece.metadata.continue ?? "";
  } while (next);
}

export function get<T extends KubeObject>(resource: Resource<T>, place: Place): Promise<T> {
  return json(path(resource, place));
}

export function create<T extends KubeObject>(resource: Resource<T>, object: T, options: Options = {}): Promise<T> {
  const place = { namespace: object.metadata.namespace };
  return json(path(resource, place, `${query(options)}&fieldValidation=Strict`), {
    method: "POST",
    body: object,
    ...(options.onWarning ? { onWarning: options.onWarning } : {}),
  });
}

export function replace<T extends KubeObject>(resource: Resource<T>, object: T, options: Options = {}): Promise<T> {
  return json(path(resource, placeOf(object), `${query(options)}&fieldValidation=Strict`), {
    method: "PUT",
    body: object,
    ...(options.onWarning ? { onWarning: options.onWarning } : {}),
  });
}

/** A JSON merge patch, as `kubectl patch --type merge`. */
export function merge<T extends KubeObject>(
  resource: Resource<T>,
  place: Place,
  patch: unknown,
  options: Options = {},
): Promise<T> {
  return json(path(resource, place, query(options)), {
    method: "PATCH",
    body: patch,
    contentType: "application/merge-patch+json",
    ...(options.onWarning ? { onWarning: options.onWarning } : {}),
  });
}

export function remove<T extends KubeObject>(resource: Resource<T>, place: Place): Promise<unknown> {
  return json(path(resource, place), { method: "DELETE", body: { propagationPolicy: "Background" } });
}
