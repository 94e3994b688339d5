/** The navigation beside every page: the administrator's, or the projects with their own. */
import { NavLink } from "react-router";
import { useWords } from "../i18n";
import { useProjects } from "../pages/projects/useProjects";
import { Icon, type IconName } from "./icons";

interface Entry {
  readonly to: string;
  readonly text: string;
  readonly icon: IconName;
  /** Only when exactly this page is open. */
  readonly exact?: boolean;
}

interface Group {
  readonly title: string;
  readonly entries: readonly Entry[];
}

export function isProjects(pathname: string): boolean {
  return pathname.split("/")[1] === "projects";
}

export function Side({ projects }: { projects: boolean }) {
  return projects ? <ProjectsSide /> : <AdministratorSide />;
}

function AdministratorSide() {
  const t = useWords();
  const entry = (to: string, key: string, icon: IconName): Entry => ({ to, text: t(`nav.${key}`), icon });
  const groups: readonly Group[] = [
    {
      title: t("nav.clustersGroup"),
      entries: [
        entry("/clusters", "clusters", "clusters"),
        entry("/credentials", "credentials", "key"),
        entry("/releases", "releases", "release"),
        entry("/registry", "registry", "registry"),
      ],
    },
    { title: t("nav.peopleGroup"), entries: [entry("/users", "users", "users"), entry("/audit", "audit", "audit")] },
    { title: t("nav.platformGroup"), entries: [entry("/feature-gates", "gates", "gate")] },
  ];
  return <Navigation groups={groups} />;
}

function ProjectsSide() {
  const t = useWords();
  const { live } = useProjects();
  const known = [...(live.items?.values() ?? [])].map((one) => ({
    to: `/projects/${one.metadata.name}`,
    text: one.spec.displayName || one.metadata.name,
    icon: "project" as const,
  }));
  known.sort((one, other) => one.text.localeCompare(other.text));
  const all: Entry = { to: "/projects", text: t("nav.allProjects"), icon: "clusters", exact: true };
  return <Navigation groups={[{ title: t("nav.projects"), entries: [all, ...known] }]} />;
}

function Navigation({ groups }: { groups: readonly Group[] }) {
  const t = useWords();
  return (
    <nav className="side" aria-label={t("shell.navigation")}>
      {groups.map((group) => (
        <div className="side-group" key={group.title}>
          <p className="side-title">{group.title}</p>
          <ul>
            {group.entries.map((entry) => (
              <li key={entry.to}>
                <NavLink to={entry.to} end={entry.exact ?? false} className="side-link">
                  <Icon name={entry.icon} />
                  {entry.text}
                </NavLink>
              </li>
            ))}
          </ul>
        </div>
      ))}
    </nav>
  );
}
