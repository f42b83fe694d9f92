import { ActionIcon, Button, NativeSelect, SegmentedControl } from "@mantine/core";
import { addDays } from "../../days";
import { useFormats } from "../../formats";
import { DateField } from "../../ui/DateField";
import { Icon } from "../../ui/icons";
import {
  KINDS,
  type Kind,
  lengthOf,
  MOST_DAYS,
  monthOf,
  today,
  usePeriod,
  useTerms,
} from "./period";
import { useUnderstandText } from "./texts";
import styles from "./understand.module.css";

interface Props {
  children?: React.ReactNode;
  /** What is said of a period that is not over; that bookings to come are counted, by default. */
  running?: string;
}

/** Chooses the days that the page is of: a week, a month, a term, or from one day to another. */
export function PeriodBar({ children, running }: Props) {
  const t = useUnderstandText();
  const formats = useFormats();
  const { period, choose, moved, weekOf } = usePeriod();
  const terms = useTerms();
  const { kind, from, to } = period;
  const now = today();
  const days = lengthOf(period);

  const become = (next: Kind) => {
    const isNow = from <= now && now <= to;
    const at = isNow ? now : from;
    if (next === "week") choose(weekOf(at));
    else if (next === "month") choose(monthOf(at, formats.calendar));
    else if (next === "custom") choose({ kind: "custom", from, to });
    else ofTerm(terms.data?.find((one) => one.start_date <= at && at <= one.end_date)?.id);
  };
  const ofTerm = (id: number | undefined) => {
    const term = terms.data?.find((one) => one.id === id) ?? terms.data?.[0];
    if (term === undefined) return;
    choose({ kind: "term", from: term.start_date, to: term.end_date, term: term.id });
  };
  const hasTerms = Boolean(terms.data?.length);
  return (
    <section className={styles.bar} aria-label={t("period.label")}>
      <SegmentedControl
        className={styles.kinds}
        aria-label={t("period.kind")}
        value={kind}
        data={KINDS.map((one) => ({
          value: one,
          label: t(`period.${one}`),
          disabled: one === "term" && !hasTerms,
        }))}
        onChange={(next) => become(next as Kind)}
        withItemsBorders={false}
      />
      {kind === "term" && hasTerms && (
        <NativeSelect
          aria-label={t("period.term")}
          value={String(period.term ?? "")}
          data={(terms.data ?? []).map((one) => ({ value: String(one.id), label: one.name }))}
          onChange={(event) => ofTerm(Number(event.currentTarget.value))}
        />
      )}
      {kind === "custom" && (
        <>
          <DateField
            label={t("period.from")}
            hideLabel
            value={from}
            today={now}
            min={addDays(to, 1 - MOST_DAYS)}
            onChange={(day) => choose({ kind, from: day, to: day > to ? day : to })}
          />
          <span aria-hidden="true">–</span>
          <DateField
            label={t("period.to")}
            hideLabel
            value={to}
            today={now}
            max={addDays(from, MOST_DAYS - 1)}
            onChange={(day) => choose({ kind, from: day < from ? day : from, to: day })}
          />
        </>
      )}
      {kind !== "term" && (
        <span className={styles.steps}>
          <ActionIcon
            variant="default"
            size="lg"
            aria-label={t("period.previous")}
            onClick={() => choose(moved(-1))}
          >
            <Icon name="back" size={18} />
          </ActionIcon>
          <ActionIcon
            variant="default"
            size="lg"
            aria-label={t("period.next")}
            onClick={() => choose(moved(1))}
          >
            <Icon name="forward" size={18} />
          </ActionIcon>
        </span>
      )}
      {children}
      <Button
        className={styles.print}
        variant="default"
        leftSection={<Icon name="print" size={18} />}
        onClick={() => print()}
      >
        {t("print")}
      </Button>
      <p className={styles.span} aria-live="polite">
        <strong>
          {formats.day(from)} – {formats.day(to)}
        </strong>{" "}
        <span>
          {t("period.days", { count: days })}
          {to >= now && from <= now && ` · ${running ?? t("period.running")}`}
          {from > now && ` · ${t("period.ahead")}`}
        </span>
      </p>
    </section>
  );
}
