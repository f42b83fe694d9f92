import { ActionIcon, Button, Input, Popover } from "@mantine/core";
import { type KeyboardEvent, useEffect, useId, useRef, useState } from "react";
import { addDays, addMonths, type Day, isSameMonth, weekStart, weeksOf } from "../days";
import { useFormats } from "../formats";
import { useLanguage } from "../text";
import { useAppText } from "../texts";
import { Icon } from "./icons";
import styles from "./ui.module.css";

interface Props {
  label: string;
  value: Day;
  onChange: (day: Day) => void;
  /** The current day, which is marked and offered. */
  today: Day;
  min?: Day;
  max?: Day;
  /** Whether the label is shown; it is said in any case. */
  hideLabel?: boolean;
  disabled?: boolean;
}

/** A day, chosen from a month of the calendar that is preferred: Jalali or Gregorian. */
export function DateField({ label, value, onChange, today, min, max, hideLabel, disabled }: Props) {
  const t = useAppText();
  const formats = useFormats();
  const id = useId();
  const [isOpen, setOpen] = useState(false);
  const choose = (day: Day) => {
    setOpen(false);
    onChange(day);
  };
  const shown = formats.day(value, "short");
  const button = (
    <Popover opened={isOpen} onChange={setOpen} position="bottom-start" trapFocus returnFocus>
      <Popover.Target>
        <Button
          id={id}
          variant="default"
          className={styles.dateButton}
          disabled={disabled ?? false}
          leftSection={<Icon name="calendar" size={18} />}
          aria-label={`${t("dates.choose", { label })}: ${shown}`}
          onClick={() => setOpen(!isOpen)}
        >
          {shown}
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label={label}>
        <Month value={value} today={today} min={min} max={max} choose={choose} />
      </Popover.Dropdown>
    </Popover>
  );
  if (hideLabel) return button;
  return (
    <div>
      <Input.Label htmlFor={id}>{label}</Input.Label>
      <div>{button}</div>
    </div>
  );
}

interface MonthProps {
  value: Day;
  today: Day;
  min: Day | undefined;
  max: Day | undefined;
  choose: (day: Day) => void;
}

function Month({ value, today, min, max, choose }: MonthProps) {
  const t = useAppText();
  const formats = useFormats();
  const language = useLanguage();
  const [at, setAt] = useState(value);
  const grid = useRef<HTMLTableElement>(null);
  const isMoved = useRef(false);
  const weeks = weeksOf(at, formats.calendar, language);
  const isOut = (day: Day) => (min !== undefined && day < min) || (max !== undefined && day > max);

  // The focus goes where the keys have gone.
  useEffect(() => {
    if (!isMoved.current) return;
    isMoved.current = false;
    grid.current?.querySelector<HTMLButtonElement>(`[data-day="${at}"]`)?.focus();
  }, [at]);

  const go = (day: Day) => {
    isMoved.current = true;
    setAt(day);
  };
  const press = (event: KeyboardEvent) => {
    const forward = language === "fa" ? -1 : 1;
    const start = weekStart(at, language);
    const moves: Record<string, () => Day> = {
      ArrowRight: () => addDays(at, forward),
      ArrowLeft: () => addDays(at, -forward),
      ArrowDown: () => addDays(at, 7),
      ArrowUp: () => addDays(at, -7),
      PageDown: () => addMonths(at, 1, formats.calendar),
      PageUp: () => addMonths(at, -1, formats.calendar),
      Home: () => start,
      End: () => addDays(start, 6),
    };
    const move = moves[event.key];
    if (move === undefined) return;
    event.preventDefault();
    go(move());
  };

  return (
    <div className={styles.month}>
      <div className={styles.monthHead}>
        <ActionIcon
          variant="subtle"
          color="gray"
          aria-label={t("dates.previousMonth")}
          onClick={() => setAt(addMonths(at, -1, formats.calendar))}
        >
          <Icon name="back" size={18} />
        </ActionIcon>
        <strong aria-live="polite">{formats.day(at, "month")}</strong>
        <ActionIcon
          variant="subtle"
          color="gray"
          aria-label={t("dates.nextMonth")}
          onClick={() => setAt(addMonths(at, 1, formats.calendar))}
        >
          <Icon name="forward" size={18} />
        </ActionIcon>
      </div>
      <table ref={grid} onKeyDown={press}>
        <thead>
          <tr>
            {weeks[0]?.map((day) => (
              <th key={day} scope="col" abbr={formats.day(day, "weekdayLong")}>
                {language === "fa"
                  ? formats.day(day, "weekdayLong").slice(0, 1)
                  : formats.day(day, "weekday").slice(0, 2)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {weeks.map((week) => (
            <tr key={week[0]}>
              {week.map((day) => (
                <td key={day}>
                  <button
                    type="button"
                    data-day={day}
                    tabIndex={day === at ? 0 : -1}
                    data-autofocus={(day === at && !isOut(day)) || undefined}
                    disabled={isOut(day)}
                    aria-pressed={day === value}
                    aria-current={day === today ? "date" : undefined}
                    aria-label={formats.day(day, "long")}
                    data-other={!isSameMonth(day, at, formats.calendar) || undefined}
                    onClick={() => choose(day)}
                  >
                    {formats.day(day, "day")}
                  </button>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      <Button size="xs" variant="subtle" disabled={isOut(today)} onClick={() => choose(today)}>
        {t("dates.today")}
      </Button>
    </div>
  );
}
