/** What tables hold: a word with a quieter one below it, and small actions at the end of a row. */
import type { ReactNode } from "react";
import { useSaid } from "../i18n";
import { useLanguage } from "../settings";
import { Icon, type IconName } from "./icons";

export function IconButton(props: { icon: IconName; label: string; onClick: () => void; disabled?: boolean }) {
  return (
    <button
      type="button"
      className="icon-button"
      aria-label={props.label}
      title={props.label}
      disabled={props.disabled}
      onClick={props.onClick}
    >
      <Icon name={props.icon} />
    </button>
  );
}

export function TwoLines(props: {
  children: ReactNode;
  second?: ReactNode;
  /** The whole message, as roost wrote it in English; the second line shows it cut off, and in the reader's language. */
  told?: string | undefined;
  mono?: boolean;
  title?: string | undefined;
}) {
  const { told } = props;
  const said = useSaid();
  const language = useLanguage();
  const second = told && typeof props.second === "string" ? said(props.second) : props.second;
  return (
    <span className="two" title={props.title}>
      {props.children}
      {second && (
        <span className={props.mono ? "second mono" : "second"} lang={told && (said(told) === told ? "en" : language)} title={told || undefined}>
          {second}
        </span>
      )}
    </span>
  );
}
