// Warnings that keep nothing from being done: how many, then each.
import type { Key, ReactNode } from "react";
import { useWords } from "../i18n";

export function Warnings(props: { of: { key: Key; said: ReactNode }[] }) {
  const t = useWords();
  if (props.of.length === 0) return null;
  return (
    <div className="note note-warn">
      <p>{t("create.warnings", { count: props.of.length })}</p>
      <ul>
        {props.of.map((one) => (
          <li key={one.key}>{one.said}</li>
        ))}
      </ul>
    </div>
  );
}
