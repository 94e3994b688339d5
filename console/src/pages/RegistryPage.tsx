import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Button, Input } from "antd";
import { useState } from "react";
import { externalName, setExternalName } from "../api/registry";
import { clusters } from "../api/resources";
import { infoQuery } from "../api/session";
import { useLive } from "../api/watch";
import { Code } from "../components/Copy";
import { Field } from "../components/Field";
import { FilePick } from "../components/FilePick";
import { Page } from "../components/Page";
import { Problem, problemText } from "../components/Problem";
import { Reason } from "../components/Progress";
import { Dot } from "../components/State";
import type { Condition } from "../api/objects";
import { useWords } from "../i18n";
import { condition } from "../states";

export default function RegistryPage() {
  const t = useWords();
  const client = useQueryClient();
  const live = useLive(clusters);
  const { data: info } = useQuery(infoQuery);
  const name = useQuery({ queryKey: ["registry-name"], queryFn: externalName, retry: false });
  const [host, setHost] = useState("");
  const [certificate, setCertificate] = useState({ name: "", text: "" });
  const [key, setKey] = useState({ name: "", text: "" });
  const save = useMutation({
    mutationFn: () => setExternalName(host || name.data || "", certificate.text, key.text),
    onSuccess: () => {
      setKey({ name: "", text: "" });
      setCertificate({ name: "", text: "" });
      void client.invalidateQueries({ queryKey: ["registry-name"] });
    },
  });
  const platform = live.items?.get("roost-system/global");
  const state = platform && (condition(platform as never, "RegistryAddressReady") as Condition | undefined);
  return (
    <Page title={t("nav.registry")} lead={t("registry.lead")}>
      <section className="card">
        <div className="card-head">
          <h2>{t("registry.inside")}</h2>
        </div>
        <div className="card-body stack">
          <p>{t("registry.insideText")}</p>
          <dl className="facts">
            <div>
              <dt>{t("registry.addresses")}</dt>
              <dd>
                {(info?.addresses ?? []).map((address) => (
                  <div key={address}>
                    <Code>{address.replace(/^https:\/\//, "").replace(/:\d+$/, "")}</Code>
                  </div>
                ))}
              </dd>
            </div>
          </dl>
        </div>
      </section>
      <section className="card">
        <div className="card-head">
          <h2>{t("registry.external")}</h2>
        </div>
        <div className="card-body stack">
          <p>{t("registry.externalText")}</p>
          {name.error && <Problem error={name.error} />}
          <dl className="facts">
            <div>
              <dt>{t("registry.name")}</dt>
              <dd>{name.data ? <Code>{name.data}</Code> : t("registry.noName")}</dd>
            </div>
            <div>
              <dt>{t("clusters.state")}</dt>
              <dd>
                {state ? (
                  <>
                    <span className="state">
                      <Dot tone={state.status !== "True" ? "bad" : state.reason === "Succeeded" ? "ok" : "warn"} />
                      <Reason reason={state.reason} message={state.message ?? ""} />
                    </span>
                    <p lang="en" className="small">
                      {state.message}
                    </p>
                  </>
                ) : (
                  "—"
                )}
              </dd>
            </div>
          </dl>
        </div>
      </section>
      <section className="card">
        <div className="card-head">
          <h2>{t(name.data ? "registry.change" : "registry.add")}</h2>
        </div>
        <form
          className="card-body form-grid"
          onSubmit={(event) => {
            event.preventDefault();
            save.mutate();
          }}
        >
          <Field id="host" label={t("registry.name")} help={t("registry.nameHelp")} needed={!name.data} whole>
            <Input id="host" aria-describedby="host-notes" placeholder={name.data || "registry.example.com"} value={host} onChange={(event) => setHost(event.target.value.trim())} />
          </Field>
          <Field id="certificate" label={t("registry.certificate")} needed group>
            <FilePick id="certificate" accept=".crt,.pem,.cer" name={certificate.name} onPick={(text, picked) => setCertificate({ name: picked, text })} />
          </Field>
          <Field id="key" label={t("registry.key")} needed group>
            <FilePick id="key" accept=".key,.pem" name={key.name} onPick={(text, picked) => setKey({ name: picked, text })} />
          </Field>
          <div className="whole inline">
            {save.error && (
              <p className="field-error" role="alert">
                {problemText(save.error, t)}
              </p>
            )}
            {save.isSuccess && <span role="status">{t("common.saved")}</span>}
            <span className="grow" />
            <Button type="primary" htmlType="submit" loading={save.isPending} disabled={!(host || name.data) || !certificate.text || !key.text}>
              {t("common.save")}
            </Button>
          </div>
        </form>
      </section>
    </Page>
  );
}
