import { Button } from "@mantine/core";
import { useState } from "react";
import { useFormats } from "../../../formats";
import { Icon } from "../../../ui/icons";
import { useRoom } from "../parts/fields";
import { Badge } from "../parts/List";
import parts from "../parts/parts.module.css";
import { DecisionDialog } from "./DecisionDialog";
import { type BookingRequest, daysOf, meet, spanOf, useBookingsOf, useClosures } from "./data";
import { OverrideDialog } from "./OverrideDialog";
import { RoomDay } from "./RoomDay";
import styles from "./requests.module.css";
import { useRequestsText } from "./texts";

interface Props {
  request: BookingRequest;
  /** All that wait; some of them for the same. */
  waiting: readonly BookingRequest[];
}

type Open = "approve" | "decline" | "override";

/** A request, and beside it what is there at that time. */
export function RequestCard({ request, waiting }: Props) {
  const t = useRequestsText();
  const formats = useFormats();
  const [open, setOpen] = useState<Open>();
  const { room, user, purpose } = request;
  const zone = room.timezone;
  const span = spanOf(request);
  const days = daysOf(span, zone);
  const booked = useBookingsOf(request.roomId, days);
  const closures = useClosures();
  const { data: known } = useRoom(request.roomId);

  const rivals = waiting.filter(
    (one) => one.id !== request.id && one.roomId === request.roomId && meet(spanOf(one), days),
  );
  const conflicts = booked.data?.filter((one) => meet(spanOf(one), span)) ?? [];
  const meeting = rivals.filter((one) => meet(spanOf(one), span));
  const closed = closures.data?.blackouts.filter(
    (one) =>
      (one.room === null || one.room === known?.id) &&
      meet({ start: Date.parse(one.start_at), end: Date.parse(one.end_at) }, span),
  );
  const holidays = closures.data?.holidays.filter(
    (one) => one.date >= days.first && one.date <= days.last,
  );
  const isClear =
    conflicts.length + meeting.length + (closed?.length ?? 0) + (holidays?.length ?? 0) === 0;
  const about = { purpose, name: user.name };
  const close = () => setOpen(undefined);

  return (
    <li className={styles.card}>
      <div className={styles.about}>
        <h2>
          <bdi>{purpose}</bdi>
        </h2>
        <p className={styles.who}>
          <Icon name="user" size={16} />
          <span>
            <bdi>{user.name}</bdi>
            <small>
              <bdi>{user.department ?? user.email}</bdi>
            </small>
          </span>
        </p>
        <p className={styles.who}>
          <Icon name="rooms" size={16} />
          <span>
            <bdi>{room.name}</bdi>
            <small>
              <bdi>{room.building}</bdi> · {t("seats", { count: room.capacity })}
            </small>
          </span>
        </p>
        <p className={styles.who}>
          <Icon name="clock" size={16} />
          <span>
            <time dateTime={request.startAt}>
              {formats.date(span.start, zone, "long")}
              <small>{formats.range(span.start, span.end, zone)}</small>
            </time>
          </span>
        </p>
        <p className={parts.note}>
          {t("asked", { when: formats.dateTime(Date.parse(request.createdAt), zone) })}
          {request.seriesId !== null && <> · {t("inSeries")}</>}
        </p>
        <div className={styles.buttons}>
          <Button
            leftSection={<Icon name="check" size={18} />}
            aria-label={t("approveOf", about)}
            onClick={() => setOpen("approve")}
          >
            {t("approve")}
          </Button>
          <Button
            variant="default"
            aria-label={t("declineOf", about)}
            onClick={() => setOpen("decline")}
          >
            {t("decline")}
          </Button>
          {conflicts.length > 0 && (
            <Button
              variant="subtle"
              color="red"
              aria-label={t("overrideOf", about)}
              onClick={() => setOpen("override")}
            >
              {t("override")}
            </Button>
          )}
        </div>
      </div>
      <section
        className={styles.day}
        aria-label={t("dayFor", { day: formats.day(days.first), ...about })}
      >
        <header>
          <h3>{t("dayOf", { day: formats.date(span.start, zone, "short") })}</h3>
          <span className={parts.badges}>
            {conflicts.length > 0 && (
              <Badge tone="bad">{t("conflicts", { count: conflicts.length })}</Badge>
            )}
            {meeting.length > 0 && (
              <Badge tone="warn">{t("rivals", { count: meeting.length })}</Badge>
            )}
          </span>
        </header>
        <RoomDay wanted={span} zone={zone} booked={booked.data ?? []} asked={rivals} />
        {(booked.isError || closures.isError) && <p className={styles.unseen}>{t("unseen")}</p>}
        {booked.data && closures.data && known && isClear && (
          <p className={styles.free}>
            <Icon name="check" size={16} /> {t("free")}
          </p>
        )}
        <ul className={styles.met}>
          {closed?.map((one) => (
            <li key={one.start_at + one.reason} data-kind="closed">
              {t("closed", { reason: one.reason })}
            </li>
          ))}
          {holidays?.map((one) => (
            <li key={one.date} data-kind="closed">
              {t("holiday", { name: one.name })}
            </li>
          ))}
          {conflicts.map((one) => (
            <Met key={one.id} kind="booked" one={one} zone={zone} />
          ))}
          {meeting.map((one) => (
            <Met key={one.id} kind="asked" one={one} zone={zone} />
          ))}
        </ul>
      </section>
      {(open === "approve" || open === "decline") && (
        <DecisionDialog
          request={request}
          isApproval={open === "approve"}
          close={close}
          override={() => setOpen("override")}
        />
      )}
      {open === "override" && <OverrideDialog request={request} close={close} />}
    </li>
  );
}

interface MetProps {
  kind: "booked" | "asked";
  one: { purpose: string; startAt: string; endAt: string; user: { name: string } };
  zone: string;
}

function Met({ kind, one, zone }: MetProps) {
  const t = useRequestsText();
  const formats = useFormats();
  const { start, end } = spanOf(one);
  return (
    <li data-kind={kind}>
      <span>{t(kind === "booked" ? "booked" : "alsoAsked")}</span>
      <strong>
        <bdi>{one.purpose}</bdi>
      </strong>
      <small>
        <bdi>{one.user.name}</bdi> · {formats.range(start, end, zone)}
      </small>
    </li>
  );
}
