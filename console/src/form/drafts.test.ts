import { describe, expect, it } from "vitest";
import { draftName, fromDraft, toDraft } from "./drafts";
import { emptyMachine, type MachineRow } from "./model";

const base = emptyMachine("k", "Worker");
const row: MachineRow = {
  ...base,
  spec: {
    role: "Worker",
    addresses: { ipv4: "10.0.0.5" },
    labels: { zone: "a" },
    ssh: { user: "admin", port: 2222, credential: { name: "" }, proxy: { address: "10.9.9.9:1080" } },
  },
  auth: { kind: "key", privateKey: "example-key", passphrase: "example-phrase", sudoPassword: "example-sudo" },
  proxyAuth: { user: "gate", password: "example-proxy" },
};

describe("drafts", () => {
  it("keep everything but what is secret", () => {
    const text = JSON.stringify(toDraft(row));
    expect(text).not.toMatch(/example|gate/);
    expect(toDraft(row)).toMatchObject({ addresses: { ipv4: "10.0.0.5" }, ssh: { user: "admin", port: 2222 } });
  });

  it("come back with their secrets marked as to be entered again", () => {
    const back = fromDraft(toDraft(row), "new");
    expect(back.incomplete).toBe(true);
    expect(back.auth).toEqual({ kind: "password", password: "" });
    expect(back.spec).toEqual(row.spec);
  });

  it("need nothing again where an existing Secret is named", () => {
    const back = fromDraft(toDraft({ ...row, auth: { kind: "existing", secret: "shared" } }), "new");
    expect(back.incomplete).toBe(false);
    expect(back.auth).toEqual({ kind: "existing", secret: "shared" });
  });

  it("have a name for each person that is a DNS label", () => {
    expect(draftName("roost:user:Li.Wei")).toMatch(/^draft-li-wei-[a-z0-9]+$/);
    expect(draftName("roost:user:王伟")).toMatch(/^draft-[a-z0-9]+$/);
    expect(draftName("roost:user:a")).not.toBe(draftName("roost:user:b"));
  });
});
