import {
  type KeyboardEvent,
  memo,
  type PointerEvent,
  useEffect,
  useId,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import { flushSync } from "react-dom";
import { isSameMonth } from "../../days";
import { useFormats } from "../../formats";
import { levelOf } from "./levels";
import { type Column, type Seats, type Step, seatsOf } from "./seats";
import styles from "./seats.module.css";
import { useUnderstandText } from "./texts";

const ROW = 32;
const HEAD = 52;
const WIDTHS: Record<Step, number> = { day: 36, week: 72, month: 104 };
/** Drawn around what can be seen, and how far it may be scrolled until it is drawn anew. */
const SPARE = 6;
/** Columns whose cells of a row come and go together. */
const BLOCK = SPARE;
const MOST_PRINTED = 200;
const PAPER_WIDTH = 980;

interface Props {
  seats: Seats;
  /** The rooms that are shown, by their place, in their order. */
  shown: number[];
  columns: Column[];
  step: Step;
  label: string;
}

interface View {
  row: number;
  rowEnd: number;
  column: number;
  columnEnd: number;
}

/**
 * Rooms by days, weeks or months: a grid of which only what can be seen is there, whatever its size.
 *
 * The grid has the focus, and names its active cell; arrow keys go from one to the next.
 */
export function SeatsGrid({ seats, shown, columns, step, label }: Props) {
  const t = useUnderstandText();
  const formats = useFormats();
  const id = useId();
  const place = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState({ row: 0, column: 0 });
  const [isPrinted, setPrinted] = useState(false);
  const [view, setView] = useState<View>({ row: 0, rowEnd: 30, column: 0, columnEnd: 40 });
  const isRtl = formats.language === "fa";
  const nameWidth = isPrinted || innerWidth > 640 ? 176 : 128;
  const free = PAPER_WIDTH - nameWidth;
  const width = isPrinted ? Math.floor(free / columns.length) : WIDTHS[step];
  const count = isPrinted ? Math.min(shown.length, MOST_PRINTED) : shown.length;
  const row = Math.min(at.row, shown.length - 1);
  const column = Math.min(at.column, columns.length - 1);

  // Written once: there are thousands of cells, and not many shares.
  const percents = useMemo(
    () => Array.from({ length: 101 }, (_, percent) => formats.number(percent)),
    [formats],
  );

  useLayoutEffect(() => {
    const box = place.current;
    if (box === null) return;
    let asked = 0;
    const look = () => {
      asked = 0;
      const left = Math.abs(box.scrollLeft);
      // Whole steps: what is drawn stays as it is while less is scrolled.
      const whole = (value: number) => Math.floor(value / SPARE) * SPARE;
      const next = {
        row: Math.max(0, whole(box.scrollTop / ROW) - SPARE),
        rowEnd: whole((box.scrollTop + box.clientHeight) / ROW) + 2 * SPARE,
        column: Math.max(0, whole(left / width) - SPARE),
        columnEnd: whole((left + box.clientWidth) / width) + 2 * SPARE,
      };
      setView((before) =>
        before.row === next.row &&
        before.rowEnd === next.rowEnd &&
        before.column === next.column &&
        before.columnEnd === next.columnEnd
          ? before
          : next,
      );
    };
    const later = () => {
      asked ||= requestAnimationFrame(look);
    };
    look();
    box.addEventListener("scroll", later, { passive: true });
    const watch = new ResizeObserver(later);
    watch.observe(box);
    return () => {
      cancelAnimationFrame(asked);
      box.removeEventListener("scroll", later);
      watch.disconnect();
    };
  }, [width]);

  useEffect(() => {
    // On paper there is no scrolling: all of it is there at once.
    const print = (is: boolean) => () => flushSync(() => setPrinted(is));
    const [begin, end] = [print(true), print(false)];
    addEventListener("beforeprint", begin);
    addEventListener("afterprint", end);
    return () => {
      removeEventListener("beforeprint", begin);
      removeEventListener("afterprint", end);
    };
  }, []);

  const go = (next: { row: number; column: number }) => {
    const row = Math.max(0, Math.min(shown.length - 1, next.row));
    const column = Math.max(0, Math.min(columns.length - 1, next.column));
    setAt({ row, column });
    const box = place.current;
    if (box === null) return;
    const sign = isRtl ? -1 : 1;
    const [top, left] = [row * ROW, column * width];
    const high = box.clientHeight - HEAD - ROW;
    const wide = box.clientWidth - nameWidth - width;
    const start = Math.abs(box.scrollLeft);
    box.scrollTop = Math.max(top - high, Math.min(top, box.scrollTop));
    box.scrollLeft = sign * Math.max(left - wide, Math.min(left, start));
  };
  const press = (event: KeyboardEvent) => {
    const forward = isRtl ? -1 : 1;
    const page = Math.max(1, Math.floor(((place.current?.clientHeight ?? 0) - HEAD) / ROW) - 1);
    const far = event.ctrlKey || event.metaKey;
    const moves: Record<string, [number, number]> = {
      ArrowRight: [row, column + forward],
      ArrowLeft: [row, column - forward],
      ArrowDown: [row + 1, column],
      ArrowUp: [row - 1, column],
      PageDown: [row + page, column],
      PageUp: [row - page, column],
      Home: [far ? 0 : row, 0],
      End: [far ? shown.length - 1 : row, columns.length - 1],
    };
    const move = moves[event.key];
    if (move === undefined) return;
    event.preventDefault();
    go({ row: move[0], column: move[1] });
  };
  const point = (event: PointerEvent) => {
    if (!(event.target instanceof HTMLElement)) return;
    const { row, column } = event.target.dataset;
    if (row !== undefined && column !== undefined) {
      setAt({ row: Number(row), column: Number(column) });
    }
  };

  const whenOf = ({ first, last }: Column): string =>
    first === last
      ? formats.day(first, "long")
      : t("seats.when", { from: formats.day(first), to: formats.day(last) });
  const wordsOf = (row: number, column: number): string => {
    const [place, span] = [shown[row], columns[column]];
    const room = place === undefined ? undefined : seats.rooms[place];
    if (place === undefined || room === undefined || span === undefined) return "";
    const { peak, count } = seatsOf(seats, place, span);
    return t(peak === 0 ? "seats.free" : "seats.cell", {
      // Whatever way it is written, the rest goes on its own way.
      room: `\u2068${room.name}\u2069`,
      when: whenOf(span),
      peak: formats.number(peak),
      capacity: formats.number(room.capacity),
      rate: formats.percent(Math.min(1, peak / room.capacity)),
      count,
    });
  };

  const [firstColumn, endColumn] = isPrinted
    ? [0, columns.length]
    : [view.column, Math.min(view.columnEnd, columns.length)];
  const [firstRow, endRow] = isPrinted ? [0, count] : [view.row, Math.min(view.rowEnd, count)];
  const isDrawn = row >= firstRow && row < endRow && column >= firstColumn && column < endColumn;
  const across = range(firstColumn, endColumn);
  return (
    <>
      <p className={styles.words} aria-hidden="true">
        {wordsOf(row, column) || t("seats.hint")}
      </p>
      {/* biome-ignore lint/a11y/useSemanticElements: a table of which only a part is there is none */}
      <div
        ref={place}
        className={styles.grid}
        role="grid"
        tabIndex={0}
        aria-label={label}
        aria-rowcount={shown.length + 1}
        aria-colcount={columns.length + 1}
        aria-activedescendant={isDrawn ? `${id}-${row}-${column}` : undefined}
        onKeyDown={press}
        onPointerOver={point}
        onPointerDown={point}
      >
        <div
          role="presentation"
          className={styles.sheet}
          style={{ inlineSize: nameWidth + columns.length * width, blockSize: HEAD + count * ROW }}
        >
          {/* biome-ignore lint/a11y/useSemanticElements: as above */}
          {/* biome-ignore lint/a11y/useFocusableInteractive: the grid has the focus */}
          <div role="row" aria-rowindex={1} className={styles.head} style={{ blockSize: HEAD }}>
            {/* biome-ignore lint/a11y/useSemanticElements: as above */}
            {/* biome-ignore lint/a11y/useFocusableInteractive: as above */}
            <div
              role="columnheader"
              aria-colindex={1}
              className={styles.corner}
              style={{ inlineSize: nameWidth }}
            >
              {t("seats.room")}
            </div>
            {across.map((index) => {
              const span = columns[index];
              if (span === undefined) return null;
              return (
                <Head
                  key={span.first}
                  index={index}
                  span={span}
                  before={index === firstColumn ? undefined : columns[index - 1]}
                  step={step}
                  start={nameWidth + index * width}
                  width={width}
                />
              );
            })}
          </div>
          {range(firstRow, endRow).map((index) => {
            const place = shown[index];
            if (place === undefined) return null;
            return (
              <Row
                key={place}
                id={id}
                index={index}
                room={place}
                seats={seats}
                columns={columns}
                first={firstColumn}
                end={endColumn}
                width={width}
                nameWidth={nameWidth}
                capacity={formats.number(seats.rooms[place]?.capacity ?? 0)}
                active={index === row ? column : -1}
                words={index === row ? wordsOf(row, column) : undefined}
                percents={percents}
              />
            );
          })}
        </div>
      </div>
    </>
  );
}

const range = (first: number, end: number) =>
  Array.from({ length: Math.max(0, end - first) }, (_, index) => first + index);

/** The first columns of the blocks in which some columns are. */
const blocks = (first: number, end: number) =>
  range(Math.floor(first / BLOCK), Math.ceil(end / BLOCK)).map((block) => block * BLOCK);

interface HeadProps {
  index: number;
  span: Column;
  /** The one before it, of those that are drawn. */
  before: Column | undefined;
  step: Step;
  start: number;
  width: number;
}

const Head = memo(function Head({ index, span, before, step, start, width }: HeadProps) {
  const t = useUnderstandText();
  const formats = useFormats();
  const { first, last } = span;
  const number = formats.day(first, "day");
  const isNew = before === undefined || !isSameMonth(first, before.first, formats.calendar);
  return (
    // biome-ignore lint/a11y/useSemanticElements: as above
    // biome-ignore lint/a11y/useFocusableInteractive: as above
    <div
      role="columnheader"
      aria-colindex={index + 2}
      aria-label={
        first === last
          ? formats.day(first, "long")
          : t("seats.when", { from: formats.day(first), to: formats.day(last) })
      }
      className={styles.when}
      style={{ insetInlineStart: start, inlineSize: width }}
    >
      {step === "month" ? (
        formats.day(first, "month")
      ) : (
        <>
          <span className={styles.month}>
            {isNew ? formats.day(first, "dayMonth").replace(number, "").trim() : "\u00a0"}
          </span>
          {number}
        </>
      )}
    </div>
  );
});

interface RowProps {
  id: string;
  index: number;
  room: number;
  seats: Seats;
  columns: Column[];
  first: number;
  end: number;
  width: number;
  nameWidth: number;
  capacity: string;
  /** Its active cell, or -1, and what that says. */
  active: number;
  words: string | undefined;
  percents: readonly string[];
}

const Row = memo(function Row(props: RowProps) {
  const { id, index, room, seats, columns, first, end, width, nameWidth, active } = props;
  const { name, capacity } = seats.rooms[room] ?? { name: "", capacity: 1 };
  return (
    // biome-ignore lint/a11y/useSemanticElements: as above
    // biome-ignore lint/a11y/useFocusableInteractive: as above
    <div
      role="row"
      aria-rowindex={index + 2}
      className={styles.row}
      style={{ insetBlockStart: HEAD + index * ROW, blockSize: ROW }}
    >
      {/* biome-ignore lint/a11y/useSemanticElements: as above */}
      {/* biome-ignore lint/a11y/useFocusableInteractive: as above */}
      <div
        role="rowheader"
        aria-colindex={1}
        className={styles.name}
        style={{ inlineSize: nameWidth }}
        title={name}
      >
        <bdi>{name}</bdi>
        <small aria-hidden="true">{props.capacity}</small>
      </div>
      {blocks(first, end).map((start) => (
        <Block
          key={start}
          id={id}
          index={index}
          room={room}
          seats={seats}
          columns={columns}
          start={start}
          from={nameWidth + start * width}
          width={width}
          capacity={capacity}
          active={active >= start && active < start + BLOCK ? active : -1}
          words={active >= start && active < start + BLOCK ? props.words : undefined}
          percents={props.percents}
        />
      ))}
    </div>
  );
});

interface BlockProps {
  id: string;
  index: number;
  room: number;
  seats: Seats;
  columns: Column[];
  /** Its first column. */
  start: number;
  /** Where that stands, in pixels. */
  from: number;
  width: number;
  capacity: number;
  active: number;
  words: string | undefined;
  percents: readonly string[];
}

/** Some cells of a row beside each other: scrolled across, those that stay are not looked at. */
const Block = memo(function Block(props: BlockProps) {
  const { id, index, room, seats, columns, start, from, width, capacity, active } = props;
  return (
    <div role="presentation" className={styles.block} style={{ insetInlineStart: from }}>
      {columns.slice(start, start + BLOCK).map((span, at) => {
        const column = start + at;
        const { peak } = seatsOf(seats, room, span);
        const share = peak / capacity;
        return (
          // biome-ignore lint/a11y/useSemanticElements: as above
          // biome-ignore lint/a11y/useFocusableInteractive: as above
          <div
            key={span.first}
            id={`${id}-${index}-${column}`}
            role="gridcell"
            aria-colindex={column + 2}
            aria-label={column === active ? props.words : undefined}
            aria-selected={column === active}
            className={styles.cell}
            data-row={index}
            data-column={column}
            data-level={levelOf(share)}
            style={{ inlineSize: width }}
          >
            {peak > 0 && props.percents[Math.round(Math.min(1, share) * 100)]}
          </div>
        );
      })}
    </div>
  );
});
