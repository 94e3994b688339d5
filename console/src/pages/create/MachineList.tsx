/** The machines of the form: add, paste, keep and restore a draft, edit, copy, remove. */
import { Button } from "antd";
import { lazy, Suspense, useState } from "react";
import { IconButton, TwoLines } from "../../components/cells";
import { DataTable, type Column } from "../../components/DataTable";
import { Icon } from "../../components/icons";
import { problemText } from "../../components/Problem";
import { useForm } from "../../form/context";
import { findDraft, fromDraft, keepDraft } from "../../form/drafts";
import { at } from "../../form/findings";
import { emptyMachine, machineName, type MachineRow } from "../../form/model";
import { useWords } from "../../i18n";
import { nextKey } from "./keys";

const MachineDialog = lazy(() => import("./MachineDialog"));
const PasteDialog = lazy(() => import("./PasteDialog"));

type Open = { readonly row: MachineRow; readonly fresh: boolean } | "paste" | undefined;

export function addressOf(row: MachineRow): string {
  return row.spec.addresses.ipv4 || row.spec.addresses.ipv6 || "";
}

export function MachineList({ user }: { user: string }) {
  const t = useWords();
  const { form, change, findings, showAll } = useForm();
  const [open, setOpen] = useState<Open>();
  const [told, setTold] = useState("");
  const [error, setError] = useState<unknown>();
  const rows = form.machines;
  const put = (next: readonly MachineRow[]) => change((before) => ({ ...before, machines: next }));
  const restore = async () => {
    setError(undefined);
    try {
      const draft = await findDraft(user, form.namespace);
      const kept = (draft?.spec.machines ?? []).map((one) => fromDraft(one, nextKey()));
      if (kept.length === 0) return setTold(t("machines.noDraft"));
      const first = kept[0];
      if (kept.length === 1 && first) return setOpen({ row: first, fresh: true });
      put([...rows, ...kept]);
      setTold(t("machines.restored", { count: kept.length }));
    } catch (refused) {
      setError(refused);
    }
  };
  const errorsOf = (row: MachineRow) =>
    at(findings, "Machine", "", machineName(row, form.name)).concat(
      findings.filter((one) => one.kind === "Machine" && one.name === machineName(row, form.name) && one.path !== ""),
    );
  const columns: readonly Column<MachineRow>[] = [
    {
      key: "address",
      title: t("machines.address"),
      width: "26%",
      render: (row) => (
        <TwoLines second={row.spec.displayName || machineName(row, form.name)}>
          <button type="button" className="link-button mono start" onClick={() => setOpen({ row, fresh: false })}>
            {[row.spec.addresses.ipv4, row.spec.addresses.ipv6].filter(Boolean).join(" ") || t("machines.noAddress")}
          </button>
        </TwoLines>
      ),
    },
    { key: "role", title: t("machines.role"), width: "18%", render: (row) => t(`role.${row.spec.role}`) },
    {
      key: "ssh",
      title: t("machines.ssh"),
      width: "20%",
      render: (row) => (
        <TwoLines second={t(`machine.auth_${row.auth.kind}`)}>
          <span className="mono">{`${row.spec.ssh.user || "root"} :${row.spec.ssh.port ?? 22}`}</span>
        </TwoLines>
      ),
    },
    {
      key: "findings",
      title: t("machines.findings"),
      render: (row) => {
        if (row.incomplete) return <span className="field-warning">{t("machine.secretsAgain")}</span>;
        if (!showAll) return null;
        return errorsOf(row).map((one) => (
          <p key={one.path + one.text} className={one.warning ? "field-warning" : "field-error"}>
            {one.text}
          </p>
        ));
      },
    },
    {
      key: "actions",
      title: "",
      width: "104px",
      align: "end",
      render: (row) => (
        <span className="row-actions">
          <IconButton icon="edit" label={t("machines.edit", { name: addressOf(row) })} onClick={() => setOpen({ row, fresh: false })} />
          <button
            type="button"
            className="icon-button"
            aria-label={t("machines.another", { name: addressOf(row) })}
            onClick={() =>
              setOpen({ row: { ...row, key: nextKey(), name: "", spec: { ...row.spec, addresses: {} } }, fresh: true })
            }
          >
            <Icon name="copy" />
          </button>
          <IconButton icon="trash" label={t("machines.remove", { name: addressOf(row) })} onClick={() => put(rows.filter((one) => one.key !== row.key))} />
        </span>
      ),
    },
  ];
  const controls = rows.filter((row) => row.spec.role === "ControlPlane").length;
  return (
    <div className="machine-list">
      <div className="toolbar">
        <h3>{t("machines.title")}</h3>
        <span className="quiet">
          {rows.length > 0 && t("machines.summary", { controls, workers: rows.length - controls })}
        </span>
        <span className="grow" />
        <Button onClick={() => void restore()}>{t("machines.restore")}</Button>
        <Button onClick={() => setOpen("paste")}>{t("machines.paste")}</Button>
        <Button
          icon={<Icon name="plus" />}
          onClick={() => setOpen({ row: emptyMachine(nextKey(), controls === 0 ? "ControlPlane" : "Worker"), fresh: true })}
        >
          {t("machines.add")}
        </Button>
      </div>
      <p role="status" className="quiet">
        {told}
      </p>
      {error !== undefined && <p className="field-error">{problemText(error, t)}</p>}
      {rows.length === 0 ? (
        <p className="note">{t("machines.none")}</p>
      ) : (
        <DataTable label={t("machines.title")} rows={rows} columns={columns} rowKey={(row) => row.key} />
      )}
      <Suspense fallback={null}>
        {open === "paste" && (
          <PasteDialog
            taken={rows.map(addressOf)}
            makeKey={nextKey}
            onClose={() => setOpen(undefined)}
            onDone={(added) => {
              put([...rows, ...added]);
              setOpen(undefined);
            }}
          />
        )}
        {typeof open === "object" && (
          <MachineDialog
            form={form}
            row={open.row}
            fresh={open.fresh}
            findings={findings}
            onClose={() => setOpen(undefined)}
            onDraft={async (row) => {
              await keepDraft(user, form.namespace, [row]);
              setOpen(undefined);
              setTold(t("machines.draftKept"));
            }}
            onDone={(row) => {
              put(open.fresh ? [...rows, row] : rows.map((one) => (one.key === row.key ? row : one)));
              setOpen(undefined);
            }}
          />
        )}
      </Suspense>
    </div>
  );
}
