import { useEffect, useState } from "react";
import { useLiveText } from "./texts";

/** The time, to the second, in milliseconds since 1970. */
export function useSeconds(): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return now;
}

const STEPS = [
  ["days", 86_400_000],
  ["hours", 3_600_000],
  ["minutes", 60_000],
  ["seconds", 1000],
] as const;
const JUST_NOW_MS = 5000;

/** Says how long ago a moment was. */
export function useAge(): (moment: number, now: number) => string {
  const t = useLiveText();
  return (moment, now) => {
    const passed = now - moment;
    for (const [name, length] of STEPS) {
      if (passed < Math.max(length, JUST_NOW_MS)) continue;
      return t(`age.${name}`, { count: Math.floor(passed / length) });
    }
    return t("age.now");
  };
}
