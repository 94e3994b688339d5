/** Projects: clusters and people that belong together. */
import { Button, Input, Modal, Select } from "antd";
import { useState } from "react";
import { Link, useNavigate, useParams } from "react-router";
import { ApiError } from "../api/http";
import { API_VERSION, clusters, create, merge, projects, remove } from "../api/resources";
import { useLive } from "../api/watch";
import { DataTable, type Column } from "../components/DataTable";
import { Field } from "../components/Field";
import { Icon } from "../components/icons";
import { Page } from "../components/Page";
import { Empty, Loading, Problem, problemText } from "../components/Problem";
import { Stale } from "../components/Stale";
import { State } from "../components/State";
import type { Project } from "../generated/api";
import { useWords } from "../i18n";
import { clusterState } from "../states";

type Member = NonNullable<Project["spec"]["members"]>[number];

export default function ProjectsPage() {
  const t = useWords();
  const navigate = useNavigate();
  const { name } = useParams();
  const live = useLive(projects);
  const [adding, setAdding] = useState(false);
  const rows = [...(live.items?.values() ?? [])];
  if (!live.items) {
    return (
      <Page title={t("nav.projects")}>{live.error ? <Problem error={live.error} again={live.again} /> : <Loading />}</Page>
    );
  }
  if (name) {
    const project = live.items.get(name);
    const above = [{ to: "/projects", text: t("nav.projects") }];
    return project ? (
      <ProjectView project={project} />
    ) : (
      <Page title={name} above={above}>
        <Problem error={new ApiError(404, {}, name)} />
      </Page>
    );
  }
  const columns: readonly Column<Project>[] = [
    {
      key: "name",
      title: t("projects.name"),
      value: (one) => one.metadata.name,
      render: (one) => (
        <span className="two">
          <Link className="name-link" to={`/projects/${one.metadata.name}`}>
            {one.spec.displayName || one.metadata.name}
          </Link>
          <span className="second">{one.metadata.name}</span>
        </span>
      ),
    },
    { key: "clusters", title: t("nav.clusters"), width: "20%", align: "end", render: (one) => (one.spec.clusters ?? []).length },
    { key: "members", title: t("projects.members"), width: "20%", align: "end", render: (one) => (one.spec.members ?? []).length },
  ];
  const add = (
    <Button type="primary" icon={<Icon name="plus" />} onClick={() => setAdding(true)}>
      {t("projects.create")}
    </Button>
  );
  return (
    <Page title={t("nav.projects")} lead={t("projects.lead")} actions={add}>
      <Stale live={live} />
      {rows.length === 0 ? (
        <Empty title={t("projects.emptyTitle")} action={add}>
          {t("projects.emptyText")}
        </Empty>
      ) : (
        <DataTable label={t("nav.projects")} rows={rows} columns={columns} rowKey={(one) => one.metadata.name} />
      )}
      {adding && (
        <NewProject
          onClose={() => setAdding(false)}
          onMade={(made) => {
            setAdding(false);
            void navigate(`/projects/${made}`);
          }}
        />
      )}
    </Page>
  );
}

function NewProject({ onClose, onMade }: { onClose: () => void; onMade: (name: string) => void }) {
  const t = useWords();
  const [name, setName] = useState("");
  const [displayName, setDisplayName] = useState("");
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const go = async () => {
    setBusy(true);
    try {
      await create(projects, {
        apiVersion: API_VERSION,
        kind: "Project",
        metadata: { name },
        spec: displayName ? { displayName } : {},
      });
      onMade(name);
    } catch (refused) {
      setError(refused);
      setBusy(false);
    }
  };
  return (
    <Modal
      open
      title={t("projects.create")}
      onCancel={onClose}
      onOk={() => void go()}
      okText={t("projects.create")}
      cancelText={t("common.cancel")}
      okButtonProps={{ disabled: !name, loading: busy }}
    >
      <div className="stack">
        <Field id="p-name" label={t("projects.name")} help={t("form.metadata_name_help")} needed>
          <Input id="p-name" aria-describedby="p-name-notes" value={name} onChange={(event) => setName(event.target.value.trim())} />
        </Field>
        <Field id="p-display" label={t("form.displayName")}>
          <Input id="p-display" value={displayName} onChange={(event) => setDisplayName(event.target.value)} />
        </Field>
        {error !== undefined && (
          <p className="field-error" role="alert">
            {problemText(error, t)}
          </p>
        )}
      </div>
    </Modal>
  );
}

