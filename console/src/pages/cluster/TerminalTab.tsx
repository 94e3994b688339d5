/** A subset of kubectl in the browser: each command is a request to the cluster's API through the gateway. */
import { useEffect, useRef, useState, type FormEvent, type KeyboardEvent } from "react";
import type { Cluster } from "../../generated/api";
import { useWords } from "../../i18n";
import { HELP, run } from "../../terminal/kubectl";
import { problemText } from "../../components/Problem";

interface Line {
  readonly kind: "command" | "output" | "error";
  readonly text: string;
}

export default function TerminalTab({ cluster }: { cluster: Cluster }) {
  const t = useWords();
  const { namespace = "", name } = cluster.metadata;
  const [lines, setLines] = useState<readonly Line[]>([]);
  const [text, setText] = useState("");
  const [past, setPast] = useState<readonly string[]>([]);
  const [at, setAt] = useState(0);
  const [busy, setBusy] = useState(false);
  const out = useRef<HTMLDivElement>(null);
  useEffect(() => {
    out.current?.scrollTo(0, out.current.scrollHeight);
  }, [lines]);
  const add = (...more: Line[]) => setLines((before) => [...before, ...more].slice(-400));
  const go = async (event: FormEvent) => {
    event.preventDefault();
    const command = text.trim();
    if (!command || busy) return;
    setText("");
    setPast((before) => [...before.filter((one) => one !== command), command].slice(-100));
    setAt(0);
    if (command === "clear") return setLines([]);
    add({ kind: "command", text: command });
    setBusy(true);
    try {
      const answer = await run(command, `/clusters/${namespace}/${name}`);
      add({ kind: "output", text: answer });
    } catch (error) {
      add({ kind: "error", text: problemText(error, t) });
    } finally {
      setBusy(false);
    }
  };
  const key = (event: KeyboardEvent) => {
    if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
    event.preventDefault();
    const next = Math.min(past.length, Math.max(0, at + (event.key === "ArrowUp" ? 1 : -1)));
    setAt(next);
    setText(next === 0 ? "" : (past[past.length - next] ?? ""));
  };
  return (
    <>
      <p className="quiet terminal-lead">{t("terminal.lead")}</p>
      <div className="terminal">
        <div className="terminal-out" ref={out} role="log" aria-label={t("terminal.output")} tabIndex={0}>
          {lines.length === 0 && <div>{HELP}</div>}
          {lines.map((line, index) => (
            <div key={index} className={`terminal-${line.kind}`}>
              {line.kind === "command" ? `$ ${line.text}` : line.text}
            </div>
          ))}
        </div>
        <form className="terminal-in" onSubmit={(event) => void go(event)}>
          <span aria-hidden="true">$</span>
          <input
            aria-label={t("terminal.command")}
            placeholder="kubectl get nodes"
            autoComplete="off"
            autoCapitalize="off"
            spellCheck={false}
            value={text}
            onKeyDown={key}
            onChange={(event) => setText(event.target.value)}
          />
        </form>
      </div>
    </>
  );
}
