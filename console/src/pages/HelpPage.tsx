/** The documentation page of a place in the console, from the same files as the documentation itself. */
import { useQuery } from "@tanstack/react-query";
import { useParams } from "react-router";
import { Loading, Problem } from "../components/Problem";
import { Markdown } from "../components/Markdown";
import { Page } from "../components/Page";
import { ApiError } from "../api/http";
import { useWords } from "../i18n";
import { useLanguage } from "../settings";

const pages = import.meta.glob<string>("../../../docs/{en,zh}/console/*.md", { query: "?raw", import: "default" });

export default function HelpPage() {
  const t = useWords();
  const language = useLanguage();
  const { page = "index" } = useParams();
  const load = pages[`../../../docs/${language}/console/${page}.md`] ?? pages[`../../../docs/${language}/console/index.md`];
  const text = useQuery({
    queryKey: ["help", language, page],
    queryFn: () => (load ? load() : Promise.reject(new ApiError(404, {}, page))),
  });
  const title = /^# (.*)$/m.exec(text.data ?? "")?.[1] ?? t("shell.help");
  return (
    <Page title={title} above={[{ to: "/help", text: t("shell.help") }]}>
      {text.isPending && <Loading />}
      {text.error && <Problem error={text.error} />}
      {text.data && (
        <article className="card prose">
          <Markdown text={text.data.replace(/^# .*\n/m, "").replace(/<!--[\s\S]*?-->/g, "")} />
        </article>
      )}
    </Page>
  );
}
