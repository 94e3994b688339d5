/** Who is signed in, and what the gateway says of itself. */
import { queryOptions } from "@tanstack/react-query";
import { ApiError, json } from "./http";

export interface Person {
  readonly name: string;
  readonly displayName?: string;
  /** As the platform's API knows the person, such as roost:user:admin. */
  readonly identity?: string;
  readonly groups?: readonly string[];
}

export interface Session {
  readonly user: Person;
  readonly expiresAt?: string;
}

export interface Provider {
  readonly name: string;
  readonly displayName?: string;
}

export interface Info {
  readonly version?: string;
  readonly form?: string;
  readonly addresses?: readonly string[];
  readonly [key: string]: unknown;
}

const own = (path: string) => `/roost/v1/${path}`;

export const sessionQuery = queryOptions({
  queryKey: ["session"],
  staleTime: 60_000,
  retry: false,
  queryFn: async (): Promise<Session | null> => {
    try {
      return await json<Session>(own("session"), { anonymous: true });
    } catch (error) {
      if (error instanceof ApiError && error.kind === "unauthorized") return null;
      throw error;
    }
  },
});

export const infoQuery = queryOptions({
  queryKey: ["info"],
  staleTime: 300_000,
  queryFn: () => json<Info>(own("info")),
});

export const providersQuery = queryOptions({
  queryKey: ["providers"],
  staleTime: 300_000,
  retry: false,
  queryFn: async (): Promise<readonly Provider[]> => {
    const answer = await json<{ items?: Provider[]; providers?: Provider[] } | Provider[]>(own("providers"), {
      anonymous: true,
    });
    return Array.isArray(answer) ? answer : (answer.items ?? answer.providers ?? []);
  },
});

export function signIn(username: string, password: string): Promise<Session> {
  return json<Session>(own("login"), { method: "POST", body: { username, password }, anonymous: true });
}

export function signOut(): Promise<unknown> {
  return json(own("logout"), { method: "POST", body: {}, anonymous: true });
}
