/** Takes an existing cluster in by its kubeconfig, or by server and token. */
import { Button, Input, Radio, Switch } from "antd";
import { useState, type FormEvent } from "react";
import { useNavigate } from "react-router";
import { API_VERSION, clusters, create, remove, secrets } from "../../api/resources";
import type { Secret } from "../../api/objects";
import { Field } from "../../components/Field";
import { Page } from "../../components/Page";
import { problemText } from "../../components/Problem";
import { at, fromError, type Finding } from "../../form/findings";
import type { Cluster } from "../../generated/api";
import { useWords } from "../../i18n";
import { ProfileField, type Profile } from "./Profile";

export default function ImportPage() {
  const t = useWords();
  const navigate = useNavigate();
  const [name, setName] = useState("");
  const [displayName, setDisplayName] = useState("");
  const [way, setWay] = useState<"kubeconfig" | "token">("kubeconfig");
  const [kubeconfig, setKubeconfig] = useState("");
  const [server, setServer] = useState("");
  const [token, setToken] = useState("");
  const [ca, setCa] = useState("");
  const [profile, setProfile] = useState<Profile>("Admin");
  const [unsupported, setUnsupported] = useState(false);
  const [takeover, setTakeover] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const [findings, setFindings] = useState<readonly Finding[]>([]);
  const namespace = "default";
  const errors = (path: string) => at(findings, "Cluster", path).map((one) => one.text);

  const send = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    setFindings([]);
    const credential = `${name}-import`;
    const secret: Secret = {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: credential, namespace },
      type: "Opaque",
      stringData: way === "kubeconfig" ? { kubeconfig } : { token: token.trim() },
    };
    const cluster: Cluster = {
      apiVersion: API_VERSION,
      kind: "Cluster",
      metadata: { name, namespace },
      spec: {
        ...(displayName ? { displayName } : {}),
        imported: {
          ...(way === "token" ? { server: server.trim(), ...(ca.trim() ? { ca: `${ca.trim()}\n` } : {}) } : {}),
          credential: { name: credential },
          profile,
          ...(unsupported ? { allowUnsupportedVersion: true } : {}),
          ...(takeover ? { takeover: true } : {}),
        },
      },
    };
    let made = false;
    try {
      await create(secrets, secret);
      made = true;
      await create(clusters, cluster, { dryRun: true });
      await create(clusters, cluster);
      void navigate(`/clusters/${namespace}/${name}/progress`);
    } catch (refused) {
      if (made) await remove(secrets, { namespace, name: credential }).catch(() => undefined);
      const found = fromError(refused, { kind: "Cluster", name }).filter((one) => one.path);
      setFindings(found);
      setError(refused);
    } finally {
      setBusy(false);
    }
  };
  const above = [
    { to: "/clusters", text: t("nav.clusters") },
    { to: "/clusters/new", text: t("choose.title") },
  ];
  return (
    <Page title={t("import.title")} lead={t("import.lead")} above={above}>
      <form className="card narrow" onSubmit={(event) => void send(event)}>
        <div className="card-body form-grid">
          <Field id="name" label={t("form.metadata_name")} help={t("form.metadata_name_help")} errors={errors("metadata.name")} needed>
            <Input id="name" aria-describedby="name-notes" required value={name} onChange={(event) => setName(event.target.value.trim())} />
          </Field>
          <Field id="display" label={t("form.displayName")}>
            <Input id="display" value={displayName} onChange={(event) => setDisplayName(event.target.value)} />
          </Field>
          <Field id="way" label={t("import.way")} whole group>
            <Radio.Group
              aria-labelledby="way-label"
              optionType="button"
              value={way}
              options={["kubeconfig", "token"].map((value) => ({ value, label: t(`import.way_${value}`) }))}
              onChange={(event) => setWay(event.target.value as typeof way)}
            />
          </Field>
          {way === "kubeconfig" ? (
            <Field id="kubeconfig" label="kubeconfig" help={t("import.kubeconfigHelp")} errors={errors("spec.imported.credential")} whole needed>
              <Input.TextArea
                id="kubeconfig"
                aria-describedby="kubeconfig-notes"
                className="mono"
                required
                spellCheck={false}
                rows={6}
                value={kubeconfig}
                onChange={(event) => setKubeconfig(event.target.value)}
              />
            </Field>
          ) : (
            <>
              <Field id="server" label={t("import.server")} errors={errors("spec.imported.server")} needed>
                <Input
                  id="server"
                  aria-describedby="server-notes"
                  required
                  placeholder="https://10.0.0.1:6443"
                  value={server}
                  onChange={(event) => setServer(event.target.value)}
                />
              </Field>
              <Field id="token" label={t("import.token")} help={t("import.tokenHelp")} needed>
                <Input.Password
                  id="token"
                  aria-describedby="token-notes"
                  required
                  autoComplete="new-password"
                  value={token}
                  onChange={(event) => setToken(event.target.value)}
                />
              </Field>
              <Field id="ca" label={t("import.ca")} help={t("import.caHelp")} errors={errors("spec.imported.ca")} whole>
                <Input.TextArea
                  id="ca"
                  aria-describedby="ca-notes"
                  className="mono"
                  rows={3}
                  placeholder="-----BEGIN CERTIFICATE-----"
                  value={ca}
                  onChange={(event) => setCa(event.target.value)}
                />
              </Field>
            </>
          )}
          <ProfileField value={profile} onChange={setProfile} />
          <Field id="unsupported" label={t("import.unsupported")} help={t("import.unsupportedHelp")}>
            <span>
              <Switch id="unsupported" aria-describedby="unsupported-notes" checked={unsupported} onChange={setUnsupported} />
            </span>
          </Field>
          <Field id="takeover" label={t("import.takeover")} help={t("import.takeoverHelp")}>
            <span>
              <Switch id="takeover" aria-describedby="takeover-notes" checked={takeover} onChange={setTakeover} />
            </span>
          </Field>
          <div className="whole inline">
            {error !== undefined && (
              <p className="field-error" role="alert">
                {problemText(error, t)}
              </p>
            )}
            <span className="grow" />
            <Button onClick={() => void navigate("/clusters")}>{t("common.cancel")}</Button>
            <Button type="primary" htmlType="submit" loading={busy} disabled={!name}>
              {t("import.go")}
            </Button>
          </div>
        </div>
      </form>
    </Page>
  );
}
