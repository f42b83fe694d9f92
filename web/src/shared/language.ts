import i18next, { type Resource } from "i18next";
import { initReactI18next } from "react-i18next";

export const LANGUAGES = ["en", "fa"] as const;
export type Language = (typeof LANGUAGES)[number];

const KEPT = "atrium.language";
const DIRECTION = { en: "ltr", fa: "rtl" } as const;
// Days are told by the Persian calendar in Persian.
const LOCALE = { en: "en-GB", fa: "fa-IR-u-ca-persian-nu-arabext" } as const;

function preferred(): Language {
  const wanted = [localStorage.getItem(KEPT), ...navigator.languages];
  for (const tag of wanted) {
    const found = LANGUAGES.find((language) => tag?.startsWith(language));
    if (found) return found;
  }
  return "en";
}

/** Makes a page's texts known and shows them in the language that was chosen, or the browser's. */
export async function startLanguages(texts: Record<Language, Resource[string]>): Promise<void> {
  i18next.on("languageChanged", (language: Language) => {
    document.documentElement.lang = language;
    document.documentElement.dir = DIRECTION[language];
  });
  await i18next.use(initReactI18next).init({
    resources: texts,
    lng: preferred(),
    fallbackLng: "en",
    // React escapes.
    interpolation: { escapeValue: false },
  });
}

export async function choose(language: Language): Promise<void> {
  localStorage.setItem(KEPT, language);
  await i18next.changeLanguage(language);
}

/** Writes dates and times in a language's calendar and digits, local to a time zone. */
export function dateFormat(
  language: Language,
  timeZone: string,
  options: Intl.DateTimeFormatOptions,
): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat(LOCALE[language], { timeZone, ...options });
}

/** Writes a date with its weekday, in the order in which each language reads it. */
export function longDate(language: Language, timeZone: string): (moment: number) => string {
  const options = { weekday: "long", day: "numeric", month: "long", year: "numeric" } as const;
  const format = dateFormat(language, timeZone, options);
  if (language !== "fa") return (moment) => format.format(moment);
  return (moment) => {
    const parts = new Map(format.formatToParts(moment).map((part) => [part.type, part.value]));
    const read = ["weekday", "day", "month", "year"] as const;
    return read.map((type) => parts.get(type)).join(" ");
  };
}
