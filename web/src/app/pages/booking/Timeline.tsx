import {
  type KeyboardEvent,
  type MouseEvent,
  memo,
  type PointerEvent,
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import { type Day, minutesOf } from "../../days";
import { type Formats, useFormats } from "../../formats";
import { useLanguage } from "../../text";
import { useAppText } from "../../texts";
import { Icon } from "../../ui/icons";
import { type Axis, axisOf, momentAt, stepped, xOf } from "./axis";
import type { Blackout, Booking, Room, Times } from "./data";
import { MINUTE_MS, obstacleOf, STEP_MINUTES } from "./fit";
import { useObstacleWords } from "./refusals";
import { useBookingText } from "./texts";
import styles from "./timeline.module.css";

const ROW_PX = 46;
const BUILDING_PX = 32;
const HEAD_PX = 52;
/** Rows that are drawn above and below what is seen. */
const OVERSCAN = 8;
/** In a bar that is narrower are no words. */
const NARROW_PX = 36;
const DRAG_FROM_PX = 4;
const CLICKED_MINUTES = 60;
const KEY_STEP_MINUTES = 30;
const PAGE_ROWS = 10;
/** How narrow an hour may become before it is scrolled sideways. */
const NARROWEST_HOUR_PX = { day: 62, week: 13 };

export interface Slot {
  room: Room;
  start: number;
  end: number;
}

interface Props {
  rooms: readonly Room[];
  times: Times;
  /** Whether the times are those of the days; until then nothing is said to be free. */
  isKnown: boolean;
  days: readonly Day[];
  zone: string;
  /** Minutes since midnight between which days are shown. */
  opens: number;
  closes: number;
  now: number;
  onBook: (slot: Slot) => void;
  onOpen: (booking: Booking) => void;
  onMove: (booking: Booking, slot: Slot) => void;
}

type Item = { top: number } & ({ building: string; room?: undefined } | { room: Room });

/** What is dragged, or moved by keys. */
interface Ghost extends Slot {
  moved: Booking | undefined;
}

interface Drag {
  kind: "new" | "move" | "start" | "end";
  booking: Booking | undefined;
  /** Where it began. */
  x: number;
  y: number;
  at: number;
  room: Room;
  isOn: boolean;
}

/**
 * Rooms below each other, time beside them: a grid, though no table, whose cells would not lie on a
 * time axis. It has the focus itself, and says which slot the keys are at. Only the rows that are seen are drawn, so that a
 * thousand rooms are as quick as ten.
 *
 * By pointer: drag over free time to book, a booking of one's own to move it, its ends to stretch
 * it. By keys: arrows go, with Shift they stretch, Enter books or opens, M takes a booking up and
 * Enter puts it down.
 */
export function Timeline(props: Props) {
  const { rooms, times, isKnown, days, zone, opens, closes, now, onBook, onOpen, onMove } = props;
  const t = useBookingText();
  const app = useAppText();
  const formats = useFormats();
  const words = useObstacleWords();
  const isRtl = useLanguage() === "fa";
  const scroller = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLDivElement>(null);
  const [seen, setSeen] = useState({ width: 0, height: 0, top: 0 });
  const [ghost, setGhost] = useState<Ghost>();
  const [cursor, setCursor] = useState<Ghost>();
  const [isFocused, setFocused] = useState(false);
  const drag = useRef<Drag>(undefined);
  const wasDragged = useRef(false);
  const pressedAt = useRef({ x: 0, y: 0 });

  const { items, height, topOf } = useMemo(() => laidOut(rooms), [rooms]);
  const label = seen.width < 640 ? 112 : 208;
  const axis = useMemo(() => {
    const hours = ((closes - opens) / 60) * days.length;
    const narrowest = NARROWEST_HOUR_PX[days.length > 1 ? "week" : "day"];
    const width = Math.max(seen.width - label - 2, hours * narrowest);
    return axisOf(days, zone, opens, closes, width);
  }, [days, zone, opens, closes, seen.width, label]);

  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    const measure = () =>
      setSeen((before) => ({
        ...before,
        width: element.clientWidth,
        height: element.clientHeight,
      }));
    measure();
    const watch = new ResizeObserver(measure);
    watch.observe(element);
    return () => watch.disconnect();
  }, []);

  // The day is shown from now on, if it is today.
  const isMeasured = seen.width > 0;
  const first = days[0];
  // biome-ignore lint/correctness/useExhaustiveDependencies: only when other days are shown
  useEffect(() => {
    const element = scroller.current;
    if (element === null || !isMeasured) return;
    const x = xOf(axis, now) - 60 * axis.perMinute;
    element.scrollLeft = isRtl ? -x : x;
  }, [first, days.length, isMeasured, isRtl]);

  const shown = useMemo(() => {
    const from = seen.top - HEAD_PX - OVERSCAN * ROW_PX;
    const until = seen.top + seen.height + OVERSCAN * ROW_PX;
    let low = 0;
    let high = items.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((items[middle]?.top ?? 0) < from) low = middle + 1;
      else high = middle;
    }
    const found: { item: Item; index: number }[] = [];
    for (let index = Math.max(low - 1, 0); index < items.length; index++) {
      const item = items[index];
      if (item === undefined || item.top > until) break;
      found.push({ item, index });
    }
    return found;
  }, [items, seen.top, seen.height]);

  const frame = useRef(0);
  const scrolled = () => {
    cancelAnimationFrame(frame.current);
    frame.current = requestAnimationFrame(() => {
      const top = scroller.current?.scrollTop ?? 0;
      // Rows are drawn some way ahead: not every pixel needs a new look.
      setSeen((before) => (Math.abs(before.top - top) < ROW_PX * 2 ? before : { ...before, top }));
    });
  };

  // --- pointers ---

  const placeOf = useCallback(
    ({ clientX, clientY }: { clientX: number; clientY: number }) => {
      const box = canvas.current?.getBoundingClientRect();
      if (box === undefined) return undefined;
      const x = (isRtl ? box.right - clientX : clientX - box.left) - label;
      const y = clientY - box.top - HEAD_PX;
      const index = items.findLastIndex((item) => item.top <= y);
      return { x, y, room: items[index]?.room };
    },
    [isRtl, label, items],
  );

  const bookingAt = (event: MouseEvent | PointerEvent): Booking | undefined => {
    const bar = event.target instanceof Element && event.target.closest<HTMLElement>("[data-id]");
    return bar ? times.byId.get(bar.dataset.id ?? "") : undefined;
  };

  const pressed = (event: PointerEvent) => {
    wasDragged.current = false;
    pressedAt.current = { x: event.clientX, y: event.clientY };
    const place = placeOf(event);
    // Fingers scroll; a tap is a click.
    if (event.pointerType === "touch" || event.button !== 0 || place?.room === undefined) return;
    if (place.x < 0) return;
    const booking = bookingAt(event);
    if (booking && !(booking.mayChange && !booking.checkedIn)) return;
    const edge = event.target instanceof HTMLElement ? event.target.dataset.edge : undefined;
    drag.current = {
      kind: booking === undefined ? "new" : edge === "start" || edge === "end" ? edge : "move",
      booking,
      x: event.clientX,
      y: event.clientY,
      at: momentAt(axis, place.x, STEP_MINUTES),
      room: place.room,
      isOn: false,
    };
  };

  const dragged = (event: PointerEvent) => {
    const going = drag.current;
    if (going === undefined) return;
    const far = Math.hypot(event.clientX - going.x, event.clientY - going.y);
    if (!going.isOn && far < DRAG_FROM_PX) return;
    if (!going.isOn) {
      going.isOn = true;
      wasDragged.current = true;
      canvas.current?.setPointerCapture(event.pointerId);
    }
    const place = placeOf(event);
    if (place === undefined) return;
    const slot = slotOf(going, momentAt(axis, place.x, STEP_MINUTES), place.room);
    setGhost((before) =>
      before?.start === slot.start && before.end === slot.end && before.room === slot.room
        ? before
        : { ...slot, moved: going.booking },
    );
  };

  const dropped = () => {
    const going = drag.current;
    drag.current = undefined;
    setGhost(undefined);
    if (!going?.isOn || ghost === undefined) return;
    if (going.booking) onMove(going.booking, ghost);
    else onBook(ghost);
  };

  const givenUp = useCallback(() => {
    drag.current = undefined;
    setGhost(undefined);
  }, []);
  useEffect(() => {
    const key = (event: globalThis.KeyboardEvent) => {
      if (event.key === "Escape" && drag.current) givenUp();
    };
    addEventListener("keydown", key);
    return () => removeEventListener("keydown", key);
  }, [givenUp]);

  const clicked = (event: MouseEvent) => {
    const { x, y } = pressedAt.current;
    // What cannot be dragged is not opened by trying to.
    const far = event.detail > 0 ? Math.hypot(event.clientX - x, event.clientY - y) : 0;
    if (wasDragged.current || far >= DRAG_FROM_PX) return;
    const booking = bookingAt(event);
    if (booking) {
      onOpen(booking);
      return;
    }
    const place = placeOf(event);
    if (place?.room === undefined || place.y < 0) return;
    const start = place.x < 0 ? nextStart(axis, now) : momentAt(axis, place.x, KEY_STEP_MINUTES);
    onBook({ room: place.room, start, end: start + CLICKED_MINUTES * MINUTE_MS });
  };

  // --- keys ---

  const show = (slot: Ghost) => {
    setCursor(slot);
    const element = scroller.current;
    const top = topOf.get(slot.room.id);
    if (element === null || top === undefined) return;
    const low = top + ROW_PX * 2 + HEAD_PX - element.clientHeight;
    if (element.scrollTop > top - BUILDING_PX) element.scrollTop = Math.max(top - BUILDING_PX, 0);
    else if (element.scrollTop < low) element.scrollTop = low;
    const [from, until] = [xOf(axis, slot.start), xOf(axis, slot.end)];
    const at = Math.abs(element.scrollLeft);
    const wide = element.clientWidth - label;
    const next = from < at ? from : until > at + wide ? until - wide : at;
    element.scrollLeft = isRtl ? -next : next;
  };

  const atFirst = (): Ghost | undefined => {
    const room = shown.find(({ item }) => item.room && item.top >= seen.top)?.item.room ?? rooms[0];
    if (room === undefined) return undefined;
    const start = nextStart(axis, now);
    return { room, start, end: start + CLICKED_MINUTES * MINUTE_MS, moved: undefined };
  };

  const under = (slot: Slot): Booking | undefined =>
    times.byRoom.get(slot.room.id)?.find((one) => one.start < slot.end && slot.start < one.end);

  const typed = (event: KeyboardEvent) => {
    if (event.target !== event.currentTarget || event.altKey || event.ctrlKey || event.metaKey)
      return;
    const at = cursor ?? atFirst();
    if (at === undefined) return;
    setFocused(true);
    const { room, start, end, moved } = at;
    const forward = isRtl ? "ArrowLeft" : "ArrowRight";
    const step = (moved ? STEP_MINUTES : KEY_STEP_MINUTES) * MINUTE_MS;
    const length = end - start;
    const index = rooms.indexOf(room);
    const toRoom = (next: number) => {
      const other = rooms[Math.min(Math.max(next, 0), rooms.length - 1)];
      if (other) show({ ...at, room: other });
    };
    switch (event.key) {
      case "ArrowLeft":
      case "ArrowRight": {
        const sign = event.key === forward ? 1 : -1;
        if (event.shiftKey) {
          if (length + sign * step > 0) show({ ...at, end: end + sign * step });
          break;
        }
        const next = stepped(axis, start, (sign * step) / MINUTE_MS);
        show({ ...at, start: next, end: next + length });
        break;
      }
      case "ArrowUp":
        toRoom(index - 1);
        break;
      case "ArrowDown":
        toRoom(index + 1);
        break;
      case "PageUp":
        toRoom(index - PAGE_ROWS);
        break;
      case "PageDown":
        toRoom(index + PAGE_ROWS);
        break;
      case "Home": {
        const next = momentAt(axis, 0, KEY_STEP_MINUTES);
        show({ ...at, start: next, end: next + length });
        break;
      }
      case "End": {
        const next = momentAt(axis, axis.width - 1, KEY_STEP_MINUTES);
        show({ ...at, start: next, end: next + length });
        break;
      }
      case "Enter":
      case " ": {
        if (moved) {
          setCursor({ ...at, moved: undefined });
          onMove(moved, at);
          break;
        }
        const booking = under(at);
        if (booking) onOpen(booking);
        else onBook(at);
        break;
      }
      case "Escape":
        if (moved === undefined) return;
        show({ ...at, start: moved.start, end: moved.end, moved: undefined });
        break;
      default: {
        // By the key's place: in a Persian layout it writes another letter.
        if (event.code !== "KeyM") return;
        const booking = under(at);
        if (!booking?.mayChange || booking.checkedIn) return;
        show({ room, start: booking.start, end: booking.end, moved: booking });
      }
    }
    event.preventDefault();
  };

  // --- what is shown ---

  const said = (slot: Ghost): { text: string; isFree: boolean } => {
    const wish = { start: slot.start, end: slot.end, except: slot.moved?.id };
    const obstacle = obstacleOf(slot.room, wish, times, now);
    const time = formats.range(slot.start, slot.end, slot.room.timezone);
    if (!isKnown) return { text: `${time} · ${app("loading")}`, isFree: false };
    if (obstacle === undefined) return { text: `${time} · ${t("timeline.free")}`, isFree: true };
    return { text: `${time} · ${words(obstacle, slot.room)}`, isFree: false };
  };
  const overlay = ghost ?? (isFocused ? cursor : undefined);
  const verdict = overlay && said(overlay);
  const cursorId = overlay && `slot-${overlay.room.id}-${overlay.start}-${overlay.end}`;

  return (
    <div
      ref={scroller}
      className={styles.scroller}
      role="grid"
      tabIndex={0}
      aria-label={t("timeline.label")}
      aria-busy={!isKnown}
      aria-describedby="timeline-keys"
      aria-rowcount={items.length + 1}
      aria-activedescendant={isFocused ? cursorId : undefined}
      onScroll={scrolled}
      onKeyDown={typed}
      onFocus={(event) => {
        const isByKeys = event.currentTarget.matches(":focus-visible");
        if (event.target !== event.currentTarget || !isByKeys) return;
        setFocused(true);
        setCursor((before) => before ?? atFirst());
      }}
      onBlur={() => setFocused(false)}
    >
      <div
        ref={canvas}
        role="presentation"
        className={styles.canvas}
        data-dragging={ghost !== undefined || undefined}
        style={
          {
            inlineSize: label + axis.width,
            blockSize: HEAD_PX + height,
            "--label": `${label}px`,
            "--hour": `${labelledEvery(axis) * axis.perMinute}px`,
            "--day": `${axis.dayWidth}px`,
          } as React.CSSProperties
        }
        onPointerDown={pressed}
        onPointerMove={dragged}
        onPointerUp={dropped}
        onPointerCancel={givenUp}
        onClick={clicked}
      >
        <Head axis={axis} holidays={times.holidays} formats={formats} />
        {shown.map(({ item, index }) =>
          item.room ? (
            <RoomRow
              key={item.room.id}
              room={item.room}
              top={HEAD_PX + item.top}
              index={index + 2}
              bookings={times.byRoom.get(item.room.id)}
              blackouts={times.blackouts}
              holidays={times.holidays}
              axis={axis}
              formats={formats}
              movedId={overlay?.moved?.id}
            />
          ) : (
            <div
              key={item.building}
              role="row"
              aria-rowindex={index + 2}
              className={styles.building}
              style={{ insetBlockStart: HEAD_PX + item.top, blockSize: BUILDING_PX }}
            >
              <div role="rowheader">
                <Icon name="building" size={15} /> <bdi>{item.building}</bdi>
              </div>
            </div>
          ),
        )}
        <Now axis={axis} now={now} height={height} />
        {overlay && verdict && (
          <div
            role="row"
            className={styles.overlay}
            style={{
              insetBlockStart: HEAD_PX + (topOf.get(overlay.room.id) ?? 0),
              insetInlineStart: label + xOf(axis, overlay.start),
              inlineSize: Math.max(xOf(axis, overlay.end) - xOf(axis, overlay.start), 4),
              blockSize: ROW_PX,
            }}
          >
            <div
              id={cursorId}
              role="gridcell"
              aria-label={`${overlay.room.name}, ${formats.date(overlay.start, zone, "short")}, ${verdict.text}${overlay.moved ? `, ${t("timeline.takenUp", { title: overlay.moved.title ?? "" })}` : ""}`}
              className={styles.ghost}
              data-free={verdict.isFree || undefined}
              data-moved={overlay.moved !== undefined || undefined}
            >
              <span className={styles.bubble} aria-hidden="true">
                {overlay.moved?.title && <strong>{overlay.moved.title}</strong>}
                {verdict.text}
              </span>
            </div>
          </div>
        )}
      </div>
    </div>
  );
}

