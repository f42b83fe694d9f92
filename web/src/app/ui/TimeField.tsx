import { NativeSelect } from "@mantine/core";
import { useFormats } from "../formats";

const STEP_MINUTES = 15;
const DAY_MINUTES = 24 * 60;

interface Props {
  label: string;
  /** Minutes since midnight; 1440 is the midnight that ends the day. */
  value: number;
  onChange: (minutes: number) => void;
  /** The earliest that is offered. */
  min?: number;
  max?: number;
}

/** A time of day in steps of a quarter of an hour, and whatever it is now. */
export function TimeField({ label, value, onChange, min = 0, max = DAY_MINUTES }: Props) {
  const formats = useFormats();
  const offered = new Set([value]);
  for (let minutes = 0; minutes <= DAY_MINUTES; minutes += STEP_MINUTES) {
    if (minutes >= min && minutes <= max) offered.add(minutes);
  }
  return (
    <NativeSelect
      label={label}
      value={String(value)}
      onChange={(event) => onChange(Number(event.currentTarget.value))}
      data={[...offered]
        .sort((one, other) => one - other)
        .map((minutes) => ({ value: String(minutes), label: formats.clock(minutes) }))}
    />
  );
}
