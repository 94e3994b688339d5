/** A message of the platform in the reader's language; what the API holds, which is English, shows on hover. */
import { useSaid } from "../i18n";
import { useLanguage } from "../settings";

export function Told({ message, className = "message" }: { message: string | undefined; className?: string }) {
  const said = useSaid();
  const language = useLanguage();
  if (!message) return null;
  const shown = said(message);
  const other = shown !== message;
  return (
    <span className={className} lang={other ? language : "en"} title={other ? message : undefined}>
      {shown}
    </span>
  );
}
