"""Reads and writes the schema `bookings`."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    Table,
    Update,
    and_,
    case,
    delete,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import Range, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from bookings.booking_statements import BOOK, LOOK_BY_CUID, LOOK_BY_ID
from bookings.domain import Booking, Period, Person, Policy, RequestStatus, Room, Status
from bookings.rules import Blackout, Holiday, Quota
from bookings.tables import (
    EVERY_ROOM,
    audit,
    blackouts,
    bookings,
    holidays,
    notifications,
    policies,
    quotas,
    rooms,
    series,
    users,
)
from common.db import fetch_hot
from common.events import BOOKINGS
from common.ids import new_cuid
from common.paging import Slice

Values = Mapping[str, Any]

_POLICY_FIELDS: Final = tuple(field.name for field in fields(Policy))
_ROOM_FIELDS: Final = tuple(
    "id cuid name building timezone floor capacity is_active is_locked".split()
)
_OVERLAP: Final = "bookings_never_overlap"
_own, _every = policies.alias("own_policy"), policies.alias("every_policy")
# A room has a policy of its own, or that of every room, or none: then the defaults hold.
_policy_columns = [
    case((_own.c.room_id.is_not(None), _own.c[name]), else_=_every.c[name]).label(f"policy_{name}")
    for name in _POLICY_FIELDS
]
_has_policy = func.coalesce(_own.c.room_id, _every.c.room_id).label("policy_room_id")
_room_columns = [column.label(f"room_{column.name}") for column in rooms.c]
_rooms = rooms.outerjoin(_own, _own.c.room_id == rooms.c.id).outerjoin(
    _every, _every.c.room_id == EVERY_ROOM
)
_user_columns = [column.label(f"user_{column.name}") for column in users.c]
_holds = and_(
    bookings.c.overridden_by.is_(None),
    or_(
        bookings.c.status.in_([Status.CONFIRMED, Status.COMPLETED]),
        and_(bookings.c.status == Status.PENDING, bookings.c.pending_holds),
    ),
)


class Taken(Exception):
    """The room is somebody else's in that time; the database has refused it."""


# --- rooms and people -----------------------------------------------------------------------------


def _room(row: Row[Any]) -> Room:
    policy = (
        Policy(**{name: getattr(row, f"policy_{name}") for name in _POLICY_FIELDS})
        if row.policy_room_id is not None
        else Policy()
    )
    return Room(
        id=row.room_id,
        cuid=row.room_cuid,
        name=row.room_name,
        building=row.room_building,
        timezone=row.room_timezone,
        floor=row.room_floor,
        capacity=row.room_capacity,
        amenities=tuple(row.room_amenities),
        images=tuple(row.room_images),
        is_active=row.room_is_active,
        is_locked=row.room_is_locked,
        restricted_roles=tuple(row.room_restricted_roles),
        policy=policy,
    )


@dataclass(frozen=True, slots=True)
class Look:
    """What else has to be asked before a room is booked; most often nothing.

    Args:
        may_be_closed: a blackout or a holiday touches the days of the period.
    """

    knows_caller: bool
    has_quota: bool
    may_be_closed: bool


def _room_of_look(row: Values) -> Room:
    has_policy = row["policy_room_id"] is not None
    policy = Policy(**{name: row[name] for name in _POLICY_FIELDS}) if has_policy else Policy()
    tuples: dict[str, Any] = {
        name: tuple(row[name]) for name in ("amenities", "images", "restricted_roles")
    }
    plain = {name: row[name] for name in _ROOM_FIELDS}
    return Room(**plain, **tuples, policy=policy)


