import { Link } from "react-router";
import { Icon, type IconName } from "../../components/icons";
import { Page } from "../../components/Page";
import { useWords } from "../../i18n";

const ways: readonly { readonly key: "onPremises" | "imported" | "registered"; readonly to: string; readonly icon: IconName }[] = [
  { key: "onPremises", to: "/clusters/new/on-premises", icon: "server" },
  { key: "imported", to: "/clusters/new/import", icon: "import" },
  { key: "registered", to: "/clusters/new/register", icon: "link" },
];

export default function ChoosePage() {
  const t = useWords();
  return (
    <Page title={t("choose.title")} lead={t("choose.lead")} above={[{ to: "/clusters", text: t("nav.clusters") }]}>
      <div className="choices">
        {ways.map((way) => (
          <Link key={way.key} to={way.to} className="choice">
            <Icon name={way.icon} size={26} />
            <h2>{t(`choose.${way.key}.title`)}</h2>
            <p>{t(`choose.${way.key}.text`)}</p>
            <ul>
              <li>{t(`choose.${way.key}.first`)}</li>
              <li>{t(`choose.${way.key}.second`)}</li>
            </ul>
          </Link>
        ))}
      </div>
    </Page>
  );
}
