import { Input } from "antd";
import { useMemo, useState } from "react";
import { Dialog } from "../../components/Dialog";
import { parseMachines } from "../../form/paste";
import type { MachineRow } from "../../form/model";
import { useWords } from "../../i18n";

export default function PasteDialog(props: {
  taken: readonly string[];
  makeKey: () => string;
  onDone: (rows: readonly MachineRow[]) => void;
  onClose: () => void;
}) {
  const t = useWords();
  const [text, setText] = useState("");
  const { rows, problems } = useMemo(() => parseMachines(text, props.taken, (n) => `p${n}`), [text, props.taken]);
  return (
    <Dialog
      width={720}
      holds
      title={t("paste.title")}
      onClose={props.onClose}
      act={{
        text: t("paste.add", { count: rows.length }),
        ready: rows.length > 0,
        go: () => props.onDone(rows.map((row) => ({ ...row, key: props.makeKey() }))),
      }}
    >
      <p className="quiet" id="paste-help">
        {t("paste.help")}
      </p>
      <Input.TextArea
        aria-label={t("paste.title")}
        aria-describedby="paste-help"
        className="mono"
        rows={7}
        spellCheck={false}
        placeholder={"ip,role,user,port,password\n10.0.0.11,control-plane,root,22,…\n10.0.0.12,worker,root,22,…"}
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      <div className="inline">
        <label className="file-button">
          <input
            type="file"
            accept=".csv,.tsv,.txt,text/csv,text/plain"
            className="visually-hidden"
            onChange={(event) => void event.target.files?.[0]?.text().then(setText)}
          />
          {t("paste.file")}
        </label>
        <span role="status" className="quiet">
          {text && t("paste.found", { count: rows.length })}
        </span>
      </div>
      <ul>
        {problems.slice(0, 8).map((problem) => (
          <li className="field-error" key={`${problem.line}-${problem.key}`}>
            {t("paste.line", { line: problem.line, what: t(`paste.problem_${problem.key}`, { value: problem.value }) })}
          </li>
        ))}
      </ul>
    </Dialog>
  );
}
