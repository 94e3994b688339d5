import { describe, expect, it } from "vitest";
import { isIPv4, isIPv6, maximumNodes, parseCIDR } from "./network";

describe("maximumNodes", () => {
  it("divides the Pods' range by the addresses of a node", () => {
    expect(maximumNodes("10.16.0.0/16", 256)).toBe(256n);
    expect(maximumNodes("10.16.0.0/16", undefined)).toBe(256n);
    expect(maximumNodes("10.0.0.0/8", 64)).toBe(262144n);
    expect(maximumNodes("10.16.0.0/20", 128)).toBe(32n);
  });
  it("gives a node a whole power of two", () => {
    expect(maximumNodes("10.16.0.0/16", 200)).toBe(256n);
  });
  it("counts the IPv4 part of a dual-stack range, and IPv6 alone", () => {
    expect(maximumNodes("10.16.0.0/16,fd00:10:16::/48", 256)).toBe(256n);
    expect(maximumNodes("fd00:10:16::/112", 256)).toBe(256n);
  });
  it("is silent while the input is not yet right", () => {
    expect(maximumNodes("10.16.0.0", 256)).toBeUndefined();
    expect(maximumNodes("10.16.0.300/16", 256)).toBeUndefined();
    expect(maximumNodes("10.16.0.0/33", 256)).toBeUndefined();
    expect(maximumNodes("10.16.0.0/16", 0)).toBeUndefined();
  });
  it("is nought when one node needs more than there is", () => {
    expect(maximumNodes("10.16.0.0/26", 256)).toBe(0n);
  });
});

describe("addresses", () => {
  it("knows both families", () => {
    expect(isIPv4("10.0.0.7")).toBe(true);
    expect(isIPv4("10.0.0.07")).toBe(false);
    expect(isIPv4("10.0.0")).toBe(false);
    expect(isIPv6("fd00::7")).toBe(true);
    expect(isIPv6("fd00::7::1")).toBe(false);
    expect(parseCIDR("fd00::/64")).toEqual({ bits: 128, prefix: 64 });
  });
});
