/** A terminal in a container: `exec -it`. Ctrl+Shift+Q leaves it, since Tab and Escape belong to what runs there. */
import { FitAddon } from "@xterm/addon-fit";
import { Terminal } from "@xterm/xterm";
import "@xterm/xterm/css/xterm.css";
import { Button } from "antd";
import { useEffect, useRef, useState } from "react";
import { useWords } from "../../i18n";
import { strictDocument, whileOpening } from "../../styles/strictDocument";
import { open, REFUSED, type Exec, type Session } from "../../terminal/exec";
import { why } from "../../terminal/kubectl";
import { MONO } from "../../theme";

const LOOK = {
  background: "#11171a",
  foreground: "#dbe3e7",
  cursor: "#8ecbef",
  cursorAccent: "#11171a",
  selectionBackground: "#2f4a5a",
};

export default function ShellScreen({ exec, onEnd }: { exec: Exec; onEnd: (problem: string | undefined) => void }) {
  const t = useWords();
  const box = useRef<HTMLDivElement>(null);
  const session = useRef<Session | undefined>(undefined);
  const ended = useRef(onEnd);
  ended.current = onEnd;
  const [opened, setOpened] = useState(false);
  useEffect(() => {
    if (!box.current) return;
    const terminal = new Terminal({
      documentOverride: strictDocument(),
      fontFamily: MONO,
      fontSize: 13,
      theme: LOOK,
      cursorBlink: false,
      screenReaderMode: true,
      scrollback: 5000,
    });
    const fit = new FitAddon();
    terminal.loadAddon(fit);
    const target = box.current;
    whileOpening(() => terminal.open(target));
    fit.fit();
    const made = open(exec, {
      onOpen: () => {
        setOpened(true);
        made.size(terminal.cols, terminal.rows);
        terminal.focus();
      },
      onOutput: (bytes) => terminal.write(bytes),
      onEnd: (problem) => {
        if (problem === REFUSED) void why(exec).then((words) => ended.current(words));
        else ended.current(problem);
      },
    });
    session.current = made;
    terminal.onData((text) => made.write(text));
    terminal.onResize(({ cols, rows }) => made.size(cols, rows));
    terminal.attachCustomKeyEventHandler((event) => {
      const leaves = event.ctrlKey && event.shiftKey && event.code === "KeyQ";
      if (leaves && event.type === "keydown") ended.current(undefined);
      return !leaves;
    });
    const watching = new ResizeObserver(() => fit.fit());
    watching.observe(box.current);
    return () => {
      watching.disconnect();
      made.close();
      terminal.dispose();
    };
  }, [exec]);
  return (
    <section aria-label={t("terminal.shell", { pod: exec.pod })}>
      <div className="toolbar">
        <span className="mono">{[exec.pod, exec.container, exec.program.join(" ")].filter(Boolean).join(" · ")}</span>
        <span className="quiet small">{t("terminal.leave")}</span>
        <span className="grow" />
        <Button size="small" onClick={() => onEnd(undefined)}>
          {t("terminal.close")}
        </Button>
      </div>
      <div className="terminal shell-screen" ref={box} data-open={opened || undefined} />
    </section>
  );
}
