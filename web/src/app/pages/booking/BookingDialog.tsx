import { Alert, Button, NativeSelect, Select, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useMemo, useState } from "react";
import { api, take } from "../../api";
import { addDays, type Day, dayOf, minutesOf, momentOf } from "../../days";
import { useFormats } from "../../formats";
import { isolated } from "../../text";
import { useAppText } from "../../texts";
import { DateField } from "../../ui/DateField";
import { Icon } from "../../ui/icons";
import { Modal } from "../../ui/Modal";
import { NumberField } from "../../ui/NumberField";
import { TimeField } from "../../ui/TimeField";
import { toast } from "../../ui/toast";
import styles from "./booking.module.css";
import { type Room, useRooms, useTimes } from "./data";
import { MINUTE_MS, obstacleOf, otherRooms, otherTimes, type Wish } from "./fit";
import { useObstacleWords, useRefusalWords } from "./refusals";
import { useAsks, useChange, useMake } from "./save";
import { canBegin, PATTERNS, type Pattern, ruleOf } from "./series";
import { useBookingText } from "./texts";
import { useNow } from "./useNow";

const DAY_MINUTES = 24 * 60;
const WAYS_OUT = 4;
const MOST_OCCURRENCES = 100;

/** What the dialog begins with. */
export interface Draft {
  roomId: string;
  start: number;
  end: number;
  title?: string;
  /** The booking that is changed; without it a new one is made. */
  id?: string;
  /** Why what was tried before could not be done. */
  refusal?: unknown;
}

interface Props {
  draft: Draft;
  onClose: () => void;
}

/** Books a room, or changes a booking: what stands in its way, and the ways out, are shown at once. */
export function BookingDialog({ draft, onClose }: Props) {
  const t = useBookingText();
  const app = useAppText();
  const asks = useAsks();
  const rooms = useRooms().data ?? [];
  const title = draft.id ? "dialog.change" : asks ? "dialog.request" : "dialog.book";
  return (
    <Modal
      opened
      onClose={onClose}
      title={t(title)}
      size="lg"
      closeOnClickOutside={false}
      closeButtonProps={{ "aria-label": app("close") }}
    >
      {rooms.length > 0 && <Form draft={draft} rooms={rooms} onClose={onClose} />}
    </Modal>
  );
}

