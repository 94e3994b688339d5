/** Where the rights of a person come from: groups, Projects and bindings of the platform's API. Pure, but for `bindings`. */
import type { Project } from "../generated/api";
import type { User } from "./people";
import { json } from "./http";
import type { KubeList, KubeObject } from "./objects";

export interface Binding extends KubeObject {
  readonly roleRef: { readonly kind: string; readonly name: string };
  readonly subjects?: readonly { readonly kind: string; readonly name: string }[];
}

export interface Right {
  /** Name of a role, such as cluster-admin; of a Project's member Admin, Editor or Viewer. */
  readonly role: string;
  readonly kind: "project" | "namespace" | "platform";
  /** Name of the Project or the namespace; empty for the whole platform. */
  readonly where: string;
  /** The group that it comes through; empty when it names the person. */
  readonly group: string;
}

const USER = "roost:user:";
const GROUP = "roost:group:";
const RBAC = "/apis/rbac.authorization.k8s.io/v1";

/** Bindings that name somebody of roost's; those that follow from a Project are told as the Project. */
export async function bindings(): Promise<readonly Binding[]> {
  const lists = await Promise.all(
    ["clusterrolebindings", "rolebindings"].map((plural) => json<KubeList<Binding>>(`${RBAC}/${plural}`)),
  );
  return lists
    .flatMap((found) => found.items)
    .filter((one) => one.metadata.labels?.["cluster.alauda.io/project"] === undefined)
    .filter((one) => one.subjects?.some(({ name }) => name.startsWith(USER) || name.startsWith(GROUP)));
}

export function rightsOf(user: User, projects: Iterable<Project>, known: readonly Binding[]): Right[] {
  const found: Right[] = [];
  for (const binding of known) {
    for (const subject of binding.subjects ?? []) {
      const group = subject.kind === "Group" ? subject.name.replace(GROUP, "") : "";
      const fits = group ? user.groups.includes(group) : subject.name === USER + user.name;
      if (!fits) continue;
      const where = binding.metadata.namespace ?? "";
      found.push({ role: binding.roleRef.name, kind: where ? "namespace" : "platform", where, group });
    }
  }
  for (const project of projects) {
    for (const member of project.spec.members ?? []) {
      const fits = member.group ? user.groups.includes(member.group) : member.user === user.name;
      if (fits) found.push({ role: member.role, kind: "project", where: project.metadata.name, group: member.group ?? "" });
    }
  }
  const order = { platform: 0, project: 1, namespace: 2 } as const;
  return found.sort((one, other) => order[one.kind] - order[other.kind] || one.where.localeCompare(other.where));
}
