import type { ReactNode } from "react";
import { ApiError } from "../api/http";
import { useWords } from "../i18n";
import { Icon } from "./icons";
import { PlainButton } from "./plain";

/** Why nothing can be shown: 401, 403, 404, unreachable and everything else are told apart. */
export function Problem({ error, again, action }: { error: unknown; again?: () => void; action?: ReactNode }) {
  const t = useWords();
  const known = error instanceof ApiError ? error : undefined;
  const kind = known?.kind ?? "refused";
  return (
    <section className="problem" role="alert">
      <Icon name="warning" size={22} />
      <div>
        <h2>{t(`problem.${kind}.title`)}</h2>
        <p>{t(`problem.${kind}.text`)}</p>
        {known && known.code !== 0 && <p className="quiet mono small">{known.message}</p>}
        {!known && <p className="quiet mono small">{String(error)}</p>}
        {again && (
          <PlainButton onClick={again} icon="retry">
            {t("common.tryAgain")}
          </PlainButton>
        )}
        {action && <p>{action}</p>}
      </div>
    </section>
  );
}

/** The words of a refusal, in one line beside a form. */
export function problemText(error: unknown, t: (key: string) => string): string {
  if (!(error instanceof ApiError)) return String(error);
  if (error.kind === "unreachable" && error.code === 0) return t("problem.unreachable.text");
  return error.message;
}

/** A refusal beside what was refused; nothing while there is none. */
export function Refused({ error }: { error: unknown }) {
  const t = useWords();
  if (error === undefined || error === null) return null;
  return (
    <p className="field-error" role="alert">
      {problemText(error, t)}
    </p>
  );
}

export function Empty({ title, children, action }: { title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <section className="empty">
      <h2>{title}</h2>
      {children && <p>{children}</p>}
      {action && <div className="empty-actions">{action}</div>}
    </section>
  );
}

export function Loading() {
  const t = useWords();
  return (
    <div className="loading" role="status">
      <span className="visually-hidden">{t("common.loading")}</span>
      <span className="bar" />
      <span className="bar" />
      <span className="bar" />
    </div>
  );
}