function Form({ draft, rooms, onClose }: Props & { rooms: Room[] }) {
  const t = useBookingText();
  const app = useAppText();
  const formats = useFormats();
  const refusalWords = useRefusalWords();
  const asks = useAsks();
  const now = useNow();
  const isChange = draft.id !== undefined;

  const [roomId, setRoomId] = useState(draft.roomId);
  const room = rooms.find(({ id }) => id === roomId) ?? rooms[0];
  if (room === undefined) throw new Error("there are no rooms");
  const zone = room.timezone;
  const [title, setTitle] = useState(draft.title ?? "");
  const [day, setDay] = useState<Day>(() => dayOf(draft.start, zone));
  const [from, setFrom] = useState(() => minutesOf(draft.start, zone));
  const [length, setLength] = useState(() => Math.round((draft.end - draft.start) / MINUTE_MS));
  const [pattern, setPattern] = useState<Pattern>("once");
  const [count, setCount] = useState(5);
  const make = useMake();
  const change = useChange();
  const isBusy = make.isPending || change.isPending;
  const refusal = make.error ?? change.error ?? draft.refusal;

  const start = momentOf(day, from, zone);
  const end = start + length * MINUTE_MS;
  const until = from + length;
  const known = { from: momentOf(day, 0, zone), to: momentOf(addDays(day, 1), 0, zone) };
  const { times, isKnown } = useTimes(known.from, known.to);
  const wish: Wish = { start, end, except: draft.id };
  const rule = ruleOf(pattern, count, day, formats.calendar);
  const isWrongDay = !canBegin(pattern, day, formats.calendar);
  const obstacle = isKnown ? obstacleOf(room, wish, times, now) : undefined;

  const choices = useMemo(
    () =>
      rooms.map(({ id, name, building }) => ({
        value: id,
        label: `${isolated(name)} · ${isolated(building)}`,
      })),
    [rooms],
  );

  const forget = () => {
    make.reset();
    change.reset();
  };
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    try {
      if (draft.id !== undefined) {
        await change.mutateAsync({ id: draft.id, roomId, title: title.trim(), start, end });
        toast("good", t("done.changed"), room.name);
      } else {
        const made = await make.mutateAsync({
          roomId,
          title: title.trim(),
          start,
          end,
          recurrenceRule: rule,
        });
        const what = asks ? "done.requested" : "done.booked";
        toast("good", t(made.skipped > 0 ? "done.some" : what, { ...made }), room.name);
      }
      onClose();
    } catch {
      // It is shown in the form, which stays as it is.
    }
  };

  return (
    <form className={styles.form} onSubmit={submit} onChange={forget}>
      <TextInput
        label={t(asks ? "dialog.purpose" : "dialog.title")}
        required
        withAsterisk={false}
        data-autofocus
        maxLength={asks ? 500 : 255}
        value={title}
        onChange={(event) => setTitle(event.currentTarget.value)}
      />
      <Select
        label={t("dialog.room")}
        searchable
        limit={50}
        allowDeselect={false}
        comboboxProps={{ withinPortal: true }}
        value={roomId}
        onChange={(value) => {
          forget();
          if (value !== null) setRoomId(value);
        }}
        data={choices}
        nothingFoundMessage={t("find.none")}
      />
      <RoomFacts room={room} />
      <div className={styles.when}>
        <DateField
          label={t("dialog.date")}
          value={day}
          today={dayOf(now, zone)}
          onChange={(chosen) => {
            forget();
            setDay(chosen);
          }}
        />
        <TimeField
          label={t("dialog.from")}
          value={from}
          max={DAY_MINUTES - 15}
          onChange={setFrom}
        />
        <TimeField
          label={t("dialog.until")}
          value={Math.min(until, DAY_MINUTES)}
          min={from + 15}
          onChange={(value) => setLength(value - from)}
        />
      </div>
      {!isChange && (
        <div className={styles.when}>
          <NativeSelect
            label={t("series.label")}
            value={pattern}
            onChange={(event) => setPattern(event.currentTarget.value as Pattern)}
            data={PATTERNS.map((one) => ({ value: one, label: t(`series.${one}`) }))}
          />
          {pattern !== "once" && (
            <NumberField
              label={t("series.count")}
              min={2}
              max={MOST_OCCURRENCES}
              value={count}
              onChange={setCount}
            />
          )}
        </div>
      )}
      {isWrongDay && <Alert color="yellow">{t("series.wrongDay")}</Alert>}
      <div aria-live="polite" className={styles.verdict}>
        {refusal !== undefined && refusal !== null && (
          <p data-verdict="bad">
            <Icon name="alert" size={18} />
            {refusalWords(refusal)}
          </p>
        )}
        <Verdict
          room={room}
          rooms={rooms}
          wish={wish}
          now={now}
          known={known}
          times={isKnown ? times : undefined}
          takeTime={(moment) => {
            forget();
            setDay(dayOf(moment, zone));
            setFrom(minutesOf(moment, zone));
          }}
          takeRoom={(other) => {
            forget();
            setRoomId(other.id);
          }}
        />
      </div>
      {rule !== undefined && !isWrongDay && (
        <Dates roomId={roomId} start={start} end={end} rule={rule} zone={zone} />
      )}
      <div className={styles.buttons}>
        <Button variant="default" onClick={onClose}>
          {app("cancel")}
        </Button>
        <Button
          type="submit"
          loading={isBusy}
          disabled={isWrongDay || (rule === undefined && obstacle !== undefined)}
        >
          {t(isChange ? "dialog.saveChange" : asks ? "dialog.send" : "dialog.bookIt")}
        </Button>
      </div>
      {asks && !isChange && <p className={styles.hint}>{t("dialog.decided")}</p>}
    </form>
  );
}

/** A room's size, what it has, and the rules that it is booked by. */
export function RoomFacts({ room }: { room: Room }) {
  const t = useBookingText();
  const app = useAppText();
  const formats = useFormats();
  const { rules } = room;
  const said = [
    rules.maxMinutes !== null && t("rules.most", { count: rules.maxMinutes }),
    rules.minMinutes !== null && t("rules.least", { count: rules.minMinutes }),
    rules.horizonDays !== null && t("rules.ahead", { count: rules.horizonDays }),
    rules.bufferBefore + rules.bufferAfter > 0 &&
      t("rules.buffer", { count: Math.max(rules.bufferBefore, rules.bufferAfter) }),
    rules.checkInCloses !== null && t("rules.checkIn", { count: rules.checkInCloses }),
    room.restrictedRoles !== null &&
      t("rules.roles", {
        roles: formats.list(room.restrictedRoles.map((role) => app(`roles.${role}`))),
      }),
  ].filter((one) => one !== false);
  return (
    <div className={styles.facts}>
      <p>
        <Icon name="seats" size={16} /> {t("room.people", { count: room.capacity })}
        {" · "}
        {t("room.floor", { floor: room.floor })}
        {room.amenities.length > 0 && ` · ${formats.list(room.amenities)}`}
      </p>
      {said.length > 0 && (
        <p className={styles.rules}>
          <Icon name="info" size={16} /> {said.join(" · ")}
        </p>
      )}
    </div>
  );
}

