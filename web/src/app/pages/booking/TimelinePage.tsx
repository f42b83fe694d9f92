import { ActionIcon, Button, SegmentedControl, Select, Switch, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useMemo, useState } from "react";
import { addDays, type Day, dayOf, momentOf, weekStart } from "../../days";
import { useFormats } from "../../formats";
import { useLanguage } from "../../text";
import { DateField } from "../../ui/DateField";
import { Icon } from "../../ui/icons";
import { NumberField } from "../../ui/NumberField";
import { PageHeader } from "../../ui/PageHeader";
import { Loaded, Message } from "../../ui/states";
import { toast } from "../../ui/toast";
import { BookingDetails } from "./BookingDetails";
import { BookingDialog, type Draft } from "./BookingDialog";
import { type Booking, type Room, useRooms, useTimes } from "./data";
import { matches, obstacleOf } from "./fit";
import { useChange } from "./save";
import { type Slot, Timeline } from "./Timeline";
import { useBookingText } from "./texts";
import styles from "./timeline.module.css";
import { useNow } from "./useNow";

const DAY_MINUTES = 24 * 60;
const VIEWS = ["day", "week"] as const;
type View = (typeof VIEWS)[number];

export default function TimelinePage() {
  const t = useBookingText();
  const rooms = useRooms();
  return (
    <div className={styles.page}>
      <PageHeader title={t("timeline.title")} />
      <Loaded query={rooms}>
        {(known) =>
          known.length === 0 ? (
            <Message icon="rooms" title={t("find.noRooms")} />
          ) : (
            <Days rooms={known} />
          )
        }
      </Loaded>
    </div>
  );
}

/** `07:00` in minutes since midnight. */
function minutesOfClock(clock: string): number {
  const [hours = 0, minutes = 0] = clock.split(":").map(Number);
  return hours * 60 + minutes;
}

/** The full hours between which some of the rooms are open. */
function hoursOf(rooms: readonly Room[]): [number, number] {
  let opens = DAY_MINUTES;
  let closes = 0;
  for (const room of rooms) {
    opens = Math.min(opens, Math.floor(minutesOfClock(room.opensAt) / 60) * 60);
    closes = Math.max(closes, Math.ceil(minutesOfClock(room.closesAt) / 60) * 60);
  }
  return opens < closes ? [opens, closes] : [0, DAY_MINUTES];
}

