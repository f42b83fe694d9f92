import { useElementSize } from "@mantine/hooks";
import { type KeyboardEvent, type PointerEvent, useEffect, useRef, useState } from "react";
import { useFormats } from "../../formats";
import type { Line, Size } from "./data";
import { type Ends, entryOf, inside, isTooShort, middleOf, type Point } from "./geometry";
import type { Draft } from "./Lines";
import styles from "./live.module.css";
import { useLiveText } from "./texts";

/** How far a key moves an end, as a share of the picture's width; with Shift ten times. */
const STEP = 0.005;
const MOVES: Record<string, Point> = {
  ArrowLeft: { x: -1, y: 0 },
  ArrowRight: { x: 1, y: 0 },
  ArrowUp: { x: 0, y: -1 },
  ArrowDown: { x: 0, y: 1 },
};
type End = 1 | 2;

interface Props {
  size: Size;
  /** URL of a picture, if there is one. */
  picture: string | undefined;
  lines: readonly Line[];
  draft: Draft | undefined;
  change: (ends: Ends) => void;
}

/** The picture with the lines over it, in its own pixels, left to right in every language. */
export function LineField({ size, picture, lines, draft, change }: Props) {
  const t = useLiveText();
  const { number } = useFormats();
  const { ref, width } = useElementSize();
  const drawing = useRef<{ end: End; before: Ends }>(undefined);
  const first = useRef<SVGGElement>(null);
  const [isDragged, setDragged] = useState(false);
  // How many of its pixels one of the screen's is.
  const unit = size.width / (width || size.width);

  // Mounted anew with each draft: the keys begin at its start.
  useEffect(() => first.current?.focus(), []);

  const put = (end: End, at: Point, from: Ends) => {
    const { x, y } = inside(at, size);
    change(end === 1 ? { ...from, x1: x, y1: y } : { ...from, x2: x, y2: y });
  };
  const pointOf = (event: PointerEvent<SVGElement>): Point => {
    const svg = event.currentTarget.closest("svg");
    const matrix = svg?.getScreenCTM();
    if (!matrix) return { x: 0, y: 0 };
    const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.inverse());
    return { x, y };
  };
  const endsOf = ({ x1, y1, x2, y2 }: Ends): Ends => ({ x1, y1, x2, y2 });

  const press = (event: PointerEvent<SVGSVGElement>) => {
    if (!draft || event.button !== 0) return;
    event.preventDefault();
    const before = endsOf(draft);
    const handle = (event.target as Element).closest("[data-end]");
    const at = inside(pointOf(event), size);
    event.currentTarget.setPointerCapture(event.pointerId);
    setDragged(true);
    if (handle instanceof SVGElement) {
      drawing.current = { end: Number(handle.dataset.end) as End, before };
      handle.focus();
      return;
    }
    drawing.current = { end: 2, before };
    change({ x1: at.x, y1: at.y, x2: at.x, y2: at.y });
  };
  const move = (event: PointerEvent<SVGSVGElement>) => {
    if (draft && drawing.current) put(drawing.current.end, pointOf(event), endsOf(draft));
  };
  const release = () => {
    const before = drawing.current?.before;
    drawing.current = undefined;
    setDragged(false);
    // A click draws no line.
    if (draft && before && isTooShort(draft, size)) change(before);
  };
  const key = (end: End) => (event: KeyboardEvent) => {
    const by = MOVES[event.key];
    if (!draft || !by) return;
    event.preventDefault();
    const step = Math.max(1, Math.round(size.width * STEP)) * (event.shiftKey ? 10 : 1);
    const from = end === 1 ? { x: draft.x1, y: draft.y1 } : { x: draft.x2, y: draft.y2 };
    put(end, { x: from.x + by.x * step, y: from.y + by.y * step }, endsOf(draft));
  };

  return (
    <div
      ref={ref}
      className={styles.field}
      dir="ltr"
      style={{ aspectRatio: `${size.width} / ${size.height}` }}
      data-drawing={draft ? true : undefined}
      data-dragged={isDragged || undefined}
    >
      {picture && <img src={picture} alt="" draggable={false} />}
      <svg
        viewBox={`0 0 ${size.width} ${size.height}`}
        role="group"
        aria-label={t("lines.field")}
        onPointerDown={press}
        onPointerMove={move}
        onPointerUp={release}
        onPointerCancel={release}
      >
        {lines.map((line) => (
          <Drawn key={line.id} line={line} unit={unit} name={line.line_name} isQuiet />
        ))}
        {draft && <Drawn line={draft} unit={unit} name="" />}
        {draft &&
          ([1, 2] as const).map((end) => {
            const [x, y] = end === 1 ? [draft.x1, draft.y1] : [draft.x2, draft.y2];
            return (
              <g
                key={end}
                ref={end === 1 ? first : undefined}
                data-end={end}
                className={styles.handle}
                role="slider"
                tabIndex={0}
                aria-label={end === 1 ? t("lines.start") : t("lines.end")}
                aria-valuemin={0}
                aria-valuemax={size.width}
                aria-valuenow={x}
                aria-valuetext={t("lines.at", { x: number(x), y: number(y) })}
                onKeyDown={key(end)}
              >
                <circle cx={x} cy={y} r={22 * unit} fill="transparent" stroke="none" />
                <circle cx={x} cy={y} r={10 * unit} strokeWidth={3 * unit} />
                <text
                  x={x}
                  y={y}
                  fontSize={11 * unit}
                  textAnchor="middle"
                  dominantBaseline="central"
                >
                  {number(end)}
                </text>
              </g>
            );
          })}
      </svg>
    </div>
  );
}

