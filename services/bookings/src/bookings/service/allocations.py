"""Allocations, one at a time; each change is told on `bookings.allocation.v1`.

Who writes them holds, in this order: what is closed, the term, the room. So seats are counted and
given in one step, and no two wait for each other (docs/adr/0024).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from bookings.domain import Period, Room
from bookings.repository.allocations import Allocations
from bookings.repository.rooms import Rooms
from bookings.repository.rules import Closures
from bookings.repository.told import Audit
from bookings.rules import days_touched
from bookings.service.booking import find_room
from bookings.service.telling import audit_entry
from bookings.service.terms import NO_TERM, get_term
from bookings.tables import outbox
from bookings.terms import (
    Allocation,
    Closed,
    Excesses,
    Refused,
    Term,
    check_times,
    occurrences_of,
    read_exceptions,
)
from common.db import AsyncSession
from common.errors import NotFound, invalid_field
from common.events import ALLOCATIONS, AllocationV1, OccurrenceV1
from common.identity import Identity

NO_ALLOCATION: Final = "No Allocation matches the given query."
NO_ROOM: Final = "No Room matches the given query."


async def get_allocation(
    session: AsyncSession, allocation_id: int, *, only_published: bool = False
) -> Allocation:
    """Find an allocation.

    Raises:
        NotFound: there is none, or its term is not for everybody.
    """
    found = await Allocations(session).get(allocation_id, only_published=only_published)
    if found is None:
        raise NotFound(NO_ALLOCATION)
    return found


async def create_allocation(
    session: AsyncSession, identity: Identity, values: Mapping[str, Any]
) -> Allocation:
    """Allocate seats of a room.

    Args:
        values: what was sent, by the names of the contract.

    Raises:
        Invalid: the term or room is unknown, the times cannot be, or the room has too few seats.
    """
    room_id = (await _find_room(session, values["room"])).id
    await Closures(session).settle(change=False)
    try:
        term = await get_term(session, values["term"], lock=True)
    except NotFound as error:
        raise invalid_field("term", NO_TERM) from error
    [room] = (await Rooms(session).hold([room_id])).values()
    new = Allocation(
        id=0,
        version=1,
        term_id=term.id,
        room_id=room.id,
        room_cuid=room.cuid,
        external_id=None,
        title="",
        allocated_seats=1,
        first=Period(values["start_at"], values["end_at"]),
        recurrence_rule=None,
        exceptions=(),
        occurrences=(),
    )
    new = _merged(new, values, room)
    await _check(session, None, new, term, room)
    [made] = await Allocations(session).add([new])
    await _done(session, identity, "ALLOCATION_CREATED", made)
    return made


async def change_allocation(
    session: AsyncSession, identity: Identity, allocation_id: int, values: Mapping[str, Any]
) -> Allocation:
    """Change a part of an allocation.

    Raises:
        NotFound
        Invalid: as for a new one; or it would go to another term.
    """
    seen = await get_allocation(session, allocation_id)
    if values.get("term", seen.term_id) != seen.term_id:
        raise invalid_field("term", "An allocation stays in its term.")
    sent = values.get("room")
    room_id = (await _find_room(session, sent)).id if sent is not None else None
    await Closures(session).settle(change=False)
    term = await get_term(session, seen.term_id, lock=True)
    # Whoever would change it now waits for the term.
    old = await get_allocation(session, allocation_id)
    [room] = (await Rooms(session).hold([room_id or old.room_id])).values()
    new = _merged(replace(old, room_id=room.id, room_cuid=room.cuid), values, room)
    if new == old:
        return old
    await _check(session, old, new, term, room)
    new = replace(new, version=old.version + 1)
    await Allocations(session).change([new])
    await _done(session, identity, "ALLOCATION_CHANGED", new)
    return new


async def remove_allocation(session: AsyncSession, identity: Identity, allocation_id: int) -> None:
    """Delete an allocation.

    Raises:
        NotFound
    """
    seen = await get_allocation(session, allocation_id)
    await get_term(session, seen.term_id, lock=True)
    old = await get_allocation(session, allocation_id)
    await Allocations(session).remove([old.id])
    gone = replace(old, version=old.version + 1)
    await _done(session, identity, "ALLOCATION_DELETED", gone, is_deleted=True)


async def _find_room(session: AsyncSession, text: str) -> Room:
    try:
        return await find_room(session, text)
    except NotFound as error:
        raise invalid_field("room", NO_ROOM) from error


_TIMES: Final = frozenset({"room", "start_at", "end_at", "recurrence_rule", "exceptions"})


def _merged(old: Allocation, values: Mapping[str, Any], room: Room) -> Allocation:
    """Return an allocation with what was sent in place of what it has."""
    changes = {name: values[name] for name in ("title", "allocated_seats") if name in values}
    if values.keys() & _TIMES:
        first = old.first
        first = Period(values.get("start_at", first.start), values.get("end_at", first.end))
        rule = values.get("recurrence_rule", old.recurrence_rule) or None
        try:
            exceptions = old.exceptions
            if "exceptions" in values:
                exceptions = read_exceptions(values["exceptions"], room.zone)
            changes |= {
                "first": first,
                "recurrence_rule": rule,
                "exceptions": exceptions,
                "occurrences": occurrences_of(first, rule, exceptions, room.zone),
            }
        except Refused as refused:
            raise invalid_field(refused.field, str(refused)) from refused
    return replace(old, **changes)


async def _check(
    session: AsyncSession, old: Allocation | None, new: Allocation, term: Term, room: Room
) -> None:
    """Check what an allocation needs that it does not have already."""
    try:
        if is_elsewhere(old, new):
            span = Period(new.occurrences[0].start, new.occurrences[-1].end)
            closures = Closures(session)
            blackouts = await closures.blackouts(room.id, span)
            holidays = await closures.holidays(*days_touched(room, span))
            closed = Closed(room.zone, blackouts, holidays)
            check_times(new.occurrences, room, term, closed)
        if needs_seats(old, new):
            leaving = [old.id] if old else []
            excesses = await Allocations(session).excesses([new], leaving)
            Excesses(room, excesses.get(room.id, ())).check(new.occurrences)
    except Refused as refused:
        raise invalid_field(refused.field, str(refused)) from refused


def is_elsewhere(old: Allocation | None, new: Allocation) -> bool:
    """Tell whether an allocation takes place in another room or at other times than before."""
    places = (new.room_id, new.occurrences)
    return old is None or places != (old.room_id, old.occurrences)


def needs_seats(old: Allocation | None, new: Allocation) -> bool:
    """Tell whether seats have to be found for an allocation that were not its own before."""
    return old is None or is_elsewhere(old, new) or new.allocated_seats > old.allocated_seats


async def _done(
    session: AsyncSession,
    identity: Identity,
    action: str,
    allocation: Allocation,
    *,
    is_deleted: bool = False,
) -> None:
    entry = audit_entry(identity.id, action, "ALLOCATION", allocation.id)
    await Audit(session).add([entry])
    messages = encode_events([allocation], is_deleted=is_deleted)
    await outbox.put_all(session, ALLOCATIONS.name, messages)


def encode_events(
    allocations: Iterable[Allocation], *, is_deleted: bool = False
) -> Sequence[tuple[str, bytes]]:
    """Write allocations' events as they stand on the topic, each with its key."""
    now = datetime.now(UTC)
    return [(str(one.id), _encode(one, now, is_deleted=is_deleted)) for one in allocations]


def _encode(allocation: Allocation, now: datetime, *, is_deleted: bool) -> bytes:
    event = AllocationV1(
        id=allocation.id,
        version=allocation.version,
        term_id=allocation.term_id,
        room_id=allocation.room_id,
        room_cuid=allocation.room_cuid,
        title=allocation.title,
        allocated_seats=allocation.allocated_seats,
        occurrences=[
            OccurrenceV1(starts_at=one.start, ends_at=one.end) for one in allocation.occurrences
        ],
        external_id=allocation.external_id,
        is_deleted=is_deleted,
    )
    return outbox.encode(
        ALLOCATIONS,
        event,
        event_id=f"allocation/{allocation.id}/{allocation.version}",
        subject=f"allocation/{allocation.id}",
        at=now,
    )
