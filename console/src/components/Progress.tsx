/** What `roost progress` tells: phases, machines, how long, why; the failing one is open by itself. */
import { Button, Tooltip } from "antd";
import { useState } from "react";
import { lookNow } from "../api/lookNow";
import { machines } from "../api/resources";
import { useClock, useLive } from "../api/watch";
import type { Cluster } from "../generated/api";
import { useModelWords, useSaid, useWords } from "../i18n";
import { progressOf, type MachineStep, type Step } from "../progress";
import { useLanguage } from "../settings";
import { clusterState, STEP_TONE } from "../states";
import { duration } from "../time";
import { Copy } from "./Copy";
import { Icon } from "./icons";
import { problemText, Refused } from "./Problem";
import { Dot, State } from "./State";
import { Told } from "./Told";
import { useAct } from "./useAct";

/** A reason in its own words, and on hover or focus what it means; the message stands below in full. */
export function Reason({ reason, message }: { reason: string; message?: string }) {
  const words = useModelWords().reasons[reason];
  const said = useSaid();
  const title = [words, message && said(message)].filter(Boolean).join("\n\n");
  return (
    <Tooltip title={<span className="message">{title || reason}</span>} trigger={["hover", "focus"]}>
      <button type="button" className="link-button reason">
        {reason}
      </button>
    </Tooltip>
  );
}

export function useConditionTitle(): (type: string) => string {
  const words = useModelWords();
  return (type) => words.conditions[type]?.[0] ?? type;
}

function Mark({ step }: { step: Step }) {
  if (step.state === "done") return <Icon name="check" size={15} />;
  if (step.state === "failed") return <Icon name="cross" size={15} />;
  return <Dot tone={STEP_TONE[step.state]} />;
}

function Line({ step, title, aside, of }: { step: Step; title: string; aside?: string; of?: MachineStep }) {
  const t = useWords();
  const language = useLanguage();
  const said = useSaid();
  const open = step.state === "failed" || step.state === "working";
  return (
    <li className={`step step-${step.state}`} data-step={step.name} data-machine={of?.machine} data-role={of?.role}>
      <span className="step-mark">
        <Mark step={step} />
      </span>
      <span className="step-name">
        {title}
        {aside && <span className="quiet small"> {aside}</span>}
        <span className="visually-hidden"> {t(`step.${step.state}`)}</span>
      </span>
      <span className="step-time">{step.seconds === undefined ? "" : duration(step.seconds, language)}</span>
      {(open || (step.state === "waiting" && step.reason !== "Waiting")) && (
        <div className="step-detail">
          <span>
            <Reason reason={step.reason} message={step.message} />
          </span>
          {step.message && (
            <div className="step-message">
              <Told message={step.message} />
              <Copy text={said(step.message)} label={t("progress.copyMessage")} />
            </div>
          )}
        </div>
      )}
    </li>
  );
}

function MachineLine({ step }: { step: MachineStep }) {
  const t = useWords();
  const title = useConditionTitle();
  const aside = `${t(`role.${step.role}`)} · ${title(step.name)}`;
  return <Line step={step} title={step.machine} aside={aside} of={step} />;
}

export function Progress({ cluster }: { cluster: Cluster }) {
  const t = useWords();
  const language = useLanguage();
  const title = useConditionTitle();
  const live = useLive(machines, cluster.metadata.namespace);
  const now = useClock();
  const act = useAct();
  const [asked, setAsked] = useState(0);
  const view = progressOf(cluster, live.items?.values() ?? [], Math.max(now, Date.now() - 1000));
  const retry = async () => {
    if (await act.run(() => lookNow(cluster))) setAsked(Date.now());
  };
  const failed = view.phases.some((step) => step.state === "failed") || view.nextRetryIn !== undefined;
  return (
    <>
      <div className="progress-head">
        <State state={clusterState(cluster)} />
        <span className="quiet">{t("progress.phasesDone", { done: view.done, total: view.phases.length })}</span>
        {view.elapsed !== undefined && (
          <span className="quiet">{t("progress.elapsed", { time: duration(view.elapsed, language) })}</span>
        )}
        {view.attempt > 0 && !view.available && (
          <span className="quiet">
            {t("progress.attempt", { count: view.attempt })}
            {view.nextRetryIn !== undefined &&
              ` · ${t("progress.next", { time: duration(view.nextRetryIn, language) })}`}
          </span>
        )}
        {failed && !view.available && (
          <Button size="small" icon={<Icon name="retry" size={14} />} onClick={() => void retry()}>
            {t("progress.retryNow")}
          </Button>
        )}
        {asked > 0 && now - asked < 4000 && <span role="status">{t("progress.asked")}</span>}
      </div>
      <Refused error={act.error} />
      <h2 className="steps-title">{t("progress.phases")}</h2>
      <ul className="steps">
        {view.phases.map((step) => (
          <Line key={step.name} step={step} title={title(step.name)} />
        ))}
      </ul>
      {view.machines.length > 0 && (
        <>
          <h2 className="steps-title">{t("progress.machines")}</h2>
          <ul className="steps">
            {view.machines.map((step) => (
              <MachineLine key={step.machine} step={step} />
            ))}
          </ul>
        </>
      )}
      {live.error && <p className="field-error">{problemText(live.error, t)}</p>}
    </>
  );
}
