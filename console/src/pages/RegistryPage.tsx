/** The built-in registry: where nodes pull from, its name outside, and when that name's certificate ends. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Button, Input } from "antd";
import { useState } from "react";
import { externalName, setExternalName } from "../api/registry";
import type { Condition } from "../api/objects";
import { clusters } from "../api/resources";
import { infoQuery } from "../api/session";
import { useClock, useLive } from "../api/watch";
import { Card, expiry, Facts } from "../components/Card";
import { Code } from "../components/Copy";
import { Field } from "../components/Field";
import { FilePick } from "../components/FilePick";
import { Page } from "../components/Page";
import { Problem, Refused } from "../components/Problem";
import { Reason } from "../components/Progress";
import { Dot } from "../components/State";
import { Told } from "../components/Told";
import { useWords } from "../i18n";
import { useLanguage } from "../settings";
import { condition } from "../states";

const CERTIFICATE = "registry-address.tls";

export default function RegistryPage() {
  const t = useWords();
  const language = useLanguage();
  const now = Math.max(useClock(true, 30_000), Date.now());
  const live = useLive(clusters);
  const { data: info } = useQuery(infoQuery);
  const name = useQuery({ queryKey: ["registry-name"], queryFn: externalName, retry: false });
  const platform = live.items?.get("roost-system/global");
  const state = platform && condition(platform, "RegistryAddressReady");
  const certificate = platform?.status?.certificates?.find((one) => one.name === CERTIFICATE);
  const addresses = (info?.addresses ?? []).map((address) => address.replace(/^https:\/\//, "").replace(/:\d+$/, ""));
  return (
    <Page title={t("nav.registry")} lead={t("registry.lead")}>
      <Card title={t("registry.inside")}>
        <div className="stack">
          <p>{t("registry.insideText")}</p>
          <Facts
            facts={[
              {
                label: t("registry.addresses"),
                value: addresses.map((address) => (
                  <div key={address}>
                    <Code>{address}</Code>
                  </div>
                )),
              },
            ]}
          />
        </div>
      </Card>
      <Card title={t("registry.external")}>
        <div className="stack">
          <p>{t("registry.externalText")}</p>
          {name.error && <Problem error={name.error} />}
          <Facts
            facts={[
              { label: t("registry.name"), value: name.data ? <Code>{name.data}</Code> : t("registry.noName") },
              certificate
                ? { ...expiry(CERTIFICATE, certificate.expires, now, t, language), label: t("registry.ends"), mono: false }
                : { label: t("registry.ends"), value: undefined },
              { label: t("clusters.state"), value: state && <Served state={state} /> },
            ]}
          />
        </div>
      </Card>
      <NameForm now={name.data ?? ""} />
    </Page>
  );
}

function Served({ state }: { state: Condition }) {
  const tone = state.status !== "True" ? "bad" : state.reason === "Succeeded" ? "ok" : "warn";
  return (
    <>
      <span className="state">
        <Dot tone={tone} />
        <Reason reason={state.reason} message={state.message ?? ""} />
      </span>
      <p className="small">
        <Told message={state.message} className="" />
      </p>
    </>
  );
}

const NOTHING = { name: "", text: "" };

function NameForm({ now }: { now: string }) {
  const t = useWords();
  const client = useQueryClient();
  const [host, setHost] = useState("");
  const [certificate, setCertificate] = useState(NOTHING);
  const [key, setKey] = useState(NOTHING);
  const save = useMutation({
    mutationFn: () => setExternalName(host || now, certificate.text, key.text),
    onSuccess: () => {
      setKey(NOTHING);
      setCertificate(NOTHING);
      void client.invalidateQueries({ queryKey: ["registry-name"] });
    },
  });
  return (
    <Card title={t(now ? "registry.change" : "registry.add")}>
      <form
        className="form-grid"
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate();
        }}
      >
        <Field id="host" label={t("registry.name")} help={t("registry.nameHelp")} needed={!now} whole>
          <Input
            id="host"
            aria-describedby="host-notes"
            placeholder={now || "registry.example.com"}
            value={host}
            onChange={(event) => setHost(event.target.value.trim())}
          />
        </Field>
        <Field id="certificate" label={t("registry.certificate")} needed group>
          <FilePick
            id="certificate"
            accept=".crt,.pem,.cer"
            name={certificate.name}
            onPick={(text, picked) => setCertificate({ name: picked, text })}
          />
        </Field>
        <Field id="key" label={t("registry.key")} needed group>
          <FilePick id="key" accept=".key,.pem" name={key.name} onPick={(text, picked) => setKey({ name: picked, text })} />
        </Field>
        <div className="whole inline">
          <Refused error={save.error} />
          {save.isSuccess && <span role="status">{t("common.saved")}</span>}
          <span className="grow" />
          <Button type="primary" htmlType="submit" loading={save.isPending} disabled={!(host || now) || !certificate.text || !key.text}>
            {t("common.save")}
          </Button>
        </div>
      </form>
    </Card>
  );
}