class Rooms:
    """The copy of rooms, with their policies."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, room_id: int | str) -> Room | None:
        """Find a room by its integer id or its CUID."""
        row = await self._look(room_id, None, None, None, None)
        return _room_of_look(row) if row is not None else None

    async def look(
        self, room_id: int | str, period: Period, person: Person
    ) -> tuple[Room, Look] | None:
        """Find a room for somebody who wants it in a period, and what else there is to ask."""
        row = await self._look(room_id, period.start, period.end, person.role, person.id)
        if row is None:
            return None
        look = Look(row["knows_caller"], row["has_quota"], row["may_be_closed"])
        return _room_of_look(row), look

    async def _look(self, room_id: int | str, *wanted: object) -> Values | None:
        look = LOOK_BY_ID if isinstance(room_id, int) else LOOK_BY_CUID
        return await fetch_hot(self._session, look, room_id, *wanted)

    async def newest_id(self) -> int:
        """Return the highest integer id that a room has."""
        row = await fetch_hot(self._session, "SELECT max(id) AS id FROM bookings.rooms")
        return int(row["id"] or 0) if row is not None else 0

    async def lock(self, room_id: int) -> None:
        """Let nobody else change several bookings of a room until the transaction ends.

        A single insert needs no lock: the constraint judges it. Two transactions that each change
        several rows could wait for each other.
        """
        await self._session.execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended('bookings/room', :room))"),
            {"room": room_id},
        )

    async def store(self, rows: Sequence[Values]) -> None:
        """Take over what their owner tells, unless something newer is known."""
        await _store_newer(self._session, rooms, rows)


class Users:
    """The copy of people with accounts."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def store(self, rows: Sequence[Values]) -> None:
        """Take over what their owner tells, unless something newer is known."""
        await _store_newer(self._session, users, rows)

    async def ensure(self, person: Person) -> None:
        """Know somebody who calls us before the topic has told of them."""
        values = {
            "id": person.id,
            "version": 0,
            "name": person.name,
            "email": person.email,
            "role": person.role,
            "is_active": True,
        }
        await self._session.execute(insert(users).values(values).on_conflict_do_nothing())

    async def find(self, user_ids: Iterable[str]) -> dict[str, Person]:
        """Find people by their ids; who is unknown or disabled is left out."""
        wanted = set(user_ids)
        if not wanted:
            return {}
        found = select(users).where(users.c.id.in_(wanted), users.c.is_active)
        rows = await self._session.execute(found)
        return {row.id: _person(row) for row in rows}

    async def admins(self) -> list[str]:
        """List the ids of the admins."""
        found = select(users.c.id).where(users.c.role == "ADMIN", users.c.is_active)
        return list(await self._session.scalars(found.order_by(users.c.id)))


def _person(row: Row[Any], prefix: str = "") -> Person:
    names = ("id", "name", "email", "role", "department")
    return Person(*(getattr(row, f"{prefix}{name}") for name in names))


async def _store_newer(session: AsyncSession, table: Table, rows: Sequence[Values]) -> None:
    newest: dict[Any, Values] = {}
    for row in rows:
        known = newest.get(row["id"])
        if known is None or known["version"] < row["version"]:
            newest[row["id"]] = row
    if not newest:
        return
    # Sorted, so that two consumers do not wait for each other.
    told = insert(table).values([newest[key] for key in sorted(newest)])
    changed = {column.name: told.excluded[column.name] for column in table.c if column.name != "id"}
    newer = table.c.version < told.excluded.version
    await session.execute(
        told.on_conflict_do_update(index_elements=["id"], set_=changed, where=newer)
    )


# --- bookings -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingFilter:
    """Which bookings are wanted; None and False mean all of them.

    Args:
        of_person: organised or attended by them.
        starting: those that start in it.
        held_during: those that keep others out of their room in some of it, buffers included.
        requested: those that began as requests.
        in_force: no admin has put another in their place.
        pending_of: of what waits for a decision, only theirs.
    """

    room_id: int | None = None
    organizer_id: str | None = None
    of_person: str | None = None
    series_id: str | None = None
    ending_after: datetime | None = None
    starting_before: datetime | None = None
    starting: Period | None = None
    held_during: Period | None = None
    statuses: frozenset[Status] | None = None
    request_status: RequestStatus | None = None
    requested: bool = False
    in_force: bool = False
    pending_of: str | None = None


