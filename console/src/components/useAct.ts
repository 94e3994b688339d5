import { useCallback, useState } from "react";

/** Something that a page does besides showing: whether it is under way, and why it was refused. */
export function useAct(): {
  readonly busy: boolean;
  readonly error: unknown;
  /** True when it was done. */
  readonly run: (act: () => unknown) => Promise<boolean>;
} {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const run = useCallback(async (act: () => unknown) => {
    setBusy(true);
    setError(undefined);
    try {
      await act();
      return true;
    } catch (refused) {
      setError(refused);
      return false;
    } finally {
      setBusy(false);
    }
  }, []);
  return { busy, error, run };
}
