/** Asks roost whether a machine can be reached and used, and takes the question and its Secrets away again. */
import type { MachineCheck } from "../generated/api";
import { API_VERSION, create, get, machineChecks, remove, secrets } from "./resources";
import type { Secret } from "./objects";
import { documents, type Form, type MachineRow } from "../form/model";

export interface CheckAnswer {
  readonly ok: boolean;
  readonly reason: string;
  readonly message: string;
  readonly facts: NonNullable<MachineCheck["status"]>["facts"];
  readonly hostKey: string | undefined;
}

const PAUSE_MS = 700;
const LONGEST_MS = 60_000;

const pause = (ms: number, signal: AbortSignal) =>
  new Promise<void>((go, stop) => {
    const timer = window.setTimeout(go, ms);
    signal.addEventListener("abort", () => {
      window.clearTimeout(timer);
      stop(new DOMException("stopped", "AbortError"));
    });
  });

export async function checkMachine(row: MachineRow, form: Form, signal: AbortSignal): Promise<CheckAnswer | "late"> {
  const stamp = `check-${Math.random().toString(36).slice(2, 10)}`;
  const made = documents({ ...form, name: stamp, machines: [row] });
  const machine = made.machines[0];
  if (!machine) return "late";
  const { namespace } = form;
  const check = await create(machineChecks, {
    apiVersion: API_VERSION,
    kind: "MachineCheck",
    metadata: { name: stamp, namespace },
    spec: { addresses: machine.spec.addresses, ssh: machine.spec.ssh, keepSeconds: 120 },
  });
  const owner = { apiVersion: API_VERSION, kind: "MachineCheck", name: stamp, uid: check.metadata.uid ?? "" };
  try {
    // Owned by the check: whatever happens to this tab, they go with it.
    for (const one of made.secrets) {
      const secret: Secret = { ...one, metadata: { ...one.metadata, ownerReferences: [owner] } };
      await create(secrets, secret);
    }
    const started = Date.now();
    while (Date.now() - started < LONGEST_MS) {
      await pause(PAUSE_MS, signal);
      const { status } = await get(machineChecks, { namespace, name: stamp });
      // The Secret comes after the check: its absence is no answer.
      if (status?.ok === undefined || (!status.ok && status.reason === "SecretMissing")) continue;
      return {
        ok: status.ok,
        reason: status.reason ?? "",
        message: status.message ?? "",
        facts: status.facts,
        hostKey: status.hostKey,
      };
    }
    return "late";
  } finally {
    void remove(machineChecks, { namespace, name: stamp }).catch(() => undefined);
  }
}
