/** What stands around every page: navigation, language, theme, help and the person. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState, type ReactNode } from "react";
import { NavLink, Outlet, useLocation, useNavigate } from "react-router";
import { onSignedOut } from "../api/http";
import { infoQuery, sessionQuery, signOut } from "../api/session";
import { forgetAll } from "../api/watch";
import { chooseLanguage, useWords } from "../i18n";
import { chooseTheme, useLanguage, useTheme } from "../settings";
import { Icon, type IconName } from "./icons";
import { Loading, Problem } from "./Problem";

interface Entry {
  readonly to: string;
  readonly key: string;
  readonly icon: IconName;
}

const groups: readonly { readonly key: string; readonly entries: readonly Entry[] }[] = [
  {
    key: "clusters",
    entries: [
      { to: "/clusters", key: "clusters", icon: "clusters" },
      { to: "/credentials", key: "credentials", icon: "key" },
      { to: "/releases", key: "releases", icon: "release" },
      { to: "/registry", key: "registry", icon: "registry" },
    ],
  },
  {
    key: "people",
    entries: [
      { to: "/projects", key: "projects", icon: "project" },
      { to: "/users", key: "users", icon: "users" },
      { to: "/audit", key: "audit", icon: "audit" },
    ],
  },
  { key: "platform", entries: [{ to: "/feature-gates", key: "gates", icon: "gate" }] },
];

export function Brand() {
  return (
    <span className="brand">
      <svg width="24" height="24" viewBox="0 0 32 32" aria-hidden="true">
        <rect width="32" height="32" rx="7" className="brand-back" />
        <path d="M7 20h18M10 20v-5a6 6 0 0 1 12 0v5M16 9V6M9 24h14" className="brand-line" />
      </svg>
      <span>roost</span>
    </span>
  );
}

export function LanguageAndTheme() {
  const t = useWords();
  const language = useLanguage();
  const theme = useTheme();
  const other = language === "en" ? "zh" : "en";
  return (
    <>
      <button
        type="button"
        className="bar-button"
        lang={other === "zh" ? "zh-CN" : "en"}
        onClick={() => void chooseLanguage(other)}
      >
        {other === "zh" ? "中文" : "English"}
      </button>
      <button
        type="button"
        className="bar-button"
        aria-label={t(theme === "dark" ? "shell.light" : "shell.dark")}
        title={t(theme === "dark" ? "shell.light" : "shell.dark")}
        onClick={() => chooseTheme(theme === "dark" ? "light" : "dark")}
      >
        <Icon name={theme === "dark" ? "sun" : "moon"} />
      </button>
    </>
  );
}

function PersonMenu() {
  const t = useWords();
  const { data: session } = useQuery(sessionQuery);
  const { data: info } = useQuery(infoQuery);
  const client = useQueryClient();
  const navigate = useNavigate();
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return;
    const outside = (event: MouseEvent | FocusEvent) => {
      if (event.target instanceof Node && !box.current?.contains(event.target)) setOpen(false);
    };
    document.addEventListener("mousedown", outside);
    document.addEventListener("focusin", outside);
    return () => {
      document.removeEventListener("mousedown", outside);
      document.removeEventListener("focusin", outside);
    };
  }, [open]);
  if (!session) return null;
  const person = session.user;
  const leave = async () => {
    await signOut().catch(() => undefined);
    forgetAll();
    client.clear();
    void navigate("/sign-in");
  };
  return (
    <div
      className="person"
      ref={box}
      onKeyDown={(event) => {
        if (event.key === "Escape") setOpen(false);
      }}
    >
      <button type="button" className="bar-button" aria-expanded={open} onClick={() => setOpen(!open)}>
        <span className="avatar" aria-hidden="true">
          {(person.displayName || person.name).slice(0, 1).toUpperCase()}
        </span>
        <span>{person.displayName || person.name}</span>
        <Icon name="down" size={12} />
      </button>
      {open && (
        <div className="person-menu">
          <p className="mono small">{person.name}</p>
          {person.groups && person.groups.length > 0 && (
            <p className="quiet small">{t("shell.groups", { groups: person.groups.join(", ") })}</p>
          )}
          {info?.version && <p className="quiet small">{t("shell.version", { version: info.version })}</p>}
          <button type="button" className="menu-button" onClick={() => void leave()}>
            {t("shell.signOut")}
          </button>
        </div>
      )}
    </div>
  );
}

/** Keeps out who is not signed in, and remembers where they were going. */
export function Shell() {
  const session = useQuery(sessionQuery);
  const client = useQueryClient();
  const navigate = useNavigate();
  const location = useLocation();
  const here = location.pathname + location.search;
  const signedOut = session.data === null;
  useEffect(
    () =>
      onSignedOut(() => {
        forgetAll();
        client.setQueryData(sessionQuery.queryKey, null);
      }),
    [client],
  );
  useEffect(() => {
    if (signedOut) void navigate(`/sign-in?to=${encodeURIComponent(here)}`, { replace: true });
  }, [signedOut, navigate, here]);
  if (session.isPending || signedOut) return <Loading />;
  return (
    <Frame>{session.error ? <Problem error={session.error} again={() => void session.refetch()} /> : <Outlet />}</Frame>
  );
}

function Frame({ children }: { children: ReactNode }) {
  const t = useWords();
  const location = useLocation();
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  // A page that is opened takes the focus, so that a screen reader begins there.
  useEffect(() => {
    if (first.current) first.current = false;
    else main.current?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }, [location.pathname]);
  return (
    <div className="shell">
      <a className="skip" href="#main" onClick={() => main.current?.focus()}>
        {t("shell.skip")}
      </a>
      <header className="top">
        <NavLink to="/clusters" className="brand-link" aria-label={t("shell.home")}>
          <Brand />
        </NavLink>
        <span className="view-name">{t("shell.administrator")}</span>
        <span className="grow" />
        <LanguageAndTheme />
        <a
          className="bar-button"
          href={`/console/help/${helpPage(location.pathname)}`}
          target="_blank"
          rel="noreferrer"
          aria-label={t("shell.help")}
          title={t("shell.help")}
        >
          <Icon name="help" />
        </a>
        <PersonMenu />
      </header>
      <nav className="side" aria-label={t("shell.navigation")}>
        {groups.map((group) => (
          <div className="side-group" key={group.key}>
            <p className="side-title">{t(`nav.${group.key}Group`)}</p>
            <ul>
              {group.entries.map((entry) => (
                <li key={entry.to}>
                  <NavLink to={entry.to} className="side-link">
                    <Icon name={entry.icon} />
                    {t(`nav.${entry.key}`)}
                  </NavLink>
                </li>
              ))}
            </ul>
          </div>
        ))}
      </nav>
      <main id="main" ref={main} tabIndex={-1}>
        {children}
      </main>
    </div>
  );
}

/** The help page of the place where one is; its sections have the names of the pages. */
export function helpPage(pathname: string): string {
  const [, first = "clusters", second, third] = pathname.split("/");
  if (first === "clusters" && second === "new") return "create-cluster";
  if (first === "clusters" && third) return "cluster";
  return first;
}
