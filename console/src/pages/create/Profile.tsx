import { Radio } from "antd";
import { Field } from "../../components/Field";
import { useWords } from "../../i18n";

export type Profile = "Observe" | "Operate" | "Admin";

export function ProfileField({ value, onChange }: { value: Profile; onChange: (value: Profile) => void }) {
  const t = useWords();
  return (
    <Field id="profile" label={t("attach.profile")} help={t(`attach.profile_${value}_help`)} whole group>
      <Radio.Group
        aria-labelledby="profile-label"
        optionType="button"
        value={value}
        options={(["Observe", "Operate", "Admin"] as const).map((one) => ({ value: one, label: t(`attach.profile_${one}`) }))}
        onChange={(event) => onChange(event.target.value as Profile)}
      />
    </Field>
  );
}
