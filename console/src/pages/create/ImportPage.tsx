/** Takes an existing cluster in by its kubeconfig, or by server and token. */
import { Input, Radio } from "antd";
import { useState } from "react";
import { Field } from "../../components/Field";
import { FilePick } from "../../components/FilePick";
import { TextLine, Toggle } from "../../components/inputs";
import { useWords } from "../../i18n";
import { AttachForm, secretName } from "./AttachForm";

type Way = "kubeconfig" | "token";

export default function ImportPage() {
  const t = useWords();
  const [way, setWay] = useState<Way>("kubeconfig");
  const [kubeconfig, setKubeconfig] = useState("");
  const [file, setFile] = useState("");
  const [server, setServer] = useState("");
  const [token, setToken] = useState("");
  const [ca, setCa] = useState("");
  const [serverName, setServerName] = useState("");
  const [unsupported, setUnsupported] = useState(false);
  const [takeover, setTakeover] = useState(false);
  const reached = way === "token" ? { server: server.trim(), ...(ca.trim() ? { ca: `${ca.trim()}\n` } : {}) } : {};
  return (
    <AttachForm
      title={t("import.title")}
      lead={t("import.lead")}
      go={t("import.go")}
      then="progress"
      attachment={({ name, profile }) => ({
        secret: { [way]: way === "kubeconfig" ? kubeconfig : token.trim() },
        spec: {
          imported: {
            ...reached,
            credential: { name: secretName(name) },
            profile,
            ...(serverName ? { tlsServerName: serverName } : {}),
            ...(unsupported ? { allowUnsupportedVersion: true } : {}),
            ...(takeover ? { takeover: true } : {}),
          },
        },
      })}
    >
      {(errors) => (
        <>
          <Field id="way" label={t("import.way")} whole group>
            <Radio.Group
              aria-labelledby="way-label"
              optionType="button"
              value={way}
              options={(["kubeconfig", "token"] as const).map((value) => ({ value, label: t(`import.way_${value}`) }))}
              onChange={(event) => setWay(event.target.value as Way)}
            />
          </Field>
          {way === "kubeconfig" ? (
            <Field
              id="kubeconfig"
              label="kubeconfig"
              help={t("import.kubeconfigHelp")}
              errors={errors("spec.imported.credential")}
              whole
              needed
            >
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
              <FilePick
                id="kubeconfig-file"
                accept=".yaml,.yml,.conf,.kubeconfig,.config"
                name={file}
                onPick={(text, name) => {
                  setKubeconfig(text);
                  setFile(name);
                }}
              />
            </Field>
          ) : (
            <>
              <TextLine
                id="server"
                label={t("import.server")}
                errors={errors("spec.imported.server")}
                needed
                required
                placeholder="https://10.0.0.1:6443"
                value={server}
                onChange={setServer}
              />
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
          <TextLine
            id="server-name"
            label={t("import.serverName")}
            help={t("import.serverNameHelp")}
            errors={errors("spec.imported.tlsServerName")}
            whole
            placeholder="kubernetes"
            value={serverName}
            onChange={setServerName}
            trim
          />
          <Toggle id="unsupported" label={t("import.unsupported")} help={t("import.unsupportedHelp")} checked={unsupported} onChange={setUnsupported} />
          <Toggle id="takeover" label={t("import.takeover")} help={t("import.takeoverHelp")} checked={takeover} onChange={setTakeover} />
        </>
      )}
    </AttachForm>
  );
}
