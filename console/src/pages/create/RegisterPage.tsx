/** Makes a place for a cluster that dials out itself, then shows what has to be applied there. */
import { Input, Switch } from "antd";
import { useState } from "react";
import { Field } from "../../components/Field";
import { useWords } from "../../i18n";
import { AttachForm } from "./AttachForm";

export default function RegisterPage() {
  const t = useWords();
  const [manual, setManual] = useState(false);
  const [uid, setUid] = useState("");
  return (
    <AttachForm
      title={t("register.title")}
      lead={t("register.lead")}
      go={t("register.go")}
      then="access"
      attachment={({ profile }) => ({
        spec: { registered: { approval: manual ? "Manual" : "Automatic", profile, ...(uid ? { expectedUID: uid } : {}) } },
      })}
    >
      {(errors) => (
        <>
          <Field id="manual" label={t("register.manual")} help={t("register.manualHelp")}>
            <span>
              <Switch id="manual" aria-describedby="manual-notes" checked={manual} onChange={setManual} />
            </span>
          </Field>
          <Field id="uid" label={t("register.uid")} help={t("register.uidHelp")} errors={errors("spec.registered.expectedUID")}>
            <Input
              id="uid"
              aria-describedby="uid-notes"
              className="mono"
              value={uid}
              onChange={(event) => setUid(event.target.value.trim())}
            />
          </Field>
          <p className="note whole">{t("register.next")}</p>
        </>
      )}
    </AttachForm>
  );
}
