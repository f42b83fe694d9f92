import i18next from "i18next";
import { useSyncExternalStore } from "react";
import { type Language, startLanguages } from "../shared/language";

type Tree = { [key: string]: string | Tree };
/** The same texts in another language: one that is missing does not compile. */
export type Wording<T> = { [K in keyof T]: T[K] extends string ? string : Wording<T[K]> };
type Singular<K extends string> = K extends `${infer S}_one` | `${infer S}_other` ? S : K;
export type KeyOf<T> = {
  [K in keyof T & string]: T[K] extends string ? Singular<K> : `${K}.${KeyOf<T[K]>}`;
}[keyof T & string];
export type Say<T> = (key: KeyOf<T>, values?: Record<string, unknown>) => string;

// Its first part runs at once: texts can be defined as soon as this module is there.
export const languagesReady = startLanguages({ en: {}, fa: {} });

/**
 * Makes the texts of an area known; returns a hook that says them. An area's texts are loaded with
 * the pages that say them.
 */
export function defineTexts<T extends Tree>(area: string, en: T, fa: Wording<T>): () => Say<T> {
  i18next.addResourceBundle("en", area, en);
  i18next.addResourceBundle("fa", area, fa);
  const said = new Map<Language, Say<T>>();
  return function useText() {
    const language = useLanguage();
    let say = said.get(language);
    if (say === undefined) {
      say = i18next.getFixedT(language, area as never) as unknown as Say<T>;
      said.set(language, say);
    }
    return say;
  };
}

function onLanguage(changed: () => void) {
  i18next.on("languageChanged", changed);
  return () => i18next.off("languageChanged", changed);
}

/** The language that is chosen. Hundreds of rows and bars ask for it. */
export function useLanguage(): Language {
  return useSyncExternalStore(onLanguage, () => i18next.language as Language);
}

/** Keeps what is written in one direction from turning around what is written beside it. */
export function isolated(text: string): string {
  return `\u2068${text}\u2069`;
}
