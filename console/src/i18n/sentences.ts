/**
 * Messages in the reader's language: what src/roost/api/sentences.py does, step by step, for the console. Pure.
 *
 * A sentence that is known becomes Chinese wherever it stands in a message, also inside of another sentence; what
 * machines say stays as it is. Both pass tests/unit/api/sentences.json.
 */

const LIMIT = 8000;
const WIDEST = 2000;
const MOST_TRIES = 4000;
const STRONG = 14;
const DEEPEST = 8;
const KEPT = 1000;
const FIRST = 0xe000;
const ENDS = ["\n", "; ", ". "];
const STARTS = ["\n", "; ", ". ", ": ", ", ", "(", "«"];
const AFTER = ["\n", "; ", ". ", ": ", ", ", " (", ")", "»"];
const ADDED = ["; ", ", ", " ("];
const BEFORE = " (:\n«";
const GLUE: Readonly<Record<string, string>> = { "; ": "；", ": ": "：", ", ": "，", ". ": "。" };

/** A template, cut at its placeholders; see the Python class of the same name. */
interface Sentence {
  readonly literals: readonly string[];
  readonly slots: readonly (readonly string[])[];
  readonly chinese: string;
  readonly anchor: number;
  readonly letters: number;
  readonly words: number;
}

type Values = Record<string, string>;

function parsed(english: string, chinese: string): Sentence {
  const literals = [""];
  const slots: string[][] = [];
  english.split(/\{(\w+)\}/).forEach((piece, index) => {
    if (index % 2 === 0) literals[literals.length - 1] = piece;
    else if (slots.length > 0 && literals.at(-1) === "") slots.at(-1)?.push(piece);
    else {
      slots.push([piece]);
      literals.push("");
    }
  });
  let anchor = 0;
  literals.forEach((one, index) => {
    if (one.length > (literals[anchor] ?? "").length) anchor = index;
  });
  const literal = literals.join("\n");
  return {
    literals,
    slots,
    chinese,
    anchor,
    letters: literal.match(/\p{L}/gu)?.length ?? 0,
    words: literal.match(/[A-Za-z]+/g)?.length ?? 0,
  };
}

const fill = (text: string, values: Values) => text.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? "");
const isHeld = (text: string, at: number) => /[\ue000-\uf8ff]/.test(text.charAt(at));
const inWord = (text: string, at: number) => /[A-Za-z0-9_-]/.test(text.charAt(at));
const wordsOf = (value: string) => value.split(/\s+/).filter(Boolean).length;

function isStart(text: string, at: number): boolean {
  if (at === 0 || isHeld(text, at - 1)) return true;
  return STARTS.some((mark) => text.startsWith(mark, at) || text.endsWith(mark, at));
}

const isEnd = (text: string, at: number) =>
  at === text.length || isHeld(text, at) || AFTER.some((mark) => text.startsWith(mark, at));

/** Like indexOf, but whatever is found ends before `high`. */
function find(text: string, part: string, low: number, high: number): number {
  const at = text.slice(low, high).indexOf(part);
  return at < 0 ? at : low + at;
}

function findLast(text: string, part: string, low: number, high: number): number {
  const at = text.slice(low, high).lastIndexOf(part);
  return at < 0 ? at : low + at;
}

/** Where a value ends to which something is added. */
function added(value: string): number {
  let cut = value.length;
  for (const mark of ADDED) {
    const at = value.indexOf(mark);
    if (at >= 0) cut = Math.min(cut, at);
  }
  for (let at = 1; at < cut; at += 1) if (isHeld(value, at) && !BEFORE.includes(value.charAt(at - 1))) return at;
  return cut;
}

/** Where a value at the end of a sentence ends: with its part of the text, outside of brackets. */
function valueEnd(text: string, start: number): number {
  const high = Math.min(text.length, start + WIDEST);
  let stop = high;
  for (const mark of text.endsWith(": ", start) ? ENDS : [...ENDS, ": "]) {
    const at = find(text, mark, start, high);
    if (at >= 0) stop = Math.min(stop, at);
  }
  let depth = 0;
  for (let at = start; at < stop; at += 1) {
    if (at > start && isHeld(text, at) && !BEFORE.includes(text.charAt(at - 1))) return at;
    if (text[at] === "(") depth += 1;
    else if (text[at] === ")") {
      depth -= 1;
      if (depth < 0) return at;
    }
  }
  return stop;
}

/** Where a value at the start of a sentence starts. */
function valueStart(text: string, low: number, end: number): number {
  let start = low;
  for (const mark of [...ENDS, ": "]) {
    const at = findLast(text, mark, low, end);
    if (at >= 0) start = Math.max(start, at + mark.length);
  }
  let depth = 0;
  for (let at = end - 1; at >= start; at -= 1) {
    if (text[at] === ")") depth += 1;
    else if (text[at] === "(") {
      depth -= 1;
      if (depth < 0) return at + 1;
    }
  }
  return start;
}

