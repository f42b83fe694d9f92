import { useTranslation } from "react-i18next";
import { choose, type Language } from "./language";

/** Shows the page in the other language; says so in that one. */
export function LanguageButton() {
  const { t, i18n } = useTranslation();
  const other: Language = i18n.language === "fa" ? "en" : "fa";
  return (
    <button type="button" className="language" lang={other} onClick={() => void choose(other)}>
      {t("otherLanguage")}
    </button>
  );
}
