"""Who comes and when it ends: checking in, ending early, releasing what nobody came to."""

from datetime import timedelta

from bookings.domain import Booking, Period, Room, Status
from bookings.repository.bookings import Bookings
from bookings.repository.people import Users
from bookings.repository.rows import range_of
from bookings.service.booking import apply_change, get_booking, person_of
from bookings.service.telling import Telling
from common.db import AsyncSession
from common.errors import Conflict, Forbidden
from common.identity import Identity, Role


def check_panel(identity: Identity, room: Room) -> None:
    """Check that a panel acts for the room at whose door it hangs.

    Raises:
        Forbidden: it is of another one.
    """
    if identity.kind == "panel" and identity.room_id not in {None, room.id}:
        raise Forbidden("This panel is of another room.")


async def know_panel(session: AsyncSession, identity: Identity) -> None:
    """Know a panel by its name, which audits and bookings show."""
    if identity.kind == "panel":
        await Users(session).ensure(person_of(identity))


async def check_in(session: AsyncSession, identity: Identity, booking_id: str) -> Booking:
    """Record that somebody has come.

    Raises:
        NotFound
        Conflict: somebody has already, it is not confirmed, it is too early or too late, or the
            room that was released has been given to somebody else.
    """
    booking = await get_booking(session, booking_id, lock=True)
    check_panel(identity, booking.room)
    await know_panel(session, identity)
    came_at = min(identity.acted_at or booking.now, booking.now)
    if booking.checked_in_at is not None:
        raise Conflict("Already checked in")
    # Whoever came in time, at a panel that could not say so in time, was no no-show.
    if booking.status is Status.NO_SHOW and identity.acted_at is None:
        raise Conflict("Check-in window has expired")
    if booking.status not in {Status.CONFIRMED, Status.NO_SHOW} or booking.overridden_by:
        raise Conflict("Only a confirmed booking can be checked in to")
    opens = booking.period.start - timedelta(minutes=booking.room.policy.checkin_opens)
    closes = booking.checkin.end if booking.checkin else booking.period.end
    if came_at < opens:
        raise Conflict("Check-in has not opened yet")
    if came_at >= closes:
        raise Conflict("Check-in window has expired")
    values = {"checked_in_at": came_at, "status": Status.CONFIRMED}
    changed = await apply_change(session, booking.id, values)
    telling = Telling(session, identity.id)
    telling.did("BOOKING_CHECKED_IN", changed)
    await telling.tell()
    return changed


def may_end(identity: Identity, booking: Booking) -> None:
    """Check that a meeting's end is the caller's to change.

    Raises:
        Forbidden: they are not in it, nor an admin, nor the panel at its door.
    """
    involved = {booking.organizer.id, *(person.id for person in booking.attendees)}
    if not (identity.kind == "panel" or identity.role is Role.ADMIN or identity.id in involved):
        raise Forbidden("Only the organizer, an attendee or an admin can end this booking.")


async def end_early(session: AsyncSession, identity: Identity, booking_id: str) -> int:
    """End a meeting that is under way and free its room.

    Returns:
        the whole minutes that were left.

    Raises:
        NotFound, Forbidden
        Conflict: nobody has checked in, or it is over.
    """
    booking = await get_booking(session, booking_id, lock=True)
    check_panel(identity, booking.room)
    may_end(identity, booking)
    await know_panel(session, identity)
    if not booking.is_running or booking.overridden_by is not None:
        raise Conflict("Booking is not currently active")
    left = booking.period.end - booking.now
    # Whoever comes before the start ends it at the start: a booking has some length.
    end = max(booking.now, booking.period.start + timedelta(microseconds=1))
    shortened = booking.room.policy.held(Period(booking.period.start, end))
    held = Period(booking.held.start, min(shortened.end, booking.held.end))
    values = {
        "status": Status.COMPLETED,
        "ends_at": end,
        "ended_at": booking.now,
        "held": range_of(held),
    }
    changed = await apply_change(session, booking.id, values)
    telling = Telling(session, identity.id)
    telling.did("BOOKING_ENDED", changed)
    await telling.tell()
    return max(0, int(left.total_seconds() // 60))


async def release_overdue(session: AsyncSession, limit: int = 200) -> int:
    """Release bookings that nobody came to, and complete those that are over.

    Returns:
        how many there were; ``limit`` means that there may be more.
    """
    bookings, telling = Bookings(session), Telling(session, None)
    overdue = await bookings.overdue(limit)
    missed = {one.id for one in overdue if one.checked_in_at is None and one.checkin is not None}
    over = {one.id for one in overdue} - missed
    changes = {
        **await bookings.change_all(missed, {"status": Status.NO_SHOW}),
        **await bookings.change_all(over, {"status": Status.COMPLETED}),
    }
    for booking in overdue:
        changed = changes[booking.id]
        if booking.checkin is not None and booking.id in missed:
            why = (
                f"Nobody checked in by {booking.checkin.end:%Y-%m-%d %H:%M:%S} UTC"
                f" (policy: {booking.room.policy.checkin_closes} minutes after the start)."
            )
            telling.did("BOOKING_RELEASED", changed, why)
            telling.notify(
                [booking.organizer.id],
                "BOOKING_RELEASED",
                changed,
                f"Your booking of {booking.room.name} was released: nobody checked in.",
                why,
            )
        else:
            telling.did("BOOKING_COMPLETED", changed)
    await telling.tell()
    return len(overdue)
