/** Reads a line of the browser's terminal as kubectl would. Pure. */

export interface Command {
  readonly verb: string;
  readonly words: readonly string[];
  readonly flags: Readonly<Record<string, string>>;
  /** What stands after `--`: a program and its arguments. */
  readonly program: readonly string[];
}

/** Something that a person can put right by writing another line. */
export class CommandError extends Error {}

const VALUED = new Set([
  "n",
  "namespace",
  "l",
  "selector",
  "o",
  "output",
  "c",
  "container",
  "tail",
  "since",
  "replicas",
  "f",
  "filename",
  "dry-run",
]);
const LONG: Readonly<Record<string, string>> = {
  n: "namespace",
  l: "selector",
  o: "output",
  c: "container",
  A: "all-namespaces",
  p: "previous",
  f: "follow",
  w: "watch",
  i: "stdin",
  t: "tty",
};

/** Words as a shell divides them: quotes join, nothing is expanded. */
export function words(line: string): string[] {
  const found: string[] = [];
  let current: string | undefined;
  let quote = "";
  for (const sign of line) {
    if (quote) {
      if (sign === quote) quote = "";
      else current = `${current ?? ""}${sign}`;
    } else if (sign === "'" || sign === '"') {
      quote = sign;
      current ??= "";
    } else if (/\s/.test(sign)) {
      if (current !== undefined) found.push(current);
      current = undefined;
    } else current = `${current ?? ""}${sign}`;
  }
  if (quote) throw new CommandError(`a ${quote} is not closed`);
  if (current !== undefined) found.push(current);
  return found;
}

export function parse(line: string): Command {
  const all = words(line);
  if (all[0] === "kubectl" || all[0] === "k") all.shift();
  const verb = all.shift() ?? "";
  const end = all.indexOf("--");
  const program = end < 0 ? [] : all.splice(end).slice(1);
  const rest: string[] = [];
  const flags: Record<string, string> = {};
  for (let at = 0; at < all.length; at += 1) {
    const word = all[at] ?? "";
    if (!word.startsWith("-") || word === "-") {
      rest.push(word);
      continue;
    }
    for (const [name, value] of flagsOf(word, verb)) {
      let given = value;
      if (given === undefined && takesValue(name, verb)) {
        at += 1;
        given = all[at];
        if (given === undefined) throw new CommandError(`${word} needs a value`);
      }
      flags[longName(name, verb)] = given ?? "true";
    }
  }
  return { verb, words: rest, flags, program };
}

/** `-f` follows logs, and names a file everywhere else. */
function longName(name: string, verb: string): string {
  if (name === "f" && verb !== "logs") return "filename";
  return LONG[name] ?? name;
}

function takesValue(name: string, verb: string): boolean {
  return VALUED.has(name) && !(name === "f" && verb === "logs");
}

/** `--name=value`, `-nvalue`, and single letters joined as in `-it`. */
function flagsOf(word: string, verb: string): (readonly [string, string | undefined])[] {
  const [name, value] = word.replace(/^--?/, "").split(/=(.*)/s) as [string, string | undefined];
  if (word.startsWith("--") || name.length === 1 || value !== undefined) return [[name, value]];
  const first = name[0] ?? "";
  if (takesValue(first, verb)) return [[first, name.slice(1)]];
  return [...name].map((letter) => [letter, undefined] as const);
}

/** TYPE NAME or TYPE/NAME. */
export function named(command: Command, needed: boolean): { type: string; name: string | undefined; rest: readonly string[] } {
  const [first = "", second, ...rest] = command.words;
  if (!first) throw new CommandError("name a type, such as pods");
  if (first.includes("/")) {
    const [type = "", name] = first.split("/");
    return { type, name, rest: command.words.slice(1) };
  }
  if (needed && !second) throw new CommandError(`name one of ${first}`);
  return { type: first, name: second, rest };
}

/** The Pod that logs and exec mean: POD or pod/POD. */
export function podOf(command: Command): string {
  const pod = (command.words[0] ?? "").replace(/^pods?\//, "");
  if (!pod) throw new CommandError("name a pod");
  if (pod.includes("/")) throw new CommandError(`name a pod, not ${pod}`);
  return pod;
}

/** `a=b c-` → {a: "b", c: null}. */
export function assignments(list: readonly string[]): Record<string, string | null> {
  const found: Record<string, string | null> = {};
  for (const one of list) {
    const [key = "", value] = one.split(/=(.*)/s);
    if (value !== undefined) found[key] = value;
    else if (one.endsWith("-")) found[one.slice(0, -1)] = null;
    else throw new CommandError(`write KEY=VALUE or KEY-, not ${one}`);
  }
  if (Object.keys(found).length === 0) throw new CommandError("write KEY=VALUE or KEY-");
  return found;
}

export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, at) => (widths[at] = Math.max(widths[at] ?? 0, cell.length)));
  return rows
    .map((row) => row.map((cell, at) => (at === row.length - 1 ? cell : cell.padEnd((widths[at] ?? 0) + 3))).join("").trimEnd())
    .join("\n");
}

/** `5m`, `90s`, `1h` as seconds. */
export function seconds(text: string): number {
  const found = /^(\d+)([smh])$/.exec(text);
  const unit = { s: 1, m: 60, h: 3600 }[found?.[2] ?? ""];
  if (!found || unit === undefined) throw new CommandError(`write a duration such as 30s, 5m or 1h, not ${text}`);
  return Number(found[1]) * unit;
}