function fits(one: Sentence, text: string, start: number, end: number, values: readonly string[]): boolean {
  if (one.words < 2) {
    const most = one.literals[0] ? 3 : 1;
    if (values.some((value, index) => !one.literals[index]?.endsWith(": ") && wordsOf(value) > most)) return false;
  }
  if (one.letters < STRONG) return values.every(Boolean) && isStart(text, start) && isEnd(text, end);
  if (inWord(text, start - 1) && inWord(text, start)) return false;
  return !(inWord(text, end - 1) && inWord(text, end));
}

function named(one: Sentence, values: readonly string[]): Values {
  const found: Values = {};
  for (const name of one.slots.flat()) found[name] = "";
  one.slots.forEach((names, index) => {
    const value = values[index] ?? "";
    const [first, last] = [names[0] ?? "", names.at(-1) ?? ""];
    if (index === 0 && !one.literals[0]) {
      found[last] = value;
      return;
    }
    const cut = names.length > 1 ? added(value) : value.length;
    found[last] = value.slice(cut);
    found[first] = value.slice(0, cut);
  });
  return found;
}

/** Start, end and values, where the anchor stands at `at`. */
function match(one: Sentence, text: string, at: number): [number, number, Values] | undefined {
  const { literals, slots, anchor } = one;
  const literal = (index: number) => literals[index] ?? "";
  const values = slots.map(() => "");
  let [start, end] = [at, at + literal(anchor).length];
  for (let index = anchor; index < slots.length; index += 1) {
    const next = literal(index + 1);
    const stop = next ? find(text, next, end, end + WIDEST + next.length) : valueEnd(text, end);
    if (stop < 0) return undefined;
    values[index] = text.slice(end, stop);
    end = stop + next.length;
  }
  for (let index = anchor - 1; index >= 0; index -= 1) {
    const before = literal(index);
    const low = Math.max(0, start - WIDEST - before.length);
    const begin = before ? findLast(text, before, low, start) : valueStart(text, low, start);
    if (begin < 0) return undefined;
    start = begin;
  }
  let begin = start + literal(0).length;
  for (let index = 0; index < anchor; index += 1) {
    const next = literal(index + 1);
    const stop = index + 1 === anchor ? at : find(text, next, begin, at);
    values[index] = text.slice(begin, stop);
    begin = stop + next.length;
  }
  return fits(one, text, start, end, values) ? [start, end, named(one, values)] : undefined;
}

/** One message: a sentence that was found becomes one private character in the text. */
class Work {
  private readonly held: string[] = [];
  private tries = 0;

  constructor(private readonly candidates: readonly Sentence[]) {}

  marked(given: string, depth: number): string {
    let text = given;
    for (const one of this.candidates) {
      const anchor = one.literals[one.anchor] ?? "";
      for (let at = text.indexOf(anchor); at >= 0 && this.tries < MOST_TRIES; at = text.indexOf(anchor, at + 1)) {
        this.tries += 1;
        const found = match(one, text, at);
        if (!found) continue;
        const [start, end, values] = found;
        if (depth < DEEPEST) for (const name of Object.keys(values)) values[name] = this.marked(values[name] ?? "", depth + 1);
        this.held.push(fill(one.chinese, values));
        text = text.slice(0, start) + String.fromCharCode(FIRST + this.held.length - 1) + text.slice(end);
        at = start;
      }
    }
    return text;
  }

  expanded(text: string): string {
    return text
      .replace(/ \(([\ue000-\uf8ff])\)/g, "（$1）")
      .replace(/([\ue000-\uf8ff]|（[\ue000-\uf8ff]）)(; |: |, |\. )/g, (_, one: string, glue: string) => one + (GLUE[glue] ?? ""))
      .replace(/(; |: |, |\. )(?=[\ue000-\uf8ff])/g, (glue) => GLUE[glue] ?? "")
      .replace(/[\ue000-\uf8ff]/g, (one) => this.expanded(this.held[one.charCodeAt(0) - FIRST] ?? ""));
  }
}

export type Said = (message: string) => string;

/** What turns a stored message into what is shown. It keeps what it showed: lists ask again for each row they draw. */
export function saying(sentences: Readonly<Record<string, string>>): Said {
  const size = (english: string) => english.replace(/\{\w+\}/g, "").length;
  const known = Object.entries(sentences)
    .sort(([one], [other]) => size(other) - size(one) || (one < other ? -1 : 1))
    .map(([english, chinese]) => parsed(english, chinese));
  const shown = new Map<string, string>();
  return (message) => {
    const before = shown.get(message);
    if (before !== undefined) return before;
    const text = message.slice(0, LIMIT);
    let after = message;
    if (known.length > 0 && !/[\ue000-\uf8ff]/.test(text)) {
      const work = new Work(known.filter((one) => text.includes(one.literals[one.anchor] ?? "")));
      after = work.expanded(work.marked(text, 0)) + message.slice(LIMIT);
    }
    if (shown.size >= KEPT) shown.clear();
    shown.set(message, after);
    return after;
  };
}
