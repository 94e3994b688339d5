/** A part of kubectl in the browser: each command is a request to the cluster's API through the gateway. */
import { Button, Select } from "antd";
import { lazy, Suspense, useCallback, useEffect, useRef, useState, type SyntheticEvent, type KeyboardEvent } from "react";
import { useQuery } from "@tanstack/react-query";
import { json } from "../../api/http";
import type { KubeList, KubeObject } from "../../api/objects";
import { Loading, problemText } from "../../components/Problem";
import type { Cluster } from "../../generated/api";
import { useWords } from "../../i18n";
import { CommandError } from "../../terminal/command";
import { HELP, run, type Opens } from "../../terminal/kubectl";

const ShellScreen = lazy(() => import("./ShellScreen"));
const EditorScreen = lazy(() => import("./EditorScreen"));

interface Line {
  readonly id: number;
  readonly kind: "command" | "output" | "error";
  readonly text: string;
}

const KEPT_LINES = 1000;
const KEPT_COMMANDS = 100;

/** Output is gathered for a moment, so that a log that runs is one render for many lines. */
function useLines() {
  const [lines, setLines] = useState<readonly Line[]>([]);
  const waiting = useRef<Line[]>([]);
  const timer = useRef<number | undefined>(undefined);
  const next = useRef(0);
  const add = useCallback((kind: Line["kind"], text: string) => {
    next.current += 1;
    waiting.current.push({ id: next.current, kind, text });
    timer.current ??= window.setTimeout(() => {
      timer.current = undefined;
      const more = waiting.current;
      waiting.current = [];
      setLines((before) => [...before, ...more].slice(-KEPT_LINES));
    }, 40);
  }, []);
  const clear = useCallback(() => {
    waiting.current = [];
    setLines([]);
  }, []);
  useEffect(() => () => window.clearTimeout(timer.current), []);
  return { lines, add, clear };
}

export default function TerminalTab({ cluster }: { cluster: Cluster }) {
  const t = useWords();
  const { namespace: home = "", name } = cluster.metadata;
  // The platform's own API is at the root.
  const base = cluster.spec.global ? "" : `/clusters/${home}/${name}`;
  const { lines, add, clear } = useLines();
  const [namespace, setNamespace] = useState("default");
  const [text, setText] = useState("");
  const [past, setPast] = useState<readonly string[]>([]);
  const [at, setAt] = useState(0);
  const [running, setRunning] = useState<AbortController>();
  const [open, setOpen] = useState<Opens>();
  const out = useRef<HTMLDivElement>(null);
  const field = useRef<HTMLInputElement>(null);
  const known = useQuery({
    queryKey: ["namespaces-of", base],
    retry: false,
    queryFn: () => json<KubeList<KubeObject>>(`${base}/api/v1/namespaces`).then((found) => found.items.map((one) => one.metadata.name)),
  });
  useEffect(() => {
    out.current?.scrollTo(0, out.current.scrollHeight);
  }, [lines]);
  useEffect(() => () => running?.abort(), [running]);

  const go = async (event: SyntheticEvent) => {
    event.preventDefault();
    const command = text.trim();
    if (!command || running) return;
    setText("");
    setPast((before) => [...before.filter((one) => one !== command), command].slice(-KEPT_COMMANDS));
    setAt(0);
    if (command === "clear") return clear();
    add("command", command);
    const control = new AbortController();
    setRunning(control);
    try {
      setOpen(await run(command, { base, namespace }, (output) => add("output", output), control.signal));
    } catch (error) {
      const stopped = error instanceof DOMException && error.name === "AbortError";
      add(stopped ? "output" : "error", stopped ? "^C" : error instanceof CommandError ? error.message : problemText(error, t));
    } finally {
      setRunning(undefined);
    }
  };
  const key = (event: KeyboardEvent<HTMLInputElement>) => {
    const nothingMarked = event.currentTarget.selectionStart === event.currentTarget.selectionEnd;
    if (event.key === "c" && event.ctrlKey && nothingMarked) {
      event.preventDefault();
      if (running) running.abort();
      else setText("");
      return;
    }
    if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
    event.preventDefault();
    const next = Math.min(past.length, Math.max(0, at + (event.key === "ArrowUp" ? 1 : -1)));
    setAt(next);
    setText(next === 0 ? "" : (past[past.length - next] ?? ""));
  };
  const done = (kind: Line["kind"], words: string) => {
    setOpen(undefined);
    if (words) add(kind, words);
    window.setTimeout(() => field.current?.focus(), 0);
  };
  return (
    <>
      <div className="toolbar">
        <p className="quiet terminal-lead">{t("terminal.lead")}</p>
        <span className="grow" />
        <label htmlFor="terminal-namespace" className="quiet">
          {t("form.namespace")}
        </label>
        <Select
          id="terminal-namespace"
          showSearch
          value={namespace}
          style={{ minWidth: 170 }}
          options={[...new Set(["default", ...(known.data ?? [])])].map((one) => ({ value: one, label: one }))}
          onChange={setNamespace}
        />
      </div>
      {open ? (
        <Suspense fallback={<Loading />}>
          {open.kind === "shell" && <ShellScreen exec={open.exec} onEnd={(problem) => done(problem ? "error" : "output", problem ?? "")} />}
          {open.kind === "editor" && (
            <EditorScreen title={open.title} text={open.text} save={open.save} onDone={(words) => done("output", words)} />
          )}
        </Suspense>
      ) : (
        <div className="terminal">
          <div className="terminal-out" ref={out} role="log" aria-label={t("terminal.output")} tabIndex={0}>
            {lines.length === 0 && <div>{HELP}</div>}
            {lines.map((line) => (
              <div key={line.id} className={`terminal-${line.kind}`}>
                {line.kind === "command" ? `$ ${line.text}` : line.text}
              </div>
            ))}
          </div>
          <form className="terminal-in" onSubmit={(event) => void go(event)}>
            <span aria-hidden="true">$</span>
            <input
              ref={field}
              aria-label={t("terminal.command")}
              placeholder="kubectl get nodes"
              autoComplete="off"
              autoCapitalize="off"
              autoFocus
              spellCheck={false}
              value={text}
              onKeyDown={key}
              onChange={(event) => setText(event.target.value)}
            />
            {running && (
              <Button size="small" onClick={() => running.abort()}>
                {t("terminal.stop")}
              </Button>
            )}
          </form>
        </div>
      )}
    </>
  );
}
