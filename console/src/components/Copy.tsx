import { Tooltip } from "antd";
import { useEffect, useState } from "react";
import { useWords } from "../i18n";
import { Icon } from "./icons";

/** Puts a text on the clipboard and says so for a moment. */
export function Copy({ text, label }: { text: string; label?: string }) {
  const t = useWords();
  const [done, setDone] = useState(false);
  useEffect(() => {
    if (!done) return;
    const timer = window.setTimeout(() => setDone(false), 1600);
    return () => window.clearTimeout(timer);
  }, [done]);
  const words = done ? t("common.copied") : (label ?? t("common.copy"));
  return (
    <Tooltip title={words}>
      <button
        type="button"
        className="icon-button"
        aria-label={words}
        onClick={(event) => {
          event.stopPropagation();
          void navigator.clipboard.writeText(text).then(() => setDone(true));
        }}
      >
        <Icon name={done ? "check" : "copy"} size={14} />
      </button>
    </Tooltip>
  );
}

/** A name, address or command in monospace, with its copy button. */
export function Code({ children, copy = true }: { children: string; copy?: boolean }) {
  return (
    <span className="code">
      <code>{children}</code>
      {copy && <Copy text={children} />}
    </span>
  );
}
