"""Requests that somebody decides on, and overrides: what the `university` contract adds."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from bookings.domain import Booking, Period, Status
from bookings.repository.bookings import BookingFilter, Bookings
from bookings.repository.people import Users
from bookings.repository.rooms import Rooms
from bookings.service.booking import (
    Made,
    NewBooking,
    Parties,
    Skipped,
    apply_change,
    check_period,
    check_role,
    check_rules,
    find_room,
    free_of,
    new_values,
    period_values,
    person_of,
    place,
)
from bookings.service.telling import Telling
from common.db import AsyncSession
from common.errors import Conflict, Forbidden, Invalid, NotFound
from common.identity import Identity
from common.ids import is_cuid, new_cuid

TAKEN: Final = "Room is already booked for this time period"
NO_REQUEST: Final = "Booking request not found"
CANNOT_APPROVE: Final = (
    "Cannot approve: Room is already booked for this time period. Use override booking instead."
)


async def submit(session: AsyncSession, identity: Identity, new: NewBooking) -> Made:
    """Request a room, once or as a series.

    Raises:
        NotFound: there is no such room.
        Invalid: it is inactive or locked, or the period or rule is wrong.
        Forbidden: it is not for the caller's role.
        Conflict: it is taken, or a rule does not allow it.
    """
    person = person_of(identity)
    now = datetime.now(UTC)
    check_period(new.period, now, "endAt", "startAt", late_by=timedelta())
    room = await find_room(session, new.room_id)
    if not room.is_active:
        raise Invalid("Room is not active")
    if room.is_locked:
        raise Invalid("Room is currently locked")
    check_role(room, person)
    await Users(session).ensure(person)
    periods, skipped = await check_rules(session, room, person, new, now)
    # A request for what is held is refused at once; what is free may be taken until it is approved.
    free = await free_of(session, room, periods)
    if not free:
        raise Conflict(TAKEN)
    values = new_values(room, person, new, now, status=Status.PENDING)
    made = await place(session, Parties(room, person), values, free, new.recurrence_rule)
    if not made:
        raise Conflict(TAKEN)
    telling = Telling(session, person.id)
    admins = await Users(session).admins()
    for booking in made:
        telling.did("REQUEST_SUBMITTED", booking)
    # Of a series, one notification: it is decided together or one by one, but seen as one.
    many = f" ({len(made)} dates)" if len(made) > 1 else ""
    message = f"{person.name} requested {room.name}{many}: {new.title}"
    telling.notify([person.id, *admins], "REQUEST_SUBMITTED", made[0], message)
    await telling.tell()
    booked = {booking.period for booking in made}
    lost = [Skipped(period, TAKEN) for period in periods if period not in booked]
    return Made(made, sorted([*skipped, *lost], key=lambda one: one.period.start))


@dataclass(frozen=True, slots=True)
class Decision:
    """What an admin decides, and for which time if not the one asked for."""

    approved: bool
    reason: str
    start: datetime | None = None
    end: datetime | None = None


async def decide(
    session: AsyncSession, identity: Identity, request_id: str, decision: Decision
) -> Booking:
    """Approve or reject a request.

    Raises:
        NotFound
        Invalid: it is not pending, or the changed times are wrong.
        Conflict: the room was taken meanwhile.
    """
    room_id = await Bookings(session).room_of(request_id) if is_cuid(request_id) else None
    if room_id is not None:
        await Rooms(session).lock(room_id)
    request = await _pending(session, request_id, "Only pending requests can be modified")
    values = {"decided_at": request.now, "decision_reason": decision.reason}
    period = Period(decision.start or request.period.start, decision.end or request.period.end)
    modified = decision.approved and period != request.period
    if modified:
        check_period(period, request.now, "endAt", "startAt", late_by=timedelta())
        values |= period_values(request.room, period)
    status = Status.CONFIRMED if decision.approved else Status.REJECTED
    try:
        decided = await apply_change(session, request.id, {**values, "status": status})
    except Conflict as error:
        raise Conflict(CANNOT_APPROVE) from error
    telling = Telling(session, identity.id)
    kind = "REQUEST_APPROVED" if decision.approved else "REQUEST_REJECTED"
    telling.did(kind, decided, decision.reason)  # type: ignore[arg-type] # one of two actions
    word = "approved" if decision.approved else "rejected"
    about = f"Your booking request for {request.room.name} has been {word}."
    organizer = [request.organizer.id]
    telling.notify(organizer, kind, decided, f"{about} {decision.reason}", decision.reason)
    if modified:
        text = f"The time of your booking of {request.room.name} was changed."
        telling.notify(organizer, "REQUEST_MODIFIED", decided, text, decision.reason)
    await telling.tell()
    return decided


async def cancel_request(session: AsyncSession, identity: Identity, request_id: str) -> Booking:
    """Take back a request of one's own.

    Raises:
        NotFound
        Forbidden: it is somebody else's.
        Invalid: it is not pending.
    """
    request = await Bookings(session).get(request_id, lock=True) if is_cuid(request_id) else None
    if request is None or not request.requested:
        raise NotFound(NO_REQUEST)
    if request.organizer.id != identity.id:
        raise Forbidden("You can only cancel your own requests")
    if request.status is not Status.PENDING:
        raise Invalid("Only pending requests can be cancelled")
    cancelled = await apply_change(session, request.id, {"status": Status.CANCELLED})
    telling = Telling(session, identity.id)
    telling.did("REQUEST_CANCELLED", cancelled)
    message = f"The request for {request.room.name} was cancelled."
    admins = await Users(session).admins()
    telling.notify([request.organizer.id, *admins], "REQUEST_CANCELLED", cancelled, message)
    await telling.tell()
    return cancelled


async def _pending(session: AsyncSession, request_id: str, otherwise: str) -> Booking:
    request = await Bookings(session).get(request_id, lock=True) if is_cuid(request_id) else None
    if request is None or not request.requested:
        raise NotFound(NO_REQUEST)
    if request.status is not Status.PENDING:
        raise Invalid(otherwise)
    return request


@dataclass(frozen=True, slots=True)
class NewOverride:
    """A booking that takes the place of whatever is there."""

    room_id: str
    user_id: str
    period: Period
    purpose: str
    reason: str


async def override(session: AsyncSession, identity: Identity, new: NewOverride) -> Booking:
    """Book a room for somebody whatever is booked there; what is displaced stays, marked.

    Raises:
        NotFound: there is no such room or user.
        Invalid: the period is wrong.
    """
    now = datetime.now(UTC)
    room = await find_room(session, new.room_id)
    check_period(new.period, now, "endAt", "startAt", late_by=room.policy.latest_start)
    found = await Users(session).find([new.user_id])
    if not found:
        raise NotFound("User not found")
    person = found[new.user_id]
    await Rooms(session).lock(room.id)
    booking = NewBooking(
        room_id=new.room_id, title=new.purpose, description=None, period=new.period
    )
    values = new_values(room, person, booking, now, status=Status.CONFIRMED)
    values |= {"id": new_cuid(), "is_override": True, "decision_reason": new.reason}
    telling = Telling(session, identity.id)
    made, displaced = await _displace(session, Parties(room, person), values, new.period)
    telling.did("OVERRIDE_CREATED", made, new.reason)
    message = f"{room.name} was booked for you: {new.purpose}"
    telling.notify([person.id], "OVERRIDE_CREATED", made, message, new.reason)
    for one in displaced:
        telling.did("BOOKING_OVERRIDDEN", one, new.reason)
        people = [one.organizer.id, *(attendee.id for attendee in one.attendees)]
        lost = f"Your booking of {room.name} was displaced by an administrator: {new.reason}"
        telling.notify(people, "BOOKING_OVERRIDDEN", one, lost, new.reason)
    await telling.tell()
    return made


async def _displace(
    session: AsyncSession, parties: Parties, values: dict[str, object], period: Period
) -> tuple[Booking, list[Booking]]:
    bookings, room = Bookings(session), parties.room
    wanted = BookingFilter(room_id=room.id, held_during=room.policy.held(period))
    displaced: dict[str, Booking] = {}
    while True:
        holders = [holder.id for holder in await bookings.find(wanted, lock=True)]
        displaced |= await bookings.change_all(holders, {"overridden_by": values["id"]})
        if made := await place(session, parties, values, [period], None):
            return made[0], list(displaced.values())
        # Somebody booked between our look and our insert; they are displaced like the others.
