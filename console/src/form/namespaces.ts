/** Namespaces that a person may put a cluster into. Pure. */

/** Kubernetes' own, and the platform's: nothing of a person belongs there. */
export function isReserved(name: string): boolean {
  return name.startsWith("kube-") || name === "roost-system";
}

/** `default` first, which is there on every platform; then what is known, and what is chosen though nobody listed it. */
export function choices(known: Iterable<string>, chosen: string): readonly string[] {
  const names = new Set([...known, chosen].filter((name) => name && !isReserved(name)));
  names.delete("default");
  return ["default", ...[...names].sort((one, other) => one.localeCompare(other, "en", { numeric: true }))];
}

/** A DNS label, as Kubernetes asks for. */
export function isLabel(name: string): boolean {
  return /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name);
}
