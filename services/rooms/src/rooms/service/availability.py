"""When rooms can be had: open, not held by a booking, not over yet."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from common.db import AsyncSession
from common.errors import Invalid, NotFound
from common.fields import parse_room_id
from common.opening import FreeDays, Opening, by_day, day_bounds, free, windows
from rooms.domain import Room
from rooms.repository import month
from rooms.repository.copies import Copies

MOST_DAYS: Final = 42
# Whether a room is ever free is looked for in steps, and no further ahead than the last one.
_AHEAD: Final = tuple(timedelta(days=days) for days in (31, 366, 10 * 366))
# No day after it can be written in every zone.
_LAST_DAY: Final = date(9000, 12, 31)


async def free_days(
    session: AsyncSession,
    room_id: str,
    first: date | None,
    last: date,
    *,
    now: datetime,
    not_found: str,
) -> tuple[int, FreeDays]:
    """List what is free of a room on some days of its building, from now on.

    Args:
        room_id: as it stands in a path.
        first, last: both included; from today on if there is no first.
        now: aware.

    Returns:
        the room's integer id, and its days.

    Raises:
        NotFound: there is no such room.
        Invalid: these are too many days.
    """
    parsed = parse_room_id(room_id)
    # The days of every zone of the world begin and end within these.
    start = _midnight_utc(min(max(first or now.date(), now.date()), _LAST_DAY)) - timedelta(days=1)
    end = _midnight_utc(min(last, _LAST_DAY)) + timedelta(days=2)
    found = await month.look(session, parsed, start, end) if parsed is not None else None
    if found is None:
        raise NotFound(not_found)
    zone = found.opening.zone
    today = now.astimezone(ZoneInfo(zone)).date()
    if (last - (first or today)).days >= MOST_DAYS:
        raise Invalid(f"At most {MOST_DAYS} days can be asked for at once.")
    first, last = max(first or today, today), min(last, _LAST_DAY)
    if first > last or not found.is_bookable:
        return found.room_id, []
    begins, ends = day_bounds(first, last, zone)
    begins = max(begins, _whole_second(now))
    return found.room_id, _free_days(found.opening, begins, ends, found.held)


# A calendar that is looked at is asked for again and again, and nothing has changed most often. An
# entry takes up to 100 kB.
@lru_cache(maxsize=128)
def _free_days(opening: Opening, begins: datetime, ends: datetime, held: bytes) -> FreeDays:
    taken = list(month.spans(held))
    return by_day(free(windows(opening, begins, ends), taken), opening.zone)


def _midnight_utc(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)


def _whole_second(moment: datetime) -> datetime:
    whole = moment.replace(microsecond=0)
    return whole if whole == moment else whole + timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A stretch of time in which a room is wanted.

    Args:
        start: aware; None: from now on.
        end: aware; None: whenever, ten years ahead at most.
    """

    start: datetime | None = None
    end: datetime | None = None


async def free_rooms(
    session: AsyncSession, rooms: Sequence[Room], wanted: Wanted, *, now: datetime
) -> set[int]:
    """Return the ids of the rooms that are free at some moment of some time, from now on."""
    start = max(wanted.start or now, now)
    undecided = [room for room in rooms if room.is_bookable]
    found: set[int] = set()
    for ahead in _AHEAD:
        end = min(wanted.end or start + ahead, start + ahead)
        if start >= end or not undecided:
            break
        held = await Copies(session).held([room.id for room in undecided], start, end)
        found |= {
            room.id for room in undecided if free(windows(room.opening, start, end), held[room.id])
        }
        undecided = [room for room in undecided if room.id not in found]
        if end == wanted.end:
            break
    return found