_REQUEST_STATUS: Final[Mapping[RequestStatus, ColumnElement[bool]]] = {
    RequestStatus.PENDING: bookings.c.status == Status.PENDING,
    RequestStatus.REJECTED: bookings.c.status == Status.REJECTED,
    RequestStatus.CANCELLED: and_(
        bookings.c.status == Status.CANCELLED, bookings.c.decided_at.is_(None)
    ),
    RequestStatus.APPROVED: and_(
        bookings.c.status != Status.REJECTED, bookings.c.decided_at.is_not(None)
    ),
}


_CONDITIONS: Final[Mapping[str, Callable[[Any], ColumnElement[bool]]]] = {
    "room_id": lambda room_id: bookings.c.room_id == room_id,
    "organizer_id": lambda user_id: bookings.c.organizer_id == user_id,
    "of_person": lambda user_id: or_(
        bookings.c.organizer_id == user_id, bookings.c.attendee_ids.contains([user_id])
    ),
    "series_id": lambda series_id: bookings.c.series_id == series_id,
    "ending_after": lambda moment: bookings.c.ends_at > moment,
    "starting_before": lambda moment: bookings.c.starts_at < moment,
    "starting": lambda period: and_(
        bookings.c.starts_at >= period.start, bookings.c.starts_at < period.end
    ),
    "held_during": lambda period: and_(_holds, bookings.c.held.overlaps(range_of(period))),
    "statuses": lambda statuses: bookings.c.status.in_(sorted(statuses)),
    "request_status": _REQUEST_STATUS.__getitem__,
    "requested": lambda _: bookings.c.requested,
    "in_force": lambda _: bookings.c.overridden_by.is_(None),
    "pending_of": lambda user_id: or_(
        bookings.c.status != Status.PENDING, bookings.c.organizer_id == user_id
    ),
}


def _conditions(wanted: BookingFilter) -> Iterable[ColumnElement[bool]]:
    for name, condition in _CONDITIONS.items():
        value = getattr(wanted, name)
        if value is not None and value is not False:
            yield condition(value)


_booking_columns = (*bookings.c, _holds.label("holds"), func.now().label("now"))


