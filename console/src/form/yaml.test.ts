import { describe, expect, it } from "vitest";
import { emptyForm, emptyMachine, written, type Form } from "./model";
import { fromYaml, toYaml } from "./yaml";

const base = emptyMachine("k1", "ControlPlane");
const form: Form = {
  ...emptyForm(),
  name: "web",
  spec: written(written(emptyForm().spec, "version", "1.31.4"), "onPremises.controlPlaneEndpoint.host", "10.0.0.1"),
  machines: [
    { ...base, spec: { ...base.spec, addresses: { ipv4: "10.0.0.1" } }, auth: { kind: "password", password: "example" } },
  ],
};
const key = () => "new";

describe("the form as YAML", () => {
  it("comes back as it was, secrets kept beside it", () => {
    const read = fromYaml(toYaml(form), form, key);
    expect("form" in read && read.form).toEqual(form);
  });

  it("shows no secret", () => {
    expect(toYaml(form)).not.toContain("example");
  });

  it("takes changes up, also those that the form has no field for", () => {
    const text = toYaml(form).replace("version: 1.31.4", "version: 1.30.8\n  driftPolicy: Report");
    const read = fromYaml(text, form, key);
    if (!("form" in read)) throw new Error(read.problem.words);
    expect(read.form.spec).toMatchObject({ version: "1.30.8", driftPolicy: "Report" });
    expect(toYaml(read.form)).toContain("driftPolicy: Report");
  });

  it("lets a further machine use the Secret of another one", () => {
    const [first = ""] = toYaml(form).split("---\n");
    const read = fromYaml(`${first.replace(/web-10-0-0-1/, "second").replace(/ipv4: .*/, "ipv4: 10.0.0.2")}---\n${toYaml(form)}`, form, key);
    if (!("form" in read)) throw new Error(read.problem.words);
    expect(read.form.machines.map((row) => row.name)).toEqual(["second", ""]);
    expect(read.form.machines[0]?.auth).toEqual({ kind: "password", password: "example" });
  });

  it("keeps a version that looks like a number as text once it is written as text", () => {
    const read = fromYaml('apiVersion: cluster.alauda.io/v1alpha1\nkind: Cluster\nmetadata: {name: "1e3"}\nspec: {}\n', form, key);
    expect("form" in read && read.form.name).toBe("1e3");
  });

  it("says where YAML is wrong and what does not belong here", () => {
    expect(fromYaml("a: [1", form, key)).toMatchObject({ problem: { line: 1 } });
    expect(fromYaml("kind: Secret\napiVersion: v1", form, key)).toMatchObject({ problem: { key: "kind" } });
    expect(fromYaml("", form, key)).toMatchObject({ problem: { key: "noCluster" } });
    expect(fromYaml("just text", form, key)).toMatchObject({ problem: { key: "notAnObject" } });
  });
});
