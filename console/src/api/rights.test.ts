import { describe, expect, it } from "vitest";
import type { Project } from "../generated/api";
import type { User } from "./people";
import { rightsOf, type Binding } from "./rights";

const user: User = { name: "li", displayName: "", groups: ["auditors", "web"], service: false, disabled: false, created: "" };

function binding(role: string, kind: string, name: string, namespace?: string): Binding {
  return {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "RoleBinding",
    metadata: { name: "b", ...(namespace ? { namespace } : {}) },
    roleRef: { kind: "ClusterRole", name: role },
    subjects: [{ kind, name }],
  };
}

const project = (name: string, members: Project["spec"]["members"]): Project => ({
  apiVersion: "cluster.alauda.io/v1alpha1",
  kind: "Project",
  metadata: { name },
  spec: { ...(members ? { members } : {}) },
});

describe("rights of a person", () => {
  it("come from bindings and Projects, by name and by group", () => {
    const bindings = [
      binding("roost:cluster-viewer", "User", "roost:user:li", "team"),
      binding("roost:cluster-editor", "User", "roost:user:other", "team"),
      binding("roost:auditor", "Group", "roost:group:auditors"),
    ];
    const projects = [project("shop", [{ group: "web", role: "Editor" }]), project("else", [{ user: "wu", role: "Admin" }])];
    expect(rightsOf(user, projects, bindings)).toEqual([
      { role: "roost:auditor", kind: "platform", where: "", group: "auditors" },
      { role: "Editor", kind: "project", where: "shop", group: "web" },
      { role: "roost:cluster-viewer", kind: "namespace", where: "team", group: "" },
    ]);
  });

  it("are none for a stranger", () => {
    expect(rightsOf({ ...user, name: "x", groups: [] }, [project("shop", [{ group: "web", role: "Admin" }])], [binding("a", "Group", "roost:group:web")])).toEqual([]);
  });
});
