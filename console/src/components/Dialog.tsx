/** The one frame of all dialogs: title, content, what went wrong, buttons. Enter in a field does what the dialog is for. */
import { Button, Modal } from "antd";
import { useEffect, useId, useRef, useState, type SyntheticEvent, type ReactNode } from "react";
import { useWords } from "../i18n";
import { Refused } from "./Problem";

export interface DialogAct {
  readonly text: string;
  /** The dialog closes when this is done; a refusal is shown, and the input stays. `"stay"` keeps it open. */
  readonly go: () => unknown;
  readonly ready?: boolean;
  readonly danger?: boolean;
}

/** Whoever opened the dialog has the focus again when it goes: it is unmounted at once, so antd's own return never runs. */
function useReturnedFocus(): void {
  const opener = useRef(document.activeElement);
  useEffect(
    () => () => {
      const element = opener.current;
      // After the dialog has left the page, and only when nothing else took the focus meanwhile.
      window.setTimeout(() => {
        const nowhere = document.activeElement === null || document.activeElement === document.body;
        if (nowhere && element instanceof HTMLElement && element.isConnected) element.focus();
      }, 0);
    },
    [],
  );
}

export function Dialog(props: {
  title: string;
  onClose: () => void;
  children: ReactNode;
  /** Without it the dialog only tells something. */
  act?: DialogAct | undefined;
  /** Stands at the other end of the buttons. */
  aside?: ReactNode;
  /** Pixels. */
  width?: number;
  /** A click beside the dialog does not close it: there is input to lose. */
  holds?: boolean;
}) {
  const t = useWords();
  const form = useId();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const { act, onClose } = props;
  useReturnedFocus();
  const submit = async (event: SyntheticEvent) => {
    event.preventDefault();
    // React lets events rise out of portals: a form around this dialog must not hear of it.
    event.stopPropagation();
    if (!act || busy || act.ready === false) return;
    setBusy(true);
    setError(undefined);
    try {
      if ((await act.go()) !== "stay") onClose();
    } catch (refused) {
      setError(refused);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Modal
      open
      width={props.width ?? 520}
      title={props.title}
      onCancel={onClose}
      mask={{ closable: !props.holds }}
      footer={
        <div className="dialog-buttons">
          {props.aside}
          <span className="grow" />
          <Button onClick={onClose}>{t(act ? "common.cancel" : "common.close")}</Button>
          {act && (
            <Button
              type="primary"
              htmlType="submit"
              form={form}
              danger={act.danger ?? false}
              disabled={act.ready === false}
              loading={busy}
            >
              {act.text}
            </Button>
          )}
        </div>
      }
    >
      <form id={form} className="stack" noValidate onSubmit={(event) => void submit(event)}>
        {props.children}
        <Refused error={error} />
      </form>
    </Modal>
  );
}
