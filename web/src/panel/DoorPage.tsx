import { useEffect, useState, useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import { LanguageButton } from "../shared/LanguageButton";
import { type Language, longDate } from "../shared/language";
import { useTime } from "../shared/useTime";
import { Actions } from "./Actions";
import { type Day, dayAt, endOf, startOf } from "./day";
import type { Device, Meeting, RoomState } from "./device";
import { Door, type DoorView } from "./door";
import { StatusSign } from "./StatusSign";

const MINUTE_MS = 60_000;

/** A room's door: what happens in the room, and what can be done about it. */
export function DoorPage({ device, onRevoked }: { device: Device; onRevoked: () => void }) {
  const [door] = useState(() => new Door(device));
  const view = useSyncExternalStore(door.watch, door.view);
  const now = useNow(door);
  useEffect(() => door.start(), [door]);
  useEffect(() => {
    if (view.isRevoked) onRevoked();
  }, [view.isRevoked, onRevoked]);

  if (view.told === undefined) return <Unknown view={view} />;
  const { state, timezone } = view.told;
  const day = dayAt(state, now, view.isLinked);
  return (
    <main className="door" data-status={day.status} data-linked={view.isLinked}>
      <header>
        <div>
          <h1>{state.room.name}</h1>
          <RoomFacts state={state} isLinked={view.isLinked} />
        </div>
        <Clock now={now} zone={timezone} />
        <LanguageButton />
      </header>
      <Banner view={view} zone={timezone} />
      <section className="now" aria-labelledby="status">
        <Headline day={day} now={now} zone={timezone} />
        {day.current && (
          <Current
            meeting={day.current}
            now={now}
            zone={timezone}
            isKept={view.keptCheckIns.has(day.current.id)}
          />
        )}
        <Actions door={door} day={day} now={now} zone={timezone} view={view} />
      </section>
      <Later meetings={day.later} zone={timezone} keptCheckIns={view.keptCheckIns} />
    </main>
  );
}

/** The server's time, to the second. */
function useNow(door: Door): number {
  const [now, setNow] = useState(() => door.clock.now());
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    const tick = () => {
      const time = door.clock.now();
      setNow(time);
      timer = setTimeout(tick, 1000 - (time % 1000));
    };
    tick();
    return () => clearTimeout(timer);
  }, [door]);
  return now;
}

function Unknown({ view }: { view: DoorView }) {
  const { t } = useTranslation();
  return (
    <main className="pairing">
      <header>
        <LanguageButton />
      </header>
      <h1>Atrium</h1>
      <p role="status">{t(view.isRoomGone ? "link.roomGone" : "link.never")}</p>
    </main>
  );
}

function Banner({ view, zone }: { view: DoorView; zone: string }) {
  const { t } = useTranslation();
  const time = useTime(zone);
  const text = view.isRoomGone
    ? t("link.roomGone")
    : view.isLinked
      ? ""
      : view.linkedAt === undefined
        ? t("link.cutFromStart")
        : t("link.cut", { time: time(view.linkedAt) });
  // It is there when it is empty too: screen readers tell what changes in it.
  return (
    <p className="banner" role="alert">
      {text}
    </p>
  );
}

function RoomFacts({ state, isLinked }: { state: RoomState; isLinked: boolean }) {
  const { t } = useTranslation();
  const { building, floor, capacity } = state.room;
  const facts = [
    building,
    t("room.floor", { floor }),
    t("room.people", { count: capacity }),
    isLinked && state.occupancy !== null && t("room.counted", { count: state.occupancy }),
  ];
  return <p className="facts">{facts.filter(Boolean).join(" · ")}</p>;
}

function Clock({ now, zone }: { now: number; zone: string }) {
  const { i18n } = useTranslation();
  const time = useTime(zone);
  const date = longDate(i18n.language as Language, zone);
  return (
    <p className="clock">
      <time dateTime={new Date(now).toISOString()}>{time(now)}</time>
      <span>{date(now)}</span>
    </p>
  );
}

function Headline({ day, now, zone }: { day: Day; now: number; zone: string }) {
  const { t } = useTranslation();
  const time = useTime(zone);
  const next = day.later[0];
  let more = t("freeAllDay");
  if (day.status === "offline") more = t("noBooking");
  else if (day.current) more = t("until", { time: time(endOf(day.current)) });
  else if (day.status === "upcoming" && next) {
    more = t("meeting.startsIn", { count: Math.ceil((startOf(next) - now) / MINUTE_MS) });
  } else if (next) more = t("free", { time: time(startOf(next)) });
  return (
    <div className="headline" role="status">
      <StatusSign status={day.status} />
      <h2 id="status">{t(`status.${day.status}`)}</h2>
      <p>{more}</p>
    </div>
  );
}

interface MeetingProps {
  meeting: Meeting;
  now: number;
  zone: string;
  isKept: boolean;
}

function Current({ meeting, now, zone, isKept }: MeetingProps) {
  const { t } = useTranslation();
  const time = useTime(zone);
  const [start, end] = [startOf(meeting), endOf(meeting)];
  const left = Math.max(1, Math.ceil((end - now) / MINUTE_MS));
  const leftText = t("meeting.endsIn", { count: left });
  return (
    <div className="current">
      <h3>
        <bdi>{meeting.title}</bdi>
      </h3>
      <p>
        <bdi>{meeting.organizer}</bdi> · {t("meeting.attendees", { count: meeting.attendeeCount })}{" "}
        · {t("meeting.times", { start: time(start), end: time(end) })}
      </p>
      <progress max={end - start} value={now - start} aria-label={leftText} />
      <p>
        {leftText}
        {meeting.checkedIn && ` · ${t("meeting.checkedIn")}`}
        {isKept && ` · ${t("meeting.checkedInKept")}`}
      </p>
      {!meeting.checkedIn && !isKept && meeting.checkInUntil && (
        <p className="warning">
          {t("meeting.releasedAt", { time: time(Date.parse(meeting.checkInUntil)) })}
        </p>
      )}
    </div>
  );
}

interface LaterProps {
  meetings: Meeting[];
  zone: string;
  keptCheckIns: ReadonlySet<string>;
}

function Later({ meetings, zone, keptCheckIns }: LaterProps) {
  const { t } = useTranslation();
  const time = useTime(zone);
  return (
    <section className="later" aria-labelledby="later">
      <h2 id="later">{t("meeting.later")}</h2>
      {meetings.length === 0 && <p>{t("meeting.none")}</p>}
      <ol>
        {meetings.map((one) => (
          <li key={one.id}>
            <span className="times">
              {t("meeting.times", { start: time(startOf(one)), end: time(endOf(one)) })}
            </span>
            <span className="title">
              <bdi>{one.title}</bdi>
            </span>
            <span className="who">
              <bdi>{one.organizer}</bdi>
              {(one.checkedIn || keptCheckIns.has(one.id)) && ` · ${t("meeting.checkedIn")}`}
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}