/** Puts rooms below each other, each building's under its name. */
function laidOut(rooms: readonly Room[]) {
  const items: Item[] = [];
  const topOf = new Map<string, number>();
  let top = 0;
  let building: string | undefined;
  for (const room of rooms) {
    if (room.building !== building) {
      building = room.building;
      items.push({ building, top });
      top += BUILDING_PX;
    }
    items.push({ room, top });
    topOf.set(room.id, top);
    top += ROW_PX;
  }
  return { items, height: top, topOf };
}

/** The next half hour that is shown. */
function nextStart(axis: Axis, now: number): number {
  const half = KEY_STEP_MINUTES * MINUTE_MS;
  const next = Math.ceil(now / half) * half;
  const [first = 0] = axis.midnights;
  const last = axis.midnights.at(-1) ?? 0;
  return next > first && next < last
    ? momentAt(axis, xOf(axis, next), KEY_STEP_MINUTES)
    : momentAt(axis, 0, KEY_STEP_MINUTES);
}

function slotOf({ kind, booking, at, room }: Drag, now: number, over: Room | undefined): Slot {
  const step = STEP_MINUTES * MINUTE_MS;
  if (booking === undefined) {
    return { room, start: Math.min(at, now), end: Math.max(at, now) + step };
  }
  const { start, end } = booking;
  if (kind === "start") return { room, start: Math.min(now, end - step), end };
  if (kind === "end") return { room, start, end: Math.max(now + step, start + step) };
  return { room: over ?? room, start: start + now - at, end: end + now - at };
}

