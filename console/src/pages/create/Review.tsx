/** What will be created and done, before it is; then the creation itself, in the order that roost asks for. */
import { Button } from "antd";
import { useState } from "react";
import { Card, Facts, type Fact } from "../../components/Card";
import { Toggle } from "../../components/inputs";
import { create, clusters, machines, remove, secrets } from "../../api/resources";
import { ApiError } from "../../api/http";
import { Refused } from "../../components/Problem";
import { Warnings } from "../../components/Warnings";
import { fromError, type Finding } from "../../form/findings";
import { documents, machineName, written, type Form } from "../../form/model";
import { DEFAULT_IPS_PER_NODE, maximumNodes } from "../../form/network";
import { useWords } from "../../i18n";

interface Props {
  readonly form: Form;
  readonly findings: readonly Finding[];
  readonly onChange: (form: Form) => void;
  readonly onBack: () => void;
  readonly onRefused: (findings: readonly Finding[]) => void;
  readonly onCreated: () => void;
}

/** Secrets and Machines first, the Cluster last. What was created is taken away again when a later one is refused. */
export async function createAll(form: Form, onStep: (text: string) => void): Promise<void> {
  const made = documents(form);
  const undo: (() => Promise<unknown>)[] = [];
  const place = (name: string) => ({ namespace: form.namespace, name });
  let last = { kind: "", name: "" };
  try {
    for (const secret of made.secrets) {
      last = { kind: "Secret", name: secret.metadata.name };
      onStep(secret.metadata.name);
      await create(secrets, secret);
      undo.push(() => remove(secrets, place(secret.metadata.name)));
    }
    for (const machine of made.machines) {
      last = { kind: "Machine", name: machine.metadata.name };
      onStep(machine.metadata.name);
      await create(machines, machine);
      undo.push(() => remove(machines, place(machine.metadata.name)));
    }
    last = { kind: "Cluster", name: made.cluster.metadata.name };
    onStep(made.cluster.metadata.name);
    await create(clusters, made.cluster);
  } catch (error) {
    for (const back of undo.reverse()) await back().catch(() => undefined);
    throw new RefusedAt(error, last);
  }
}

export class RefusedAt extends Error {
  constructor(
    readonly error: unknown,
    readonly place: { kind: string; name: string },
  ) {
    super(String(error));
  }
}

export function Review({ form, findings, onChange, onBack, onRefused, onCreated }: Props) {
  const t = useWords();
  const [step, setStep] = useState("");
  const [error, setError] = useState<unknown>();
  const made = documents(form);
  const spec = form.spec.onPremises;
  const endpoint = spec?.controlPlaneEndpoint;
  const network = spec?.network;
  const most = maximumNodes(network?.podCIDR || "10.16.0.0/16", network?.ipsPerNode);
  const controls = form.machines.filter((row) => row.spec.role === "ControlPlane");
  const workers = form.machines.filter((row) => row.spec.role === "Worker");
  const warnings = findings.filter((one) => one.warning);
  const go = async () => {
    setError(undefined);
    try {
      await createAll(form, setStep);
      onCreated();
    } catch (refused) {
      setStep("");
      if (refused instanceof RefusedAt && refused.error instanceof ApiError && refused.error.kind === "invalid") {
        onRefused(fromError(refused.error, refused.place));
      } else setError(refused instanceof RefusedAt ? refused.error : refused);
    }
  };
  const names = (rows: typeof controls) =>
    rows.map((row) => row.spec.addresses.ipv4 || row.spec.addresses.ipv6 || machineName(row, form.name)).join(", ") || "—";
  const facts: readonly Fact[] = [
    { label: t("form.metadata_name"), value: form.name },
    { label: t("form.namespace"), value: form.namespace },
    { label: t("form.version"), value: form.spec.version },
    {
      label: t("review.endpoint"),
      value: endpoint && `https://${endpoint.host.includes(":") ? `[${endpoint.host}]` : endpoint.host}:${endpoint.port ?? 6443}`,
    },
    {
      label: t("review.vip"),
      value: endpoint?.selfBuiltVIP ? t("review.vipOn", { id: endpoint.selfBuiltVIP.virtualRouterID ?? "" }) : t("review.vipOff"),
    },
    { label: t("form.runtime_type"), value: spec?.runtime?.type === "Docker" ? "Docker" : "containerd" },
    { label: t("form.registry_type"), value: t(`choice.registry_type_${spec?.registry?.type ?? "BuiltIn"}`) },
    { label: t("form.network_plugin"), value: network?.plugin ?? "Flannel" },
    { label: t("form.network_podCIDR"), value: network?.podCIDR || "10.16.0.0/16" },
    { label: t("form.network_serviceCIDR"), value: network?.serviceCIDR || "10.112.0.0/12" },
    {
      label: t("review.nodes"),
      value: most !== undefined && t("form.maximumNodes", { count: Number(most), each: network?.ipsPerNode ?? DEFAULT_IPS_PER_NODE }),
    },
    { label: t("review.controls", { count: controls.length }), value: names(controls) },
    { label: t("review.workers", { count: workers.length }), value: names(workers) },
  ];
  const manual = form.spec.approval === "Manual";
  return (
    <div className="review">
      <Warnings
        of={warnings.map((one) => ({
          key: one.path + one.text,
          said: (
            <>
              {one.kind !== "Cluster" && `${one.name}: `}
              {one.path && <code>{one.path}</code>} {one.text}
            </>
          ),
        }))}
      />
      <Card title={t("review.what")}>
        <Facts facts={facts} />
      </Card>
      <Card title={t("review.plan")}>
        <div className="stack">
          <Toggle id="plan-first" label={t("review.planFirst")} help={t("review.planFirstHelp")} checked={manual} onChange={(on) => onChange(written(form, "spec.approval", on ? "Manual" : undefined))} />
          <ol className="review-plan">
            <li>{t("review.step1", { count: made.secrets.length + made.machines.length + 1 })}</li>
            <li>{t("review.step2", { count: made.machines.length })}</li>
            <li>{t(form.spec.paused ? "review.step3Paused" : manual ? "review.step3Manual" : "review.step3")}</li>
            <li>{t(`review.step4${network?.plugin === "Custom" ? "Custom" : ""}`)}</li>
          </ol>
          <p className="quiet small">
            {t("review.objects")} {[...made.secrets, ...made.machines, made.cluster].map((one) => `${one.kind}/${one.metadata.name}`).join(", ")}
          </p>
        </div>
      </Card>
      <div className="create-foot">
        <Refused error={error} />
        {step && (
          <span role="status" className="quiet">
            {t("review.creating", { name: step })}
          </span>
        )}
        <span className="grow" />
        <Button onClick={onBack} disabled={step !== ""}>
          {t("review.back")}
        </Button>
        <Button type="primary" loading={step !== ""} onClick={() => void go()}>
          {t("review.create")}
        </Button>
      </div>
    </div>
  );
}
