import { useWords } from "../i18n";
import { Icon } from "./icons";

/** Takes a text file from the person's computer; its name is shown, never its content. */
export function FilePick(props: { id: string; accept: string; name: string; onPick: (text: string, name: string) => void }) {
  const t = useWords();
  return (
    <label className="file-pick">
      <input
        id={props.id}
        type="file"
        accept={props.accept}
        className="visually-hidden"
        onChange={(event) => {
          const file = event.target.files?.[0];
          if (file) void file.text().then((text) => props.onPick(text, file.name));
        }}
      />
      <Icon name="import" />
      {props.name ? t("common.fileChosen", { name: props.name }) : t("common.chooseFile")}
    </label>
  );
}