/** How far apart the hours are that are written and lined, in minutes. */
function labelledEvery({ days, perMinute }: Axis): number {
  return days.length === 1 ? 60 : 60 * Math.ceil(44 / (60 * perMinute));
}

interface HeadProps {
  axis: Axis;
  holidays: Times["holidays"];
  formats: Formats;
}

const Head = memo(function Head({ axis, holidays, formats }: HeadProps) {
  const t = useBookingText();
  const { days, opens, closes, perMinute } = axis;
  const isDay = days.length === 1;
  const every = labelledEvery(axis);
  const hours: number[] = [];
  for (let minutes = opens; minutes < closes; minutes += every) hours.push(minutes);
  return (
    <div role="row" aria-rowindex={1} className={styles.head}>
      <div role="columnheader" className={styles.corner}>
        {t("timeline.rooms")}
      </div>
      {days.map((day) => (
        <div role="columnheader" key={day} className={styles.day}>
          <span>
            {formats.day(day, isDay ? "long" : "short")}
            {holidays.has(day) && <em>{holidays.get(day)}</em>}
          </span>
          <div aria-hidden="true">
            {hours.map((minutes) => (
              <i key={minutes} style={{ insetInlineStart: (minutes - opens) * perMinute }}>
                {isDay ? formats.clock(minutes) : formats.number(minutes / 60)}
              </i>
            ))}
          </div>
        </div>
      ))}
    </div>
  );
});

