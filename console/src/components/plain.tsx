/**
 * Buttons and fields of the first pages (sign-in, list of clusters, and what may stand in for any page), drawn by
 * index.css alone and shaped like antd's. antd itself, with the styles that it makes, comes with the other pages: what
 * it takes to start is time that the first row would wait.
 */
import { useState, type ReactNode } from "react";
import { Icon, type IconName } from "./icons";

interface ButtonProps {
  readonly children: ReactNode;
  readonly onClick?: () => void;
  readonly icon?: IconName;
  readonly primary?: boolean;
  readonly small?: boolean;
  readonly submit?: boolean;
  readonly disabled?: boolean;
  /** What it began is under way: it can't be pressed again meanwhile. */
  readonly busy?: boolean;
}

function look(props: Pick<ButtonProps, "primary" | "small">): string {
  return `button${props.primary ? " button-primary" : ""}${props.small ? " button-small" : ""}`;
}

export function PlainButton(props: ButtonProps) {
  const { icon, busy = false, disabled = false } = props;
  return (
    <button
      type={props.submit ? "submit" : "button"}
      className={look(props)}
      disabled={disabled}
      // Busy is not `disabled`, which would take the focus away; a form is not sent twice either.
      aria-disabled={busy || undefined}
      onClick={(event) => {
        if (busy) event.preventDefault();
        else props.onClick?.();
      }}
    >
      {icon && <Icon name={icon} />}
      {busy && <span className="spin" aria-hidden="true" />}
      <span>{props.children}</span>
    </button>
  );
}

/** Looks like a button and goes elsewhere, out of the console. */
export function ButtonLink({ href, children }: { href: string; children: ReactNode }) {
  return (
    <a className={look({})} href={href}>
      {children}
    </a>
  );
}

interface InputProps {
  readonly id?: string;
  readonly name?: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly autoComplete?: string;
  readonly autoFocus?: boolean;
  readonly required?: boolean;
}

export function PlainInput({ onChange, ...input }: InputProps) {
  return <input {...input} type="text" className="input" onChange={(event) => onChange(event.target.value)} />;
}

/** `show`, `hide`: names of the button that shows the password. */
export function PlainPassword({ onChange, show, hide, ...input }: InputProps & { show: string; hide: string }) {
  const [shown, setShown] = useState(false);
  return (
    <span className="input-frame">
      <input
        {...input}
        type={shown ? "text" : "password"}
        className="input"
        onChange={(event) => onChange(event.target.value)}
      />
      <button type="button" className="icon-button" aria-label={shown ? hide : show} onClick={() => setShown(!shown)}>
        <Icon name={shown ? "hidden" : "eye"} />
      </button>
    </span>
  );
}

interface SearchProps {
  readonly label: string;
  /** Name of the button that empties it. */
  readonly clear: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly onBlur: () => void;
}

export function PlainSearch({ label, clear, value, onChange, onBlur }: SearchProps) {
  return (
    <span className="input-frame input-search" onBlur={onBlur}>
      <Icon name="search" />
      <input
        type="text"
        className="input"
        placeholder={label}
        aria-label={label}
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
      {value && (
        <button type="button" className="icon-button" aria-label={clear} onClick={() => onChange("")}>
          <Icon name="cross" size={12} />
        </button>
      )}
    </span>
  );
}

interface SelectProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly options: readonly { readonly value: string; readonly label: string }[];
}

export function PlainSelect({ label, value, onChange, options }: SelectProps) {
  return (
    <span className="select-frame">
      <select className="input" aria-label={label} value={value} onChange={(event) => onChange(event.target.value)}>
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
      <Icon name="down" size={12} />
    </span>
  );
}