function Days({ rooms }: { rooms: Room[] }) {
  const t = useBookingText();
  const formats = useFormats();
  const language = useLanguage();
  const now = useNow();
  const change = useChange();
  const [building, setBuilding] = useState<string | null>(null);
  const [search, setSearch] = useState("");
  const [people, setPeople] = useState(1);
  const [view, setView] = useState<View>("day");
  const [isWhole, setWhole] = useState(false);
  const [draft, setDraft] = useState<Draft>();
  const [opened, setOpened] = useState<Booking>();
  const [searched] = useDebouncedValue(search.trim(), 150);

  const shown = useMemo(() => {
    const filter = { search: searched, building, people, amenities: [] };
    return rooms.filter((room) => matches(room, filter));
  }, [rooms, searched, building, people]);
  const zone = (shown[0] ?? rooms[0])?.timezone ?? "UTC";
  const today = dayOf(now, zone);
  const [day, setDay] = useState<Day>(today);
  const days = useMemo(() => {
    if (view === "day") return [day];
    const first = weekStart(day, language);
    return Array.from({ length: 7 }, (_, index) => addDays(first, index));
  }, [view, day, language]);
  const first = days[0] ?? day;
  const last = days.at(-1) ?? day;
  const from = momentOf(first, 0, zone);
  const until = momentOf(addDays(last, 1), 0, zone);
  const { query, times, isKnown } = useTimes(from, until);
  const [opens, closes] = useMemo(
    () => (isWhole ? [0, DAY_MINUTES] : hoursOf(rooms)),
    [isWhole, rooms],
  );
  const buildings = useMemo(() => [...new Set(rooms.map((room) => room.building))], [rooms]);

  const move = async (booking: Booking, { room, start, end }: Slot) => {
    const { id, title, roomId } = booking;
    const moved = { roomId: room.id, start, end, id, title: title ?? "" };
    if (obstacleOf(room, { start, end, except: id }, times, now) !== undefined) {
      setDraft(moved);
      return;
    }
    if (roomId === room.id && booking.start === start && booking.end === end) return;
    try {
      await change.mutateAsync({ id, roomId: room.id, start, end });
      toast("good", formats.range(start, end, room.timezone), t("done.changed"));
    } catch (refusal) {
      setDraft({ ...moved, refusal });
    }
  };
  const book = ({ room, start, end }: Slot) => setDraft({ roomId: room.id, start, end });
  const step = view === "day" ? 1 : 7;

  return (
    <>
      <div className={styles.bars}>
        <Button variant="default" onClick={() => setDay(today)}>
          {t("timeline.today")}
        </Button>
        <ActionIcon.Group>
          <ActionIcon
            variant="default"
            size={36}
            aria-label={t(`timeline.previous.${view}`)}
            onClick={() => setDay(addDays(day, -step))}
          >
            <Icon name="back" size={18} />
          </ActionIcon>
          <ActionIcon
            variant="default"
            size={36}
            aria-label={t(`timeline.next.${view}`)}
            onClick={() => setDay(addDays(day, step))}
          >
            <Icon name="forward" size={18} />
          </ActionIcon>
        </ActionIcon.Group>
        <DateField label={t("dialog.date")} hideLabel value={day} today={today} onChange={setDay} />
        <SegmentedControl
          aria-label={t("timeline.view")}
          value={view}
          onChange={(value) => setView(value as View)}
          data={VIEWS.map((one) => ({ value: one, label: t(`timeline.${one}`) }))}
        />
        <Switch
          label={t("timeline.wholeDay")}
          checked={isWhole}
          onChange={(event) => setWhole(event.currentTarget.checked)}
        />
        <div className={styles.filters}>
          <TextInput
            aria-label={t("timeline.search")}
            placeholder={t("timeline.search")}
            leftSection={<Icon name="search" size={16} />}
            value={search}
            onChange={(event) => setSearch(event.currentTarget.value)}
          />
          <Select
            aria-label={t("find.building")}
            placeholder={t("find.anyBuilding")}
            clearable
            searchable
            limit={50}
            value={building}
            onChange={setBuilding}
            data={buildings}
          />
          <NumberField
            label={t("find.people")}
            hideLabel
            min={1}
            max={10_000}
            value={people}
            onChange={setPeople}
          />
        </div>
      </div>
      {shown.length === 0 ? (
        <Message icon="search" title={t("timeline.noneFit")} />
      ) : (
        <Loaded query={query}>
          {() => (
            <Timeline
              rooms={shown}
              times={times}
              isKnown={isKnown}
              days={days}
              zone={zone}
              opens={opens ?? 0}
              closes={closes ?? DAY_MINUTES}
              now={now}
              onBook={book}
              onOpen={setOpened}
              onMove={(booking, slot) => void move(booking, slot)}
            />
          )}
        </Loaded>
      )}
      <p id="timeline-keys" className={styles.keys}>
        {t("timeline.keys")}
      </p>
      {opened && (
        <BookingDetails
          booking={times.byId.get(opened.id) ?? opened}
          room={rooms.find(({ id }) => id === opened.roomId)}
          onClose={() => setOpened(undefined)}
          onEdit={() => {
            const { id, roomId, start, end, title } = opened;
            setOpened(undefined);
            setDraft({ id, roomId, start, end, title: title ?? "" });
          }}
        />
      )}
      {draft && <BookingDialog draft={draft} onClose={() => setDraft(undefined)} />}
    </>
  );
}