class Bookings:
    """Bookings with their rooms and people, in the caller's transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, booking_id: str, *, lock: bool = False) -> Booking | None:
        """Find a booking.

        Args:
            lock: hold the row until the transaction ends, to change it.
        """
        found = self._all().where(bookings.c.id == booking_id)
        if lock:
            found = found.with_for_update(of=bookings)
        [*found_bookings] = await self._read(found)
        return found_bookings[0] if found_bookings else None

    async def room_of(self, booking_id: str) -> int | None:
        """Tell which room a booking is for, without holding it."""
        found = select(bookings.c.room_id).where(bookings.c.id == booking_id)
        room_id: int | None = await self._session.scalar(found)
        return room_id

    async def count(self, wanted: BookingFilter) -> int:
        """Count the bookings of a filter."""
        counted = select(func.count()).select_from(bookings).where(*_conditions(wanted))
        return int(await self._session.scalar(counted) or 0)

    async def find(
        self,
        wanted: BookingFilter,
        *,
        newest_first: bool = False,
        part: Slice | None = None,
        lock: bool = False,
    ) -> list[Booking]:
        """List the bookings of a filter by start, or by when they were made, newest first."""
        columns = bookings.c
        by = [columns.created_at.desc(), columns.id] if newest_first else [columns.starts_at]
        found = self._all().where(*_conditions(wanted)).order_by(*by, columns.id)
        if part is not None:
            found = found.offset(part.offset).limit(part.limit)
        if lock:
            found = found.with_for_update(of=bookings)
        return await self._read(found)

    async def overdue(self, limit: int) -> list[Booking]:
        """Hold confirmed bookings whose check-in window or whose time is over, oldest first."""
        columns = bookings.c
        nobody_came = and_(columns.checked_in_at.is_(None), columns.checkin_until <= func.now())
        over = and_(
            columns.ends_at <= func.now(),
            or_(columns.checked_in_at.is_not(None), columns.checkin_until.is_(None)),
        )
        due = self._all().where(columns.status == Status.CONFIRMED, or_(nobody_came, over))
        due = due.order_by(columns.starts_at, columns.id).limit(limit)
        return await self._read(due.with_for_update(of=bookings, skip_locked=True))

    async def usage(
        self, organizer_id: str, during: Period | None, *, now: datetime
    ) -> tuple[int, float]:
        """Return how many bookings somebody has, and their minutes.

        Args:
            during: counts those that start in it; None: those that have not ended.
        """
        columns = bookings.c
        which = (
            columns.ends_at > now
            if during is None
            else and_(columns.starts_at >= during.start, columns.starts_at < during.end)
        )
        minutes = func.extract("epoch", columns.ends_at - columns.starts_at) / 60
        kept = columns.status.in_([Status.PENDING, Status.CONFIRMED, Status.COMPLETED])
        found = select(func.count(), func.coalesce(func.sum(minutes), 0)).where(
            columns.organizer_id == organizer_id, kept, which, ~columns.is_override
        )
        count, total = (await self._session.execute(found)).one()
        return int(count), float(total)

    async def lock_quota(self, organizer_id: str) -> None:
        """Let nobody else book for the same person until the transaction ends."""
        await self._session.execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended('bookings/quota/' || :who, 0))"),
            {"who": organizer_id},
        )

    async def add(self, values: Values) -> bool:
        """Store a booking; False if its room is taken in that time."""
        added = insert(bookings).values(values).on_conflict_do_nothing()
        made = await self._session.scalar(added.returning(bookings.c.id))
        return made is not None

    async def book(self, booking: Booking, event_id: str, event: bytes, told_as: str) -> bool:
        """Store a confirmed booking, its event, its deliveries and its entry in the audit.

        Returns:
            False if its room is taken in that time; then nothing is stored.
        """
        checkin = booking.checkin
        made = await fetch_hot(
            self._session,
            BOOK,
            booking.id,
            booking.room.id,
            booking.organizer.id,
            [person.id for person in booking.attendees],
            booking.title,
            booking.description,
            booking.period.start,
            booking.period.end,
            booking.held.start,
            booking.held.end,
            checkin.start if checkin else None,
            checkin.end if checkin else None,
            booking.created_at,
            BOOKINGS.name,
            event_id,
            event,
            new_cuid(),
            told_as,
        )
        return made is not None

    async def add_series(self, values: Values, occurrences: Sequence[Values]) -> set[str]:
        """Store a series; returns the ids of those occurrences whose time was free.

        Args:
            occurrences: by start, which is what keeps two series from waiting for each other.
        """
        await self._session.execute(insert(series).values(values))
        added = insert(bookings).values(list(occurrences)).on_conflict_do_nothing()
        return set(await self._session.scalars(added.returning(bookings.c.id)))

    async def change(self, booking_id: str, values: Values) -> None:
        """Change a booking, which becomes a new version of it.

        Raises:
            Taken: its room is somebody else's in that time; nothing was changed.
        """
        changed = _changed(values).where(bookings.c.id == booking_id)
        try:
            async with self._session.begin_nested():
                await self._session.execute(changed)
        except IntegrityError as error:
            if _OVERLAP not in str(error.orig):
                raise
            raise Taken from error

    async def change_all(self, booking_ids: Collection[str], values: Values) -> dict[str, Booking]:
        """Change bookings in a way that takes no time of a room; returns them by their ids."""
        if not booking_ids:
            return {}
        await self._session.execute(_changed(values).where(bookings.c.id.in_(booking_ids)))
        found = self._all().where(bookings.c.id.in_(booking_ids))
        read = await self._read(found.order_by(bookings.c.starts_at, bookings.c.id))
        return {booking.id: booking for booking in read}

    def _all(self) -> Select[Any]:
        joined = bookings.join(_rooms, bookings.c.room_id == rooms.c.id)
        joined = joined.join(users, users.c.id == bookings.c.organizer_id)
        # A booking's room_id is the room's id.
        room_columns = [column for column in _room_columns if column.name != "room_id"]
        chosen = (*_booking_columns, *room_columns, *_policy_columns, _has_policy, *_user_columns)
        return select(*chosen).select_from(joined)

    async def _read(self, found: Select[Any]) -> list[Booking]:
        rows = (await self._session.execute(found)).all()
        attendees = await Users(self._session).find(
            user_id for row in rows for user_id in row.attendee_ids
        )
        return [_booking(row, attendees) for row in rows]


def _changed(values: Values) -> Update:
    """Change bookings, each of which becomes a new version."""
    counted = {"version": bookings.c.version + 1, "changed_at": func.now()}
    return update(bookings).values({**values, **counted})


def _booking(row: Row[Any], people: Mapping[str, Person]) -> Booking:
    checkin = Period(row.checkin_from, row.checkin_until) if row.checkin_until is not None else None
    return Booking(
        id=row.id,
        version=row.version,
        room=_room(row),
        organizer=_person(row, "user_"),
        attendees=tuple(people[each] for each in row.attendee_ids if each in people),
        title=row.title,
        description=row.description,
        period=Period(row.starts_at, row.ends_at),
        held=Period(row.held.lower, row.held.upper),
        status=Status(row.status),
        holds=row.holds,
        requested=row.requested,
        decision_reason=row.decision_reason,
        decided_at=row.decided_at,
        is_override=row.is_override,
        overridden_by=row.overridden_by,
        series_id=row.series_id,
        checkin=checkin,
        checked_in_at=row.checked_in_at,
        ended_at=row.ended_at,
        created_at=row.created_at,
        now=row.now,
    )


def range_of(period: Period) -> Range[datetime]:
    """Write a period as Postgres stores it."""
    return Range(period.start, period.end)


# --- what is told ---------------------------------------------------------------------------------


class Notifications:
    """What people are told, each their own."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, rows: Sequence[Values]) -> None:
        """Store notifications."""
        if rows:
            await self._session.execute(insert(notifications), list(rows))

    async def count(self, user_id: str, *, unread: bool) -> int:
        """Count somebody's notifications, or those not read."""
        counted = select(func.count()).select_from(notifications)
        return int(await self._session.scalar(counted.where(*_told(user_id, unread=unread))) or 0)

    async def find(self, user_id: str, part: Slice, *, unread: bool) -> list[Values]:
        """List a part of somebody's notifications, newest first."""
        found = select(notifications).where(*_told(user_id, unread=unread))
        found = found.order_by(notifications.c.created_at.desc(), notifications.c.id.desc())
        rows = await self._session.execute(found.offset(part.offset).limit(part.limit))
        return [dict(row) for row in rows.mappings()]

    async def get(self, notification_id: str) -> Values | None:
        """Find a notification."""
        found = select(notifications).where(notifications.c.id == notification_id)
        row = (await self._session.execute(found)).mappings().first()
        return dict(row) if row else None

    async def mark_read(self, user_id: str, notification_id: str | None = None) -> None:
        """Mark one or all of somebody's notifications as read."""
        marked = update(notifications).where(*_told(user_id, unread=True)).values(read=True)
        if notification_id is not None:
            marked = marked.where(notifications.c.id == notification_id)
        await self._session.execute(marked)


