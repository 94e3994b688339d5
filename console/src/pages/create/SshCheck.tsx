/** Whether the machine of the dialog can be reached and used, asked of the platform on the spot. */
import { Button } from "antd";
import { useEffect, useRef, useState } from "react";
import { checkMachine, type CheckAnswer } from "../../api/machineCheck";
import { Code } from "../../components/Copy";
import { Icon } from "../../components/icons";
import { problemText } from "../../components/Problem";
import { Reason } from "../../components/Progress";
import { Told } from "../../components/Told";
import type { Form, MachineRow } from "../../form/model";
import { useWords } from "../../i18n";
import { useLanguage } from "../../settings";
import { memory } from "../../time";
import type { SetField } from "./machineFields";

type CheckState = "idle" | "asking" | "late" | CheckAnswer | { readonly refused: unknown };

export function SshCheck(props: { row: MachineRow; form: Form; ready: boolean; onTry: () => void; set: SetField }) {
  const t = useWords();
  const language = useLanguage();
  const [state, setState] = useState<CheckState>("idle");
  const running = useRef<AbortController | undefined>(undefined);
  useEffect(() => () => running.current?.abort(), []);
  const go = async () => {
    props.onTry();
    if (!props.ready) return;
    running.current?.abort();
    const control = new AbortController();
    running.current = control;
    setState("asking");
    try {
      setState(await checkMachine(props.row, props.form, control.signal));
    } catch (refused) {
      if (!control.signal.aborted) setState({ refused });
    }
  };
  const answer = typeof state === "object" && "ok" in state ? state : undefined;
  const facts = answer?.facts;
  return (
    <div className="whole check">
      <div className="inline">
        <Button loading={state === "asking"} onClick={() => void go()}>
          {t("machine.check")}
        </Button>
        <span className="quiet small">{t("machine.checkHelp")}</span>
      </div>
      <div role="status" aria-live="polite">
        {state === "late" && <p className="field-warning">{t("machine.checkLate")}</p>}
        {typeof state === "object" && "refused" in state && <p className="field-error">{problemText(state.refused, t)}</p>}
        {answer?.ok && (
          <div className="note check-ok">
            <p>
              <Icon name="check" /> {t("machine.checkGood")}
            </p>
            {facts && (
              <p className="small">
                {[
                  facts.hostname,
                  facts.operatingSystem,
                  facts.architecture,
                  facts.cpus === undefined ? "" : t("machine.cpus", { count: facts.cpus }),
                  facts.memoryMiB === undefined ? "" : memory(facts.memoryMiB, language),
                ]
                  .filter(Boolean)
                  .join(" · ")}
              </p>
            )}
            {answer.hostKey && (
              <p className="small inline">
                {t("machine.hostKey")} <Code>{answer.hostKey}</Code>
                <Button size="small" onClick={() => props.set("spec.ssh.hostKeys", [answer.hostKey])}>
                  {t("machine.pin")}
                </Button>
              </p>
            )}
          </div>
        )}
        {answer && !answer.ok && (
          <div className="note note-bad">
            <p>
              <Reason reason={answer.reason} message={answer.message} />
            </p>
            <p>
              <Told message={answer.message} />
            </p>
          </div>
        )}
      </div>
    </div>
  );
}
