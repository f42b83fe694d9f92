"""What has to be known of a room to say when it is free: one statement, for calendars that poll.

It is written out and run on the driver's own connection (docs/adr/0013): by SQLAlchemy it took two
statements in a transaction, and three times the CPU of the rest of the answer.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from common.db import fetch_hot
from common.opening import Opening, Span

# $1 the room, by its integer id or its CUID: each is a statement of its own, for which Postgres
# keeps a plan; $2 and $3 the time. What holds the room comes as bytes, each moment in microseconds
# since 2000, so that it costs little to see that nothing has changed.
_LOOK: Final = """
SELECT room.id, room.is_active AND NOT room.is_locked AS is_bookable,
    room.opens_from, room.opens_until, room.recurrence_rule,
    building.timezone, building.opens_at, building.closes_at,
    (
        SELECT string_agg(
            timestamptz_send(held_from) || timestamptz_send(held_until), '' ORDER BY held_from, id
        )
        FROM rooms.room_bookings
        WHERE room_id = room.id AND holds AND held_until > $2 AND held_from < $3
    ) AS held
FROM rooms.rooms room
JOIN rooms.buildings building ON building.id = room.building_id
WHERE room.{} = $1
"""
_LOOK_BY_ID: Final = _LOOK.format("id")
_LOOK_BY_CUID: Final = _LOOK.format("cuid")
_SPAN: Final = struct.Struct(">qq")
_START: Final = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Month:
    """A room's opening, and what holds it in some time.

    Args:
        held: by their starts; read it with `spans`.
    """

    room_id: int
    is_bookable: bool
    opening: Opening
    held: bytes


async def look(
    session: AsyncSession, room_id: int | str, start: datetime, end: datetime
) -> Month | None:
    """Find a room by either id, with the bookings that hold it in some time."""
    statement = _LOOK_BY_ID if isinstance(room_id, int) else _LOOK_BY_CUID
    row = await fetch_hot(session, statement, room_id, start, end)
    if row is None:
        return None
    opens_from, opens_until = row["opens_from"], row["opens_until"]
    hours = row["timezone"], row["opens_at"], row["closes_at"]
    if opens_from is None or opens_until is None:
        opening = Opening(*hours)
    else:
        opening = Opening(*hours, (opens_from, opens_until), row["recurrence_rule"])
    return Month(row["id"], row["is_bookable"], opening, row["held"] or b"")


def spans(held: bytes) -> Iterator[Span]:
    """Read when a room is held."""
    for begins, ends in _SPAN.iter_unpack(held):
        yield _START + timedelta(microseconds=begins), _START + timedelta(microseconds=ends)
