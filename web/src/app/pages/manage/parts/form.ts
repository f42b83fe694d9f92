import { useState } from "react";
import { ApiError } from "../../../api";
import { useErrorWords } from "../../../errors";
import { useFormats } from "../../../formats";
import { usePartsText } from "./texts";

export type Wrong<T> = Partial<Record<keyof T, string>>;

export interface Draft<T> {
  values: T;
  isChanged: boolean;
  wrong: Wrong<T>;
  /** Sets some of it; what was wrong with these is forgotten. */
  set: (part: Partial<T>) => void;
  /** Says what is wrong; returns whether anything is. */
  refuse: (wrong: Wrong<T>) => boolean;
}

/** What is being written in a form, kept whatever the server says of it. */
export function useDraft<T extends object>(initial: T): Draft<T> {
  const [values, setValues] = useState(initial);
  const [wrong, setWrong] = useState<Wrong<T>>({});
  const [isChanged, setChanged] = useState(false);
  return {
    values,
    isChanged,
    wrong,
    set: (part) => {
      setValues((before) => ({ ...before, ...part }));
      setWrong((before) => {
        const after = { ...before };
        for (const name of Object.keys(part)) delete after[name as keyof T];
        return after;
      });
      setChanged(true);
    },
    refuse: (found) => {
      const real = Object.fromEntries(Object.entries(found).filter(([, text]) => text));
      setWrong(real as Wrong<T>);
      return Object.keys(real).length > 0;
    },
  };
}

/** The server's own words that people meet often, which are said in the language of the page. */
const KNOWN = [
  [/field is required|may not be blank/i, "required"],
  [/already exists|such a .* already|is taken by|must be unique/i, "unique"],
  [/must be after start|end before start|End .*after/i, "endAfterStart"],
  [/Closing time/i, "closing"],
  [/seats/i, "seats"],
  [/No Room matches|Room not found/i, "room"],
  [/in the future/i, "future"],
  [/No panel shows/i, "code"],
  [/already booked/i, "taken"],
] as const;

/** Says what the server has refused: the fields of a form at their place, the rest as a sentence. */
export function useRefusalWords() {
  const t = usePartsText();
  const words = useErrorWords();
  const { language } = useFormats();
  const inWords = (text: string): string => {
    const used = /is in use by: (.*)\.$/s.exec(text);
    if (used) return t("server.inUse", { names: used[1] });
    const known = language === "en" ? undefined : KNOWN.find(([pattern]) => pattern.test(text));
    return known ? t(`server.${known[1]}`) : text;
  };
  /** @param names of the server's fields in the form, where they differ. */
  return <T extends object>(
    error: unknown,
    values: T,
    names: Record<string, keyof T> = {},
  ): { wrong: Wrong<T>; text: string | undefined } => {
    if (!(error instanceof ApiError)) return { wrong: {}, text: words(error) };
    const wrong: Wrong<T> = {};
    const rest: string[] = [];
    for (const [field, said] of Object.entries(error.fields)) {
      const name = names[field] ?? (field in values ? (field as keyof T) : undefined);
      if (name === undefined) rest.push(inWords(said));
      else wrong[name] = inWords(said);
    }
    if (Object.keys(error.fields).length > 0) {
      return { wrong, text: rest.length > 0 ? rest.join(" ") : undefined };
    }
    const said = inWords(error.message);
    const isOurs = error.status === 400 || error.status === 409 || error.status === 404;
    return { wrong, text: isOurs && said !== "" ? said : words(error) };
  };
}
