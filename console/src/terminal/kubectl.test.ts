import { describe, expect, it } from "vitest";
import { CommandError, parse } from "./command";
import { find, flattened, target } from "./discovery";
import { execPath, Lines } from "./exec";
import { documentsOf } from "./kubectl";

const found = flattened(
  {
    items: [
      {
        metadata: { name: "apps" },
        versions: [
          {
            version: "v1",
            resources: [
              { resource: "deployments", singularResource: "deployment", shortNames: ["deploy"], scope: "Namespaced", responseKind: { kind: "Deployment" } },
            ],
          },
          {
            version: "v1beta1",
            resources: [
              { resource: "deployments", singularResource: "deployment", scope: "Namespaced", responseKind: { kind: "Deployment" } },
              { resource: "olds", scope: "Cluster", responseKind: { kind: "Old" } },
            ],
          },
        ],
      },
    ],
  },
  "/apis",
);

describe("discovery", () => {
  it("keeps the preferred version of each resource, and what only an older one has", () => {
    expect(found.map((one) => one.path + " " + one.name)).toEqual(["/apis/apps/v1 deployments", "/apis/apps/v1beta1 olds"]);
  });

  it("finds a resource by every name that kubectl takes", () => {
    for (const word of ["deployments", "deployment", "deploy", "Deployment", "deployments.apps"]) expect(find(found, word)?.kind).toBe("Deployment");
    expect(find(found, "deployments.other")).toBeUndefined();
  });

  it("gives the path that kubectl asks", () => {
    const [deployments, olds] = found;
    if (!deployments || !olds) throw new Error("none found");
    expect(target(deployments, parse("get deploy"), "team", "web")).toBe("/apis/apps/v1/namespaces/team/deployments/web");
    expect(target(deployments, parse("get deploy -A"), "team")).toBe("/apis/apps/v1/deployments");
    expect(target(olds, parse("get olds"), "team", "x")).toBe("/apis/apps/v1beta1/olds/x");
  });
});

describe("exec", () => {
  it("asks as kubectl asks", () => {
    const exec = { base: "/clusters/a/b", namespace: "default", pod: "web-0", container: "main", program: ["sh", "-c", "a b"], tty: true, stdin: true };
    expect(execPath(exec)).toBe(
      "/clusters/a/b/api/v1/namespaces/default/pods/web-0/exec?command=sh&command=-c&command=a%20b&container=main&stdin=true&stdout=true&stderr=false&tty=true",
    );
    expect(execPath({ ...exec, tty: false, container: undefined })).toContain("stderr=true&tty=false");
  });

  it("tells whole lines, whatever pieces the bytes come in", () => {
    const told: string[] = [];
    const lines = new Lines((line) => told.push(line));
    for (const byte of new TextEncoder().encode("é\nb")) lines.add(new Uint8Array([byte]));
    lines.end();
    lines.end();
    expect(told).toEqual(["é", "b"]);
  });
});

describe("pasted objects", () => {
  it("are cut into documents, and lists into their items", () => {
    const text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\n---\napiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: b}}\n";
    expect(documentsOf(text).map((one) => one.metadata.name)).toEqual(["a", "b"]);
  });

  it("say what is missing", () => {
    for (const text of ["", "a: [", "kind: Pod", "apiVersion: v1\nkind: Pod", "just text"]) expect(() => documentsOf(text)).toThrow(CommandError);
  });
});
