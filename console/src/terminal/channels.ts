/** Frames of `exec` over a WebSocket: the first byte names the channel (v4.channel.k8s.io, v5.channel.k8s.io). Pure. */
import type { Status } from "../api/objects";

/** The newest that both know is taken; v5 can end the standard input, too. */
export const PROTOCOLS = ["v5.channel.k8s.io", "v4.channel.k8s.io"] as const;

const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;
const ERROR = 3;
const RESIZE = 4;
const CLOSE = 255;

export type Frame =
  | { readonly kind: "output"; readonly error: boolean; readonly bytes: Uint8Array }
  | { readonly kind: "end"; readonly status: Partial<Status> }
  | { readonly kind: "nothing" };

export function read(data: ArrayBuffer): Frame {
  const bytes = new Uint8Array(data);
  const channel = bytes[0];
  const rest = bytes.subarray(1);
  if (channel === STDOUT || channel === STDERR) {
    // Each channel begins with an empty frame.
    return rest.length === 0 ? { kind: "nothing" } : { kind: "output", error: channel === STDERR, bytes: rest };
  }
  if (channel !== ERROR || rest.length === 0) return { kind: "nothing" };
  const text = new TextDecoder().decode(rest);
  try {
    return { kind: "end", status: JSON.parse(text) as Partial<Status> };
  } catch {
    return { kind: "end", status: { status: "Failure", message: text } };
  }
}

function framed(channel: number, content: Uint8Array): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(content.length + 1);
  frame[0] = channel;
  frame.set(content, 1);
  return frame;
}

const encoder = new TextEncoder();

export function input(text: string): Uint8Array<ArrayBuffer> {
  return framed(STDIN, encoder.encode(text));
}

export function resize(columns: number, rows: number): Uint8Array<ArrayBuffer> {
  return framed(RESIZE, encoder.encode(JSON.stringify({ Width: columns, Height: rows })));
}

/** Ends the standard input; undefined where the protocol has no word for it. */
export function endOfInput(protocol: string): Uint8Array<ArrayBuffer> | undefined {
  return protocol.startsWith("v5.") ? new Uint8Array([CLOSE, STDIN]) : undefined;
}

/** How a program ended: undefined when well, otherwise in words. */
export function failure(status: Partial<Status>): string | undefined {
  if (status.status === "Success") return undefined;
  const code = status.details?.causes?.find((cause) => cause.reason === "ExitCode")?.message;
  return code === undefined ? (status.message ?? "the program failed") : `command terminated with exit code ${code}`;
}
