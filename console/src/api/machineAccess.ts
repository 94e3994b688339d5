/** Corrects how roost signs in to a machine that exists: its Secrets, then the Machine that names them. */
import type { Machine } from "../generated/api";
import { basicAuth, pruned, sshSecret, type Auth, type MachineRow, type ProxyAuth, type SecretContent } from "../form/model";
import { ApiError } from "./http";
import { create, machines, merge, secrets } from "./resources";
import type { Secret } from "./objects";

/** Keys that roost knows in a Secret; those that were not given anew go. */
const KEYS: Readonly<Record<string, readonly string[]>> = {
  "kubernetes.io/basic-auth": ["username", "password"],
  "kubernetes.io/ssh-auth": ["ssh-privatekey", "passphrase", "sudo-password"],
};

/** How many Machines name a Secret; others must not be changed along. */
export function usersOf(secret: string, all: Iterable<Machine>): number {
  let count = 0;
  for (const { spec } of all) {
    if (spec.ssh.credential.name === secret) count += 1;
    if (spec.ssh.proxy?.credential?.name === secret) count += 1;
  }
  return count;
}

/** The Secret that was named when it is this machine's alone and of the same type; otherwise a new one. Returns its name. */
async function keep(
  place: { namespace: string; machine: string; purpose: string; now: string | undefined; shared: boolean },
  content: SecretContent,
): Promise<string> {
  const { namespace, machine, purpose, now, shared } = place;
  if (now && !shared) {
    const given = content.stringData ?? {};
    const gone = (KEYS[content.type ?? ""] ?? []).filter((key) => !(key in given));
    try {
      await merge(secrets, { namespace, name: now }, { type: content.type, stringData: given, data: Object.fromEntries(gone.map((key) => [key, null])) });
      return now;
    } catch (error) {
      // A Secret's type can't be changed, and it may be gone.
      if (!(error instanceof ApiError) || (error.kind !== "invalid" && error.kind !== "missing")) throw error;
    }
  }
  for (let number = 1; ; number += 1) {
    const name = `${machine}-${purpose}${number > 1 ? `-${number}` : ""}`.slice(0, 63);
    const secret: Secret = { apiVersion: "v1", kind: "Secret", metadata: { name, namespace }, ...content };
    try {
      await create(secrets, secret);
      return name;
    } catch (error) {
      if (number > 9 || !(error instanceof ApiError) || error.kind !== "conflict") throw error;
    }
  }
}

export interface Access {
  readonly ssh: MachineRow["spec"]["ssh"];
  /** Undefined: as it is. */
  readonly auth: Auth | undefined;
  readonly proxyAuth: ProxyAuth;
}

export async function correctAccess(machine: Machine, access: Access, all: readonly Machine[]): Promise<void> {
  const { namespace = "", name } = machine.metadata;
  const before = machine.spec.ssh;
  const shared = (secret: string | undefined) => secret !== undefined && usersOf(secret, all) > 1;
  let credential = before.credential.name;
  if (access.auth?.kind === "existing") credential = access.auth.secret;
  else if (access.auth) {
    const content = sshSecret(access.auth);
    const place = { namespace, machine: name, purpose: "ssh", now: credential, shared: shared(credential) };
    if (content) credential = await keep(place, content);
  }
  let proxyCredential = access.ssh.proxy?.credential?.name;
  if (access.ssh.proxy && access.proxyAuth.user) {
    const place = { namespace, machine: name, purpose: "proxy", now: proxyCredential, shared: shared(proxyCredential) };
    proxyCredential = await keep(place, basicAuth(access.proxyAuth));
  }
  const { proxy } = access.ssh;
  const ssh = pruned({
    ...access.ssh,
    credential: { name: credential },
    ...(proxy ? { proxy: { address: proxy.address, ...(proxyCredential ? { credential: { name: proxyCredential } } : {}) } } : {}),
  });
  // What was taken away is null in a merge patch; an empty list of host keys is one, too.
  const gone = Object.keys(before).filter((key) => !(key in ssh));
  await merge(machines, { namespace, name }, { spec: { ssh: { ...ssh, ...Object.fromEntries(gone.map((key) => [key, null])) } } });
}