def _told(user_id: str, *, unread: bool) -> list[ColumnElement[bool]]:
    conditions = [notifications.c.user_id == user_id]
    return [*conditions, ~notifications.c.read] if unread else conditions


class Audit:
    """Who has done what, and why; rows are only ever added."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, rows: Sequence[Values]) -> None:
        """Store what has been done."""
        if rows:
            await self._session.execute(insert(audit), list(rows))

    async def count(self, wanted: Values) -> int:
        """Count the entries with these values."""
        counted = select(func.count()).select_from(audit).where(*_with(audit, wanted))
        return int(await self._session.scalar(counted) or 0)

    async def find(self, wanted: Values, part: Slice) -> list[tuple[Values, Person | None]]:
        """List a part of the entries with these values, newest first, with who has done it."""
        found = select(audit, *_user_columns).select_from(
            audit.outerjoin(users, users.c.id == audit.c.actor_user_id)
        )
        found = found.where(*_with(audit, wanted)).order_by(audit.c.number.desc())
        rows = await self._session.execute(found.offset(part.offset).limit(part.limit))
        return [
            (row._asdict(), _person(row, "user_") if row.user_id is not None else None)
            for row in rows
        ]


def _with(table: Table, values: Values) -> list[ColumnElement[bool]]:
    return [table.c[name] == value for name, value in values.items() if value is not None]


# --- rules ----------------------------------------------------------------------------------------


class Closures:
    """What is closed when, and how much one may book."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def blackouts(self, room_id: int, during: Period) -> list[Blackout]:
        """List the blackouts of a room that touch a period, by start."""
        columns = blackouts.c
        of_room = or_(columns.room_id.is_(None), columns.room_id == room_id)
        touching = and_(columns.ends_at > during.start, columns.starts_at < during.end)
        found = select(blackouts).where(touching, of_room).order_by(columns.starts_at)
        rows = await self._session.execute(found)
        return [Blackout(Period(row.starts_at, row.ends_at), row.reason) for row in rows]

    async def holidays(self, first: date, last: date) -> list[Holiday]:
        """List the holidays from a day to another, both included."""
        found = select(holidays).where(holidays.c.date.between(first, last))
        rows = await self._session.execute(found.order_by(holidays.c.date))
        return [Holiday(row.date, row.name) for row in rows]

    async def quotas(self, role: str) -> list[Quota]:
        """List the quotas of a role."""
        found = select(quotas).where(quotas.c.role == role).order_by(quotas.c.id)
        rows = await self._session.execute(found)
        return [Quota(row.role, row.period, row.most_bookings, row.most_minutes) for row in rows]


