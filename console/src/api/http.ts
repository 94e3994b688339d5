/** The only place that calls fetch, beside public/first.js. Errors are Kubernetes' Status objects, or say that nothing was reached. */
import type { Cause, Status } from "./objects";

export type Kind = "unauthorized" | "forbidden" | "missing" | "invalid" | "conflict" | "unreachable" | "refused";

export class ApiError extends Error {
  readonly kind: Kind;
  readonly code: number;
  readonly reason: string;
  readonly causes: readonly Cause[];
  readonly retryAfter: number | undefined;

  constructor(code: number, status: Partial<Status>, fallback: string) {
    super(status.message || fallback);
    this.name = "ApiError";
    this.code = code;
    this.reason = status.reason ?? "";
    this.causes = status.details?.causes ?? [];
    this.retryAfter = status.details?.retryAfterSeconds;
    this.kind = kindOf(code);
  }
}

export function kindOf(code: number): Kind {
  if (code === 401) return "unauthorized";
  if (code === 403) return "forbidden";
  if (code === 404) return "missing";
  if (code === 409) return "conflict";
  if (code === 422 || code === 400) return "invalid";
  if (code === 0 || code === 502 || code === 503 || code === 504) return "unreachable";
  return "refused";
}

type Listener = () => void;
const signedOut = new Set<Listener>();

/** Called when any answer says that the session is over. */
export function onSignedOut(listener: Listener): () => void {
  signedOut.add(listener);
  return () => signedOut.delete(listener);
}

export interface Call {
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string;
  readonly signal?: AbortSignal;
  /** Hears the API server's warnings, beside the answer. */
  readonly onWarning?: (text: string) => void;
  /** A 401 here is an answer and not the end of the session. */
  readonly anonymous?: boolean;
}

export async function text(path: string, call: Call = {}): Promise<string> {
  return (await send(path, call)).text();
}

export async function json<T>(path: string, call: Call = {}): Promise<T> {
  const answer = await send(path, call);
  if (answer.status === 204) return undefined as T;
  const body = await answer.text();
  return (body ? JSON.parse(body) : undefined) as T;
}

/** An answer without an end, such as a followed log: each line as it comes, until it ends or `signal` stops it. */
export async function lines(path: string, call: Call, onLine: (line: string) => void): Promise<void> {
  const answer = await send(path, call);
  const reader = answer.body?.getReader();
  if (!reader) return;
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      const parts = (rest + decoder.decode(value, { stream: !done })).split("\n");
      rest = parts.pop() ?? "";
      if (parts.length > 0) parts.forEach(onLine);
      if (done) break;
    }
    if (rest) onLine(rest);
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

async function send(path: string, call: Call): Promise<Response> {
  const method = call.method ?? "GET";
  const headers: Record<string, string> = { Accept: call.accept ?? "application/json" };
  // A form of another site can't set this header; the gateway asks for it wherever something is changed.
  if (method !== "GET") headers["X-Roost-Request"] = "1";
  const init: RequestInit = { method, headers, credentials: "same-origin", redirect: "error", cache: "no-store" };
  if (call.signal) init.signal = call.signal;
  if (call.body !== undefined) {
    headers["Content-Type"] = call.contentType ?? "application/json";
    init.body = typeof call.body === "string" ? call.body : JSON.stringify(call.body);
  }
  let answer: Response;
  try {
    answer = (await early(path, call)) ?? (await fetch(path, init));
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(0, {}, "The platform could not be reached.");
  }
  if (call.onWarning) warningsOf(answer.headers.get("Warning")).forEach(call.onWarning);
  if (answer.ok) return answer;
  const status = await statusOf(answer);
  if (answer.status === 401 && !call.anonymous) signedOut.forEach((listener) => listener());
  throw new ApiError(answer.status, status, `${answer.status} ${answer.statusText}`.trim());
}

/** The answer that first.js has asked for while this script was on its way. Each is taken once: it tells of that moment. */
async function early(path: string, call: Call): Promise<Response | undefined> {
  if ((call.method ?? "GET") !== "GET") return undefined;
  const found = globalThis.roostEarly?.get(path);
  globalThis.roostEarly?.delete(path);
  // What failed is asked again, so that there is one way to tell of it.
  return found?.catch(() => undefined);
}

declare global {
  /** By path. An answer is undefined where it was not asked for, since nobody is signed in. */
  var roostEarly: Map<string, Promise<Response | undefined>> | undefined;
}

async function statusOf(answer: Response): Promise<Partial<Status>> {
  const body = await answer.text();
  try {
    return JSON.parse(body) as Partial<Status>;
  } catch {
    return body ? { message: body.slice(0, 2000) } : {};
  }
}

/** `299 - "text", 299 - "text"` as RFC 7234 has it. */
export function warningsOf(header: string | null): string[] {
  const found: string[] = [];
  for (const match of (header ?? "").matchAll(/\d{3} \S+ "((?:[^"\\]|\\.)*)"/g)) {
    found.push((match[1] ?? "").replace(/\\(.)/g, "$1"));
  }
  return found;
}
