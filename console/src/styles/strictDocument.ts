/**
 * The document as xterm.js is given it: what it writes into <style> elements and style attributes goes into constructed
 * sheets and the CSS object model instead, which a Content-Security-Policy with `style-src 'self'` allows.
 */

export function strictDocument(): Document {
  return new Proxy(document, {
    get(target, key) {
      if (key === "createElement") return createElement;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" ? (value as (...args: unknown[]) => unknown).bind(target) : value;
    },
  });
}

/** While it opens, xterm.js asks the window's document for one of its <style> elements, whatever it was given. */
export function whileOpening(open: () => void): void {
  Reflect.defineProperty(document, "createElement", { configurable: true, value: createElement });
  try {
    open();
  } finally {
    Reflect.deleteProperty(document, "createElement");
  }
}

function plain(name: string): HTMLElement {
  return document.createElementNS("http://www.w3.org/1999/xhtml", name);
}

function createElement(name: string): HTMLElement {
  if (name === "style") return sheetHolder();
  const element = plain(name);
  if (name === "span") {
    element.setAttribute = (key, value) => {
      if (key === "style") element.style.cssText = value;
      else Element.prototype.setAttribute.call(element, key, value);
    };
  }
  return element;
}

/** Stands where the <style> would; its text is a sheet of the document until it is removed. */
function sheetHolder(): HTMLElement {
  const holder = plain("span");
  holder.hidden = true;
  const sheet = new CSSStyleSheet();
  let text = "";
  document.adoptedStyleSheets.push(sheet);
  Object.defineProperty(holder, "textContent", {
    get: () => text,
    set: (css: string) => {
      text = css;
      sheet.replaceSync(css);
    },
  });
  holder.remove = () => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((one) => one !== sheet);
    Element.prototype.remove.call(holder);
  };
  return holder;
}
