/** Users, tokens and the audit log: endpoints of the gateway's own. */
import { json } from "./http";

export interface User {
  readonly name: string;
  readonly displayName: string;
  readonly groups: readonly string[];
  readonly service: boolean;
  readonly disabled: boolean;
  readonly created: string;
  /** Made by the platform, and told once. */
  readonly password?: string;
}

export interface Token {
  readonly id: string;
  readonly name: string;
  readonly user: string;
  readonly created: string;
  readonly expires: string;
  readonly createdBy: string;
  readonly token?: string;
}

export interface AuditEvent {
  readonly auditID: string;
  readonly verb: string;
  readonly requestURI: string;
  readonly user: { readonly username?: string };
  readonly sourceIPs?: readonly string[];
  readonly objectRef?: { readonly resource?: string; readonly namespace?: string; readonly name?: string };
  readonly responseStatus?: { readonly code?: number; readonly message?: string };
  readonly stageTimestamp: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

const own = "/roost/v1";
const at = (name: string) => encodeURIComponent(name);

export const listUsers = () => json<{ items: User[] }>(`${own}/users`).then((found) => found.items);
export const createUser = (user: Partial<User>) => json<User>(`${own}/users`, { method: "POST", body: user });
export const changeUser = (name: string, change: Partial<User>) =>
  json<User>(`${own}/users/${at(name)}`, { method: "PUT", body: change });
export const removeUser = (name: string) => json(`${own}/users/${at(name)}`, { method: "DELETE" });

export const listTokens = () => json<{ items: Token[] }>(`${own}/tokens`).then((found) => found.items);
export const createToken = (name: string, user: string, days: number) =>
  json<Token>(`${own}/tokens`, { method: "POST", body: { name, user, days } });
export const revokeToken = (id: string) => json(`${own}/tokens/${at(id)}`, { method: "DELETE" });

export interface AuditFilter {
  readonly user: string;
  readonly verb: string;
  readonly cluster: string;
  readonly before?: number | undefined;
}

export function listAudit(filter: AuditFilter): Promise<readonly AuditEvent[]> {
  const query = new URLSearchParams({ limit: "200" });
  if (filter.user) query.set("user", filter.user);
  if (filter.verb) query.set("verb", filter.verb);
  if (filter.cluster) query.set("cluster", filter.cluster);
  if (filter.before) query.set("before", String(filter.before));
  return json<{ items: AuditEvent[] }>(`${own}/audit?${query}`).then((found) => found.items);
}

export interface Chain {
  readonly whole: boolean;
  readonly events: number;
  readonly head: string;
  readonly broken: { readonly file: string; readonly line: number; readonly why: string } | null;
}

export const verifyAudit = () => json<Chain>(`${own}/audit/verify`);
