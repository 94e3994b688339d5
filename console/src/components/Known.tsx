import type { ReactNode } from "react";
import type { KubeObject } from "../api/objects";
import type { Live } from "../api/watch";
import { Loading, Problem } from "./Problem";
import { Stale } from "./Stale";

/** What is watched, once it is known: until then why not, and above it how old it is when the stream broke. */
export function Known<T extends KubeObject>(props: {
  live: Live<T>;
  children: (items: ReadonlyMap<string, T>) => ReactNode;
}) {
  const { live } = props;
  if (!live.items) return live.error ? <Problem error={live.error} again={live.again} /> : <Loading />;
  return (
    <>
      <Stale live={live} />
      {props.children(live.items)}
    </>
  );
}
