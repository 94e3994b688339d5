import { describe, expect, it } from "vitest";
import { applyUpdates, fromList, kept, type WatchEvent } from "./applyUpdate";
import type { KubeObject } from "./objects";

function object(name: string, version: string, uid = name): KubeObject {
  return { apiVersion: "v1", kind: "Thing", metadata: { name, namespace: "a", resourceVersion: version, uid } };
}

const known = fromList([object("one", "1"), object("two", "2")], "2");

describe("applyUpdates", () => {
  it("adds, changes and removes in one new map and leaves the old one alone", () => {
    const events: WatchEvent<KubeObject>[] = [
      { type: "ADDED", object: object("three", "3") },
      { type: "MODIFIED", object: object("one", "4") },
      { type: "DELETED", object: object("two", "5") },
    ];
    const { known: after, next } = applyUpdates(known, events);
    expect(next).toBe("go on");
    expect([...after.items.keys()]).toEqual(["a/one", "a/three"]);
    expect(after.items.get("a/one")?.metadata.resourceVersion).toBe("4");
    expect(after.resourceVersion).toBe("5");
    expect([...known.items.keys()]).toEqual(["a/one", "a/two"]);
  });

  it("keeps the same map when a bookmark only moves the version", () => {
    const { known: after } = applyUpdates(known, [{ type: "BOOKMARK", object: object("", "9") }]);
    expect(after.items).toBe(known.items);
    expect(after.resourceVersion).toBe("9");
  });

  it("keeps a successor of the same name when the old object goes", () => {
    const { known: after } = applyUpdates(known, [
      { type: "ADDED", object: object("one", "6", "new") },
      { type: "DELETED", object: object("one", "5", "one") },
    ]);
    expect(after.items.get("a/one")?.metadata.uid).toBe("new");
  });

  it("lists again after 410 and watches again after another error", () => {
    const gone: WatchEvent<KubeObject> = { type: "ERROR", object: { kind: "Status", code: 410, reason: "Expired" } };
    const other: WatchEvent<KubeObject> = { type: "ERROR", object: { kind: "Status", code: 500 } };
    expect(applyUpdates(known, [gone]).next).toBe("list again");
    expect(applyUpdates(known, [{ type: "ADDED", object: object("x", "7") }, other]).next).toBe("watch again");
    expect(applyUpdates(known, [{ type: "ADDED", object: object("x", "7") }, other]).known.items.size).toBe(3);
  });
});

describe("an object that is kept", () => {
  it("goes without who set which field, and with its kind", () => {
    const came = { metadata: { ...object("one", "1").metadata, managedFields: [{ manager: "roost" }] }, spec: { a: 1 } };
    const type = { apiVersion: "v1", kind: "Thing" };
    expect(kept(came as unknown as KubeObject, type)).toEqual({ ...object("one", "1"), spec: { a: 1 } });
    expect(came.metadata.managedFields).toHaveLength(1);
  });
});
