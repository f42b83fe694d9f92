import { ActionIcon, TextInput } from "@mantine/core";
import { type KeyboardEvent, useState } from "react";
import { latin, useFormats } from "../formats";
import { useAppText } from "../texts";
import { Icon } from "./icons";
import styles from "./ui.module.css";

interface Props {
  label: string;
  value: number;
  onChange: (value: number) => void;
  min?: number;
  max?: number;
  hideLabel?: boolean;
}

/** Reads a whole number in Latin, Persian or Arabic digits. */
function read(text: string): number | undefined {
  const digits = latin(text).replace(/\D/g, "");
  return digits === "" ? undefined : Number(digits);
}

/** A whole number, in the digits of the language. */
export function NumberField(props: Props) {
  const { label, value, onChange, min = 0, max = Number.MAX_SAFE_INTEGER, hideLabel } = props;
  const t = useAppText();
  const formats = useFormats();
  // While it is empty, somebody is writing.
  const [isEmpty, setEmpty] = useState(false);
  const set = (next: number) => onChange(Math.min(Math.max(next, min), max));
  const keys = (event: KeyboardEvent) => {
    const by = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    set(value + by);
  };
  return (
    <TextInput
      {...(hideLabel ? { "aria-label": label } : { label })}
      inputMode="numeric"
      autoComplete="off"
      value={isEmpty ? "" : formats.number(value)}
      onChange={(event) => {
        const next = read(event.currentTarget.value);
        setEmpty(next === undefined);
        if (next !== undefined) set(next);
      }}
      onBlur={() => setEmpty(false)}
      onKeyDown={keys}
      rightSectionWidth={56}
      rightSection={
        <span className={styles.steps}>
          <ActionIcon
            size="sm"
            variant="subtle"
            color="gray"
            tabIndex={-1}
            aria-label={t("fewer", { label })}
            onClick={() => set(value - 1)}
          >
            <Icon name="minus" size={14} />
          </ActionIcon>
          <ActionIcon
            size="sm"
            variant="subtle"
            color="gray"
            tabIndex={-1}
            aria-label={t("more", { label })}
            onClick={() => set(value + 1)}
          >
            <Icon name="plus" size={14} />
          </ActionIcon>
        </span>
      }
    />
  );
}