function ProjectView({ project }: { project: Project }) {
  const t = useWords();
  const navigate = useNavigate();
  const all = useLive(clusters);
  const [error, setError] = useState<unknown>();
  const [kind, setKind] = useState<"user" | "group">("user");
  const [who, setWho] = useState("");
  const [role, setRole] = useState<Member["role"]>("Viewer");
  const [asking, setAsking] = useState(false);
  const { name } = project.metadata;
  const own = project.spec.clusters ?? [];
  const members = project.spec.members ?? [];
  const set = async (spec: Record<string, unknown>) => {
    setError(undefined);
    await merge(projects, { name }, { spec }).catch(setError);
  };
  const keys = own.map((one) => `${one.namespace}/${one.name}`);
  const memberColumns: readonly Column<Member>[] = [
    { key: "who", title: t("projects.who"), render: (one) => <span className="mono">{one.user ?? one.group}</span> },
    { key: "kind", title: t("projects.kind"), width: "22%", render: (one) => t(one.user ? "projects.user" : "projects.group") },
    {
      key: "role",
      title: t("machines.role"),
      width: "26%",
      render: (one) => (
        <Select
          aria-label={t("projects.roleOf", { name: one.user ?? one.group })}
          value={one.role}
          style={{ minWidth: 130 }}
          options={(["Admin", "Editor", "Viewer"] as const).map((value) => ({ value, label: t(`projects.role_${value}`) }))}
          onChange={(value: Member["role"]) => void set({ members: members.map((other) => (other === one ? { ...one, role: value } : other)) })}
        />
      ),
    },
    {
      key: "actions",
      title: "",
      width: "64px",
      align: "end",
      render: (one) => (
        <button
          type="button"
          className="icon-button"
          aria-label={t("common.removeOf", { name: one.user ?? one.group })}
          onClick={() => void set({ members: members.filter((other) => other !== one) })}
        >
          <Icon name="trash" />
        </button>
      ),
    },
  ];
  return (
    <Page
      title={project.spec.displayName || name}
      above={[{ to: "/projects", text: t("nav.projects") }]}
      lead={name}
      actions={
        <Button danger onClick={() => setAsking(true)}>
          {t("common.delete")}
        </Button>
      }
    >
      {error !== undefined && (
        <p className="field-error" role="alert">
          {problemText(error, t)}
        </p>
      )}
      <section className="card">
        <div className="card-head">
          <h2>{t("nav.clusters")}</h2>
          <span className="grow" />
          <Select
            aria-label={t("projects.addCluster")}
            placeholder={t("projects.addCluster")}
            value={null}
            style={{ minWidth: 240 }}
            options={[...(all.items?.keys() ?? [])].filter((key) => !keys.includes(key)).map((key) => ({ value: key, label: key }))}
            onChange={(key: string | null) => {
              const [namespace = "", cluster = ""] = (key ?? "").split("/");
              if (cluster) void set({ clusters: [...own, { namespace, name: cluster }] });
            }}
          />
        </div>
        <div className="card-body">
          {own.length === 0 && <p className="quiet">{t("projects.noClusters")}</p>}
          <ul>
            {own.map((one) => {
              const key = `${one.namespace}/${one.name}`;
              const cluster = all.items?.get(key);
              return (
                <li key={key} className="step">
                  <span />
                  <Link to={`/clusters/${key}`}>{key}</Link>
                  <span className="inline">
                    {cluster && <State state={clusterState(cluster)} />}
                    <button
                      type="button"
                      className="icon-button"
                      aria-label={t("common.removeOf", { name: key })}
                      onClick={() => void set({ clusters: own.filter((other) => other !== one) })}
                    >
                      <Icon name="cross" size={14} />
                    </button>
                  </span>
                </li>
              );
            })}
          </ul>
        </div>
      </section>
      <section className="card">
        <div className="card-head">
          <h2>{t("projects.members")}</h2>
        </div>
        <form
          className="card-body inline"
          onSubmit={(event) => {
            event.preventDefault();
            if (!who) return;
            void set({ members: [...members, { [kind]: who, role }] });
            setWho("");
          }}
        >
          <Select
            aria-label={t("projects.kind")}
            value={kind}
            style={{ minWidth: 110 }}
            onChange={setKind}
            options={[
              { value: "user", label: t("projects.user") },
              { value: "group", label: t("projects.group") },
            ]}
          />
          <Input aria-label={t("projects.who")} placeholder={t("projects.who")} style={{ width: 220 }} value={who} onChange={(event) => setWho(event.target.value.trim())} />
          <Select
            aria-label={t("machines.role")}
            value={role}
            style={{ minWidth: 130 }}
            onChange={setRole}
            options={(["Admin", "Editor", "Viewer"] as const).map((value) => ({ value, label: t(`projects.role_${value}`) }))}
          />
          <Button htmlType="submit" disabled={!who}>
            {t("projects.addMember")}
          </Button>
        </form>
        {members.length > 0 && (
          <DataTable label={t("projects.members")} rows={members} columns={memberColumns} rowKey={(one) => `${one.user ?? ""}:${one.group ?? ""}`} />
        )}
      </section>
      <Modal
        open={asking}
        title={t("projects.deleteTitle", { name })}
        onCancel={() => setAsking(false)}
        okText={t("common.delete")}
        cancelText={t("common.cancel")}
        okButtonProps={{ danger: true }}
        onOk={() => {
          setAsking(false);
          remove(projects, { name }).then(() => navigate("/projects"), setError);
        }}
      >
        <p>{t("projects.deleteText")}</p>
      </Modal>
    </Page>
  );
}
