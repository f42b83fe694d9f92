import { useTranslation } from "react-i18next";
import { dateFormat, type Language } from "./language";

/** Writes a time of day as the language does, in a zone. */
export function useTime(zone: string): (moment: number) => string {
  const { i18n } = useTranslation();
  const options = { hour: "2-digit", minute: "2-digit" } as const;
  const format = dateFormat(i18n.language as Language, zone, options);
  return (moment) => format.format(moment);
}
