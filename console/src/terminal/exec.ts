/** A program in a container, over one WebSocket through the gateway: `kubectl exec`. */
import { endOfInput, failure, input, PROTOCOLS, read, resize } from "./channels";

export interface Exec {
  /** The cluster's root behind the gateway. */
  readonly base: string;
  readonly namespace: string;
  readonly pod: string;
  readonly container: string | undefined;
  readonly program: readonly string[];
  readonly tty: boolean;
  readonly stdin: boolean;
}

export interface Hearing {
  readonly onOpen?: () => void;
  readonly onOutput: (bytes: Uint8Array, error: boolean) => void;
  /** Once, whatever happens; undefined when the program ended well. */
  readonly onEnd: (problem: string | undefined) => void;
}

export interface Session {
  readonly write: (text: string) => void;
  readonly size: (columns: number, rows: number) => void;
  readonly endInput: () => void;
  readonly close: () => void;
}

export function execPath(exec: Exec): string {
  const query = new URLSearchParams();
  for (const word of exec.program) query.append("command", word);
  if (exec.container) query.set("container", exec.container);
  query.set("stdin", String(exec.stdin));
  query.set("stdout", "true");
  // A terminal has one stream for both.
  query.set("stderr", String(!exec.tty));
  query.set("tty", String(exec.tty));
  const namespace = encodeURIComponent(exec.namespace);
  // A blank is %20 and not +, which the gateway would have to guess at.
  const text = query.toString().replace(/\+/g, "%20");
  return `${exec.base}/api/v1/namespaces/${namespace}/pods/${encodeURIComponent(exec.pod)}/exec?${text}`;
}

export function open(exec: Exec, hearing: Hearing): Session {
  const url = new URL(execPath(exec), window.location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(url, [...PROTOCOLS]);
  socket.binaryType = "arraybuffer";
  let ended = false;
  let opened = false;
  const end = (problem: string | undefined) => {
    if (ended) return;
    ended = true;
    hearing.onEnd(problem);
    socket.close();
  };
  const send = (frame: Uint8Array<ArrayBuffer> | undefined) => {
    if (frame && socket.readyState === WebSocket.OPEN) socket.send(frame);
  };
  socket.onopen = () => {
    opened = true;
    hearing.onOpen?.();
  };
  socket.onmessage = (message: MessageEvent<unknown>) => {
    if (!(message.data instanceof ArrayBuffer)) return;
    const frame = read(message.data);
    if (frame.kind === "output") hearing.onOutput(frame.bytes, frame.error);
    else if (frame.kind === "end") end(failure(frame.status));
  };
  // A browser does not tell why a WebSocket was refused; `why` in kubectl.ts asks the same by GET.
  socket.onclose = (event) => end(opened ? event.reason || "the connection broke off" : REFUSED);
  return {
    write: (text) => send(input(text)),
    size: (columns, rows) => send(resize(columns, rows)),
    endInput: () => send(endOfInput(socket.protocol)),
    close: () => socket.close(),
  };
}

/** What `onEnd` hears when the WebSocket was never opened. */
export const REFUSED = "refused";

/** Bytes that come in any pieces, told line by line. */
export class Lines {
  private readonly decoder = new TextDecoder();
  private rest = "";

  constructor(private readonly tell: (line: string) => void) {}

  add(bytes: Uint8Array): void {
    const parts = (this.rest + this.decoder.decode(bytes, { stream: true })).split("\n");
    this.rest = parts.pop() ?? "";
    if (parts.length > 0) this.tell(parts.join("\n"));
  }

  end(): void {
    if (this.rest) this.tell(this.rest);
    this.rest = "";
  }
}
