/** What one event of a watch does to the objects that are known. Pure. */
import type { KubeObject, Status } from "./objects";

export type WatchEvent<T extends KubeObject> =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK"; readonly object: T }
  | { readonly type: "ERROR"; readonly object: Status };

export interface Known<T extends KubeObject> {
  readonly items: ReadonlyMap<string, T>;
  readonly resourceVersion: string;
}

export type Outcome<T extends KubeObject> =
  | { readonly known: Known<T>; readonly next: "go on" }
  | { readonly known: Known<T>; readonly next: "list again" }
  | { readonly known: Known<T>; readonly next: "watch again" };

export function keyOf(object: KubeObject): string {
  return object.metadata.namespace ? `${object.metadata.namespace}/${object.metadata.name}` : object.metadata.name;
}

export function fromList<T extends KubeObject>(items: readonly T[], resourceVersion: string): Known<T> {
  return { items: new Map(items.map((item) => [keyOf(item), item])), resourceVersion };
}

/**
 * An object as it is kept: without who set which field, which is more than half of it and which nothing here reads (an
 * update that leaves it out leaves it as it is). `kind` and `apiVersion` are left out of the items of a list.
 */
export function kept<T extends KubeObject>(object: T, type: Pick<KubeObject, "apiVersion" | "kind">): T {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, ...type, metadata };
}

/** Several events at once, in their order: one new map for all of them, so that one render shows them. */
export function applyUpdates<T extends KubeObject>(known: Known<T>, events: readonly WatchEvent<T>[]): Outcome<T> {
  let items: Map<string, T> | undefined;
  let resourceVersion = known.resourceVersion;
  const done = (): Known<T> => ({ items: items ?? known.items, resourceVersion });
  for (const event of events) {
    if (event.type === "ERROR") {
      const gone = event.object.code === 410;
      return { known: done(), next: gone ? "list again" : "watch again" };
    }
    const version = event.object.metadata.resourceVersion;
    if (version) resourceVersion = version;
    if (event.type === "BOOKMARK") continue;
    const key = keyOf(event.object);
    const before = (items ?? known.items).get(key);
    // The object that went may already have a successor of the same name.
    if (event.type === "DELETED") {
      if (before && before.metadata.uid === event.object.metadata.uid) {
        items ??= new Map(known.items);
        items.delete(key);
      }
      continue;
    }
    items ??= new Map(known.items);
    items.set(key, event.object);
  }
  return { known: done(), next: "go on" };
}
