/** What stands at the top of every page, also before the sign-in: the name, language and colours. */
import { chooseLanguage, useWords } from "../i18n";
import { chooseTheme, useLanguage, useTheme } from "../settings";
import { Icon } from "./icons";

export function Brand() {
  return (
    <span className="brand">
      <svg width="24" height="24" viewBox="0 0 32 32" aria-hidden="true">
        <rect width="32" height="32" rx="7" className="brand-back" />
        <path d="M7 20h18M10 20v-5a6 6 0 0 1 12 0v5M16 9V6M9 24h14" className="brand-line" />
      </svg>
      <span>roost</span>
    </span>
  );
}

export function LanguageAndTheme() {
  const t = useWords();
  const language = useLanguage();
  const theme = useTheme();
  const other = language === "en" ? "zh" : "en";
  return (
    <>
      <button
        type="button"
        className="bar-button"
        lang={other === "zh" ? "zh-CN" : "en"}
        onClick={() => void chooseLanguage(other)}
      >
        {other === "zh" ? "中文" : "English"}
      </button>
      <button
        type="button"
        className="bar-button"
        aria-label={t(theme === "dark" ? "shell.light" : "shell.dark")}
        title={t(theme === "dark" ? "shell.light" : "shell.dark")}
        onClick={() => chooseTheme(theme === "dark" ? "light" : "dark")}
      >
        <Icon name={theme === "dark" ? "sun" : "moon"} />
      </button>
    </>
  );
}
