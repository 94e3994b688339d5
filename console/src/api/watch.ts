/**
 * One list and one WebSocket watch for each kind (and namespace) in a tab, shared by everything that shows it.
 * Events are gathered for a frame, so that a storm of changes is one render. When the stream breaks the objects stay
 * and are marked as stale until it is back; it is taken up where it ended, or listed again when that is too old.
 */
import { useCallback, useEffect, useSyncExternalStore } from "react";
import { applyUpdates, fromList, kept, type Known, type WatchEvent } from "./applyUpdate";
import { ApiError } from "./http";
import type { KubeObject } from "./objects";
import { path, pieces, type Place, type Resource } from "./resources";

export interface View<T extends KubeObject> {
  /** Undefined until the first list is there. */
  readonly items: ReadonlyMap<string, T> | undefined;
  /** How many the first list still has to bring. */
  readonly coming: number;
  readonly error: ApiError | undefined;
  /** Since when (ms) nothing is heard any more; undefined while the stream stands. */
  readonly staleSince: number | undefined;
}

const GATHER_MS = 50;
const LINGER_MS = 15_000;
const LONGEST_PAUSE_MS = 15_000;

export class Watched<T extends KubeObject> {
  private view: View<T> = { items: undefined, coming: 0, error: undefined, staleSince: undefined };
  private known: Known<T> | undefined;
  private readonly listeners = new Set<() => void>();
  private socket: WebSocket | undefined;
  private waiting: WatchEvent<T>[] = [];
  private gathering: number | undefined;
  private timer: number | undefined;
  private ending: number | undefined;
  private failures = 0;
  private running = 0;
  private readonly type: Pick<T, "apiVersion" | "kind">;

