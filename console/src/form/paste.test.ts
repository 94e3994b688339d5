import { describe, expect, it } from "vitest";
import { cells, parseMachines } from "./paste";

describe("parseMachines", () => {
  it("reads a table copied from a spreadsheet, with a header in Chinese", () => {
    const text = "IPv4 地址\t类型\tSSH 端口\t密码\n10.0.0.1\t控制平面节点\t22\t示例 一\n10.0.0.2\t工作节点\t2222\tx\n";
    const { rows, problems } = parseMachines(text);
    expect(problems).toEqual([]);
    expect(rows.map((row) => [row.spec.addresses.ipv4, row.spec.role, row.spec.ssh.port])).toEqual([
      ["10.0.0.1", "ControlPlane", 22],
      ["10.0.0.2", "Worker", 2222],
    ]);
    expect(rows[0]?.auth).toEqual({ kind: "password", password: "示例 一" });
  });

  it("reads CSV without a header: address, role, user, port, password, name", () => {
    const { rows } = parseMachines('10.0.0.1,master,admin,2022,"a,""b",first\n10.0.0.2\n');
    expect(rows).toHaveLength(2);
    expect(rows[0]).toMatchObject({ name: "first", spec: { role: "ControlPlane", ssh: { user: "admin", port: 2022 } } });
    expect(rows[0]?.auth).toEqual({ kind: "password", password: 'a,"b' });
    expect(rows[1]?.spec.role).toBe("Worker");
  });

  it("says which line is wrong and keeps the others", () => {
    const { rows, problems } = parseMachines("10.0.0.1\n10.0.0.999\n10.0.0.1\n10.0.0.3,boss\n10.0.0.4,worker,root,70000\n");
    expect(rows.map((row) => row.spec.addresses.ipv4)).toEqual(["10.0.0.1"]);
    expect(problems).toEqual([
      { line: 2, key: "address", value: "10.0.0.999" },
      { line: 3, key: "duplicate", value: "10.0.0.1" },
      { line: 4, key: "role", value: "boss" },
      { line: 5, key: "port", value: "70000" },
    ]);
  });

  it("leaves out machines that are in the form already, comments and empty lines", () => {
    const { rows, problems } = parseMachines("# ours\n\n10.0.0.1\n10.0.0.2\n", ["10.0.0.1"]);
    expect(rows.map((row) => row.spec.addresses.ipv4)).toEqual(["10.0.0.2"]);
    expect(problems).toMatchObject([{ key: "duplicate" }]);
  });

  it("takes an IPv6 address in the address column", () => {
    expect(parseMachines("fd00::7,worker").rows[0]?.spec.addresses).toEqual({ ipv6: "fd00::7" });
  });

  it("tells of a quote that never ends", () => {
    expect(parseMachines('10.0.0.1,worker,root,22,"open').problems).toMatchObject([{ key: "quote" }]);
  });
});

describe("cells", () => {
  it("keeps line breaks inside quotes", () => {
    expect(cells('"a\nb",c').rows).toEqual([["a\nb", "c"]]);
  });
});
