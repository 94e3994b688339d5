/** The frame of the two forms by which a cluster that exists already comes in: name, namespace, rights, and what is its own. */
import { Button } from "antd";
import { useState, type SyntheticEvent, type ReactNode } from "react";
import { useNavigate } from "react-router";
import { API_VERSION, clusters, create, remove, secrets } from "../../api/resources";
import type { Secret } from "../../api/objects";
import { Page } from "../../components/Page";
import { Refused } from "../../components/Problem";
import { TextLine } from "../../components/inputs";
import { useAct } from "../../components/useAct";
import { at, fromError, type Finding } from "../../form/findings";
import { NamespaceField } from "../../form/NamespaceField";
import type { Cluster } from "../../generated/api";
import { useWords } from "../../i18n";
import { ProfileField, type Profile } from "./Profile";

export interface Attachment {
  /** The part of the Cluster's spec that says how it is reached. */
  readonly spec: Omit<Cluster["spec"], "displayName">;
  /** Content of the Secret that goes with it, if any. */
  readonly secret?: Readonly<Record<string, string>>;
}

export interface Basics {
  readonly name: string;
  readonly namespace: string;
  readonly profile: Profile;
}

/** Name of the Secret with which an imported cluster is entered for the first time. */
export function secretName(cluster: string): string {
  return `${cluster}-import`;
}

/** The Secret first, then a dry run, then the Cluster; a refusal leaves nothing behind. */
async function attach(cluster: Cluster, content: Readonly<Record<string, string>> | undefined): Promise<void> {
  const { namespace, name } = cluster.metadata;
  const secret: Secret = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: secretName(name), namespace: namespace ?? "" },
    type: "Opaque",
    stringData: content ?? {},
  };
  if (content) await create(secrets, secret);
  try {
    await create(clusters, cluster, { dryRun: true });
    await create(clusters, cluster);
  } catch (refused) {
    if (content) await remove(secrets, { namespace, name: secret.metadata.name }).catch(() => undefined);
    throw refused;
  }
}

export function AttachForm(props: {
  title: string;
  lead: string;
  go: string;
  /** Where the person goes afterwards: a tab of the cluster. */
  then: "progress" | "access";
  attachment: (basics: Basics) => Attachment;
  /** The form's own fields; `errors` gives what was found wrong at a path of the Cluster. */
  children: (errors: (path: string) => readonly string[]) => ReactNode;
}) {
  const t = useWords();
  const navigate = useNavigate();
  const [name, setName] = useState("");
  const [namespace, setNamespace] = useState("default");
  const [displayName, setDisplayName] = useState("");
  const [profile, setProfile] = useState<Profile>("Admin");
  const [findings, setFindings] = useState<readonly Finding[]>([]);
  const { busy, error, run } = useAct();
  const errors = (path: string) => at(findings, "Cluster", path).map((one) => one.text);
  const send = async (event: SyntheticEvent) => {
    event.preventDefault();
    setFindings([]);
    const { spec, secret } = props.attachment({ name, namespace, profile });
    const cluster: Cluster = {
      apiVersion: API_VERSION,
      kind: "Cluster",
      metadata: { name, namespace },
      spec: { ...(displayName ? { displayName } : {}), ...spec },
    };
    const done = await run(async () => {
      try {
        await attach(cluster, secret);
      } catch (refused) {
        setFindings(fromError(refused, { kind: "Cluster", name }).filter((one) => one.path));
        throw refused;
      }
    });
    if (done) void navigate(`/clusters/${namespace}/${name}/${props.then}`);
  };
  const above = [
    { to: "/clusters", text: t("nav.clusters") },
    { to: "/clusters/new", text: t("choose.title") },
  ];
  return (
    <Page title={props.title} lead={props.lead} above={above}>
      <form className="card narrow" onSubmit={(event) => void send(event)}>
        <div className="card-body form-grid">
          <TextLine
            id="name"
            label={t("form.metadata_name")}
            help={t("form.metadata_name_help")}
            errors={errors("metadata.name")}
            needed
            autoFocus
            required
            value={name}
            onChange={setName}
            trim
          />
          <NamespaceField value={namespace} onChange={setNamespace} errors={errors("metadata.namespace")} />
          <TextLine id="display" label={t("form.displayName")} whole value={displayName} onChange={setDisplayName} />
          {props.children(errors)}
          <ProfileField value={profile} onChange={setProfile} />
          <div className="whole inline">
            <Refused error={error} />
            <span className="grow" />
            <Button onClick={() => void navigate("/clusters")}>{t("common.cancel")}</Button>
            <Button type="primary" htmlType="submit" loading={busy} disabled={!name || !namespace}>
              {props.go}
            </Button>
          </div>
        </div>
      </form>
    </Page>
  );
}
