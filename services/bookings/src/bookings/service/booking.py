"""Books rooms, moves and cancels bookings.

Who has a room is decided by the database alone, in `Bookings.add` and `Bookings.change`; nothing
here looks first and writes then. What changes several bookings of a room holds the room's lock.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from bookings import rules
from bookings.domain import Booking, Period, Person, Room, Status, holds
from bookings.recurrence import WrongRule, expand
from bookings.repository.bookings import BookingFilter, Bookings, Taken
from bookings.repository.people import Users
from bookings.repository.rooms import Look, Rooms
from bookings.repository.rows import range_of
from bookings.repository.rules import Closures
from bookings.service.telling import Telling, encode_event, event_id_of
from bookings.webhook import EVENT_OF
from common.copies import find_fresh
from common.db import AsyncSession
from common.errors import Conflict, Forbidden, Invalid, NotFound, Unauthorized, invalid_field
from common.fields import parse_room_id
from common.identity import Identity, Role
from common.ids import is_cuid, new_cuid

TAKEN: Final = "Room is already booked for the requested time slot."
NO_ROOM: Final = "Room not found"
NO_BOOKING: Final = "Booking not found"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewBooking:
    """What somebody wants to book.

    Args:
        recurrence_rule: RFC 5545; the booking is then the first of a series.
    """

    room_id: str
    title: str
    description: str | None
    period: Period
    attendee_ids: tuple[str, ...] = ()
    recurrence_rule: str | None = None


@dataclass(frozen=True, slots=True)
class Parties:
    """Whom a booking concerns."""

    room: Room
    organizer: Person
    attendees: tuple[Person, ...] = ()


@dataclass(frozen=True, slots=True)
class Skipped:
    """An occurrence of a series that could not be booked."""

    period: Period
    reason: str


@dataclass(frozen=True, slots=True)
class Made:
    """What was booked: one booking, or those of a series and what was skipped of it."""

    bookings: Sequence[Booking]
    skipped: Sequence[Skipped] = ()


# --- finding --------------------------------------------------------------------------------------


async def find_room(session: AsyncSession, room_id: str) -> Room:
    """Find a room by the id in a path or a body, either of its two.

    One that was made a moment ago is waited for, until its event has come; unless the session's
    transaction has begun, without a connection meanwhile.

    Raises:
        NotFound: there is none.
    """
    rooms = Rooms(session)
    parsed = parse_room_id(room_id)
    if parsed is None:
        raise NotFound(NO_ROOM)

    async def find(names: Collection[int | str]) -> dict[int | str, Room]:
        return {name: room for name in names if (room := await rooms.get(name)) is not None}

    found = await find_fresh(find, {parsed}, rooms.newest_id)
    if not found:
        raise NotFound(NO_ROOM)
    return found[parsed]


async def find_rooms(session: AsyncSession, room_ids: Collection[str]) -> dict[str, int]:
    """Find rooms by the ids in a body; returns the integer ids of those that there are.

    Those that were made a moment ago are waited for, as one is.
    """
    rooms = Rooms(session)
    parsed = {text: one for text in room_ids if (one := parse_room_id(text)) is not None}
    known = await find_fresh(rooms.find, set(parsed.values()), rooms.newest_id)
    return {text: known[one] for text, one in parsed.items() if one in known}


async def get_booking(session: AsyncSession, booking_id: str, *, lock: bool = False) -> Booking:
    """Find a booking.

    Raises:
        NotFound: there is none.
    """
    booking = await Bookings(session).get(booking_id, lock=lock) if is_cuid(booking_id) else None
    if booking is None:
        raise NotFound(NO_BOOKING)
    return booking


def person_of(identity: Identity) -> Person:
    """Return the person who is calling; a panel at a door acts under its own name.

    Raises:
        Unauthorized: it is another device, or nobody.
    """
    if identity.kind == "panel" and identity.id is not None:
        return Person(identity.id, identity.name or "Panel", "", "PANEL")
    if identity.kind != "user" or identity.id is None or identity.role is None:
        raise Unauthorized("Only people can book rooms.")
    return Person(identity.id, identity.name or "", identity.email or "", identity.role.value)


# --- booking --------------------------------------------------------------------------------------


async def book(session: AsyncSession, identity: Identity, new: NewBooking) -> Made:
    """Book a room, once or as a series.

    Raises:
        NotFound: there is no such room.
        Forbidden: the room is not for the caller's role.
        Invalid: the period or the rule is wrong, or an attendee is unknown.
        Conflict: the room is taken, closed, or a rule does not allow it.
    """
    person = person_of(identity)
    now = datetime.now(UTC)
    check_period(new.period, now, "endTime", "startTime", late_by=None)
    room, look = await _look(session, new, person)
    check_period(new.period, now, "endTime", "startTime", late_by=room.policy.latest_start)
    if not room.is_active or room.is_locked:
        raise Conflict("Room is under maintenance.")
    check_role(room, person)
    if not look.knows_caller:
        await Users(session).ensure(person)
    attendees = await find_attendees(session, new.attendee_ids) if new.attendee_ids else ()
    values = new_values(room, person, new, now, status=Status.CONFIRMED)
    parties = Parties(room, person, attendees)
    if new.recurrence_rule is None:
        return Made([await _book_once(session, parties, look, new, values)])
    occurrences, skipped = await check_rules(session, room, person, new, now)
    telling = Telling(session, person.id)
    made = await place(session, parties, values, occurrences, new.recurrence_rule)
    for booking in made:
        telling.did("BOOKING_CREATED", booking)
    await telling.tell()
    booked = {booking.period for booking in made}
    lost = [Skipped(one, TAKEN) for one in occurrences if one not in booked]
    if not made:
        raise Conflict(TAKEN)
    return Made(made, sorted([*skipped, *lost], key=lambda one: one.period.start))


async def preview(
    session: AsyncSession, identity: Identity, new: NewBooking
) -> list[tuple[Period, str | None]]:
    """Tell what would come of a booking or series now, without making it.

    Returns:
        each occurrence by start, with why it would be left out.

    Raises:
        NotFound, Forbidden, Invalid: as for booking it.
        Conflict: the room is closed, or a rule does not allow any of it.
    """
    person = person_of(identity)
    now = datetime.now(UTC)
    room = await find_room(session, new.room_id)
    check_period(new.period, now, "endTime", "startTime", late_by=room.policy.latest_start)
    if not room.is_active or room.is_locked:
        raise Conflict("Room is under maintenance.")
    check_role(room, person)
    periods, skipped = await check_rules(session, room, person, new, now)
    free = set(await free_of(session, room, periods))
    shown: list[tuple[Period, str | None]] = [(one.period, one.reason) for one in skipped]
    shown += [(period, None if period in free else TAKEN) for period in periods]
    return sorted(shown, key=lambda one: one[0].start)


async def free_of(session: AsyncSession, room: Room, periods: Sequence[Period]) -> list[Period]:
    """List the periods that nobody holds now.

    This decides nothing: what is free now may be taken a moment later.
    """
    span = Period(room.policy.held(periods[0]).start, room.policy.held(periods[-1]).end)
    holders = await Bookings(session).find(BookingFilter(room_id=room.id, held_during=span))
    return [
        period
        for period in periods
        if not any(holder.held.overlaps(room.policy.held(period)) for holder in holders)
    ]


async def _look(session: AsyncSession, new: NewBooking, person: Person) -> tuple[Room, Look]:
    rooms = Rooms(session)
    room_id = parse_room_id(new.room_id)
    found = await rooms.look(room_id, new.period, person) if room_id is not None else None
    if found is None:
        room = await find_room(session, new.room_id)
        found = await rooms.look(room.id, new.period, person)
    if found is None:
        raise NotFound(NO_ROOM)
    return found


async def _book_once(
    session: AsyncSession,
    parties: Parties,
    look: Look,
    new: NewBooking,
    values: Mapping[str, Any],
) -> Booking:
    """Book one period: the hot path, two statements when no rule has to be looked into."""
    room, now = parties.room, values["created_at"]
    if look.has_quota or look.may_be_closed:
        await check_rules(session, room, parties.organizer, new, now)
    else:
        try:
            rules.check_length_and_horizon(room.policy, new.period, now)
        except rules.RuleBroken as broken:
            raise Conflict(str(broken)) from broken
    row = {"id": new_cuid(), **values, "starts_at": new.period.start, "ends_at": new.period.end}
    booking = _as_booking(row, parties)
    event = encode_event(booking)
    told_as = EVENT_OF["BOOKING_CREATED"]
    if not await Bookings(session).book(booking, event_id_of(booking), event, told_as):
        raise Conflict(TAKEN)
    return booking


def check_role(room: Room, person: Person) -> None:
    """Check that a room is for somebody's role.

    Raises:
        Forbidden: it is not.
    """
    allowed = room.restricted_roles
    if allowed and person.role not in allowed and person.role != Role.ADMIN:
        raise Forbidden("You do not have permission to book this room")


def check_period(
    period: Period, now: datetime, end_field: str, start_field: str, *, late_by: timedelta | None
) -> None:
    """Check a period that somebody has asked for.

    Args:
        late_by: how long after its start it may still be asked for; None: that is not checked.

    Raises:
        Invalid: it ends before it starts, or started too long ago.
    """
    fields: dict[str, list[str]] = {}
    if period.end <= period.start:
        fields[end_field] = ["End time must be after start time"]
    if late_by is not None and period.start < now - late_by:
        fields[start_field] = ["Start time must be in the future"]
    if fields:
        raise Invalid("Validation failed", fields=fields)


async def find_attendees(session: AsyncSession, user_ids: Sequence[str]) -> tuple[Person, ...]:
    """Find the attendees of a booking.

    Raises:
        Invalid: some are unknown.
    """
    found = await Users(session).find(user_ids)
    if missing := [user_id for user_id in user_ids if user_id not in found]:
        shown = ", ".join(missing[:5])
        raise invalid_field("attendeeIds", f"Unknown attendees: {shown}.")
    return tuple(found[user_id] for user_id in dict.fromkeys(user_ids))


async def check_rules(
    session: AsyncSession, room: Room, person: Person, new: NewBooking, now: datetime
) -> tuple[list[Period], list[Skipped]]:
    """Expand what is to be booked and check it against every rule.

    Returns:
        what may be tried, and what of a series a rule does not allow.

    Raises:
        Invalid: the recurrence rule is wrong.
        Conflict: a rule does not allow it.
    """
    periods = [new.period]
    if new.recurrence_rule is not None:
        try:
            periods = expand(new.recurrence_rule, new.period, room.zone)
        except WrongRule as error:
            raise invalid_field("recurrenceRule", str(error)) from error
    span = Period(periods[0].start, periods[-1].end)
    closures = Closures(session)
    blackouts = await closures.blackouts(room.id, span)
    holidays = await closures.holidays(*rules.days_touched(room, span))
    allowed: list[Period] = []
    skipped: list[Skipped] = []
    for period in periods:
        try:
            rules.check_length_and_horizon(room.policy, period, now)
            rules.check_closed(room, period, blackouts, holidays)
        except rules.RuleBroken as broken:
            skipped.append(Skipped(period, str(broken)))
        else:
            allowed.append(period)
    if not allowed:
        raise Conflict(skipped[0].reason)
    await _check_quotas(session, room, person, allowed, now)
    return allowed, skipped


async def _check_quotas(
    session: AsyncSession, room: Room, person: Person, periods: Sequence[Period], now: datetime
) -> None:
    quotas = await Closures(session).quotas(person.role or "")
    if not quotas:
        return
    bookings = Bookings(session)
    await bookings.lock_quota(person.id)
    for quota in quotas:
        # A series is counted day by day, week by week, month by month.
        by_span: dict[Period | None, list[Period]] = {}
        for period in periods:
            by_span.setdefault(rules.quota_period(quota, room, period), []).append(period)
        for span, new in by_span.items():
            count, minutes = await bookings.usage(person.id, span, now=now)
            try:
                rules.check_quota(quota, new, count, minutes)
            except rules.RuleBroken as broken:
                raise Conflict(str(broken)) from broken


def new_values(
    room: Room, person: Person, new: NewBooking, now: datetime, *, status: Status
) -> dict[str, Any]:
    """Return a booking's row, but for its id and its period."""
    return {
        "version": 1,
        "room_id": room.id,
        "organizer_id": person.id,
        "attendee_ids": list(dict.fromkeys(new.attendee_ids)),
        "title": new.title,
        "description": new.description,
        "status": status,
        "pending_holds": status is Status.PENDING and room.policy.pending_holds,
        "requested": status is Status.PENDING,
        "is_override": False,
        "series_id": None,
        "created_at": now,
    }


