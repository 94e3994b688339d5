/** Where the terminal takes YAML: objects to apply, or one to edit. A refusal leaves the text as it is. */
import { Button } from "antd";
import { useState } from "react";
import { problemText } from "../../components/Problem";
import { useAct } from "../../components/useAct";
import YamlEditor from "../../components/YamlEditor";
import { useWords } from "../../i18n";
import { CommandError } from "../../terminal/command";

export default function EditorScreen(props: {
  title: string;
  text: string;
  save: (text: string) => Promise<string>;
  onDone: (told: string) => void;
}) {
  const t = useWords();
  const [text, setText] = useState(props.text);
  const { busy, error, run } = useAct();
  return (
    <section className="card yaml-card" aria-label={props.title}>
      <div className="yaml-pane-head">
        <span className="mono">{props.title}</span>
        <span className="grow" />
        <Button size="small" onClick={() => props.onDone("")}>
          {t("common.cancel")}
        </Button>
        <Button
          size="small"
          type="primary"
          loading={busy}
          disabled={text.trim() === "" || text === props.text}
          onClick={() => void run(async () => props.onDone(await props.save(text)))}
        >
          {t("common.apply")}
        </Button>
      </div>
      {error !== undefined && (
        <p className="yaml-problem field-error message" role="alert">
          {error instanceof CommandError ? error.message : problemText(error, t)}
        </p>
      )}
      <YamlEditor className="yaml-editor fixed" value={text} label={t("yaml.editor")} onChange={setText} />
    </section>
  );
}
