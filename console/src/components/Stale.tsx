import type { KubeObject } from "../api/objects";
import { useClock, type Live } from "../api/watch";
import { useWords } from "../i18n";
import { useLanguage } from "../settings";
import { duration } from "../time";
import { Icon } from "./icons";
import { PlainButton } from "./plain";

const PATIENCE_MS = 1500;

/** Says that what is shown is old, since when, and that roost goes on trying. */
export function Stale({ live }: { live: Pick<Live<KubeObject>, "staleSince" | "items" | "error" | "again"> }) {
  const t = useWords();
  const language = useLanguage();
  const active = live.staleSince !== undefined && live.items !== undefined;
  const now = useClock(active);
  if (!active || live.staleSince === undefined) return null;
  const since = Math.max(0, now - live.staleSince);
  if (since < PATIENCE_MS) return null;
  return (
    <div className="banner banner-warn" role="status">
      <Icon name="warning" />
      <span>{t("common.stale", { since: duration(since / 1000, language) })}</span>
      <PlainButton small onClick={live.again}>
        {t("common.tryAgain")}
      </PlainButton>
    </div>
  );
}
