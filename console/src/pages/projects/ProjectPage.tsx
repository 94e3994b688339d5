/** One project: its clusters as they are now, and its members. */
import { Button, Input, Select } from "antd";
import { useState, type SyntheticEvent } from "react";
import { Link, useNavigate, useParams } from "react-router";
import { ApiError } from "../../api/http";
import { clusters, merge, projects, remove } from "../../api/resources";
import { useLive } from "../../api/watch";
import { Card } from "../../components/Card";
import { IconButton, TwoLines } from "../../components/cells";
import { DataTable, type Column } from "../../components/DataTable";
import { Dialog } from "../../components/Dialog";
import { Page } from "../../components/Page";
import { Loading, Problem, Refused } from "../../components/Problem";
import { Stale } from "../../components/Stale";
import { State } from "../../components/State";
import { TypedName } from "../../components/TypedName";
import { useAct } from "../../components/useAct";
import type { Project } from "../../generated/api";
import { useWords } from "../../i18n";
import { clusterState } from "../../states";
import { useProjects } from "./useProjects";

type Member = NonNullable<Project["spec"]["members"]>[number];
type Joined = NonNullable<NonNullable<Project["status"]>["clusters"]>[number];
type Change = (spec: Partial<Project["spec"]>) => void;

const ROLES = ["Admin", "Editor", "Viewer"] as const;

export default function ProjectPage() {
  const t = useWords();
  const { name = "" } = useParams();
  const { live, mine } = useProjects();
  const project = live.items?.get(name);
  const [asking, setAsking] = useState(false);
  const { error, run } = useAct();
  const above = [{ to: "/projects", text: t("nav.projects") }];
  if (!project) {
    const missing = live.items ? new ApiError(404, {}, name) : live.error;
    return (
      <Page title={name} above={above}>
        {missing ? <Problem error={missing} again={live.again} /> : <Loading />}
      </Page>
    );
  }
  const change: Change = (spec) => void run(() => merge(projects, { name }, { spec }));
  return (
    <Page
      title={project.spec.displayName || name}
      above={above}
      lead={name}
      actions={
        !mine && (
          <Button danger onClick={() => setAsking(true)}>
            {t("common.delete")}
          </Button>
        )
      }
    >
      <Stale live={live} />
      <Refused error={error} />
      <Clusters project={project} fixed={mine} onChange={change} />
      <Members project={project} fixed={mine} onChange={change} />
      {asking && <DeleteProject name={name} onClose={() => setAsking(false)} />}
    </Page>
  );
}

/** Those that the project lists, and those that name it. */
function joinedOf(project: Project): readonly Joined[] {
  const listed = (project.spec.clusters ?? []).map((one) => ({ ...one, joined: false }));
  return project.status?.clusters ?? listed;
}

function Clusters({ project, fixed, onChange }: { project: Project; fixed: boolean; onChange: Change }) {
  const t = useWords();
  const all = useLive(clusters);
  const listed = project.spec.clusters ?? [];
  const joined = joinedOf(project);
  const keys = new Set(joined.map((one) => `${one.namespace}/${one.name}`));
  const columns: readonly Column<Joined>[] = [
    {
      key: "name",
      title: t("clusters.name"),
      value: (one) => one.name,
      render: (one) => (
        <TwoLines second={one.namespace}>
          <Link className="name-link" to={`/clusters/${one.namespace}/${one.name}`}>
            {one.name}
          </Link>
        </TwoLines>
      ),
    },
    { key: "state", title: t("clusters.state"), width: "44%", render: (one) => <ClusterState joined={one} /> },
    {
      key: "actions",
      title: "",
      width: "64px",
      align: "end",
      render: (one) => {
        const own = listed.find((other) => other.namespace === one.namespace && other.name === one.name);
        if (fixed || !own) return null;
        return (
          <IconButton icon="cross" label={t("common.removeOf", { name: one.name })} onClick={() => onChange({ clusters: listed.filter((other) => other !== own) })} />
        );
      },
    },
  ];
  const adding = !fixed && (
    <>
      <span className="grow" />
      <Select
        aria-label={t("projects.addCluster")}
        placeholder={t("projects.addCluster")}
        value={null}
        showSearch
        style={{ minWidth: 240 }}
        options={[...(all.items?.keys() ?? [])]
          .filter((key) => !keys.has(key) && key !== "roost-system/global")
          .map((key) => ({ value: key, label: key }))}
        onChange={(key: string | null) => {
          const [namespace = "", name = ""] = (key ?? "").split("/");
          if (name) onChange({ clusters: [...listed, { namespace, name }] });
        }}
      />
    </>
  );
  return (
    <Card title={t("nav.clusters")} aside={adding} bare>
      {joined.length === 0 ? (
        <p className="card-body quiet">{t("projects.noClusters")}</p>
      ) : (
        <div className="below">
          <DataTable label={t("nav.clusters")} rows={joined} columns={columns} rowKey={(one) => `${one.namespace}/${one.name}`} />
        </div>
      )}
    </Card>
  );
}

