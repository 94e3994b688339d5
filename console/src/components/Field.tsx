import type { ReactNode } from "react";
import { useWords } from "../i18n";

/** A label, its control, a help text, and what was found wrong with it; tied together for screen readers. */
export function Field({
  label,
  id,
  children,
  help,
  hint,
  errors = [],
  warnings = [],
  needed = false,
  whole = false,
  group = false,
}: {
  label: ReactNode;
  id: string;
  children: ReactNode;
  help?: ReactNode;
  hint?: ReactNode;
  errors?: readonly string[];
  warnings?: readonly string[];
  needed?: boolean;
  whole?: boolean;
  /** Several controls under one label. */
  group?: boolean;
}) {
  const t = useWords();
  const content = (
    <>
      {label}
      {needed && (
        <span className="needed" title={t("common.required")}>
          *
        </span>
      )}
    </>
  );
  return (
    <div
      className={whole ? "field whole" : "field"}
      data-field={id}
      role={group ? "group" : undefined}
      aria-labelledby={group ? `${id}-label` : undefined}
    >
      {group ? (
        <div className="field-label" id={`${id}-label`}>
          {content}
        </div>
      ) : (
        <label htmlFor={id}>{content}</label>
      )}
      {children}
      <div id={`${id}-notes`}>
        {errors.map((text) => (
          <p className="field-error" key={text}>
            {text}
          </p>
        ))}
        {warnings.map((text) => (
          <p className="field-warning" key={text}>
            {t("common.warning", { text })}
          </p>
        ))}
        {hint && (
          <p className="field-hint" aria-live="polite">
            {hint}
          </p>
        )}
        {help && <p className="field-help">{help}</p>}
      </div>
    </div>
  );
}
