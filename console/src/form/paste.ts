/**
 * Many machines at once, pasted from a table or a CSV file: the first line may name the columns in either language,
 * otherwise they are address, role, user, port, password, name. Pure.
 */
import { isIPv4, isIPv6 } from "./network";
import { emptyMachine, type MachineRow } from "./model";

type ColumnName =
  | "ipv4"
  | "ipv6"
  | "role"
  | "user"
  | "port"
  | "password"
  | "name"
  | "displayName"
  | "sshAddress"
  | "nic"
  | "roles";

const ALIASES: Readonly<Record<string, ColumnName>> = {
  ip: "ipv4",
  ipv4: "ipv4",
  address: "ipv4",
  ipv4地址: "ipv4",
  地址: "ipv4",
  ipv6: "ipv6",
  ipv6地址: "ipv6",
  role: "role",
  type: "role",
  类型: "role",
  角色: "role",
  user: "user",
  username: "user",
  sshuser: "user",
  ssh用户名: "user",
  用户名: "user",
  port: "port",
  sshport: "port",
  ssh端口: "port",
  端口: "port",
  password: "password",
  密码: "password",
  name: "name",
  名称: "name",
  displayname: "displayName",
  显示名称: "displayName",
  sshaddress: "sshAddress",
  sship: "sshAddress",
  ssh连接ip: "sshAddress",
  nic: "nic",
  网卡: "nic",
  网卡名称: "nic",
  roles: "roles",
  标签角色: "roles",
};
const PLAIN: readonly ColumnName[] = ["ipv4", "role", "user", "port", "password", "name"];

export interface PasteProblem {
  readonly line: number;
  readonly key: "address" | "role" | "port" | "duplicate" | "quote";
  readonly value: string;
}

export interface Pasted {
  readonly rows: readonly MachineRow[];
  readonly problems: readonly PasteProblem[];
}

/** Cells of one text: quoted as RFC 4180 has it, divided by tabs if there is one, else commas or semicolons. */
export function cells(text: string): { readonly rows: readonly (readonly string[])[]; readonly unended: boolean } {
  const first = text.split("\n", 1)[0] ?? "";
  const divider = text.includes("\t") ? "\t" : first.includes(";") && !first.includes(",") ? ";" : ",";
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = "";
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const sign = text.charAt(at);
    if (quoted) {
      if (sign === '"' && text[at + 1] === '"') {
        cell += '"';
        at += 1;
      } else if (sign === '"') quoted = false;
      else cell += sign;
    } else if (sign === '"' && cell.trim() === "") {
      quoted = true;
      cell = "";
    } else if (sign === divider) {
      row.push(cell);
      cell = "";
    } else if (sign === "\n") {
      row.push(cell);
      rows.push(row);
      row = [];
      cell = "";
    } else if (sign !== "\r") cell += sign;
  }
  row.push(cell);
  rows.push(row);
  return { rows, unended: quoted };
}

const squeezed = (text: string) => text.trim().toLowerCase().replace(/[\s_-]+/g, "");

function header(row: readonly string[]): readonly (ColumnName | undefined)[] | undefined {
  const names = row.map((cell) => ALIASES[squeezed(cell)]);
  return names.includes("ipv4") || names.includes("ipv6") ? names : undefined;
}

function roleOf(text: string): "ControlPlane" | "Worker" | undefined {
  const word = squeezed(text);
  if (["", "worker", "node", "w", "工作节点", "计算节点"].includes(word)) return "Worker";
  if (["controlplane", "master", "cp", "m", "控制平面", "控制平面节点"].includes(word)) return "ControlPlane";
  return undefined;
}

export function parseMachines(text: string, taken: readonly string[] = [], makeKey: (n: number) => string = String): Pasted {
  const { rows: lines, unended } = cells(text);
  const columns = header(lines[0] ?? []);
  const names = columns ?? PLAIN;
  const rows: MachineRow[] = [];
  const problems: PasteProblem[] = [];
  const seen = new Set(taken);
  lines.forEach((line, index) => {
    if ((index === 0 && columns) || line.every((cell) => cell.trim() === "")) return;
    if (line[0]?.trim().startsWith("#")) return;
    const value = (name: ColumnName) => line[names.indexOf(name)] ?? "";
    const of = (name: ColumnName) => value(name).trim();
    const bad = (key: PasteProblem["key"], wrong: string) => problems.push({ line: index + 1, key, value: wrong });
    let ipv4 = of("ipv4");
    let ipv6 = of("ipv6");
    if (!ipv6 && isIPv6(ipv4)) [ipv4, ipv6] = ["", ipv4];
    const address = ipv4 || ipv6;
    if (!address || (ipv4 && !isIPv4(ipv4)) || (ipv6 && !isIPv6(ipv6))) return void bad("address", address);
    if (seen.has(address)) return void bad("duplicate", address);
    const role = roleOf(of("role"));
    if (!role) return void bad("role", of("role"));
    const port = of("port");
    if (port && !(/^\d+$/.test(port) && Number(port) >= 1 && Number(port) <= 65535)) return void bad("port", port);
    seen.add(address);
    const base = emptyMachine(makeKey(rows.length), role);
    rows.push({
      ...base,
      name: of("name"),
      spec: {
        role,
        ...(of("displayName") ? { displayName: of("displayName") } : {}),
        addresses: { ...(ipv4 ? { ipv4 } : {}), ...(ipv6 ? { ipv6 } : {}) },
        ...(of("nic") ? { nic: of("nic") } : {}),
        ...(of("roles") ? { roles: of("roles").split(/[\s,|]+/).filter(Boolean) } : {}),
        ssh: {
          ...(of("sshAddress") ? { address: of("sshAddress") } : {}),
          ...(port ? { port: Number(port) } : {}),
          ...(of("user") ? { user: of("user") } : {}),
          credential: { name: "" },
        },
      },
      // A password may begin or end with a space.
      auth: { kind: "password", password: value("password") },
    });
  });
  if (unended) problems.push({ line: lines.length, key: "quote", value: "" });
  return { rows, problems };
}
