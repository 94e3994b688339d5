/** Cloud credentials: what they are for, whether they work, where they are used. What they hold is never shown. */
import { Button, Input, Radio } from "antd";
import { useState } from "react";
import { Link } from "react-router";
import { ApiError } from "../api/http";
import { API_VERSION, cloudCredentials, create, merge, remove, secrets } from "../api/resources";
import { useLive } from "../api/watch";
import { IconButton, TwoLines } from "../components/cells";
import { DataTable, type Column } from "../components/DataTable";
import { Dialog } from "../components/Dialog";
import { Field } from "../components/Field";
import { FilePick } from "../components/FilePick";
import { Icon } from "../components/icons";
import { Known } from "../components/Known";
import { Page } from "../components/Page";
import { Empty } from "../components/Problem";
import { Dot } from "../components/State";
import { TextLine } from "../components/inputs";
import type { CloudCredential } from "../generated/api";
import { useWords } from "../i18n";
import { useLanguage } from "../settings";
import { day } from "../time";

type Type = CloudCredential["spec"]["type"];

const TYPES: readonly Type[] = ["PublicRegistry", "AWS"];
const NAMESPACE = "roost-system";
export const PUBLIC = "public-registry-credential";

type Open = { readonly kind: "new"; readonly name: string } | { readonly kind: "update" | "delete"; readonly credential: CloudCredential };

export default function CredentialsPage() {
  const t = useWords();
  const language = useLanguage();
  const live = useLive(cloudCredentials);
  const [open, setOpen] = useState<Open>();
  const columns: readonly Column<CloudCredential>[] = [
    {
      key: "name",
      title: t("credentials.name"),
      width: "25%",
      value: (one) => one.metadata.name,
      render: (one) => (
        <TwoLines second={one.spec.displayName || one.metadata.namespace}>
          <span className="name-link">{one.metadata.name}</span>
        </TwoLines>
      ),
    },
    { key: "type", title: t("credentials.type"), width: "13%", value: (one) => one.spec.type, render: (one) => t(`credentials.type_${one.spec.type}`) },
    {
      key: "valid",
      title: t("credentials.valid"),
      width: "24%",
      render: (one) => {
        const valid = one.status?.valid;
        const word = valid === undefined ? "unknown" : valid ? "yes" : "no";
        return (
          <TwoLines second={one.status?.message ?? one.status?.address} told={one.status?.message}>
            <span className={valid === false ? "state state-bad" : "state"}>
              <Dot tone={valid === undefined ? "idle" : valid ? "ok" : "bad"} />
              {t(`credentials.valid_${word}`)}
            </span>
          </TwoLines>
        );
      },
    },
    {
      key: "used",
      title: t("credentials.usedBy"),
      render: (one) => {
        const used = one.status?.usedBy ?? [];
        if (used.length === 0) return <span className="quiet">{t("credentials.unused")}</span>;
        return used.slice(0, 3).map((by) => (
          <Link key={`${by.namespace}/${by.name}`} to={`/clusters/${by.namespace ?? "default"}/${by.name}`} className="spaced">
            {by.name}
          </Link>
        ));
      },
    },
    {
      key: "expires",
      title: t("credentials.expires"),
      width: "11%",
      wide: true,
      render: (one) => (one.status?.expires ? day(one.status.expires, language) : "—"),
    },
    {
      key: "actions",
      title: "",
      width: "120px",
      align: "end",
      render: (one) => (
        <span className="row-actions">
          <Button size="small" aria-label={t("credentials.updateOf", { name: one.metadata.name })} onClick={() => setOpen({ kind: "update", credential: one })}>
            {t("credentials.update")}
          </Button>
          <IconButton icon="trash" label={t("common.deleteOf", { name: one.metadata.name })} onClick={() => setOpen({ kind: "delete", credential: one })} />
        </span>
      ),
    },
  ];
  const adding = (name: string) => (
    <Button type="primary" icon={<Icon name="plus" />} onClick={() => setOpen({ kind: "new", name })}>
      {t("credentials.create")}
    </Button>
  );
  return (
    <Page title={t("nav.credentials")} lead={t("credentials.lead")} actions={adding("")}>
      <Known live={live}>
        {(items) =>
          items.size === 0 ? (
            <Empty title={t("credentials.emptyTitle")} action={adding(PUBLIC)}>
              {t("credentials.emptyText", { name: PUBLIC })}
            </Empty>
          ) : (
            <DataTable
              label={t("nav.credentials")}
              rows={[...items.values()]}
              columns={columns}
              rowKey={(one) => `${one.metadata.namespace}/${one.metadata.name}`}
            />
          )
        }
      </Known>
      {open && open.kind !== "delete" && <CredentialDialog open={open} onClose={() => setOpen(undefined)} />}
      {open?.kind === "delete" && <DeleteCredential credential={open.credential} onClose={() => setOpen(undefined)} />}
    </Page>
  );
}

