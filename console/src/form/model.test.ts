import { describe, expect, it } from "vitest";
import { documents, emptyForm, emptyMachine, machineName, pruned, readAt, written, type MachineRow } from "./model";

function row(address: string, password: string): MachineRow {
  const base = emptyMachine(address, "Worker");
  return { ...base, spec: { ...base.spec, addresses: { ipv4: address } }, auth: { kind: "password", password } };
}

describe("documents", () => {
  const form = { ...emptyForm(), name: "web", machines: [row("10.0.0.1", "one"), row("10.0.0.2", "two"), row("10.0.0.3", "one")] };

  it("shares a Secret between machines with the same content", () => {
    const { secrets, machines } = documents(form);
    expect(secrets.map((secret) => secret.metadata.name)).toEqual(["web-ssh", "web-ssh-2"]);
    expect(machines.map((machine) => machine.spec.ssh.credential.name)).toEqual(["web-ssh", "web-ssh-2", "web-ssh"]);
    expect(machines.every((machine) => machine.spec.clusterName === "web")).toBe(true);
  });

  it("puts no secret into a Machine or the Cluster", () => {
    const { machines, cluster } = documents(form);
    expect(JSON.stringify([machines, cluster])).not.toMatch(/"one"|"two"/);
  });

  it("leaves out what says nothing, such as max-pods, which roost sets by itself", () => {
    const { cluster } = documents(form);
    expect(cluster.spec).toEqual({ onPremises: { controlPlaneEndpoint: { host: "" }, network: { plugin: "Flannel" } } });
  });

  it("names a Secret of the proxy and one of a private registry", () => {
    const base = row("10.0.0.9", "one");
    const proxied = { ...base, spec: { ...base.spec, ssh: { ...base.spec.ssh, proxy: { address: "10.9.9.9:1080" } } } };
    const made = documents({
      ...form,
      spec: written(form.spec, "onPremises.registry", { type: "Private", address: "registry.example.com" }),
      registryAuth: { user: "robot", password: "three" },
      machines: [{ ...proxied, proxyAuth: { user: "gate", password: "four" } }],
    });
    expect(made.machines[0]?.spec.ssh.proxy).toEqual({ address: "10.9.9.9:1080", credential: { name: "web-proxy" } });
    expect(made.cluster.spec.onPremises?.registry?.credential).toEqual({ name: "web-registry" });
    expect(made.secrets.map((secret) => secret.type)).toEqual(Array(3).fill("kubernetes.io/basic-auth"));
  });
});

describe("machineName", () => {
  it("comes from the cluster and the address, and is a DNS label", () => {
    expect(machineName(row("10.0.0.7", ""), "web")).toBe("web-10-0-0-7");
    expect(machineName({ ...row("10.0.0.7", ""), name: "own" }, "web")).toBe("own");
    expect(machineName(row("10.0.0.7", ""), "x".repeat(63))).toHaveLength(63);
  });
});

describe("paths", () => {
  it("writes without touching the old object, and takes fields away", () => {
    const before = { a: { b: 1, c: 2 } };
    expect(written(before, "a.b", 3)).toEqual({ a: { b: 3, c: 2 } });
    expect(written(before, "a.c", undefined)).toEqual({ a: { b: 1 } });
    expect(written(before, "x.y", 1)).toEqual({ a: { b: 1, c: 2 }, x: { y: 1 } });
    expect(before).toEqual({ a: { b: 1, c: 2 } });
    expect(readAt(before, "a.b")).toBe(1);
    expect(readAt(before, "a.b.c")).toBeUndefined();
  });
  it("keeps false and nought", () => {
    expect(pruned({ a: false, b: 0, c: "", d: [], e: { f: undefined } })).toEqual({ a: false, b: 0 });
  });
});