function ClusterState({ joined }: { joined: Joined }) {
  const all = useLive(clusters);
  const alone = all.error?.kind === "forbidden" && !all.items;
  const live = useLive(clusters, alone ? joined.namespace : undefined, alone ? joined.name : undefined);
  const cluster = live.items?.get(`${joined.namespace}/${joined.name}`);
  return (
    <TwoLines second={joined.message} told={joined.message}>
      <span>{cluster ? <State state={clusterState(cluster)} /> : "—"}</span>
    </TwoLines>
  );
}

function nameOf(member: Member): string {
  return member.user ?? member.group ?? "";
}

function RoleSelect(props: { label: string; value: Member["role"]; onChange: (role: Member["role"]) => void }) {
  const t = useWords();
  return (
    <Select
      aria-label={props.label}
      value={props.value}
      style={{ minWidth: 130 }}
      options={ROLES.map((value) => ({ value, label: t(`projects.role_${value}`) }))}
      onChange={props.onChange}
    />
  );
}

function Members({ project, fixed, onChange }: { project: Project; fixed: boolean; onChange: Change }) {
  const t = useWords();
  const members = project.spec.members ?? [];
  const columns: readonly Column<Member>[] = [
    { key: "who", title: t("projects.who"), value: nameOf, render: (one) => <span className="mono">{nameOf(one)}</span> },
    { key: "kind", title: t("projects.kind"), width: "22%", render: (one) => t(one.user ? "projects.user" : "projects.group") },
    {
      key: "role",
      title: t("machines.role"),
      width: "26%",
      render: (one) =>
        fixed ? (
          t(`projects.role_${one.role}`)
        ) : (
          <RoleSelect
            label={t("projects.roleOf", { name: nameOf(one) })}
            value={one.role}
            onChange={(role) => onChange({ members: members.map((other) => (other === one ? { ...one, role } : other)) })}
          />
        ),
    },
    {
      key: "actions",
      title: "",
      width: "64px",
      align: "end",
      render: (one) =>
        !fixed && (
          <IconButton icon="trash" label={t("common.removeOf", { name: nameOf(one) })} onClick={() => onChange({ members: members.filter((other) => other !== one) })} />
        ),
    },
  ];
  return (
    <Card title={t("projects.members")} bare>
      {!fixed && <NewMember onAdd={(member) => onChange({ members: [...members, member] })} />}
      {members.length > 0 && (
        <DataTable
          label={t("projects.members")}
          rows={members}
          columns={columns}
          rowKey={(one) => `${one.user ?? ""}:${one.group ?? ""}`}
        />
      )}
    </Card>
  );
}

function NewMember({ onAdd }: { onAdd: (member: Member) => void }) {
  const t = useWords();
  const [kind, setKind] = useState<"user" | "group">("user");
  const [who, setWho] = useState("");
  const [role, setRole] = useState<Member["role"]>("Viewer");
  const send = (event: SyntheticEvent) => {
    event.preventDefault();
    if (!who) return;
    onAdd({ [kind]: who, role });
    setWho("");
  };
  return (
    <form className="card-body inline" onSubmit={send}>
      <Select
        aria-label={t("projects.kind")}
        value={kind}
        style={{ minWidth: 110 }}
        onChange={setKind}
        options={(["user", "group"] as const).map((value) => ({ value, label: t(`projects.${value}`) }))}
      />
      <Input
        aria-label={t("projects.who")}
        placeholder={t("projects.who")}
        style={{ width: 220 }}
        value={who}
        onChange={(event) => setWho(event.target.value.trim())}
      />
      <RoleSelect label={t("machines.role")} value={role} onChange={setRole} />
      <Button htmlType="submit" disabled={!who}>
        {t("projects.addMember")}
      </Button>
    </form>
  );
}

function DeleteProject({ name, onClose }: { name: string; onClose: () => void }) {
  const t = useWords();
  const navigate = useNavigate();
  const [typed, setTyped] = useState("");
  const go = async () => {
    await remove(projects, { name });
    void navigate("/projects");
  };
  return (
    <Dialog
      title={t("projects.deleteTitle", { name })}
      onClose={onClose}
      act={{ text: t("common.delete"), go, danger: true, ready: typed === name }}
    >
      <p>{t("projects.deleteText")}</p>
      <TypedName name={name} value={typed} onChange={setTyped} />
    </Dialog>
  );
}
