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

function createElement(name: string): HTMLElement {
  if (name === "style") return sheetHolder();
  const element = document.createElement(name);
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
  const holder = document.createElement("span");
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