function CredentialDialog({ open, onClose }: { open: Exclude<Open, { kind: "delete" }>; onClose: () => void }) {
  const t = useWords();
  const before = open.kind === "update" ? open.credential : undefined;
  const [name, setName] = useState(before?.metadata.name ?? (open.kind === "new" ? open.name : ""));
  const [displayName, setDisplayName] = useState(before?.spec.displayName ?? "");
  const [type, setType] = useState<Type>(before?.spec.type ?? "PublicRegistry");
  const [content, setContent] = useState<Record<string, string>>();
  const namespace = before?.metadata.namespace ?? NAMESPACE;
  const go = async () => {
    if (!content) return;
    if (before) await update(before, content, displayName);
    else await add({ namespace, name, type, displayName }, content);
  };
  return (
    <Dialog
      width={620}
      holds
      title={before ? t("credentials.updateTitle", { name }) : t("credentials.create")}
      onClose={onClose}
      act={{ text: t(before ? "credentials.update" : "credentials.create"), go, ready: name !== "" && content !== undefined }}
    >
      {!before && (
        <>
          <TextLine
            id="c-name"
            label={t("credentials.name")}
            help={t("credentials.nameHelp", { name: PUBLIC })}
            needed
            value={name}
            onChange={setName}
            trim
          />
          <Field id="c-type" label={t("credentials.type")} group>
            <Radio.Group
              aria-labelledby="c-type-label"
              optionType="button"
              value={type}
              options={TYPES.map((value) => ({ value, label: t(`credentials.type_${value}`) }))}
              onChange={(event) => {
                setType(event.target.value as Type);
                setContent(undefined);
              }}
            />
          </Field>
        </>
      )}
      <TextLine id="c-display" label={t("form.displayName")} value={displayName} onChange={setDisplayName} />
      {type === "PublicRegistry" ? <FileContent onChange={setContent} /> : <KeyContent onChange={setContent} />}
      {before && <p className="note">{t("credentials.neverShown")}</p>}
    </Dialog>
  );
}

type OnContent = (content: Record<string, string> | undefined) => void;

function FileContent({ onChange }: { onChange: OnContent }) {
  const t = useWords();
  const [name, setName] = useState("");
  return (
    <Field id="c-file" label={t("credentials.file")} help={t("credentials.fileHelp")} needed group>
      <FilePick
        id="c-file"
        accept=".json,application/json"
        name={name}
        onPick={(text, picked) => {
          setName(picked);
          onChange(text === "" ? undefined : { "credential.json": text });
        }}
      />
    </Field>
  );
}

function KeyContent({ onChange }: { onChange: OnContent }) {
  const t = useWords();
  const [keys, setKeys] = useState({ accessKeyID: "", secretAccessKey: "", region: "" });
  const set = (change: Partial<typeof keys>) => {
    const next = { ...keys, ...change };
    setKeys(next);
    onChange(Object.values(next).every((value) => value !== "") ? next : undefined);
  };
  return (
    <>
      <TextLine
        id="c-access"
        label={t("credentials.accessKeyID")}
        needed
        autoComplete="off"
        value={keys.accessKeyID}
        onChange={(text) => set({ accessKeyID: text })}
        trim
      />
      <Field id="c-secret" label={t("credentials.secretAccessKey")} needed>
        <Input.Password
          id="c-secret"
          autoComplete="new-password"
          value={keys.secretAccessKey}
          onChange={(event) => set({ secretAccessKey: event.target.value.trim() })}
        />
      </Field>
      <TextLine
        id="c-region"
        label={t("credentials.region")}
        needed
        placeholder="eu-central-1"
        value={keys.region}
        onChange={(text) => set({ region: text })}
        trim
      />
    </>
  );
}

async function update(before: CloudCredential, content: Record<string, string>, displayName: string): Promise<void> {
  const { namespace, name } = before.metadata;
  const secret = before.spec.secret.name;
  try {
    await merge(secrets, { namespace, name: secret }, { stringData: content });
  } catch (refused) {
    // The one for the public registry is there from the start; its Secret comes with the first upload.
    if (!(refused instanceof ApiError) || refused.kind !== "missing") throw refused;
    const metadata = { name: secret, namespace: namespace ?? NAMESPACE };
    await create(secrets, { apiVersion: "v1", kind: "Secret", metadata, type: "Opaque", stringData: content });
  }
  if ((before.spec.displayName ?? "") === displayName) return;
  await merge(cloudCredentials, { namespace, name }, { spec: { displayName: displayName || null } });
}

async function add(
  given: { namespace: string; name: string; type: Type; displayName: string },
  content: Record<string, string>,
): Promise<void> {
  const { namespace, name, type, displayName } = given;
  const metadata = { name, namespace };
  await create(secrets, { apiVersion: "v1", kind: "Secret", metadata, type: "Opaque", stringData: content });
  try {
    await create(cloudCredentials, {
      apiVersion: API_VERSION,
      kind: "CloudCredential",
      metadata,
      spec: { type, secret: { name }, ...(displayName ? { displayName } : {}) },
    });
  } catch (refused) {
    await remove(secrets, { namespace, name }).catch(() => undefined);
    throw refused;
  }
}

function DeleteCredential({ credential, onClose }: { credential: CloudCredential; onClose: () => void }) {
  const t = useWords();
  const { namespace, name } = credential.metadata;
  const used = credential.status?.usedBy ?? [];
  const go = async () => {
    await remove(cloudCredentials, { namespace, name });
    await remove(secrets, { namespace, name: credential.spec.secret.name }).catch(() => undefined);
  };
  return (
    <Dialog
      title={t("credentials.deleteTitle", { name })}
      onClose={onClose}
      act={{ text: t("common.delete"), go, ready: used.length === 0, danger: true }}
    >
      <p>
        {used.length > 0
          ? t("credentials.deleteUsed", { clusters: used.map((one) => one.name).join(", ") })
          : t("credentials.deleteText")}
      </p>
    </Dialog>
  );
}
