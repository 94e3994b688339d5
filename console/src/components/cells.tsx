/** What tables hold: a line with a quieter one below it, and small actions at the end of a row. */
import type { ReactNode } from "react";
import { Icon, type IconName } from "./icons";

export function Two({ children, second, mono }: { children: ReactNode; second?: ReactNode; mono?: boolean }) {
  return (
    <span className="two">
      <span>{children}</span>
      {second !== undefined && second !== "" && <span className={mono ? "second mono" : "second"}>{second}</span>}
    </span>
  );
}

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
