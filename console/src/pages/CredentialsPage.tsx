/** Cloud credentials: what they are for, whether they work, where they are used. What they hold is never shown. */
import { Button, Input, Modal, Radio } from "antd";
import { useState } from "react";
import { Link } from "react-router";
import { API_VERSION, cloudCredentials, create, merge, remove, secrets } from "../api/resources";
import type { Secret } from "../api/objects";
import { useLive } from "../api/watch";
import { DataTable, type Column } from "../components/DataTable";
import { Field } from "../components/Field";
import { FilePick } from "../components/FilePick";
import { Icon } from "../components/icons";
import { Page } from "../components/Page";
import { Empty, Loading, Problem, problemText } from "../components/Problem";
import { Stale } from "../components/Stale";
import { Dot } from "../components/State";
import type { CloudCredential } from "../generated/api";
import { useWords } from "../i18n";
import { useLanguage } from "../settings";
import { day } from "../time";

const NAMESPACE = "roost-system";
export const PUBLIC = "public-registry-credential";

type Open = { readonly kind: "new"; readonly name: string } | { readonly kind: "update" | "delete"; readonly credential: CloudCredential };

export default function CredentialsPage() {
  const t = useWords();
  const language = useLanguage();
  const live = useLive(cloudCredentials);
  const [open, setOpen] = useState<Open>();
  const rows = [...(live.items?.values() ?? [])];
  const columns: readonly Column<CloudCredential>[] = [
    {
      key: "name",
      title: t("credentials.name"),
      width: "28%",
      value: (one) => one.metadata.name,
      render: (one) => (
        <span className="two">
          <span className="name-link">{one.metadata.name}</span>
          <span className="second">{one.spec.displayName || one.metadata.namespace}</span>
        </span>
      ),
    },
    { key: "type", title: t("credentials.type"), width: "16%", value: (one) => one.spec.type, render: (one) => t(`credentials.type_${one.spec.type}`) },
    {
      key: "valid",
      title: t("credentials.valid"),
      width: "26%",
      render: (one) => {
        const valid = one.status?.valid;
        const word = valid === undefined ? "unknown" : valid ? "yes" : "no";
        return (
          <span className="two">
            <span className={valid === false ? "state state-bad" : "state"}>
              <Dot tone={valid === undefined ? "idle" : valid ? "ok" : "bad"} />
              {t(`credentials.valid_${word}`)}
            </span>
            <span className="second" lang="en" title={one.status?.message}>
              {one.status?.message ?? one.status?.address ?? ""}
            </span>
          </span>
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
      width: "12%",
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
          <button
            type="button"
            className="icon-button"
            aria-label={t("common.deleteOf", { name: one.metadata.name })}
            onClick={() => setOpen({ kind: "delete", credential: one })}
          >
            <Icon name="trash" />
          </button>
        </span>
      ),
    },
  ];
  const add = (name: string) => (
    <Button type="primary" icon={<Icon name="plus" />} onClick={() => setOpen({ kind: "new", name })}>
      {t("credentials.create")}
    </Button>
  );
  return (
    <Page title={t("nav.credentials")} lead={t("credentials.lead")} actions={add("")}>
      {!live.items && (live.error ? <Problem error={live.error} again={live.again} /> : <Loading />)}
      <Stale live={live} />
      {live.items && rows.length === 0 && (
        <Empty title={t("credentials.emptyTitle")} action={add(PUBLIC)}>
          {t("credentials.emptyText", { name: PUBLIC })}
        </Empty>
      )}
      {rows.length > 0 && (
        <DataTable
          label={t("nav.credentials")}
          rows={rows}
          columns={columns}
          rowKey={(one) => `${one.metadata.namespace}/${one.metadata.name}`}
          sorting={undefined}
        />
      )}
      {open && open.kind !== "delete" && (
        <CredentialDialog open={open} onClose={() => setOpen(undefined)} />
      )}
      {open?.kind === "delete" && <DeleteCredential credential={open.credential} onClose={() => setOpen(undefined)} />}
    </Page>
  );
}

function CredentialDialog({ open, onClose }: { open: Exclude<Open, { kind: "delete" }>; onClose: () => void }) {
  const t = useWords();
  const before = open.kind === "update" ? open.credential : undefined;
  const [name, setName] = useState(before?.metadata.name ?? (open.kind === "new" ? open.name : ""));
  const [displayName, setDisplayName] = useState(before?.spec.displayName ?? "");
  const [type, setType] = useState<CloudCredential["spec"]["type"]>(before?.spec.type ?? "PublicRegistry");
  const [file, setFile] = useState("");
  const [fileName, setFileName] = useState("");
  const [access, setAccess] = useState("");
  const [secretKey, setSecretKey] = useState("");
  const [region, setRegion] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const namespace = before?.metadata.namespace ?? NAMESPACE;
  const ready = name !== "" && (type === "PublicRegistry" ? file !== "" : access !== "" && secretKey !== "" && region !== "");
  const content: Record<string, string> =
    type === "PublicRegistry"
      ? { "credential.json": file }
      : { accessKeyID: access, secretAccessKey: secretKey, region };
  const send = async () => {
    setBusy(true);
    setError(undefined);
    const secretName = before?.spec.secret.name ?? name;
    try {
      const secret: Secret = { apiVersion: "v1", kind: "Secret", metadata: { name: secretName, namespace }, type: "Opaque", stringData: content };
      if (before) {
        await merge(secrets, { namespace, name: secretName }, { stringData: content });
        if ((before.spec.displayName ?? "") !== displayName) {
          await merge(cloudCredentials, { namespace, name }, { spec: { displayName: displayName || null } });
        }
      } else {
        await create(secrets, secret);
        try {
          await create(cloudCredentials, {
            apiVersion: API_VERSION,
            kind: "CloudCredential",
            metadata: { name, namespace },
            spec: { type, secret: { name: secretName }, ...(displayName ? { displayName } : {}) },
          });
        } catch (refused) {
          await remove(secrets, { namespace, name: secretName }).catch(() => undefined);
          throw refused;
        }
      }
      onClose();
    } catch (refused) {
      setError(refused);
      setBusy(false);
    }
  };
  return (
    <Modal
      open
      width={620}
      title={before ? t("credentials.updateTitle", { name }) : t("credentials.create")}
      onCancel={onClose}
      onOk={() => void send()}
      okText={t(before ? "credentials.update" : "credentials.create")}
      cancelText={t("common.cancel")}
      okButtonProps={{ disabled: !ready, loading: busy }}
    >
      <div className="stack">
        {!before && (
          <>
            <Field id="c-name" label={t("credentials.name")} help={t("credentials.nameHelp", { name: PUBLIC })} needed>
              <Input id="c-name" aria-describedby="c-name-notes" value={name} onChange={(event) => setName(event.target.value.trim())} />
            </Field>
            <Field id="c-type" label={t("credentials.type")} group>
              <Radio.Group
                aria-labelledby="c-type-label"
                optionType="button"
                value={type}
                options={(["PublicRegistry", "AWS"] as const).map((value) => ({ value, label: t(`credentials.type_${value}`) }))}
                onChange={(event) => setType(event.target.value as typeof type)}
              />
            </Field>
          </>
        )}
        <Field id="c-display" label={t("form.displayName")}>
          <Input id="c-display" value={displayName} onChange={(event) => setDisplayName(event.target.value)} />
        </Field>
        {type === "PublicRegistry" ? (
          <Field id="c-file" label={t("credentials.file")} help={t("credentials.fileHelp")} needed group>
            <FilePick
              id="c-file"
              accept=".json,application/json"
              name={fileName}
              onPick={(text, picked) => {
                setFile(text);
                setFileName(picked);
              }}
            />
          </Field>
        ) : (
          <>
            <Field id="c-access" label={t("credentials.accessKeyID")} needed>
              <Input id="c-access" autoComplete="off" value={access} onChange={(event) => setAccess(event.target.value.trim())} />
            </Field>
            <Field id="c-secret" label={t("credentials.secretAccessKey")} needed>
              <Input.Password id="c-secret" autoComplete="new-password" value={secretKey} onChange={(event) => setSecretKey(event.target.value.trim())} />
            </Field>
            <Field id="c-region" label={t("credentials.region")} needed>
              <Input id="c-region" placeholder="eu-central-1" value={region} onChange={(event) => setRegion(event.target.value.trim())} />
            </Field>
          </>
        )}
        {before && <p className="note">{t("credentials.neverShown")}</p>}
        {error !== undefined && (
          <p className="field-error" role="alert">
            {problemText(error, t)}
          </p>
        )}
      </div>
    </Modal>
  );
}

function DeleteCredential({ credential, onClose }: { credential: CloudCredential; onClose: () => void }) {
  const t = useWords();
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const { namespace, name } = credential.metadata;
  const used = credential.status?.usedBy ?? [];
  const go = async () => {
    setBusy(true);
    try {
      await remove(cloudCredentials, { namespace, name });
      await remove(secrets, { namespace, name: credential.spec.secret.name }).catch(() => undefined);
      onClose();
    } catch (refused) {
      setError(refused);
      setBusy(false);
    }
  };
  return (
    <Modal
      open
      title={t("credentials.deleteTitle", { name })}
      onCancel={onClose}
      onOk={() => void go()}
      okText={t("common.delete")}
      cancelText={t("common.cancel")}
      okButtonProps={{ danger: true, loading: busy, disabled: used.length > 0 }}
    >
      <p>{used.length > 0 ? t("credentials.deleteUsed", { clusters: used.map((one) => one.name).join(", ") }) : t("credentials.deleteText")}</p>
      {error !== undefined && (
        <p className="field-error" role="alert">
          {problemText(error, t)}
        </p>
      )}
    </Modal>
  );
}
