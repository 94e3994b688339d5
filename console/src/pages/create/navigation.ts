/** Navigation of the creation page, and the question before a half-filled form is thrown away. */
import { useEffect } from "react";

export { useNavigate, useSearchParams } from "react-router";

/** Only closing or reloading the tab is asked about: the browser's own question, in the browser's own words. */
export function useBlocker(dirty: boolean, done: boolean): void {
  useEffect(() => {
    if (!dirty || done) return;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener("beforeunload", ask);
    return () => window.removeEventListener("beforeunload", ask);
  }, [dirty, done]);
}
