"""Tells of what was done, in its transaction: an event, an entry of the audit, notifications."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal

from bookings.domain import Booking
from bookings.repository.outward import Deliveries, Told
from bookings.repository.told import Audit, Notifications
from bookings.tables import outbox
from bookings.webhook import EVENT_OF
from common.db import AsyncSession
from common.events import BOOKINGS, BookingV1, PersonV1
from common.ids import new_cuid

Action = Literal[
    "REQUEST_SUBMITTED",
    "REQUEST_APPROVED",
    "REQUEST_REJECTED",
    "REQUEST_CANCELLED",
    "BOOKING_CREATED",
    "BOOKING_CHANGED",
    "BOOKING_CANCELLED",
    "BOOKING_CHECKED_IN",
    "BOOKING_ENDED",
    "BOOKING_COMPLETED",
    "BOOKING_RELEASED",
    "BOOKING_OVERRIDDEN",
    "OVERRIDE_CREATED",
]
_TITLES: Final[Mapping[str, str]] = {
    "REQUEST_SUBMITTED": "Booking Request Submitted",
    "REQUEST_APPROVED": "Booking Approved",
    "REQUEST_REJECTED": "Booking Rejected",
    "REQUEST_MODIFIED": "Booking Request Modified",
    "REQUEST_CANCELLED": "Booking Request Cancelled",
    "OVERRIDE_CREATED": "Override Booking Created",
    "BOOKING_OVERRIDDEN": "Booking Displaced",
    "BOOKING_CANCELLED": "Booking Cancelled",
    "BOOKING_RELEASED": "Booking Released",
}


class Telling:
    """Collects what is to be told of a transaction's changes; `tell` writes it.

    Args:
        actor_id: the user who does it; None: the system itself.
    """

    def __init__(self, session: AsyncSession, actor_id: str | None) -> None:
        self._session = session
        self._actor_id = actor_id
        self._entries: list[dict[str, Any]] = []
        self._notes: list[dict[str, Any]] = []
        self._changed: dict[str, tuple[Action, Booking]] = {}

    def did(self, action: Action, booking: Booking, reason: str | None = None) -> None:
        """Note what was done with a booking, which is now as given, and why."""
        self._changed[booking.id] = action, booking
        kind = "BOOKING_REQUEST" if action.startswith("REQUEST") else "BOOKING"
        self._entries.append(audit_entry(self._actor_id, action, kind, booking.id, reason))

    def notify(
        self,
        user_ids: Iterable[str],
        kind: str,
        booking: Booking,
        message: str,
        reason: str | None = None,
    ) -> None:
        """Note what people are to be told; nobody is told the same thing twice."""
        metadata = {
            "requestId": booking.id,
            "roomName": booking.room.name,
            "timezone": booking.room.timezone,
            "startAt": iso(booking.period.start),
            "endAt": iso(booking.period.end),
            "reason": reason,
        }
        for user_id in dict.fromkeys(user_ids):
            self._notes.append(
                {
                    "id": new_cuid(),
                    "user_id": user_id,
                    "type": kind,
                    "title": _TITLES[kind],
                    "message": message,
                    "metadata": metadata,
                }
            )

    async def tell(self) -> None:
        """Write all of it."""
        messages, told = [], []
        for action, booking in self._changed.values():
            body = encode_event(booking)
            messages.append((str(booking.room.id), body))
            told.append(Told(event_id_of(booking), booking.id, EVENT_OF[action], body))
        await outbox.put_all(self._session, BOOKINGS.name, messages)
        await Deliveries(self._session).queue(told)
        await Audit(self._session).add(self._entries)
        await Notifications(self._session).add(self._notes)


def audit_entry(
    actor_id: str | None, action: str, kind: str, target_id: int | str, reason: str | None = None
) -> dict[str, str | None]:
    """Write an entry of the audit: who did what to what, and why."""
    return {
        "id": new_cuid(),
        "actor_user_id": actor_id,
        "action_type": action,
        "target_type": kind,
        "target_id": str(target_id),
        "reason": reason,
    }


def event_id_of(booking: Booking) -> str:
    """Name a booking's event: the same for the same version."""
    return f"{booking.id}/{booking.version}"


def encode_event(booking: Booking) -> bytes:
    """Write a booking's event as it stands on the topic."""
    return outbox.encode(
        BOOKINGS,
        _event(booking),
        event_id=event_id_of(booking),
        subject=f"booking/{booking.id}",
        at=booking.now,
    )


def _event(booking: Booking) -> BookingV1:
    organizer, checkin = booking.organizer, booking.checkin
    return BookingV1(
        id=booking.id,
        version=booking.version,
        room_id=booking.room.id,
        room_cuid=booking.room.cuid,
        organizer=PersonV1(id=organizer.id, name=organizer.name, email=organizer.email),
        attendee_ids=[person.id for person in booking.attendees],
        title=booking.title,
        description=booking.description,
        starts_at=booking.period.start,
        ends_at=booking.period.end,
        held_from=booking.held.start,
        held_until=booking.held.end,
        status=booking.status.value,
        holds=booking.holds,
        requested=booking.requested,
        is_override=booking.is_override,
        overridden_by=booking.overridden_by,
        series_id=booking.series_id,
        checked_in_at=booking.checked_in_at,
        checkin_until=checkin.end if checkin else None,
        ended_at=booking.ended_at,
        created_at=booking.created_at,
    )


def iso(moment: datetime) -> str:
    """Write an instant as the documents do: UTC, with a Z."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
