import { Button } from "@mantine/core";
import { useState } from "react";
import { useFormats } from "../../formats";
import { useAppText } from "../../texts";
import { Icon } from "../../ui/icons";
import { Modal } from "../../ui/Modal";
import { RoomFacts } from "./BookingDialog";
import styles from "./booking.module.css";
import { CancelDialog } from "./CancelDialog";
import type { Booking, Room } from "./data";
import { useBookingText } from "./texts";

interface Props {
  booking: Booking;
  room: Room | undefined;
  onClose: () => void;
  onEdit: () => void;
}

/** What is booked, by whom and when, and what whoever it belongs to can do. */
export function BookingDetails({ booking, room, onClose, onEdit }: Props) {
  const t = useBookingText();
  const app = useAppText();
  const formats = useFormats();
  const [isCancelling, setCancelling] = useState(false);
  const zone = room?.timezone ?? "UTC";
  if (isCancelling) {
    return (
      <CancelDialog
        id={booking.id}
        title={booking.title ?? ""}
        isSeries={booking.seriesId !== null}
        onClose={onClose}
      />
    );
  }
  return (
    <Modal
      opened
      onClose={onClose}
      title={<bdi>{booking.title ?? t("timeline.waiting")}</bdi>}
      closeButtonProps={{ "aria-label": app("close") }}
    >
      <div className={styles.details}>
        <p>
          <Icon name="clock" size={18} />
          <span>
            {formats.date(booking.start, zone, "long")}
            <br />
            {formats.range(booking.start, booking.end, zone)}
          </span>
        </p>
        {room && (
          <p>
            <Icon name="rooms" size={18} />
            <span>
              <bdi>{room.name}</bdi> · <bdi>{room.building}</bdi>
            </span>
          </p>
        )}
        {booking.organizer && (
          <p>
            <Icon name="user" size={18} />
            <bdi>{booking.organizer}</bdi>
          </p>
        )}
        <p>
          <Icon name={booking.checkedIn ? "check" : "info"} size={18} />
          <span>
            {booking.checkedIn ? t("timeline.checkedIn") : t(`timeline.${booking.status}`)}
            {booking.seriesId !== null && ` · ${t("mine.series")}`}
          </span>
        </p>
        {room && <RoomFacts room={room} />}
        {booking.mayChange ? (
          <div className={styles.buttons}>
            <Button color="red" variant="light" onClick={() => setCancelling(true)}>
              {t("mine.cancel")}
            </Button>
            <Button onClick={onEdit} disabled={booking.checkedIn}>
              {t("mine.change")}
            </Button>
          </div>
        ) : (
          <p className={styles.hint}>{t("timeline.notYours")}</p>
        )}
      </div>
    </Modal>
  );
}
