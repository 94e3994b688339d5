/** Makes a place for a cluster that dials out itself, then shows what has to be applied there. */
import { useState } from "react";
import { TextLine, Toggle } from "../../components/inputs";
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
          <Toggle id="manual" label={t("register.manual")} help={t("register.manualHelp")} checked={manual} onChange={setManual} />
          <TextLine
            id="uid"
            label={t("register.uid")}
            help={t("register.uidHelp")}
            errors={errors("spec.registered.expectedUID")}
            className="mono"
            value={uid}
            onChange={setUid}
            trim
          />
          <p className="note whole">{t("register.next")}</p>
        </>
      )}
    </AttachForm>
  );
}
