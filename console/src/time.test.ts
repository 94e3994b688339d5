import { describe, expect, it } from "vitest";
import { mebibytes } from "./time";

describe("memory", () => {
  it("is told in the unit that suits it, and left alone where it is none", () => {
    expect(mebibytes("48011Mi", "en")).toBe("46.9 GiB");
    expect(mebibytes("340Mi", "zh")).toBe("340 MiB");
    expect(mebibytes("1e9", "en")).toBe("1e9");
    expect(mebibytes(undefined, "en")).toBeUndefined();
  });
});
