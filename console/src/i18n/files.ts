/** `./form.json` → `form`: each file of words is a branch of its name. */
export function byName<T>(files: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(files).map(([path, words]) => [path.replace(/^\.\/|\.json$/g, ""), words]));
}
