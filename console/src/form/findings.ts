/** What is wrong with the form, by the place where it is entered. Pure, but for `judge`, which asks the server. */
import { ApiError, json } from "../api/http";
import type { KubeObject } from "../api/objects";
import { create, clusters, machines, secrets } from "../api/resources";
import type { Language } from "../settings";
import { documents, type Form } from "./model";

export interface Finding {
  readonly kind: string;
  readonly name: string;
  /** Dotted path in the object, such as spec.onPremises.network.podCIDR; empty for the object as a whole. */
  readonly path: string;
  readonly text: string;
  readonly warning: boolean;
}

export interface Judgement {
  readonly findings: readonly Finding[];
  /** Neither the server's rules nor a dry run could be asked. */
  readonly failed?: unknown;
}

interface Judged {
  readonly documents?: readonly {
    readonly kind?: string;
    readonly name?: string;
    readonly errors?: readonly JudgedFinding[];
    readonly warnings?: readonly JudgedFinding[];
  }[];
}

interface JudgedFinding {
  readonly field?: string;
  readonly message?: string;
  readonly messages?: Partial<Record<Language, string>>;
}

/** The server's rules over the whole set of documents at once, while a person types: it sees what a dry run can't. */
export async function judge(form: Form, language: Language, signal: AbortSignal): Promise<Judgement> {
  const made = documents(form);
  // Contents of Secrets stay here; their keys are enough to be judged.
  const hollow = made.secrets.map((secret) => ({
    ...secret,
    stringData: Object.fromEntries(Object.keys(secret.stringData ?? {}).map((key) => [key, placeholder(key)])),
  }));
  try {
    const answer = await json<Judged>("/roost/v1/validate", {
      method: "POST",
      body: { documents: [...hollow, ...made.machines, made.cluster] },
      signal,
    });
    return { findings: fromAnswer(answer, language) };
  } catch (error) {
    if (error instanceof DOMException) throw error;
    return { findings: [], failed: error };
  }
}

function placeholder(key: string): string {
  return key === "username" ? "user" : "placeholder";
}

export function fromAnswer(answer: Judged, language: Language): Finding[] {
  const found: Finding[] = [];
  for (const document of answer.documents ?? []) {
    const place = { kind: document.kind ?? "", name: document.name ?? "" };
    const each = (list: readonly JudgedFinding[] | undefined, warning: boolean) => {
      for (const one of list ?? []) {
        const text = one.messages?.[language] ?? one.message ?? "";
        found.push({ ...place, path: one.field ?? "", text, warning });
      }
    };
    each(document.errors, false);
    each(document.warnings, true);
  }
  return found.filter((one) => one.kind !== "Secret");
}

/** Creates every object with `dryRun=All`: the same request as the real one, judged by the API server itself. */
export async function dryRun(form: Form): Promise<Judgement> {
  const made = documents(form);
  const findings: Finding[] = [];
  const attempt = async <T extends KubeObject>(object: T, send: (onWarning: (text: string) => void) => Promise<unknown>) => {
    const place = { kind: object.kind, name: object.metadata.name };
    try {
      await send((text) => findings.push({ ...place, ...pathOf(text), warning: true }));
    } catch (error) {
      findings.push(...fromError(error, place));
    }
  };
  const dry = (onWarning: (text: string) => void) => ({ dryRun: true, onWarning });
  await Promise.all(made.secrets.map((one) => attempt(one, (hear) => create(secrets, one, dry(hear)))));
  await Promise.all(made.machines.map((one) => attempt(one, (hear) => create(machines, one, dry(hear)))));
  await attempt(made.cluster, (hear) => create(clusters, made.cluster, dry(hear)));
  return { findings };
}

/** `spec.a.b: words` of a warning, taken apart. */
export function pathOf(text: string): { path: string; text: string } {
  const found = /^((?:spec|metadata)[\w.[\]]*): (.*)$/s.exec(text);
  return found ? { path: found[1] ?? "", text: found[2] ?? "" } : { path: "", text };
}

export function fromError(error: unknown, place: { kind: string; name: string }): Finding[] {
  if (!(error instanceof ApiError)) return [{ ...place, path: "", text: String(error), warning: false }];
  // The API server says of itself that it stopped early; the other causes say why.
  const causes = error.causes.filter((cause) => cause.message && cause.field !== "<nil>");
  if (causes.length === 0) return [{ ...place, path: "", text: error.message, warning: false }];
  return causes.map((cause) => ({
    ...place,
    path: cause.field && cause.field !== "metadata" ? cause.field : "",
    text: cause.message ?? "",
    warning: false,
  }));
}

/** The same finding from both judges once. */
export function merged(...lists: readonly (readonly Finding[])[]): Finding[] {
  const seen = new Set<string>();
  return lists.flat().filter((one) => {
    const key = [one.kind, one.name, one.path, one.warning].join("\n");
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

export type Section = "basic" | "network" | "nodes" | "extension";

/** Which part of the form a finding belongs to. */
export function sectionOf(finding: Finding): Section {
  if (finding.kind === "Machine" || finding.kind === "Secret") return "nodes";
  const path = finding.path;
  if (/^spec\.onPremises\.network\.nic/.test(path)) return "nodes";
  if (/^spec\.onPremises\.network\.ipFamily/.test(path)) return "basic";
  if (/^spec\.onPremises\.network/.test(path)) return "network";
  if (/^spec\.onPremises\.(nodeName|monitoring)/.test(path)) return "nodes";
  if (/ExtraArgs|publicAlternativeNames|^spec\.annotations|^spec\.(paused|approval)/.test(path)) return "extension";
  return "basic";
}

/** Findings at a field or below it. */
export function at(findings: readonly Finding[], kind: string, path: string, name?: string): readonly Finding[] {
  return findings.filter(
    (one) =>
      one.kind === kind &&
      (name === undefined || one.name === name) &&
      (one.path === path || one.path.startsWith(`${path}.`) || one.path.startsWith(`${path}[`)),
  );
}
