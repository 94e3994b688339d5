/** The machine form kept on the platform, without secrets: one draft for each person and namespace. */
import { ApiError } from "../api/http";
import { API_VERSION, create, get, machineDrafts, replace } from "../api/resources";
import type { MachineDraft } from "../generated/api";
import { emptyMachine, pruned, type MachineRow } from "./model";

type Drafted = NonNullable<MachineDraft["spec"]["machines"]>[number];

/** `roost:user:Li.Wei` → `draft-li-wei-1x9k2`: readable, and one for each person. */
export function draftName(user: string): string {
  let hash = 0;
  for (const sign of user) hash = (hash * 31 + (sign.codePointAt(0) ?? 0)) >>> 0;
  const short = user
    .replace(/^.*:/, "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 40);
  return ["draft", short, hash.toString(36)].filter(Boolean).join("-");
}

/** What may be kept of a machine: everything but passwords and keys. */
export function toDraft(row: MachineRow): Drafted {
  const { ssh, ...rest } = row.spec;
  const credential = row.auth.kind === "existing" && row.auth.secret ? { name: row.auth.secret } : undefined;
  const { credential: _ssh, proxy, ...access } = ssh;
  return pruned({
    ...rest,
    name: row.name,
    ssh: { ...access, ...(credential ? { credential } : {}), ...(proxy ? { proxy: { address: proxy.address } } : {}) },
  });
}

export function fromDraft(drafted: Drafted, key: string): MachineRow {
  const base = emptyMachine(key, drafted.role ?? "Worker");
  const { name, ssh, role, addresses, ...rest } = drafted;
  const credential = ssh?.credential?.name;
  return {
    ...base,
    name: name ?? "",
    spec: {
      ...rest,
      role: role ?? "Worker",
      addresses: addresses ?? {},
      ssh: {
        ...(ssh?.address ? { address: ssh.address } : {}),
        ...(ssh?.port ? { port: ssh.port } : {}),
        ...(ssh?.user ? { user: ssh.user } : {}),
        ...(ssh?.hostKeys ? { hostKeys: ssh.hostKeys } : {}),
        ...(ssh?.proxy?.address ? { proxy: { address: ssh.proxy.address } } : {}),
        credential: { name: "" },
      },
    },
    auth: credential ? { kind: "existing", secret: credential } : base.auth,
    incomplete: credential === undefined,
  };
}

export async function keepDraft(user: string, namespace: string, rows: readonly MachineRow[]): Promise<void> {
  const name = draftName(user);
  const draft: MachineDraft = {
    apiVersion: API_VERSION,
    kind: "MachineDraft",
    metadata: { name, namespace },
    spec: { owner: user, machines: rows.map(toDraft) },
  };
  const before = await findDraft(user, namespace);
  if (!before) await create(machineDrafts, draft);
  else await replace(machineDrafts, { ...draft, metadata: { ...before.metadata } });
}

export async function findDraft(user: string, namespace: string): Promise<MachineDraft | undefined> {
  try {
    return await get(machineDrafts, { namespace, name: draftName(user) });
  } catch (error) {
    if (error instanceof ApiError && error.kind === "missing") return undefined;
    throw error;
  }
}
