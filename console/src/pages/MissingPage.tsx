import { Link } from "react-router";
import { Page } from "../components/Page";
import { Empty } from "../components/Problem";
import { useWords } from "../i18n";

export default function MissingPage() {
  const t = useWords();
  return (
    <Page title={t("missing.title")}>
      <Empty title={t("missing.text")} action={<Link to="/clusters">{t("missing.back")}</Link>} />
    </Page>
  );
}
