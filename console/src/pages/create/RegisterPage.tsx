/** Makes a place for a cluster that dials out itself, then shows what has to be applied there. */
import { Button, Input, Switch } from "antd";
import { useState, type FormEvent } from "react";
import { useNavigate } from "react-router";
import { API_VERSION, clusters, create } from "../../api/resources";
import { Field } from "../../components/Field";
import { Page } from "../../components/Page";
import { problemText } from "../../components/Problem";
import { at, fromError, type Finding } from "../../form/findings";
import type { Cluster } from "../../generated/api";
import { useWords } from "../../i18n";
import { ProfileField, type Profile } from "./Profile";

export default function RegisterPage() {
  const t = useWords();
  const navigate = useNavigate();
  const [name, setName] = useState("");
  const [displayName, setDisplayName] = useState("");
  const [profile, setProfile] = useState<Profile>("Admin");
  const [manual, setManual] = useState(false);
  const [uid, setUid] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const [findings, setFindings] = useState<readonly Finding[]>([]);
  const namespace = "default";
  const errors = (path: string) => at(findings, "Cluster", path).map((one) => one.text);
  const send = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    const cluster: Cluster = {
      apiVersion: API_VERSION,
      kind: "Cluster",
      metadata: { name, namespace },
      spec: {
        ...(displayName ? { displayName } : {}),
        registered: { approval: manual ? "Manual" : "Automatic", profile, ...(uid ? { expectedUID: uid } : {}) },
      },
    };
    try {
      await create(clusters, cluster, { dryRun: true });
      await create(clusters, cluster);
      void navigate(`/clusters/${namespace}/${name}/access`);
    } catch (refused) {
      setError(refused);
      setFindings(fromError(refused, { kind: "Cluster", name }));
    } finally {
      setBusy(false);
    }
  };
  const above = [
    { to: "/clusters", text: t("nav.clusters") },
    { to: "/clusters/new", text: t("choose.title") },
  ];
  return (
    <Page title={t("register.title")} lead={t("register.lead")} above={above}>
      <form className="card narrow" onSubmit={(event) => void send(event)}>
        <div className="card-body form-grid">
          <Field id="name" label={t("form.metadata_name")} help={t("form.metadata_name_help")} errors={errors("metadata.name")} needed>
            <Input id="name" aria-describedby="name-notes" required value={name} onChange={(event) => setName(event.target.value.trim())} />
          </Field>
          <Field id="display" label={t("form.displayName")}>
            <Input id="display" value={displayName} onChange={(event) => setDisplayName(event.target.value)} />
          </Field>
          <ProfileField value={profile} onChange={setProfile} />
          <Field id="manual" label={t("register.manual")} help={t("register.manualHelp")}>
            <span>
              <Switch id="manual" aria-describedby="manual-notes" checked={manual} onChange={setManual} />
            </span>
          </Field>
          <Field id="uid" label={t("register.uid")} help={t("register.uidHelp")} errors={errors("spec.registered.expectedUID")}>
            <Input id="uid" aria-describedby="uid-notes" className="mono" value={uid} onChange={(event) => setUid(event.target.value.trim())} />
          </Field>
          <p className="note whole">{t("register.next")}</p>
          <div className="whole inline">
            {error !== undefined && (
              <p className="field-error" role="alert">
                {problemText(error, t)}
              </p>
            )}
            <span className="grow" />
            <Button onClick={() => void navigate("/clusters")}>{t("common.cancel")}</Button>
            <Button type="primary" htmlType="submit" loading={busy} disabled={!name}>
              {t("register.go")}
            </Button>
          </div>
        </div>
      </form>
    </Page>
  );
}
