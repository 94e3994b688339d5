/**
 * Stands in for the module of antd's libraries that writes <style> elements: each style becomes a constructed sheet
 * in `document.adoptedStyleSheets`, which a Content-Security-Policy with `style-src 'self'` allows. The order that
 * the libraries ask for (a priority, then order of arrival) is kept.
 */

interface Options {
  readonly prepend?: boolean | "queue" | undefined;
  readonly priority?: number | undefined;
}

interface Entry {
  readonly key: string;
  readonly rank: number;
  readonly sheet: CSSStyleSheet;
  text: string;
  readonly node: StyleNode;
}

/** What the libraries do with the element they expect. */
export interface StyleNode {
  innerHTML: string;
  nonce: string;
  setAttribute(name: string, value: string): void;
  getAttribute(name: string): string | null;
  readonly parentNode: null;
  [key: string]: unknown;
}

const entries: Entry[] = [];
const byKey = new Map<string, Entry>();

function rankOf(option: Options): number {
  if (option.prepend === "queue") return 1000 + (option.priority ?? 0);
  return option.prepend ? 0 : 100000;
}

function makeNode(read: () => string, write: (css: string) => void): StyleNode {
  const attributes = new Map<string, string>();
  return {
    nonce: "",
    parentNode: null,
    get innerHTML() {
      return read();
    },
    set innerHTML(css: string) {
      write(css);
    },
    setAttribute: (name, value) => void attributes.set(name, value),
    getAttribute: (name) => attributes.get(name) ?? null,
  };
}

function add(css: string, key: string, option: Options): StyleNode {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  const entry: Entry = {
    key,
    rank: rankOf(option),
    sheet,
    text: css,
    node: makeNode(
      () => entry.text,
      (next) => {
        entry.text = next;
        sheet.replaceSync(next);
      },
    ),
  };
  let at = entries.length;
  while (at > 0 && (entries[at - 1]?.rank ?? 0) > entry.rank) at -= 1;
  entries.splice(at, 0, entry);
  if (at === entries.length - 1) document.adoptedStyleSheets.push(sheet);
  else document.adoptedStyleSheets.splice(at, 0, sheet);
  byKey.set(key, entry);
  return entry.node;
}

let unnamed = 0;

export function injectCSS(css: string, option: Options = {}): StyleNode {
  unnamed += 1;
  return add(css, `unnamed-${unnamed}`, option);
}

export function updateCSS(css: string, key: string, option: Options = {}): StyleNode {
  const known = byKey.get(key);
  if (!known) return add(css, key, option);
  if (known.text !== css) known.node.innerHTML = css;
  return known.node;
}

export function removeCSS(key: string): void {
  const known = byKey.get(key);
  if (!known) return;
  byKey.delete(key);
  entries.splice(entries.indexOf(known), 1);
  document.adoptedStyleSheets = document.adoptedStyleSheets.filter((sheet) => sheet !== known.sheet);
}

export function clearContainerCache(): void {
  // Nothing is cached by container.
}
