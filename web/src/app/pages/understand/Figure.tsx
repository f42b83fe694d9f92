import { Button, Skeleton } from "@mantine/core";
import { lazy, type ReactNode, Suspense, useId, useMemo, useState } from "react";
import { type Formats, useFormats } from "../../formats";
import type { ChartOption } from "../../ui/Chart";
import { Icon } from "../../ui/icons";
import { type Cell, csvOf, save } from "./csv";
import type { Period } from "./period";
import { useUnderstandText } from "./texts";
import styles from "./understand.module.css";

const Chart = lazy(() => import("../../ui/Chart"));
const ROWS = 25;

export interface Column<T> {
  name: string;
  of: (row: T) => Cell;
  /** How it is written; as it is, by default. Times are `2026-11-22 09:00`, or the first day. */
  as?: "percent" | "hours" | "minutes" | "hour" | "day" | "month";
}

interface Props<T> {
  title: string;
  /** What the figures mean, as docs/guides/metrics.md defines them. */
  about: ReactNode;
  rows: readonly T[];
  keyOf: (row: T) => string;
  /** The first one names the row. */
  columns: readonly Column<T>[];
  /** What its file is called, before the days. */
  file: string;
  period: Period;
  chart?: { option: ChartOption; height: number } | undefined;
  /** What the chart leaves out. */
  note?: string | undefined;
  /** Instead of a chart by ECharts. */
  children?: ReactNode;
  /** While figures of another period are shown: no file of this one is to hold them. */
  isOld?: boolean;
}

/** Figures as a chart, with what they mean, as a table and as a file. */
export function Figure<T>(props: Props<T>) {
  const { title, about, rows, keyOf, columns, file, period, chart, note, children } = props;
  const t = useUnderstandText();
  const [isOpen, setOpen] = useState(false);
  const [titleId, tableId] = [useId(), useId()];
  const keep = () => {
    const lines = rows.map((row) => columns.map((column) => column.of(row)));
    const head = columns.map(({ name }) => name);
    save(`${file}-${period.from}-to-${period.to}.csv`, csvOf(head, lines));
  };
  return (
    <section className={styles.figure} aria-labelledby={titleId} aria-busy={props.isOld}>
      <header>
        <h2 id={titleId}>{title}</h2>
        <div className={styles.tools}>
          <Button
            size="xs"
            variant="subtle"
            leftSection={<Icon name="table" size={16} />}
            aria-expanded={isOpen}
            aria-controls={tableId}
            aria-label={`${t("table")}: ${title}`}
            onClick={() => setOpen(!isOpen)}
          >
            {t("table")}
          </Button>
          <Button
            size="xs"
            variant="subtle"
            leftSection={<Icon name="download" size={16} />}
            aria-label={`${t("csv")}: ${title}`}
            disabled={props.isOld ?? false}
            onClick={keep}
          >
            {t("csv")}
          </Button>
        </div>
        <p>{about}</p>
      </header>
      {rows.length === 0 ? (
        <p className={styles.none}>{t("none")}</p>
      ) : (
        <>
          {chart && (
            <div className={styles.chart} style={{ minBlockSize: chart.height }}>
              <Suspense fallback={<Skeleton height={chart.height} />}>
                <Chart label={t("chart", { title })} option={chart.option} height={chart.height} />
              </Suspense>
            </div>
          )}
          {children}
          {note && <p className={styles.note}>{note}</p>}
        </>
      )}
      <div id={tableId} className={isOpen ? styles.table : styles.tablePrinted}>
        <Rows title={title} rows={rows} keyOf={keyOf} columns={columns} />
      </div>
    </section>
  );
}

type RowsProps<T> = Pick<Props<T>, "title" | "rows" | "keyOf" | "columns">;

/** A table that is sorted by whichever column is chosen. */
function Rows<T>({ title, rows, keyOf, columns }: RowsProps<T>) {
  const t = useUnderstandText();
  const show = useShown();
  const formats = useFormats();
  const [by, setBy] = useState<{ column: number; isDown: boolean }>();
  const [isWhole, setWhole] = useState(false);
  const sorted = useMemo(() => {
    const column = by && columns[by.column];
    if (!column) return rows;
    const sign = by.isDown ? -1 : 1;
    return [...rows].sort((one, other) => sign * compare(column.of(one), column.of(other)));
  }, [rows, columns, by]);
  const shown = isWhole ? sorted : sorted.slice(0, ROWS);
  const sort = (column: number) =>
    setBy({ column, isDown: by?.column === column ? !by.isDown : column > 0 });
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is scrolled by keys, too */}
      <section className={styles.scrolled} tabIndex={0} aria-label={t("tableOf", { title })}>
        <table>
          <thead>
            <tr>
              {columns.map(({ name }, index) => {
                const isBy = by?.column === index;
                const order = by?.isDown ? "descending" : "ascending";
                return (
                  <th key={name} scope="col" aria-sort={isBy ? order : undefined}>
                    <button type="button" onClick={() => sort(index)}>
                      {name}
                      <span aria-hidden="true">{isBy ? (by.isDown ? " ↓" : " ↑") : ""}</span>
                    </button>
                  </th>
                );
              })}
            </tr>
          </thead>
          <tbody>
            {shown.map((row) => (
              <tr key={keyOf(row)}>
                {columns.map((column, index) =>
                  index === 0 ? (
                    <th key={column.name} scope="row">
                      <bdi>{show(column.of(row), column.as)}</bdi>
                    </th>
                  ) : (
                    <td key={column.name}>{show(column.of(row), column.as)}</td>
                  ),
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {rows.length > shown.length && (
        <p className={styles.note}>
          {t("some", { shown: formats.number(shown.length), count: rows.length })}{" "}
          <Button size="compact-xs" variant="subtle" onClick={() => setWhole(true)}>
            {t("all")}
          </Button>
        </p>
      )}
    </>
  );
}

function compare(one: Cell, other: Cell): number {
  if (one === null || other === null) return Number(one !== null) - Number(other !== null);
  if (typeof one === "number" && typeof other === "number") return one - other;
  return String(one).localeCompare(String(other));
}

/** Writes an hour, a day or a month that is told as `2026-11-22 09:00` or as its first day. */
export function writtenTime(at: string, step: "hour" | "day" | "month", formats: Formats): string {
  const [day = "", clock = ""] = at.split(" ");
  if (step === "month") return formats.day(day, "month");
  const date = formats.day(day, "short");
  if (step === "day") return date;
  const comma = formats.language === "fa" ? "،" : ",";
  return `${date}${comma} ${formats.clock(Number.parseInt(clock, 10) * 60)}`;
}

/** Writes a figure as its column has it; what nobody has measured is a dash. */
export function useShown(): (value: Cell, as?: Column<unknown>["as"]) => string {
  const t = useUnderstandText();
  const formats = useFormats();
  return (value, as) => {
    if (value === null) return "—";
    if (typeof value === "string") {
      if (as === "hour" || as === "day" || as === "month") return writtenTime(value, as, formats);
      return value;
    }
    if (as === "percent") return formats.percent(value / 100);
    if (as === "hours") return t("unit.hours", { value: formats.number(value) });
    if (as === "minutes") return t("unit.minutes", { value: formats.number(value) });
    return formats.number(value);
  };
}
