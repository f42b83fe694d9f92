"""Reads and writes bookings, with their rooms and people."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, Update, and_, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from bookings.booking_statements import BOOK
from bookings.domain import Booking, Period, Person, RequestStatus, Status
from bookings.repository.people import USER_COLUMNS, Users, person_of
from bookings.repository.rooms import (
    HAS_POLICY,
    POLICY_COLUMNS,
    ROOM_COLUMNS,
    ROOMS_WITH_POLICY,
    room_of,
)
from bookings.repository.rows import Values, range_of
from bookings.tables import bookings, rooms, series, users
from common.db import fetch_hot
from common.events import BOOKINGS
from common.ids import new_cuid
from common.paging import Slice

_OVERLAP: Final = "bookings_never_overlap"
# Nobody else can have the room then.
HOLDS: Final = and_(
    bookings.c.overridden_by.is_(None),
    or_(
        bookings.c.status.in_([Status.CONFIRMED, Status.COMPLETED]),
        and_(bookings.c.status == Status.PENDING, bookings.c.pending_holds),
    ),
)


class Taken(Exception):
    """The room is somebody else's in that time; the database has refused it."""


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
    "held_during": lambda period: and_(HOLDS, bookings.c.held.overlaps(range_of(period))),
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


_booking_columns = (*bookings.c, HOLDS.label("holds"), func.now().label("now"))


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
        joined = bookings.join(ROOMS_WITH_POLICY, bookings.c.room_id == rooms.c.id)
        joined = joined.join(users, users.c.id == bookings.c.organizer_id)
        # A booking's room_id is the room's id.
        room_columns = [column for column in ROOM_COLUMNS if column.name != "room_id"]
        chosen = (*_booking_columns, *room_columns, *POLICY_COLUMNS, HAS_POLICY, *USER_COLUMNS)
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
        room=room_of(row),
        organizer=person_of(row, "user_"),
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
