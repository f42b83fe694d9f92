import { useSyncExternalStore } from "react";
import { useLanguage } from "./text";

export const CALENDARS = ["persian", "gregory"] as const;
export type Calendar = (typeof CALENDARS)[number];

const KEPT = "atrium.calendar";
const listeners = new Set<() => void>();

function kept(): Calendar | undefined {
  const value = localStorage.getItem(KEPT);
  return CALENDARS.find((calendar) => calendar === value);
}

let chosen = kept();

/** The calendar in which dates are written, whatever the language; Persian's own is Persian. */
export function useCalendar(): Calendar {
  const language = useLanguage();
  const choice = useSyncExternalStore(watch, () => chosen);
  return choice ?? (language === "fa" ? "persian" : "gregory");
}

export function chooseCalendar(calendar: Calendar): void {
  chosen = calendar;
  localStorage.setItem(KEPT, calendar);
  for (const listener of listeners) listener();
}

function watch(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