  constructor(
    private readonly resource: Resource<T>,
    private readonly place: Place,
    /** Only the one of this name: whoever may not see all may see that. */
    private readonly name?: string,
  ) {
    this.type = { apiVersion: resource.root.replace(/^\/apis?\//, ""), kind: resource.kind };
  }

  readonly current = (): View<T> => this.view;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    window.clearTimeout(this.ending);
    if (this.running === 0) this.start();
    return () => {
      this.listeners.delete(listener);
      if (this.listeners.size === 0) this.ending = window.setTimeout(() => this.stop(), LINGER_MS);
    };
  };

  /** Asks at once, such as when a person presses «try again». */
  readonly again = (): void => {
    this.stop();
    this.start();
  };

  private start(): void {
    this.running += 1;
    void this.listThenWatch(this.running);
  }

  private stop(): void {
    this.running = this.running === 0 ? 0 : this.running + 1;
    window.clearTimeout(this.timer);
    window.clearTimeout(this.gathering);
    this.waiting = [];
    const socket = this.socket;
    this.socket = undefined;
    socket?.close();
    if (this.listeners.size === 0) this.running = 0;
  }

  private show(change: Partial<View<T>>): void {
    this.view = { ...this.view, ...change };
    this.listeners.forEach((listener) => listener());
  }

  private async listThenWatch(run: number): Promise<void> {
    try {
      const items: T[] = [];
      let version = "";
      for await (const { items: found, metadata } of pieces(this.resource, this.place, this.selector())) {
        if (run !== this.running) return;
        items.push(...found.map((item) => kept(item, this.type)));
        version = metadata.resourceVersion ?? "";
        // The first piece is shown at once, the others together: each time costs a drawing of the page.
        if (this.view.items === undefined && metadata.continue) {
          this.show({ items: fromList(items, version).items, coming: metadata.remainingItemCount ?? 1 });
        }
      }
      this.known = fromList(items, version);
      this.show({ items: this.known.items, coming: 0, error: undefined, staleSince: undefined });
      this.watch(run);
    } catch (error) {
      if (run !== this.running) return;
      const known = error instanceof ApiError ? error : new ApiError(0, {}, String(error));
      this.show({ error: known, staleSince: this.view.staleSince ?? Date.now() });
      if (known.kind === "unauthorized") return;
      this.later(run, () => void this.listThenWatch(run));
    }
  }

  private selector(): string {
    return this.name === undefined ? "" : `fieldSelector=${encodeURIComponent(`metadata.name=${this.name}`)}`;
  }

  private watch(run: number): void {
    const version = encodeURIComponent(this.known?.resourceVersion ?? "");
    const selector = this.selector();
    const query = `watch=true&allowWatchBookmarks=true&resourceVersion=${version}${selector && `&${selector}`}`;
    const url = new URL(path(this.resource, this.place, query), window.location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(url);
    this.socket = socket;
    socket.onopen = () => {
      this.failures = 0;
      if (this.view.staleSince !== undefined) this.show({ staleSince: undefined, error: undefined });
    };
    socket.onmessage = (message: MessageEvent<unknown>) => {
      if (run !== this.running || typeof message.data !== "string") return;
      const event = JSON.parse(message.data) as WatchEvent<T>;
      this.waiting.push(event.type === "ERROR" ? event : { type: event.type, object: kept(event.object, this.type) });
      this.gathering ??= window.setTimeout(() => this.take(run), GATHER_MS);
    };
    socket.onclose = () => {
      if (run !== this.running || this.socket !== socket) return;
      this.take(run);
      if (this.socket !== socket) return;
      this.socket = undefined;
      // The API server ends each watch after some minutes; only a watch that can't be taken up is stale.
      if (this.failures > 0) this.show({ staleSince: this.view.staleSince ?? Date.now() });
      this.later(run, () => (this.failures > 1 ? void this.listThenWatch(run) : this.watch(run)));
    };
  }

  private take(run: number): void {
    window.clearTimeout(this.gathering);
    this.gathering = undefined;
    const events = this.waiting;
    this.waiting = [];
    if (!this.known || events.length === 0) return;
    const { known, next } = applyUpdates(this.known, events);
    const changed = known.items !== this.known.items;
    this.known = known;
    if (changed) this.show({ items: known.items });
    if (next === "go on") return;
    const socket = this.socket;
    this.socket = undefined;
    socket?.close();
    this.later(run, () => (next === "list again" ? void this.listThenWatch(run) : this.watch(run)));
  }

  private later(run: number, act: () => void): void {
    const pause = this.failures === 0 ? 50 : Math.min(LONGEST_PAUSE_MS, 500 * 2 ** this.failures);
    this.failures += 1;
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => run === this.running && act(), pause * (0.75 + Math.random() / 2));
  }
}

const known = new Map<string, Watched<KubeObject>>();

export function watched<T extends KubeObject>(resource: Resource<T>, namespace?: string, name?: string): Watched<T> {
  const key = path(resource, { namespace, name });
  let found = known.get(key);
  if (!found) {
    found = new Watched<T>(resource, { namespace }, name);
    known.set(key, found);
  }
  return found as unknown as Watched<T>;
}

/** After signing out nothing of the former person may stay. */
export function forgetAll(): void {
  known.clear();
}

export interface Live<T extends KubeObject> extends View<T> {
  readonly again: () => void;
}

/** The objects of a kind, kept up to date: all, those of a namespace, or the one of a name. */
export function useLive<T extends KubeObject>(resource: Resource<T>, namespace?: string, name?: string): Live<T> {
  const store = watched(resource, namespace, name);
  const view = useSyncExternalStore(store.subscribe, store.current);
  return { ...view, again: store.again };
}

/** Calls `act` each second while something on the page counts time. */
export function useClock(active = true, every = 1000): number {
  const subscribe = useCallback(
    (tick: () => void) => {
      if (!active) return () => undefined;
      const timer = window.setInterval(() => {
        moment.set(every, Date.now());
        tick();
      }, every);
      return () => window.clearInterval(timer);
    },
    [active, every],
  );
  useEffect(() => void moment.set(every, Date.now()), [every]);
  return useSyncExternalStore(subscribe, () => moment.get(every) ?? startedAt);
}

const startedAt = Date.now();
const moment = new Map<number, number>();
