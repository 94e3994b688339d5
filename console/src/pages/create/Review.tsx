/** What will be created and done, before it is; then the creation itself, in the order that roost asks for. */
import { Button } from "antd";
import { useState } from "react";
import { create, clusters, machines, remove, secrets } from "../../api/resources";
import { ApiError } from "../../api/http";
import { problemText } from "../../components/Problem";
import { fromError, type Finding } from "../../form/findings";
import { documents, machineName, type Form } from "../../form/model";
import { DEFAULT_IPS_PER_NODE, maximumNodes } from "../../form/network";
import { useWords } from "../../i18n";

interface Props {
  readonly form: Form;
  readonly findings: readonly Finding[];
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

export function Review({ form, findings, onBack, onRefused, onCreated }: Props) {
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
  const facts: readonly (readonly [string, string])[] = [
    [t("form.metadata_name"), form.name],
    [t("form.version"), form.spec.version ?? ""],
    [t("review.endpoint"), endpoint ? `https://${endpoint.host.includes(":") ? `[${endpoint.host}]` : endpoint.host}:${endpoint.port ?? 6443}` : ""],
    [t("review.vip"), endpoint?.selfBuiltVIP ? t("review.vipOn", { id: endpoint.selfBuiltVIP.virtualRouterID ?? "" }) : t("review.vipOff")],
    [t("form.runtime_type"), spec?.runtime?.type === "Docker" ? "Docker" : "containerd"],
    [t("form.registry_type"), t(`choice.registry_type_${spec?.registry?.type ?? "BuiltIn"}`)],
    [t("form.network_plugin"), network?.plugin ?? "Flannel"],
    [t("form.network_podCIDR"), network?.podCIDR || "10.16.0.0/16"],
    [t("form.network_serviceCIDR"), network?.serviceCIDR || "10.112.0.0/12"],
    [
      t("review.nodes"),
      most === undefined ? "—" : t("form.maximumNodes", { count: Number(most), each: network?.ipsPerNode ?? DEFAULT_IPS_PER_NODE }),
    ],
    [t("review.controls", { count: controls.length }), names(controls)],
    [t("review.workers", { count: workers.length }), names(workers)],
  ];
  return (
    <div className="review">
      {warnings.length > 0 && (
        <div className="note note-warn">
          <p>{t("create.warnings", { count: warnings.length })}</p>
          <ul>
            {warnings.map((one) => (
              <li key={one.path + one.text}>
                {one.kind !== "Cluster" && `${one.name}: `}
                {one.path && <code>{one.path}</code>} {one.text}
              </li>
            ))}
          </ul>
        </div>
      )}
      <section className="card">
        <div className="card-head">
          <h2>{t("review.what")}</h2>
        </div>
        <div className="card-body">
          <dl className="facts">
            {facts.map(([label, value]) => (
              <div key={label}>
                <dt>{label}</dt>
                <dd>{value || "—"}</dd>
              </div>
            ))}
          </dl>
        </div>
      </section>
      <section className="card">
        <div className="card-head">
          <h2>{t("review.plan")}</h2>
        </div>
        <div className="card-body">
          <ol className="review-plan">
            <li>{t("review.step1", { count: made.secrets.length + made.machines.length + 1 })}</li>
            <li>{t("review.step2", { count: made.machines.length })}</li>
            <li>{t(form.spec.paused ? "review.step3Paused" : form.spec.approval === "Manual" ? "review.step3Manual" : "review.step3")}</li>
            <li>{t(`review.step4${network?.plugin === "Custom" ? "Custom" : ""}`)}</li>
          </ol>
          <p className="quiet small">
            {t("review.objects")} {[...made.secrets, ...made.machines, made.cluster].map((one) => `${one.kind}/${one.metadata.name}`).join(", ")}
          </p>
        </div>
      </section>
      <div className="create-foot">
        {error !== undefined && (
          <p className="field-error" role="alert">
            {problemText(error, t)}
          </p>
        )}
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
