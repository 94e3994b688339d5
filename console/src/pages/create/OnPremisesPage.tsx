/** The creation form: four parts, YAML beside it, the server's judgement at each field, and a review before creating. */
import { useQuery } from "@tanstack/react-query";
import { Button } from "antd";
import { lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import { useBlocker, useNavigate, useSearchParams } from "./navigation";
import { sessionQuery } from "../../api/session";
import { Page } from "../../components/Page";
import { Loading } from "../../components/Problem";
import { FormProvider, type FormState } from "../../form/context";
import { dryRun, judge, merged, sectionOf, type Finding, type Section } from "../../form/findings";
import { emptyForm, type Form } from "../../form/model";
import { useWords } from "../../i18n";
import { useLanguage } from "../../settings";
import { nextKey } from "./keys";
import { MachineList } from "./MachineList";
import { Review } from "./Review";
import { BasicSection, ExtensionSection, NetworkSection, NodeSettings } from "./sections";

const YamlPane = lazy(() => import("./YamlPane"));

const SECTIONS: readonly Section[] = ["basic", "network", "nodes", "extension"];
const PAUSE_MS = 500;

/** Asks the server's rules after each pause in typing; the last answer stays until the next one is there. */
function useJudgement(form: Form): { findings: readonly Finding[]; failed: unknown } {
  const language = useLanguage();
  const [state, setState] = useState<{ findings: readonly Finding[]; failed: unknown }>({ findings: [], failed: undefined });
  useEffect(() => {
    const control = new AbortController();
    const timer = window.setTimeout(() => {
      judge(form, language, control.signal).then(
        (answer) => setState({ findings: answer.findings, failed: answer.failed }),
        () => undefined,
      );
    }, PAUSE_MS);
    return () => {
      control.abort();
      window.clearTimeout(timer);
    };
  }, [form, language]);
  return state;
}

export default function OnPremisesPage() {
  const t = useWords();
  const navigate = useNavigate();
  const [search, setSearch] = useSearchParams();
  const { data: session } = useQuery(sessionQuery);
  const [form, setForm] = useState<Form>(emptyForm);
  const [touched, setTouched] = useState<ReadonlySet<string>>(new Set());
  const [showAll, setShowAll] = useState(false);
  const [checking, setChecking] = useState(false);
  // What the API server found, and the form that it was asked about: another form has not been asked about yet.
  const [dry, setDry] = useState<{ readonly of: Form; readonly findings: readonly Finding[] }>();
  const latest = useRef(form);
  useEffect(() => {
    latest.current = form;
  }, [form]);
  const language = useLanguage();
  const { findings: live, failed } = useJudgement(form);
  const reviewing = search.get("step") === "review";
  const withYaml = search.get("yaml") === "1";
  const [leave, setLeave] = useState(false);
  useBlocker(form.name !== "" || form.machines.length > 0, leave);

  const touch = useCallback(
    (path: string) => setTouched((before) => (before.has(path) ? before : new Set(before).add(path))),
    [],
  );
  // The rules' own words come in the person's language; what only the API server finds stands beside them. Its notes
  // are about one object alone, such as that the others are not there yet: they count where the rules weren't asked.
  const findings = useMemo(() => {
    const found = dry?.of === form ? dry.findings : [];
    return merged(live, failed === undefined ? found.filter((one) => !one.warning) : found);
  }, [dry, failed, form, live]);
  const state = useMemo<FormState>(
    () => ({ form, change: setForm, findings, touched, touch, showAll }),
    [form, findings, touched, touch, showAll],
  );
  const set = (key: string, value: string) =>
    setSearch((before) => {
      const next = new URLSearchParams(before);
      if (value) next.set(key, value);
      else next.delete(key);
      return next;
    });
  const review = async () => {
    setShowAll(true);
    setChecking(true);
    // Both judges once more: what stands at the fields may be of half a second ago.
    const [judged, answer] = await Promise.all([judge(form, language, new AbortController().signal), dryRun(form)]);
    setChecking(false);
    // Whoever goes on typing meanwhile mends what this answer is about; they ask again when they are done.
    if (latest.current !== form) return;
    setDry({ of: form, findings: answer.findings });
    const errors = merged(judged.findings, answer.findings).filter((one) => !one.warning);
    const first = errors[0];
    if (!first) return set("step", "review");
    document.getElementById(`part-${sectionOf(first)}`)?.scrollIntoView({ behavior: "smooth" });
  };
  const errorsIn = (section: Section) =>
    showAll ? findings.filter((one) => !one.warning && sectionOf(one) === section).length : 0;

  const above = [
    { to: "/clusters", text: t("nav.clusters") },
    { to: "/clusters/new", text: t("choose.title") },
  ];
  if (reviewing) {
    return (
      <Page title={t("create.reviewTitle")} above={above} lead={t("create.reviewLead")}>
        <Review
          form={form}
          findings={findings}
          onChange={setForm}
          onBack={() => set("step", "")}
          onRefused={(found) => {
            setDry({ of: form, findings: found });
            set("step", "");
          }}
          onCreated={() => {
            setLeave(true);
            void navigate("/clusters");
          }}
        />
      </Page>
    );
  }
  const parts: Readonly<Record<Section, ReactNode>> = {
    basic: <BasicSection />,
    network: <NetworkSection />,
    nodes: (
      <>
        <NodeSettings />
        <MachineList user={session?.user.identity ?? `roost:user:${session?.user.name ?? ""}`} />
      </>
    ),
    extension: <ExtensionSection />,
  };
  return (
    <Page
      title={t("create.title")}
      above={above}
      lead={t("create.lead")}
      actions={
        <Button aria-pressed={withYaml} onClick={() => set("yaml", withYaml ? "" : "1")}>
          {t(withYaml ? "create.hideYaml" : "create.showYaml")}
        </Button>
      }
    >
      <FormProvider value={state}>
        <div className={withYaml ? "create-layout with-yaml" : "create-layout"}>
          <Steps errorsIn={errorsIn} />
          <div>
            {SECTIONS.map((section) => (
              <section className="card" key={section} id={`part-${section}`} aria-labelledby={`title-${section}`}>
                <div className="card-head">
                  <h2 id={`title-${section}`}>{t(`create.${section}`)}</h2>
                </div>
                <div className="card-body">
                  {parts[section]}
                  <Others section={section} findings={findings} show={showAll} />
                </div>
              </section>
            ))}
            <div className="create-foot">
              {failed !== undefined && <span className="field-warning">{t("create.notJudged")}</span>}
              {showAll && <Summary findings={findings} />}
              <span className="grow" />
              <Button onClick={() => void navigate("/clusters")}>{t("common.cancel")}</Button>
              <Button type="primary" loading={checking} onClick={() => void review()}>
                {t("create.review")}
              </Button>
            </div>
          </div>
          {withYaml && (
            <Suspense fallback={<Loading />}>
              <YamlPane form={form} onForm={setForm} makeKey={nextKey} />
            </Suspense>
          )}
        </div>
      </FormProvider>
    </Page>
  );
}

function Steps({ errorsIn }: { errorsIn: (section: Section) => number }) {
  const t = useWords();
  const current = useCurrentSection();
  return (
    <nav className="create-steps" aria-label={t("create.parts")}>
      <ol className="plain">
        {SECTIONS.map((section) => {
          const count = errorsIn(section);
          return (
            <li key={section}>
              <a
                href={`#part-${section}`}
                className={current === section ? "current" : undefined}
                aria-current={current === section ? "step" : undefined}
                onClick={(event) => {
                  event.preventDefault();
                  document.getElementById(`part-${section}`)?.scrollIntoView({ behavior: "smooth" });
                }}
              >
                {t(`create.${section}`)}
                {count > 0 && (
                  <span className="count">
                    {count}
                    <span className="visually-hidden"> {t("create.errors", { count })}</span>
                  </span>
                )}
              </a>
            </li>
          );
        })}
      </ol>
    </nav>
  );
}

function useCurrentSection(): Section {
  const [current, setCurrent] = useState<Section>("basic");
  const known = useRef(current);
  useEffect(() => {
    const look = () => {
      const passed = SECTIONS.filter(
        (section) => (document.getElementById(`part-${section}`)?.getBoundingClientRect().top ?? 1e9) < 160,
      );
      const next = passed[passed.length - 1] ?? "basic";
      if (next !== known.current) {
        known.current = next;
        setCurrent(next);
      }
    };
    window.addEventListener("scroll", look, { passive: true });
    return () => window.removeEventListener("scroll", look);
  }, []);
  return current;
}

function Summary({ findings }: { findings: readonly Finding[] }) {
  const t = useWords();
  const errors = findings.filter((one) => !one.warning).length;
  const warnings = findings.length - errors;
  return (
    <span role="status">
      {errors > 0 && <span className="field-error">{t("create.errors", { count: errors })} </span>}
      {warnings > 0 && <span className="field-warning">{t("create.warnings", { count: warnings })}</span>}
    </span>
  );
}

/** What belongs to a part but to none of its fields on the page. */
function Others({ section, findings, show }: { section: Section; findings: readonly Finding[]; show: boolean }) {
  const t = useWords();
  if (!show) return null;
  const others = findings.filter((one) => sectionOf(one) === section && !one.warning && !document.querySelector(fieldOf(one)));
  if (others.length === 0) return null;
  return (
    <ul className="others" role="alert">
      {others.map((one) => (
        <li className="field-error" key={`${one.kind}${one.name}${one.path}${one.text}`}>
          {one.kind !== "Cluster" && `${t(`kind.${one.kind}`)} ${one.name}: `}
          {one.path && <code>{one.path}</code>} {one.text}
        </li>
      ))}
    </ul>
  );
}

function fieldOf(finding: Finding): string {
  if (finding.kind !== "Cluster") return "[data-none]";
  const path = finding.path.replace(/\[.*$/, "");
  return `[data-field="f-${path.replace(/\W+/g, "-")}"]`;
}
