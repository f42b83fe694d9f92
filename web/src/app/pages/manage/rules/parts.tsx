import { TextInput } from "@mantine/core";
import { latin, useDigits } from "../../../formats";
import { Sections } from "../parts/Sections";
import { useRulesText } from "./texts";

export function RuleSections() {
  const t = useRulesText();
  return (
    <Sections
      label={t("sections")}
      sections={[
        { path: "/manage/rules", name: t("policies") },
        { path: "/manage/rules/quotas", name: t("quotas") },
      ]}
    />
  );
}

/** A whole number as it was typed, in the digits of any language; null: nothing was, NaN: it is none. */
export function amountIn(text: string): number | null {
  const digits = latin(text).replace(/[,٬\s]/g, "");
  if (digits === "") return null;
  return /^\d{1,9}$/.test(digits) ? Number(digits) : Number.NaN;
}

export interface Limits {
  min: number;
  max: number;
  /** It may be left empty. */
  isOptional?: boolean;
}

/** Says what is wrong with an amount that was typed, if anything is. */
export function useAmountWords(): (text: string, limits: Limits) => string {
  const t = useRulesText();
  return (text, { min, max, isOptional = false }) => {
    const amount = amountIn(text);
    if (amount === null && isOptional) return "";
    return amount !== null && amount >= min && amount <= max ? "" : t("number", { min, max });
  };
}

interface AmountProps {
  label: string;
  about: string;
  value: string;
  error: string | undefined;
  onChange: (value: string) => void;
  isFirst?: boolean;
}

export function AmountField({ label, about, value, error, onChange, isFirst }: AmountProps) {
  const inDigits = useDigits();
  return (
    <TextInput
      label={label}
      description={about}
      inputWrapperOrder={["label", "input", "description", "error"]}
      inputMode="numeric"
      autoComplete="off"
      maxLength={12}
      value={inDigits(value)}
      error={error}
      data-autofocus={isFirst || undefined}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}
