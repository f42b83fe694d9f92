import { Button, MultiSelect, Select } from "@mantine/core";
import { useMemo, useState } from "react";
import { type Day, dayOf, momentOf } from "../../days";
import { HERE, useFormats } from "../../formats";
import { useAppText } from "../../texts";
import { DateField } from "../../ui/DateField";
import { Icon } from "../../ui/icons";
import { NumberField } from "../../ui/NumberField";
import { PageHeader } from "../../ui/PageHeader";
import { Loaded, Message } from "../../ui/states";
import { TimeField } from "../../ui/TimeField";
import { BookingDialog, type Draft } from "./BookingDialog";
import styles from "./booking.module.css";
import { type Room, useRooms, useTimes } from "./data";
import { MINUTE_MS, matches, obstacleOf } from "./fit";
import { useAsks } from "./save";
import { useBookingText } from "./texts";
import { useNow } from "./useNow";

const SHOWN_AT_FIRST = 24;
const HOUR = 60;
const DAY_MINUTES = 24 * 60;

interface Wanted {
  day: Day;
  from: number;
  until: number;
  people: number;
  building: string | null;
  amenities: string[];
}

/** The next full half hour, for an hour. */
function atFirst(now: number, zone: string): Wanted {
  const half = 30 * MINUTE_MS;
  const start = Math.ceil((now + MINUTE_MS) / half) * half;
  const day = dayOf(start, zone);
  const from = Math.round((start - momentOf(day, 0, zone)) / MINUTE_MS);
  const until = Math.min(from + HOUR, DAY_MINUTES);
  return { day, from, until, people: 2, building: null, amenities: [] };
}

export default function FindPage() {
  const t = useBookingText();
  const rooms = useRooms();
  return (
    <>
      <PageHeader title={t("find.title")} description={t("find.description")} />
      <Loaded query={rooms}>
        {(known) =>
          known.length === 0 ? (
            <Message icon="rooms" title={t("find.noRooms")} />
          ) : (
            <Finder rooms={known} />
          )
        }
      </Loaded>
    </>
  );
}

function Finder({ rooms }: { rooms: Room[] }) {
  const t = useBookingText();
  const app = useAppText();
  const formats = useFormats();
  const now = useNow();
  const zone = rooms[0]?.timezone ?? HERE;
  const [wanted, setWanted] = useState(() => atFirst(now, zone));
  const [limit, setLimit] = useState(SHOWN_AT_FIRST);
  const [draft, setDraft] = useState<Draft>();
  const { day, from, until } = wanted;
  const want = (more: Partial<Wanted>) => setWanted({ ...wanted, ...more });

  // Rooms of other zones have their day at other times.
  const margin = 14 * HOUR * MINUTE_MS;
  const known = {
    from: momentOf(day, 0, "UTC") - margin,
    to: momentOf(day, DAY_MINUTES, "UTC") + margin,
  };
  const { query, times, isKnown } = useTimes(known.from, known.to);

  const found = useMemo(() => {
    const filter = { ...wanted, search: "" };
    return rooms
      .filter((room) => matches(room, filter))
      .map((room) => {
        const start = momentOf(day, from, room.timezone);
        const end = momentOf(day, until, room.timezone);
        return { room, start, end };
      })
      .filter(({ room, start, end }) => obstacleOf(room, { start, end }, times, now) === undefined)
      .sort((one, other) => one.room.capacity - other.room.capacity);
  }, [rooms, wanted, times, now, day, from, until]);

  const buildings = useMemo(() => [...new Set(rooms.map(({ building }) => building))], [rooms]);
  const amenities = useMemo(
    () => [...new Set(rooms.flatMap((room) => room.amenities))].sort(),
    [rooms],
  );
  return (
    <>
      <search className={styles.finder}>
        <div>
          <DateField
            label={t("dialog.date")}
            value={day}
            today={dayOf(now, zone)}
            min={dayOf(now, zone)}
            onChange={(chosen) => want({ day: chosen })}
          />
        </div>
        <div>
          <TimeField
            label={t("dialog.from")}
            value={from}
            max={DAY_MINUTES - 15}
            onChange={(value) =>
              want({ from: value, until: Math.min(value + until - from, DAY_MINUTES) })
            }
          />
        </div>
        <div>
          <TimeField
            label={t("dialog.until")}
            value={until}
            min={from + 15}
            onChange={(value) => want({ until: value })}
          />
        </div>
        <div>
          <NumberField
            label={t("find.people")}
            min={1}
            max={10_000}
            value={wanted.people}
            onChange={(people) => want({ people })}
          />
        </div>
        <div>
          <Select
            label={t("find.building")}
            placeholder={t("find.anyBuilding")}
            clearable
            searchable
            limit={50}
            value={wanted.building}
            onChange={(value) => want({ building: value })}
            data={buildings}
          />
        </div>
        <div>
          <MultiSelect
            label={t("find.amenities")}
            placeholder={wanted.amenities.length === 0 ? t("find.anyAmenities") : ""}
            searchable
            limit={50}
            value={wanted.amenities}
            onChange={(value) => want({ amenities: value })}
            data={amenities}
          />
        </div>
      </search>
      <Loaded query={query}>
        {() => (
          <>
            <h2 className={styles.count} aria-live="polite" aria-busy={!isKnown}>
              {isKnown ? t("find.found", { count: found.length }) : app("loading")}{" "}
              <small>
                {formats.day(day, "long")} · {formats.clock(from)} – {formats.clock(until)}
              </small>
            </h2>
            {found.length === 0 ? (
              isKnown && (
                <Message icon="search" title={t("find.none")}>
                  <p>{t("find.mend")}</p>
                </Message>
              )
            ) : (
              <ul className={styles.cards} aria-busy={!isKnown}>
                {found.slice(0, limit).map(({ room, start, end }) => (
                  <RoomCard
                    key={room.id}
                    room={room}
                    people={wanted.people}
                    book={() => setDraft({ roomId: room.id, start, end })}
                  />
                ))}
              </ul>
            )}
            {found.length > limit && (
              <div className={styles.more}>
                <Button variant="default" onClick={() => setLimit(limit + SHOWN_AT_FIRST)}>
                  {t("find.more", { count: found.length - limit })}
                </Button>
              </div>
            )}
          </>
        )}
      </Loaded>
      {draft && <BookingDialog draft={draft} onClose={() => setDraft(undefined)} />}
    </>
  );
}

function RoomCard({ room, people, book }: { room: Room; people: number; book: () => void }) {
  const t = useBookingText();
  const asks = useAsks();
  const action = t(asks ? "find.request" : "find.book");
  return (
    <li className={styles.card}>
      <div>
        <h3>
          <bdi>{room.name}</bdi>
        </h3>
        <p>
          <Icon name="building" size={16} />
          <bdi>{room.building}</bdi> · {t("room.floor", { floor: room.floor })}
        </p>
      </div>
      <p className={styles.seats}>
        <Icon name="seats" size={18} />
        <strong>{t("room.people", { count: room.capacity })}</strong>
        {room.capacity === people && <span className={styles.new}>{t("find.exact")}</span>}
      </p>
      {room.amenities.length > 0 && (
        <ul className={styles.tags}>
          {room.amenities.map((amenity) => (
            <li key={amenity}>{amenity}</li>
          ))}
        </ul>
      )}
      <Button fullWidth variant="light" onClick={book} aria-label={`${action}: ${room.name}`}>
        {action}
      </Button>
    </li>
  );
}