class Entries:
    """Blackouts, holidays, quotas or policies: rows with a key that admins write."""

    def __init__(self, session: AsyncSession, table: Table) -> None:
        self._session = session
        self._table = table
        [self._key] = table.primary_key

    async def count(self) -> int:
        """Count all of them."""
        return int(await self._session.scalar(select(func.count()).select_from(self._table)) or 0)

    async def find(self, part: Slice | None = None, **values: Any) -> list[dict[str, Any]]:  # noqa: ANN401
        """List a part of those with these values, by key."""
        found = select(self._table).where(*_with(self._table, values)).order_by(self._key)
        if part is not None:
            found = found.offset(part.offset).limit(part.limit)
        return [dict(row) for row in (await self._session.execute(found)).mappings()]

    async def get(self, key: int) -> dict[str, Any] | None:
        """Find one."""
        found = select(self._table).where(self._key == key)
        row = (await self._session.execute(found)).mappings().first()
        return dict(row) if row else None

    async def add(self, values: Values) -> dict[str, Any] | None:
        """Store one; None if there is one like it."""
        added = insert(self._table).values(values).on_conflict_do_nothing().returning(self._table)
        row = (await self._session.execute(added)).mappings().first()
        return dict(row) if row else None

    async def change(self, key: int, values: Values) -> dict[str, Any] | None:
        """Change one; None if there is another like it."""
        changed = update(self._table).where(self._key == key).values(values).returning(self._table)
        try:
            async with self._session.begin_nested():
                return dict((await self._session.execute(changed)).mappings().one())
        except IntegrityError:
            return None

    async def remove(self, key: int) -> bool:
        """Delete one; False if there is none."""
        gone = delete(self._table).where(self._key == key).returning(self._key)
        return await self._session.scalar(gone) is not None
