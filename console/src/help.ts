/** Which page of the documentation belongs to a place in the console. Pure. */

/** Places that have a page of the same name. */
const PAGES = new Set(["clusters", "credentials", "releases", "registry", "projects", "users", "audit", "feature-gates"]);
const NEW: Readonly<Record<string, string>> = { "on-premises": "create-cluster", import: "import", register: "register" };
const TABS: Readonly<Record<string, string>> = { terminal: "terminal", progress: "progress" };

export function helpPage(pathname: string): string {
  const [, first = "", second, third, tab = ""] = pathname.split("/");
  if (first === "clusters" && second === "new") return NEW[third ?? ""] ?? "create-cluster";
  if (first === "clusters" && third) return TABS[tab] ?? "cluster";
  return PAGES.has(first) ? first : "index";
}
