/** The view of projects: clusters and people that belong together. */
import { Button } from "antd";
import { useState } from "react";
import { Link, useNavigate } from "react-router";
import { API_VERSION, create, projects } from "../../api/resources";
import { TwoLines } from "../../components/cells";
import { DataTable, type Column } from "../../components/DataTable";
import { Dialog } from "../../components/Dialog";
import { Icon } from "../../components/icons";
import { Known } from "../../components/Known";
import { Page } from "../../components/Page";
import { Empty } from "../../components/Problem";
import { TextLine } from "../../components/inputs";
import type { Project } from "../../generated/api";
import { useWords } from "../../i18n";
import { useProjects } from "./useProjects";

export default function ProjectsPage() {
  const t = useWords();
  const navigate = useNavigate();
  const { live, mine } = useProjects();
  const [adding, setAdding] = useState(false);
  const columns: readonly Column<Project>[] = [
    {
      key: "name",
      title: t("projects.name"),
      value: (one) => one.spec.displayName || one.metadata.name,
      render: (one) => (
        <TwoLines second={one.metadata.name}>
          <Link className="name-link" to={`/projects/${one.metadata.name}`}>
            {one.spec.displayName || one.metadata.name}
          </Link>
        </TwoLines>
      ),
    },
    {
      key: "clusters",
      title: t("nav.clusters"),
      width: "20%",
      align: "end",
      value: (one) => (one.status?.clusters ?? one.spec.clusters ?? []).length,
      render: (one) => (one.status?.clusters ?? one.spec.clusters ?? []).length,
    },
    {
      key: "members",
      title: t("projects.members"),
      width: "20%",
      align: "end",
      value: (one) => (one.spec.members ?? []).length,
      render: (one) => (one.spec.members ?? []).length,
    },
  ];
  const add = !mine && (
    <Button type="primary" icon={<Icon name="plus" />} onClick={() => setAdding(true)}>
      {t("projects.create")}
    </Button>
  );
  return (
    <Page title={t("nav.projects")} lead={t("projects.lead")} actions={add}>
      <Known live={live}>
        {(items) =>
          items.size === 0 ? (
            <Empty title={t(mine ? "projects.noneOfYours" : "projects.emptyTitle")} action={add}>
              {t(mine ? "projects.noneOfYoursText" : "projects.emptyText")}
            </Empty>
          ) : (
            <DataTable
              label={t("nav.projects")}
              rows={[...items.values()]}
              columns={columns}
              rowKey={(one) => one.metadata.name}
              sorting={{ key: "name", down: false }}
            />
          )
        }
      </Known>
      {adding && <NewProject onClose={() => setAdding(false)} onMade={(name) => void navigate(`/projects/${name}`)} />}
    </Page>
  );
}

function NewProject({ onClose, onMade }: { onClose: () => void; onMade: (name: string) => void }) {
  const t = useWords();
  const [name, setName] = useState("");
  const [displayName, setDisplayName] = useState("");
  const go = async () => {
    const spec = displayName ? { displayName } : {};
    await create(projects, { apiVersion: API_VERSION, kind: "Project", metadata: { name }, spec });
    onMade(name);
  };
  return (
    <Dialog title={t("projects.create")} onClose={onClose} act={{ text: t("projects.create"), go, ready: name !== "" }}>
      <TextLine
        id="p-name"
        label={t("projects.name")}
        help={t("form.metadata_name_help")}
        needed
        autoFocus
        value={name}
        onChange={setName}
        trim
      />
      <TextLine id="p-display" label={t("form.displayName")} value={displayName} onChange={setDisplayName} />
    </Dialog>
  );
}
