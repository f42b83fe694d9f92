"""The whole timetable of a term at once: what is new, changed, the same, and gone.

All of it is done, or nothing.
"""

import asyncio
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import chain
from typing import Final

from bookings.domain import Period, Room
from bookings.repository.allocations import AllocationFilter, Allocations
from bookings.repository.rooms import Rooms
from bookings.repository.rules import Closures
from bookings.repository.told import Audit
from bookings.service.allocations import NO_ROOM, encode_events, is_elsewhere, needs_seats
from bookings.service.booking import find_rooms
from bookings.service.telling import audit_entry
from bookings.service.terms import get_term
from bookings.tables import outbox
from bookings.terms import (
    Allocation,
    Closed,
    Excesses,
    NotAllocated,
    Term,
    Why,
    check_times,
    occurrences_of,
    read_exceptions,
)
from common.db import AsyncSession
from common.errors import invalid_field
from common.events import ALLOCATIONS
from common.identity import Identity

MOST_OCCURRENCES: Final = 25_000
# Shorter than the database lets a transaction idle.
_RECKONING_S: Final = 10.0
TOO_LONG: Final = f"A timetable has {MOST_OCCURRENCES} occurrences at most."
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An allocation as a timetable has it.

    Args:
        room: its integer id or its CUID, as text.
        exceptions: local days or moments, not read yet.
    """

    external_id: str
    room: str
    title: str
    allocated_seats: int
    first: Period
    recurrence_rule: str | None
    exceptions: Sequence[str]


@dataclass(frozen=True, slots=True)
class Conflict:
    """Why an allocation cannot be as the timetable has it; see ``NotAllocated``."""

    external_id: str
    field: str
    reason: str
    why: Why
    values: Mapping[str, str | int]

    @classmethod
    def of(cls, external_id: str, refused: NotAllocated) -> "Conflict":
        """Keep what is said, and not the refusal: that holds on to all that it went through."""
        return cls(external_id, refused.field, str(refused), refused.why, refused.values)


@dataclass(frozen=True, slots=True)
class Difference:
    """What separates a timetable from the allocations that its term has.

    An entry that cannot even be compared is among the conflicts only.
    """

    created: list[Allocation] = field(default_factory=list)
    changed: list[tuple[Allocation, Allocation]] = field(default_factory=list)
    removed: list[Allocation] = field(default_factory=list)
    unchanged: list[Allocation] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)

    def coming(self) -> Iterator[tuple[Allocation | None, Allocation]]:
        """List what is created or changed, each with what it was."""
        return chain(((None, new) for new in self.created), self.changed)


async def push_timetable(
    session: AsyncSession,
    identity: Identity,
    term_id: int,
    entries: Sequence[Entry],
    *,
    dry_run: bool,
) -> Difference:
    """Make the allocations of a term that have an external id those of a timetable.

    With a conflict, or as a dry run, nothing is written. What is the same stays untouched, also
    where it could not be allocated any more.

    Raises:
        NotFound: there is no such term.
        Invalid: there are too many occurrences.
    """
    allocations = Allocations(session)
    await allocations.be_patient()
    room_ids = await find_rooms(session, {one.room for one in entries})
    await Closures(session).settle(change=False)
    term = await get_term(session, term_id, lock=True)
    rooms = await Rooms(session).hold(set(room_ids.values()))
    known = await allocations.find(AllocationFilter(term_id=term_id, only_of_timetable=True))
    comparison = _Comparison(
        term=term,
        rooms={text: rooms[room_id] for text, room_id in room_ids.items()},
        closed=await _closed(session, term, rooms.values()),
        known={one.external_id: one for one in known},
    )
    # Seconds of reckoning for a long one, in which others are to be answered.
    difference = await asyncio.to_thread(comparison.difference, entries)
    difference.conflicts.extend(await _too_few_seats(session, rooms, difference))
    if not dry_run and not difference.conflicts:
        await _apply(session, identity, term, difference)
    return difference


async def _closed(session: AsyncSession, term: Term, rooms: Iterable[Room]) -> Mapping[int, Closed]:
    closures = Closures(session)
    blackouts = await closures.blackouts_in(term.start_date - _DAY, term.end_date + _DAY)
    holidays = await closures.holidays(term.start_date, term.end_date)
    everywhere = blackouts.get(None, [])
    return {
        room.id: Closed(room.zone, [*everywhere, *blackouts.get(room.id, ())], holidays)
        for room in rooms
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Comparison:
    """Holds a timetable against what there is.

    Args:
        rooms: by the ids that the timetable has.
        closed: by the rooms' integer ids.
        known: what there is, by external id.
    """

    term: Term
    rooms: Mapping[str, Room]
    closed: Mapping[int, Closed]
    known: Mapping[str | None, Allocation]

    def difference(self, entries: Sequence[Entry]) -> Difference:
        """Say what is to be done.

        Raises:
            Invalid: there are too many occurrences, or to find them takes too long.
        """
        found, total = Difference(), 0
        deadline = time.monotonic() + _RECKONING_S
        for entry in entries:
            if time.monotonic() > deadline:
                # Such as the 30th of February, looked for to the end of time.
                raise invalid_field("allocations", "The recurrence rules take too long to expand.")
            old = self.known.get(entry.external_id)
            try:
                new = self._allocation(entry, old)
                total += len(new.occurrences)
                if old is not None and new == old:
                    found.unchanged.append(old)
                    continue
                if is_elsewhere(old, new):
                    room = self.rooms[entry.room]
                    check_times(new.occurrences, room, self.term, self.closed[room.id])
            except NotAllocated as refused:
                found.conflicts.append(Conflict.of(entry.external_id, refused))
                continue
            if total > MOST_OCCURRENCES:
                raise invalid_field("allocations", TOO_LONG)
            if old is None:
                found.created.append(new)
            else:
                found.changed.append((old, replace(new, version=old.version + 1)))
        pushed = {entry.external_id for entry in entries}
        found.removed.extend(one for key, one in self.known.items() if key not in pushed)
        return found

    def _allocation(self, entry: Entry, old: Allocation | None) -> Allocation:
        room = self.rooms.get(entry.room)
        if room is None:
            raise NotAllocated("room_unknown", "room", NO_ROOM)
        zone = room.zone
        exceptions = read_exceptions(entry.exceptions, zone)
        return Allocation(
            id=old.id if old else 0,
            version=old.version if old else 1,
            term_id=self.term.id,
            room_id=room.id,
            room_cuid=room.cuid,
            external_id=entry.external_id,
            title=entry.title,
            allocated_seats=entry.allocated_seats,
            first=entry.first,
            recurrence_rule=entry.recurrence_rule,
            exceptions=exceptions,
            occurrences=occurrences_of(entry.first, entry.recurrence_rule, exceptions, zone),
        )


async def _too_few_seats(
    session: AsyncSession, rooms: Mapping[int, Room], difference: Difference
) -> list[Conflict]:
    # Whoever gives seats back makes room for others of the same timetable.
    moved = [
        (old, new)
        for old, new in difference.coming()
        if is_elsewhere(old, new) or (old and old.allocated_seats != new.allocated_seats)
    ]
    leaving = [old.id for old, _ in moved if old] + [one.id for one in difference.removed]
    found = await Allocations(session).excesses([new for _, new in moved], leaving)
    excesses = {room_id: Excesses(rooms[room_id], some) for room_id, some in found.items()}
    conflicts = []
    for old, new in moved:
        if new.room_id in excesses and needs_seats(old, new):
            try:
                excesses[new.room_id].check(new.occurrences)
            except NotAllocated as refused:
                conflicts.append(Conflict.of(new.external_id or "", refused))
    return conflicts


async def _apply(
    session: AsyncSession, identity: Identity, term: Term, difference: Difference
) -> None:
    allocations = Allocations(session)
    changed = [new for _, new in difference.changed]
    gone = [replace(one, version=one.version + 1) for one in difference.removed]
    await allocations.remove([one.id for one in gone])
    await allocations.change(changed)
    difference.created[:] = await allocations.add(difference.created)
    if not (difference.created or changed or gone):
        return
    now = [*difference.created, *changed]
    messages = [
        *await asyncio.to_thread(encode_events, now),
        *await asyncio.to_thread(encode_events, gone, is_deleted=True),
    ]
    await outbox.put_all(session, ALLOCATIONS.name, messages)
    counts = (len(difference.created), len(changed), len(gone))
    reason = "{} created, {} changed, {} removed".format(*counts)
    # One entry for all: what became of each stands on the topic.
    entry = audit_entry(identity.id, "TIMETABLE_PUSHED", "TERM", term.id, reason)
    await Audit(session).add([entry])