def period_values(room: Room, period: Period) -> dict[str, Any]:
    """Return the part of a booking's row that follows from its period and its room's policy."""
    checkin = room.policy.checkin_window(period)
    return {
        "starts_at": period.start,
        "ends_at": period.end,
        "held": range_of(room.policy.held(period)),
        "checkin_from": checkin.start if checkin else None,
        "checkin_until": checkin.end if checkin else None,
    }


async def place(
    session: AsyncSession,
    parties: Parties,
    values: Mapping[str, Any],
    periods: Sequence[Period],
    recurrence_rule: str | None,
) -> list[Booking]:
    """Store bookings as far as their times are free; returns those that were stored."""
    bookings, room = Bookings(session), parties.room
    if recurrence_rule is None:
        row = {"id": new_cuid(), **values, **period_values(room, periods[0])}
        made = {row["id"]} if await bookings.add(row) else set()
        return [_as_booking(row, parties)] if made else []
    # Several rows at once: others who change several of this room's bookings wait for us.
    await Rooms(session).lock(room.id)
    series_id = new_cuid()
    rows = [
        {**values, "id": new_cuid(), "series_id": series_id, **period_values(room, period)}
        for period in periods
    ]
    made = await bookings.add_series(
        {
            "id": series_id,
            "room_id": room.id,
            "organizer_id": parties.organizer.id,
            "recurrence_rule": recurrence_rule,
        },
        rows,
    )
    return [_as_booking(row, parties) for row in rows if row["id"] in made]


