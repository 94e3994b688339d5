/** How many nodes a cluster's network holds, for the hint below the field. Pure; BigInt since IPv6 has 128 bits. */

export interface Range {
  readonly bits: number;
  readonly prefix: number;
}

const V4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;

export function isIPv4(text: string): boolean {
  const found = V4.exec(text.trim());
  return !!found && found.slice(1).every((part) => Number(part) <= 255 && String(Number(part)) === part);
}

export function isIPv6(text: string): boolean {
  const address = text.trim();
  if (!address.includes(":") || !/^[0-9a-f:.]+$/i.test(address)) return false;
  try {
    return new URL(`http://[${address}]/`).hostname.length > 2;
  } catch {
    return false;
  }
}

export function parseCIDR(text: string): Range | undefined {
  const [address = "", length = "", ...more] = text.trim().split("/");
  if (more.length > 0 || !/^\d{1,3}$/.test(length)) return undefined;
  const bits = isIPv4(address) ? 32 : isIPv6(address) ? 128 : 0;
  const prefix = Number(length);
  return bits > 0 && prefix <= bits ? { bits, prefix } : undefined;
}

export const DEFAULT_IPS_PER_NODE = 256;

/**
 * The largest number of nodes, from the IPv4 part (or the only part) of the Pods' range and the addresses for each
 * node; undefined while either is not yet right.
 */
export function maximumNodes(podCIDR: string, ipsPerNode: number | undefined): bigint | undefined {
  const range = parseCIDR(podCIDR.split(",")[0] ?? "");
  const each = ipsPerNode ?? DEFAULT_IPS_PER_NODE;
  if (!range || !Number.isInteger(each) || each < 1) return undefined;
  const size = 1n << BigInt(range.bits - range.prefix);
  // Each node gets a whole power of two.
  const share = 1n << BigInt(Math.ceil(Math.log2(each)));
  return size / share;
}
