"""What can be done at a room's door: book it now, stay longer. Panels do so in their own name."""

from datetime import UTC, datetime, timedelta
from typing import Final

from bookings.domain import Booking, Period, Room, Status
from bookings.repository.bookings import BookingFilter, Bookings
from bookings.repository.people import Users
from bookings.service.attendance import check_panel, know_panel, may_end
from bookings.service.booking import (
    TAKEN,
    NewBooking,
    Parties,
    apply_change,
    check_role,
    check_rules,
    find_room,
    get_booking,
    new_values,
    period_values,
    person_of,
    place,
)
from bookings.service.telling import Telling
from common.db import AsyncSession
from common.errors import Conflict
from common.identity import Identity

# For less a room is not given away.
SHORTEST: Final = timedelta(minutes=5)


async def book_now(
    session: AsyncSession, identity: Identity, room_id: str, title: str, length: timedelta
) -> Booking:
    """Book a room from now on, up to the next booking at most; whoever does is there already.

    Raises:
        NotFound: there is no such room.
        Forbidden: the room is not for the caller, or the panel of another.
        Conflict: the room is taken, or a rule does not allow it.
    """
    room = await find_room(session, room_id)
    check_panel(identity, room)
    person = person_of(identity)
    if not room.is_active or room.is_locked:
        raise Conflict("Room is under maintenance.")
    check_role(room, person)
    await Users(session).ensure(person)
    now = datetime.now(UTC)
    period = Period(now, await _free_until(session, room, now, now + length))
    if period.length < min(SHORTEST, length):
        raise Conflict(TAKEN)
    new = NewBooking(room_id=room_id, title=title, description=None, period=period)
    await check_rules(session, room, person, new, now)
    values = {
        **new_values(room, person, new, now, status=Status.CONFIRMED),
        "checked_in_at": now,
    }
    made = await place(session, Parties(room, person), values, [period], None)
    if not made:
        raise Conflict(TAKEN)
    booking = await get_booking(session, made[0].id)
    telling = Telling(session, identity.id)
    telling.did("BOOKING_CREATED", booking)
    await telling.tell()
    return booking


async def extend(
    session: AsyncSession, identity: Identity, booking_id: str, length: timedelta
) -> Booking:
    """Let a meeting that is under way last longer, up to the next booking at most.

    Raises:
        NotFound, Forbidden
        Conflict: it is not under way, the room is taken, or a rule does not allow it.
    """
    booking = await get_booking(session, booking_id, lock=True)
    room = booking.room
    check_panel(identity, room)
    may_end(identity, booking)
    await know_panel(session, identity)
    is_current = booking.period.start <= booking.now < booking.period.end
    if not is_current or booking.status is not Status.CONFIRMED or booking.overridden_by:
        raise Conflict("Booking is not currently active")
    was = booking.period.end
    until = await _free_until(session, room, booking.period.start, was + length, booking)
    if until <= was:
        raise Conflict(TAKEN)
    period = Period(booking.period.start, until)
    new = NewBooking(room_id=room.cuid, title=booking.title, description=None, period=period)
    await check_rules(session, room, booking.organizer, new, booking.now)
    changed = await apply_change(session, booking.id, period_values(room, period))
    telling = Telling(session, identity.id)
    telling.did("BOOKING_CHANGED", changed)
    await telling.tell()
    return changed


async def _free_until(
    session: AsyncSession, room: Room, start: datetime, end: datetime, own: Booking | None = None
) -> datetime:
    """Return until when a booking may last that begins at some moment, ``end`` at most."""
    wanted = BookingFilter(room_id=room.id, held_during=room.policy.held(Period(start, end)))
    others = [
        one for one in await Bookings(session).find(wanted) if own is None or one.id != own.id
    ]
    after = timedelta(minutes=room.policy.buffer_after)
    return min([end, *(one.held.start - after for one in others)])