interface DrawnProps {
  line: Ends & Pick<Line, "entry_side" | "is_active" | "direction">;
  unit: number;
  name: string;
  isQuiet?: boolean;
}

/** A line, and an arrow over its middle: the way in. */
function Drawn({ line, unit, name, isQuiet = false }: DrawnProps) {
  const t = useLiveText();
  const { x1, y1, x2, y2 } = line;
  const middle = middleOf(line);
  const to = entryOf(line, line.entry_side);
  const at = (along: number, aside: number) =>
    `${middle.x + to.x * along * unit - to.y * aside * unit},${
      middle.y + to.y * along * unit + to.x * aside * unit
    }`;
  return (
    <g
      className={styles.drawn}
      data-quiet={isQuiet || undefined}
      data-off={!line.is_active || undefined}
    >
      <line className={styles.halo} {...{ x1, y1, x2, y2 }} strokeWidth={7 * unit} />
      <line {...{ x1, y1, x2, y2 }} strokeWidth={3.5 * unit} />
      <g className={styles.arrow}>
        <path
          className={styles.halo}
          d={`M${at(-26, 0)} L${at(30, 0)} M${at(20, -11)} L${at(34, 0)} L${at(20, 11)}`}
          strokeWidth={7 * unit}
        />
        <path
          d={`M${at(-26, 0)} L${at(30, 0)} M${at(20, -11)} L${at(34, 0)} L${at(20, 11)}`}
          strokeWidth={3.5 * unit}
        />
        <text
          x={middle.x + to.x * 52 * unit}
          y={middle.y + to.y * 52 * unit}
          fontSize={14 * unit}
          strokeWidth={3.5 * unit}
          textAnchor="middle"
          dominantBaseline="central"
        >
          {t("lines.entry")}
        </text>
      </g>
      {name && (
        <text
          x={x2 + (x1 > x2 ? -8 : 8) * unit}
          y={y2 - 10 * unit}
          fontSize={13 * unit}
          strokeWidth={3.5 * unit}
          textAnchor={x1 > x2 ? "start" : "end"}
        >
          {name}
        </text>
      )}
    </g>
  );
}