def _as_booking(row: Mapping[str, Any], parties: Parties) -> Booking:
    """Return what was just stored, without asking for it."""
    room = parties.room
    status = Status(row["status"])
    period = Period(row["starts_at"], row["ends_at"])
    return Booking(
        id=row["id"],
        version=row["version"],
        room=room,
        organizer=parties.organizer,
        attendees=parties.attendees,
        title=row["title"],
        description=row["description"],
        period=period,
        held=room.policy.held(period),
        status=status,
        holds=holds(status, pending_holds=row["pending_holds"], overridden=False),
        requested=row["requested"],
        decision_reason=row.get("decision_reason"),
        decided_at=None,
        is_override=row["is_override"],
        overridden_by=None,
        series_id=row["series_id"],
        checkin=room.policy.checkin_window(period),
        checked_in_at=None,
        ended_at=None,
        created_at=row["created_at"],
        now=row["created_at"],
    )


# --- changing -------------------------------------------------------------------------------------


async def move(
    session: AsyncSession, identity: Identity, booking_id: str, change: "Change"
) -> Booking:
    """Give a booking another time, room, title, description or other attendees.

    Raises:
        NotFound, Forbidden, Invalid: as for a new booking.
        Conflict: it is over or cancelled, the room is taken, or a rule does not allow it.
    """
    seen = await get_booking(session, booking_id)
    may_change(identity, seen)
    room = await find_room(session, change.room_id) if change.room_id is not None else seen.room
    for room_id in sorted({seen.room.id, room.id}):
        await Rooms(session).lock(room_id)
    booking = await get_booking(session, booking_id, lock=True)
    if booking.status not in {Status.CONFIRMED, Status.PENDING} or booking.overridden_by:
        raise Conflict("Only a booking that has not ended can be changed.")
    period = Period(change.start or booking.period.start, change.end or booking.period.end)
    values: dict[str, Any] = dict(change.texts)
    if change.attendee_ids is not None:
        await find_attendees(session, change.attendee_ids)
        values["attendee_ids"] = list(dict.fromkeys(change.attendee_ids))
    if period != booking.period or room.id != booking.room.id:
        if booking.checked_in_at is not None:
            raise Conflict("A booking that somebody has checked in to cannot be moved.")
        await _check_move(session, booking, room, period)
        values |= {"room_id": room.id, **period_values(room, period)}
    if not values:
        return booking
    changed = await apply_change(session, booking.id, values)
    telling = Telling(session, identity.id)
    telling.did("BOOKING_CHANGED", changed)
    await telling.tell()
    return changed


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is to be changed of a booking; None and what is not named stay.

    Args:
        texts: title and description.
    """

    texts: Mapping[str, str | None]
    room_id: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    attendee_ids: tuple[str, ...] | None = None


async def _check_move(session: AsyncSession, booking: Booking, room: Room, period: Period) -> None:
    if not room.is_active or room.is_locked:
        raise Conflict("Room is under maintenance.")
    check_role(room, booking.organizer)
    now = datetime.now(UTC)
    check_period(period, now, "endTime", "startTime", late_by=room.policy.latest_start)
    try:
        rules.check_length_and_horizon(room.policy, period, now)
        closures = Closures(session)
        blackouts = await closures.blackouts(room.id, period)
        holidays = await closures.holidays(*rules.days_touched(room, period))
        rules.check_closed(room, period, blackouts, holidays)
    except rules.RuleBroken as broken:
        raise Conflict(str(broken)) from broken


async def apply_change(
    session: AsyncSession, booking_id: str, values: Mapping[str, Any]
) -> Booking:
    """Change a booking that is held, and read it again.

    Raises:
        Conflict: its room is taken in that time.
    """
    bookings = Bookings(session)
    try:
        await bookings.change(booking_id, values)
    except Taken as error:
        raise Conflict(TAKEN) from error
    changed = await bookings.get(booking_id)
    if changed is None:
        raise AssertionError(booking_id)
    return changed


def may_change(identity: Identity, booking: Booking) -> None:
    """Check that a booking is the caller's to change.

    Raises:
        Forbidden: it is neither theirs nor are they an admin.
    """
    if identity.id != booking.organizer.id and identity.role is not Role.ADMIN:
        raise Forbidden("Only the organizer or an admin can change this booking.")


async def cancel(
    session: AsyncSession, identity: Identity, booking_id: str, *, scope: str = "this"
) -> int:
    """Cancel a booking, or with it those of its series.

    Args:
        scope: `this`, `following` (this one and all later ones), or `all` that are not over.

    Returns:
        how many were cancelled.

    Raises:
        NotFound, Forbidden
        Conflict: it is cancelled or over already.
    """
    booking = await get_booking(session, booking_id)
    may_change(identity, booking)
    telling = Telling(session, identity.id)
    if scope == "this" or booking.series_id is None:
        cancelled = [await get_booking(session, booking_id, lock=True)]
        if cancelled[0].status not in {Status.CONFIRMED, Status.PENDING}:
            raise Conflict("Booking is already cancelled or completed.")
    else:
        wanted = BookingFilter(
            series_id=booking.series_id,
            statuses=frozenset({Status.CONFIRMED, Status.PENDING}),
            ending_after=booking.period.start if scope == "following" else None,
        )
        cancelled = await Bookings(session).find(wanted, lock=True)
        if not cancelled:
            raise Conflict("Booking is already cancelled or completed.")
    ids = [one.id for one in cancelled]
    changes = await Bookings(session).change_all(ids, {"status": Status.CANCELLED})
    for one in cancelled:
        changed = changes[one.id]
        telling.did("BOOKING_CANCELLED", changed)
        if identity.id != one.organizer.id:
            telling.notify(
                [one.organizer.id],
                "BOOKING_CANCELLED",
                changed,
                f"Your booking of {one.room.name} was cancelled.",
            )
    await telling.tell()
    return len(cancelled)