interface RowProps {
  room: Room;
  top: number;
  index: number;
  bookings: readonly Booking[] | undefined;
  blackouts: readonly Blackout[];
  holidays: Times["holidays"];
  axis: Axis;
  formats: Formats;
  movedId: string | undefined;
}

const RoomRow = memo(function RoomRow(props: RowProps) {
  const { room, top, index, bookings, blackouts, holidays, axis, formats, movedId } = props;
  const t = useBookingText();
  const isShut = room.isLocked || !room.mayBook;
  const closed = blackouts.filter(({ roomId }) => roomId === null || roomId === room.id);
  return (
    <div
      role="row"
      aria-rowindex={index}
      className={styles.row}
      style={{ insetBlockStart: top, blockSize: ROW_PX }}
    >
      <div role="rowheader" className={styles.room}>
        <strong>
          {isShut && <Icon name="lock" size={14} />}
          <bdi>{room.name}</bdi>
        </strong>
        <small>{t("room.people", { count: room.capacity })}</small>
      </div>
      <div role="gridcell" className={styles.track} data-shut={isShut || undefined}>
        {axis.days.map((day, at) =>
          holidays.has(day) ? (
            <span
              key={day}
              className={styles.closed}
              style={{ insetInlineStart: at * axis.dayWidth, inlineSize: axis.dayWidth }}
            />
          ) : null,
        )}
        {closed.map(({ start, end, reason }) => (
          <span
            key={`${start} ${end}`}
            className={styles.closed}
            title={reason}
            style={placed(axis, start, end)}
          >
            {reason}
          </span>
        ))}
        {bookings?.map((booking) => (
          <Bar
            key={booking.id}
            booking={booking}
            axis={axis}
            formats={formats}
            zone={room.timezone}
            isMoved={booking.id === movedId}
          />
        ))}
      </div>
    </div>
  );
});

