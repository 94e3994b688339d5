/** What stands around every page: the two views, navigation, language, theme, help and the person. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Suspense, useEffect, useRef, type ReactNode } from "react";
import { Link, Outlet, useLocation, useNavigate } from "react-router";
import { onSignedOut } from "../api/http";
import { sessionQuery } from "../api/session";
import { forgetAll } from "../api/watch";
import { helpPage } from "../help";
import { useWords } from "../i18n";
import { Boundary } from "./Boundary";
import { Brand, LanguageAndTheme } from "./Brand";
import { Icon } from "./icons";
import { PersonMenu } from "./PersonMenu";
import { Loading, Problem } from "./Problem";
import { isProjects, Side } from "./Side";

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
    <Frame>{session.error ? <Problem error={session.error} again={() => void session.refetch()} /> : <Page />}</Frame>
  );
}

/** The page itself. What it can't do stays inside the frame, so that there is a way on. */
function Page() {
  const { pathname } = useLocation();
  return (
    <Boundary place={pathname}>
      <Suspense fallback={<Loading />}>
        <Outlet />
      </Suspense>
    </Boundary>
  );
}

function Frame({ children }: { children: ReactNode }) {
  const t = useWords();
  const location = useLocation();
  const projectsView = isProjects(location.pathname);
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
        <Link to="/clusters" className="brand-link" aria-label={t("shell.home")}>
          <Brand />
        </Link>
        <nav className="views" aria-label={t("shell.views")}>
          <Link to="/clusters" className={projectsView ? undefined : "active"} aria-current={projectsView ? undefined : "true"}>
            {t("shell.administrator")}
          </Link>
          <Link to="/projects" className={projectsView ? "active" : undefined} aria-current={projectsView ? "true" : undefined}>
            {t("nav.projects")}
          </Link>
        </nav>
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
      <Side projects={projectsView} />
      <main id="main" ref={main} tabIndex={-1}>
        {children}
      </main>
    </div>
  );
}
