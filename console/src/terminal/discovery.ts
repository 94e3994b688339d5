/** Which resources a cluster has, and where each stands: asked once for each cluster, as kubectl does. */
import { json } from "../api/http";
import { CommandError, type Command } from "./command";

export interface ApiResource {
  readonly name: string;
  readonly singularName: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly group: string;
  /** `/api/v1` or `/apis/apps/v1`. */
  readonly path: string;
}

interface Discovered {
  readonly items: readonly {
    readonly metadata: { readonly name?: string };
    readonly versions: readonly {
      readonly version: string;
      readonly resources?: readonly {
        readonly resource: string;
        readonly singularResource?: string;
        readonly shortNames?: readonly string[];
        readonly scope: "Namespaced" | "Cluster";
        readonly responseKind: { readonly kind: string };
      }[];
    }[];
  }[];
}

const AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

const known = new Map<string, Promise<readonly ApiResource[]>>();

/** `base` is the cluster's root behind the gateway, such as /clusters/default/web. */
export function resources(base: string): Promise<readonly ApiResource[]> {
  let found = known.get(base);
  if (!found) {
    found = Promise.all([`${base}/api`, `${base}/apis`].map((path) => json<Discovered>(path, { accept: AGGREGATED }))).then(
      ([core, groups]) => [...flattened(core, "/api"), ...flattened(groups, "/apis")],
    );
    known.set(base, found);
    found.catch(() => known.delete(base));
  }
  return found;
}

/** What was asked is asked again: a CRD may have come. */
export function forget(base: string): void {
  known.delete(base);
}

export function flattened(list: Discovered | undefined, root: "/api" | "/apis"): ApiResource[] {
  return (list?.items ?? []).flatMap((group) => {
    const name = group.metadata.name ?? "";
    // The first version is the preferred one; older ones may still hold resources of their own.
    const seen = new Set<string>();
    return group.versions.flatMap(({ version, resources: listed }) =>
      (listed ?? [])
        .filter((one) => !seen.has(one.resource) && seen.add(one.resource))
        .map((one) => ({
          name: one.resource,
          singularName: one.singularResource ?? "",
          kind: one.responseKind.kind,
          namespaced: one.scope === "Namespaced",
          shortNames: one.shortNames ?? [],
          group: name,
          path: root === "/api" ? `/api/${version}` : `/apis/${name}/${version}`,
        })),
    );
  });
}

export function find(all: readonly ApiResource[], word: string): ApiResource | undefined {
  const [name = "", group] = word.toLowerCase().split(/\.(.*)/s);
  return all.find(
    (one) =>
      (group === undefined || one.group === group) &&
      (one.name === name || one.singularName === name || one.kind.toLowerCase() === name || one.shortNames.includes(name)),
  );
}

export async function resource(base: string, word: string): Promise<ApiResource> {
  let found = find(await resources(base), word);
  if (!found) {
    forget(base);
    found = find(await resources(base), word);
  }
  if (!found) throw new CommandError(`the server doesn't have a resource type "${word}"`);
  return found;
}

/** By what stands in a document: apiVersion and kind. */
export async function resourceOf(base: string, apiVersion: string, kind: string): Promise<ApiResource> {
  const path = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const fits = (one: ApiResource) => one.path === path && one.kind === kind;
  let found = (await resources(base)).find(fits);
  if (!found) {
    forget(base);
    found = (await resources(base)).find(fits);
  }
  if (found) return found;
  // An older version of the group, which is served though it is not the preferred one.
  const group = apiVersion.includes("/") ? apiVersion.split("/")[0] : "";
  const other = (await resources(base)).find((one) => one.group === group && one.kind === kind);
  if (!other) throw new CommandError(`no matches for kind "${kind}" in version "${apiVersion}"`);
  return { ...other, path };
}

export function target(kind: ApiResource, command: Command, namespace: string, name?: string): string {
  const all = command.flags["all-namespaces"] === "true";
  const within = kind.namespaced && !all ? `/namespaces/${encodeURIComponent(namespace)}` : "";
  return `${kind.path}${within}/${kind.name}${name ? `/${encodeURIComponent(name)}` : ""}`;
}
