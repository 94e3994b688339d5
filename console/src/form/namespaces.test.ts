import { describe, expect, it } from "vitest";
import { choices, isLabel } from "./namespaces";

describe("namespaces", () => {
  it("leave out what is Kubernetes' and the platform's own, and begin with default", () => {
    expect(choices(["kube-system", "team-10", "team-2", "roost-system", "default"], "default")).toEqual(["default", "team-2", "team-10"]);
  });

  it("keep the one that is chosen though it can't be listed", () => {
    expect(choices([], "mine")).toEqual(["default", "mine"]);
  });

  it("are DNS labels", () => {
    expect(["a", "team-1", "0x"].every(isLabel)).toBe(true);
    expect(["", "-a", "a-", "A", "a.b", "x".repeat(64)].some(isLabel)).toBe(false);
  });
});
