import { useEffect, useRef, useState } from "react";
import { Copy } from "../../components/Copy";
import YamlEditor from "../../components/YamlEditor";
import type { Form } from "../../form/model";
import { fromYaml, toYaml, type YamlProblem } from "../../form/yaml";
import { useWords } from "../../i18n";

/** The form as YAML beside it. What is typed here goes into the form as soon as it can be read. */
export default function YamlPane(props: { form: Form; onForm: (form: Form) => void; makeKey: () => string }) {
  const t = useWords();
  const { form } = props;
  const [text, setText] = useState(() => toYaml(form));
  const [problem, setProblem] = useState<YamlProblem>();
  const own = useRef<Form | undefined>(undefined);
  useEffect(() => {
    // A change that came from here must not move the cursor.
    if (own.current === form) return;
    setText(toYaml(form));
    setProblem(undefined);
  }, [form]);
  const typed = (next: string) => {
    setText(next);
    const read = fromYaml(next, form, props.makeKey);
    if ("problem" in read) return setProblem(read.problem);
    setProblem(undefined);
    own.current = read.form;
    props.onForm(read.form);
  };
  return (
    <aside className="yaml-pane" aria-label="YAML">
      <div className="yaml-pane-head">
        <h2>YAML</h2>
        <span className="quiet small">{t("yaml.secretsApart")}</span>
        <span className="grow" />
        <Copy text={text} />
      </div>
      <YamlEditor value={text} label={t("yaml.editor")} onChange={typed} />
      {problem && (
        <p className="yaml-problem field-error" role="status">
          {problem.line !== undefined && `${t("yaml.line", { line: problem.line })} `}
          {problem.key ? t(`yaml.${problem.key}`, { what: problem.words }) : problem.words}
        </p>
      )}
    </aside>
  );
}