function placed(axis: Axis, start: number, end: number) {
  const from = xOf(axis, start);
  return { insetInlineStart: from, inlineSize: Math.max(xOf(axis, end) - from, 0) };
}

interface BarProps {
  booking: Booking;
  axis: Axis;
  formats: Formats;
  zone: string;
  isMoved: boolean;
}

function Bar({ booking, axis, formats, zone, isMoved }: BarProps) {
  const t = useBookingText();
  const where = placed(axis, booking.start, booking.end);
  if (where.inlineSize === 0) return null;
  const time = formats.range(booking.start, booking.end, zone);
  const title = booking.title ?? t("timeline.waiting");
  const about = [title, booking.organizer, time, t(`timeline.${booking.status}`)];
  return (
    <button
      type="button"
      tabIndex={-1}
      className={styles.bar}
      data-id={booking.id}
      data-mine={booking.isMine || undefined}
      data-status={booking.status}
      data-holds={booking.holds || undefined}
      data-movable={(booking.mayChange && !booking.checkedIn) || undefined}
      data-moved={isMoved || undefined}
      data-narrow={where.inlineSize < NARROW_PX || undefined}
      title={about.filter(Boolean).join("\n")}
      style={where}
    >
      <span className={styles.edge} data-edge="start" />
      <span className={styles.words}>
        <strong dir="auto">
          {booking.checkedIn && <Icon name="check" size={13} />}
          {title}
        </strong>
        <small>
          <span>{time}</span>
          <bdi>{booking.organizer}</bdi>
        </small>
        <span className="unseen">{t(`timeline.${booking.status}`)}</span>
      </span>
      <span className={styles.edge} data-edge="end" />
    </button>
  );
}

function Now({ axis, now, height }: { axis: Axis; now: number; height: number }) {
  const [first = 0] = axis.midnights;
  const minutes = minutesOf(now, axis.zone);
  if (now < first || now >= (axis.midnights.at(-1) ?? 0)) return null;
  if (minutes < axis.opens || minutes >= axis.closes) return null;
  const x = xOf(axis, now);
  return (
    <div
      className={styles.now}
      aria-hidden="true"
      style={{ insetInlineStart: `calc(var(--label) + ${x}px)`, blockSize: height }}
    />
  );
}
