import { useId, type ReactNode } from "react";

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
