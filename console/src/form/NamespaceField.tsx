/** Where a cluster's objects stand: chosen among the namespaces that there are, or made on the spot. */
import { Button, Input, Select } from "antd";
import { useState } from "react";
import { create, namespaces } from "../api/resources";
import { useLive } from "../api/watch";
import { Dialog } from "../components/Dialog";
import { Field } from "../components/Field";
import { TextLine } from "../components/inputs";
import { useWords } from "../i18n";
import { choices, isLabel } from "./namespaces";

export function NamespaceField({
  value,
  onChange,
  errors,
}: {
  value: string;
  onChange: (namespace: string) => void;
  errors?: readonly string[];
}) {
  const t = useWords();
  const live = useLive(namespaces);
  const [making, setMaking] = useState(false);
  const [name, setName] = useState("");
  // Who may not list namespaces writes the name of their own.
  const free = live.items === undefined && live.error !== undefined;
  const described = "f-metadata-namespace-notes";
  return (
    <Field id="f-metadata-namespace" label={t("form.namespace")} help={t("form.namespaceHelp")} errors={errors ?? []}>
      {free ? (
        <Input
          id="f-metadata-namespace"
          aria-describedby={described}
          value={value}
          onChange={(event) => onChange(event.target.value.trim())}
        />
      ) : (
        <span className="beside">
          <Select
            id="f-metadata-namespace"
            aria-describedby={described}
            showSearch
            value={value}
            options={choices(live.items?.keys() ?? [], value).map((one) => ({ value: one, label: one }))}
            onChange={onChange}
          />
          <Button onClick={() => setMaking(true)}>{t("form.namespaceNew")}</Button>
        </span>
      )}
      {making && (
        <Dialog
          title={t("form.namespaceNew")}
          onClose={() => setMaking(false)}
          act={{
            text: t("form.namespaceMake"),
            ready: isLabel(name),
            go: async () => {
              await create(namespaces, { apiVersion: "v1", kind: "Namespace", metadata: { name } });
              onChange(name);
              setName("");
            },
          }}
        >
          <TextLine
            id="namespace-name"
            label={t("form.metadata_name")}
            help={t("form.metadata_name_help")}
            needed
            autoComplete="off"
            autoFocus
            value={name}
            onChange={setName}
            trim
          />
        </Dialog>
      )}
    </Field>
  );
}
