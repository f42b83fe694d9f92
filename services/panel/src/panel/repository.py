"""Reads and writes the schema `panel`, in the caller's transaction."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, case, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from common.copies import take_newest
from panel.domain import AHEAD, Hearing, Meeting, Room, RoomFacts
from panel.tables import changes, heard, levels, meetings, rooms

# How long a meeting that has ended is known: its end is a moment at which the state has changed.
KEEP: Final = timedelta(days=2)
# What is read serves this long, as meetings of later come into view.
READ_FOR: Final = timedelta(hours=12)
# What is written of the topic is read, by whoever shows rooms, within this.
READ_WITHIN: Final = timedelta(seconds=2)
# Nothing was heard yet.
NEVER: Final = Hearing(datetime.max.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))

_ROOM_COLUMNS: Final = [rooms.c[name] for name in Room.__dataclass_fields__]
_MEETING_COLUMNS: Final = [meetings.c[name] for name in Meeting.__dataclass_fields__]
_LATER: Final = func.greatest(
    func.clock_timestamp(), changes.c.changed_at + timedelta(milliseconds=1)
)


class Copies:
    """Rooms, meetings and levels as their topics have told of them."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def take_rooms(self, rows: Sequence[Mapping[str, Any]]) -> None:
        await take_newest(self._session, rooms, rows)
        await self._note({row["id"] for row in rows})

    async def take_meetings(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Keep meetings; one that has moved changes the room that it has left as well."""
        ids = [row["id"] for row in rows]
        found = select(meetings.c.room_id).where(meetings.c.id.in_(ids))
        before = set(await self._session.scalars(found))
        await take_newest(self._session, meetings, rows)
        await self._note(before | {row["room_id"] for row in rows})

    async def take_levels(self, rows: Sequence[Mapping[str, Any]]) -> None:
        await take_newest(self._session, levels, rows)
        await self._note({row["room_id"] for row in rows})

    async def forget(self, ended_before: datetime) -> None:
        """Delete the meetings that had ended by then."""
        # Another consumer may be deleting them as well.
        over = meetings.c.ends_at < ended_before
        doomed = select(meetings.c.id).where(over).with_for_update(skip_locked=True)
        await self._session.execute(delete(meetings).where(meetings.c.id.in_(doomed)))

    async def note_heard(self, partitions: Collection[int], stale_after: timedelta) -> None:
        """Write down that all that was said until now is known of some partitions.

        When that could not be said for too long, it is said of a moment to come: until then every
        process that shows rooms has read it, and all of them show it from that moment on.
        """
        soon = func.clock_timestamp() + READ_WITHIN
        values = {"since": soon, "until": func.now()}
        noted = insert(heard).values([{"partition": one, **values} for one in sorted(partitions)])
        gap = heard.c.until < func.now() - stale_after
        await self._session.execute(
            noted.on_conflict_do_update(
                index_elements=[heard.c.partition],
                set_={
                    "since": case((gap, soon), else_=heard.c.since),
                    "until": func.greatest(heard.c.until, noted.excluded.until),
                },
            )
        )

    async def _note(self, room_ids: Collection[int]) -> None:
        rows = [{"room_id": one, "changed_at": func.clock_timestamp()} for one in sorted(room_ids)]
        await self._session.execute(
            insert(changes)
            .values(rows)
            .on_conflict_do_update(index_elements=[changes.c.room_id], set_={"changed_at": _LATER})
        )


async def read_facts(
    session: AsyncSession, room_ids: Collection[int] | None, now: datetime
) -> list[RoomFacts]:
    """Return what is known of rooms; None: of all."""
    condition = _in(rooms.c.id, room_ids)
    found = (
        select(*_ROOM_COLUMNS, changes.c.changed_at, levels.c.occupancy)
        .join(changes, changes.c.room_id == rooms.c.id)
        .outerjoin(levels, levels.c.room_id == rooms.c.id)
        .where(*condition)
    )
    rows = (await session.execute(found)).all()
    by_room = await _read_meetings(session, room_ids, now)
    return [
        RoomFacts(Room(*room), by_room.get(room[0], []), changed_at, occupancy)
        for *room, changed_at, occupancy in rows
    ]


async def _read_meetings(
    session: AsyncSession, room_ids: Collection[int] | None, now: datetime
) -> Mapping[int, Sequence[Meeting]]:
    found = (
        select(meetings.c.room_id, *_MEETING_COLUMNS)
        .where(
            meetings.c.is_held,
            meetings.c.ends_at > now - timedelta(days=1, hours=1),
            meetings.c.starts_at < now + AHEAD + READ_FOR + timedelta(hours=1),
            *_in(meetings.c.room_id, room_ids),
        )
        .order_by(meetings.c.starts_at, meetings.c.id)
    )
    by_room: dict[int, list[Meeting]] = defaultdict(list)
    for room_id, *meeting in await session.execute(found):
        by_room[room_id].append(Meeting(*meeting))
    return by_room


async def read_hearing(session: AsyncSession, stale_after: timedelta) -> Hearing:
    """Return since when everything is known, and when that will have been too long ago."""
    found = select(func.max(heard.c.since), func.min(heard.c.until))
    since, until = (await session.execute(found)).one()
    return Hearing(since, until + stale_after) if since is not None else NEVER


def _in(column: ColumnElement[int], ids: Collection[int] | None) -> list[ColumnElement[bool]]:
    return [] if ids is None else [column.in_(ids)]