interface VerdictProps {
  room: Room;
  rooms: Room[];
  wish: Wish;
  now: number;
  known: { from: number; to: number };
  times: ReturnType<typeof useTimes>["times"] | undefined;
  takeTime: (start: number) => void;
  takeRoom: (room: Room) => void;
}

/** Says whether the room can be had, and if not, which times or rooms can. */
function Verdict({ room, rooms, wish, now, known, times, takeTime, takeRoom }: VerdictProps) {
  const t = useBookingText();
  const app = useAppText();
  const formats = useFormats();
  const words = useObstacleWords();
  const zone = room.timezone;
  const { start, end, except } = wish;
  const { from, to } = known;
  const found = useMemo(() => {
    if (times === undefined) return undefined;
    const asked = { start, end, except };
    const obstacle = obstacleOf(room, asked, times, now);
    if (obstacle === undefined) return { obstacle };
    return {
      obstacle,
      times: otherTimes(room, asked, times, now, { from, to }, WAYS_OUT),
      rooms: otherRooms(room, rooms, asked, times, now, WAYS_OUT),
    };
  }, [room, rooms, start, end, except, times, now, from, to]);
  if (found === undefined) return <p>{app("loading")}</p>;
  if (found.obstacle === undefined) {
    return (
      <p data-verdict="good">
        <Icon name="check" size={18} />
        {t("verdict.free", {
          day: formats.date(start, zone, "long"),
          time: formats.range(start, end, zone),
        })}
      </p>
    );
  }
  return (
    <>
      <p data-verdict="bad">
        <Icon name="alert" size={18} />
        {words(found.obstacle, room)}
      </p>
      {found.times.length > 0 && (
        <fieldset className={styles.ways}>
          <legend>{t("verdict.otherTimes", { room: isolated(room.name) })}</legend>
          {found.times.map((moment) => (
            <Button key={moment} size="xs" variant="light" onClick={() => takeTime(moment)}>
              {formats.range(moment, moment + end - start, zone)}
            </Button>
          ))}
        </fieldset>
      )}
      {found.rooms.length > 0 && (
        <fieldset className={styles.ways}>
          <legend>{t("verdict.otherRooms")}</legend>
          {found.rooms.map((other) => (
            <Button key={other.id} size="xs" variant="light" onClick={() => takeRoom(other)}>
              <bdi>{other.name}</bdi>&nbsp;· {t("room.people", { count: other.capacity })}
            </Button>
          ))}
        </fieldset>
      )}
    </>
  );
}

interface DatesProps {
  roomId: string;
  start: number;
  end: number;
  rule: string;
  zone: string;
}

/** The dates of a series as they would be booked now: the server is asked, nothing is made. */
function Dates({ roomId, start, end, rule, zone }: DatesProps) {
  const t = useBookingText();
  const app = useAppText();
  const formats = useFormats();
  const words = useRefusalWords();
  const body = {
    roomId,
    startTime: new Date(start).toISOString(),
    endTime: new Date(end).toISOString(),
    recurrenceRule: rule,
  };
  const query = useQuery({
    queryKey: ["timeline", "preview", body],
    queryFn: async ({ signal }) =>
      (await take(api.circleTime.POST("/api/bookings/preview", { body, signal }))).data.occurrences,
    retry: false,
  });
  if (query.isError) {
    return (
      <p className={styles.verdict} role="alert">
        <span data-verdict="bad">{words(query.error)}</span>
      </p>
    );
  }
  if (query.data === undefined) return <p>{app("loading")}</p>;
  const skipped = query.data.filter(({ reason }) => reason !== null).length;
  return (
    <section className={styles.dates} aria-label={t("series.dates")}>
      <p aria-live="polite">
        {t("series.summary", { count: query.data.length - skipped })}
        {skipped > 0 && ` ${t("series.skipped", { count: skipped })}`}
      </p>
      <ul>
        {query.data.map(({ startTime, reason }) => (
          <li key={startTime} data-skipped={reason !== null || undefined}>
            <Icon name={reason === null ? "check" : "close"} size={16} />
            <span>{formats.date(Date.parse(startTime), zone, "short")}</span>
            {reason !== null && (
              <small>{/already booked/.test(reason) ? t("series.taken") : words(reason)}</small>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
