import { useId, type ReactNode } from "react";
import type { Say } from "../i18n";
import type { Language } from "../settings";
import { day, duration } from "../time";

const SOON_DAYS = 30;

/** A part of a page under its own heading. `bare`: what stands in it reaches to the edges, such as a table. */
export function Card(props: { title: string; aside?: ReactNode; bare?: boolean; children: ReactNode }) {
  const id = useId();
  return (
    <section className="card" aria-labelledby={id}>
      <div className="card-head">
        <h2 id={id}>{props.title}</h2>
        {props.aside}
      </div>
      {props.bare ? props.children : <div className="card-body">{props.children}</div>}
    </section>
  );
}

export interface Fact {
  readonly label: string;
  readonly value: ReactNode;
  readonly mono?: boolean;
  readonly tone?: "warn" | "bad";
}

/** Labels with their values; a value that is not known is a dash. */
export function Facts({ facts }: { facts: readonly Fact[] }) {
  return (
    <dl className="facts">
      {facts.map(({ label, value, mono, tone }) => (
        <div key={label}>
          <dt className={mono ? "mono" : undefined}>{label}</dt>
          <dd className={tone ? `state-${tone}` : undefined}>{value === undefined || value === "" ? "—" : value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** When a certificate ends, in the colour of how soon that is. */
export function expiry(name: string, expires: string, now: number, t: Say, language: Language): Fact {
  const left = (Date.parse(expires) - now) / 1000;
  const words = { day: day(expires, language), left: duration(left, language) };
  if (left <= 0) return { label: name, mono: true, tone: "bad", value: t("overview.expired", words) };
  const soon = left < SOON_DAYS * 86400 ? { tone: "warn" as const } : {};
  return { label: name, mono: true, value: t("overview.expires", words), ...soon };
}
