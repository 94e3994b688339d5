import { describe, expect, it } from "vitest";
import { ApiError } from "../api/http";
import { at, fromAnswer, fromError, merged, pathOf, sectionOf, type Finding } from "./findings";

const finding = (path: string, warning = false, kind = "Cluster"): Finding => ({ kind, name: "web", path, text: path, warning });

describe("findings", () => {
  it("come from the server's answer, in the reader's language where it has it", () => {
    const answer = {
      documents: [
        {
          kind: "Cluster",
          name: "web",
          errors: [{ field: "spec.version", message: "wrong", messages: { zh: "不对" } }],
          warnings: [{ field: "", message: "look" }],
        },
        { kind: "Secret", name: "web-ssh", errors: [{ field: "data", message: "no" }] },
      ],
    };
    expect(fromAnswer(answer, "zh").map((one) => [one.path, one.text, one.warning])).toEqual([
      ["spec.version", "不对", false],
      ["", "look", true],
    ]);
  });

  it("take an error's causes apart", () => {
    const error = new ApiError(422, { message: "all", details: { causes: [{ field: "spec.version", message: "wrong" }] } }, "");
    expect(fromError(error, { kind: "Cluster", name: "web" })).toEqual([
      { kind: "Cluster", name: "web", path: "spec.version", text: "wrong", warning: false },
    ]);
    expect(fromError(new ApiError(403, { message: "no right" }, ""), { kind: "Machine", name: "a" })[0]).toMatchObject({
      path: "",
      text: "no right",
    });
  });

  it("are found at their field and below it", () => {
    const all = [finding("spec.onPremises.network.podCIDR"), finding("spec.onPremises.networks"), finding("spec.a[0].b")];
    expect(at(all, "Cluster", "spec.onPremises.network")).toHaveLength(1);
    expect(at(all, "Cluster", "spec.a")).toHaveLength(1);
    expect(at(all, "Machine", "spec.a")).toHaveLength(0);
  });

  it("belong to a part of the form", () => {
    expect(sectionOf(finding("spec.onPremises.network.podCIDR"))).toBe("network");
    expect(sectionOf(finding("spec.onPremises.network.nic"))).toBe("nodes");
    expect(sectionOf(finding("spec.onPremises.kubeletExtraArgs[max-pods]"))).toBe("extension");
    expect(sectionOf(finding("spec.version"))).toBe("basic");
    expect(sectionOf(finding("spec.role", false, "Machine"))).toBe("nodes");
  });

  it("of two judges are shown once, and warnings are told from errors", () => {
    expect(merged([finding("a")], [finding("a"), finding("a", true)])).toHaveLength(2);
    expect(pathOf("spec.version: is old")).toEqual({ path: "spec.version", text: "is old" });
    expect(pathOf("nothing special: here")).toEqual({ path: "", text: "nothing special: here" });
  });
});
