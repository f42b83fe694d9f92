"""The heatmap of a term: how many seats of each room are allocated, day by day."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import repeat
from typing import Any, Final

import orjson

from analytics.domain import DAY, Days, utilisation
from analytics.repository.heatmap import Heatmap
from analytics.texts import Language, jalali, say
from common.app import etag_of
from common.db import Database
from common.errors import Invalid, NotFound

MOST_KEPT_BYTES: Final = 64 * 1024 * 1024
# Part of each ETag: raised when the same facts are written in another way.
_FORM: Final = 1
VARY: Final = {"vary": "accept-language"}


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked for; days are cut to those of the term.

    Args:
        room_ids: none: the active rooms.
        language: of refusals, and of pictures.
    """

    term_id: int
    first: date | None
    last: date | None
    room_ids: frozenset[int]
    language: Language


@dataclass(frozen=True, slots=True)
class Found:
    """A term, and which of its days are asked for.

    Args:
        state: changes whenever the answer may.
    """

    query: Query
    term: Any
    days: Days
    state: str

    def etag(self, form: str) -> str:
        """Tell the answer in one form from all others."""
        asked = [_FORM, form, self.state, self.term.id, self.days.first, self.days.last]
        return etag_of(orjson.dumps([*asked, sorted(self.query.room_ids)]))


# Of a room, as `repository.heatmap` reads it.
Write = Callable[[Found, Sequence[Any]], bytes]


class Heatmaps:
    """Finds heatmaps and writes them, one at a time; the last ones written are kept.

    For everybody, and as large as a term of all rooms: a thousand rooms are 15 MB.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._one_at_a_time = asyncio.Lock()

    async def find(self, query: Query) -> Found:
        """Find the term and the days.

        Raises:
            NotFound: there is no such term.
            Invalid: none of its days is asked for.
        """
        async with self._database.sessions() as session:
            term = await Heatmap(session).term(query.term_id)
        if term is None:
            raise NotFound(say(query.language, "no_term"), headers=VARY)
        first = max(query.first or term.start_date, term.start_date)
        last = min(query.last or term.end_date, term.end_date)
        if last < first:
            raise refused("start_date", "no_day", query.language)
        return Found(query, term, Days(first, last), term.state)

    async def answer(self, found: Found, etag: str, write: Write) -> bytes:
        """Return the answer with this ETag.

        Raises:
            Invalid: a room that was named is unknown.
        """
        async with self._one_at_a_time:
            content = self._kept.get(etag)
            if content is None:
                rooms = await self._rooms(found)
                content = await asyncio.to_thread(write, found, rooms)
                self._kept[etag] = content
                while sum(map(len, self._kept.values())) > MOST_KEPT_BYTES:
                    self._kept.popitem(last=False)
            else:
                self._kept.move_to_end(etag)
            return content

    async def _rooms(self, found: Found) -> Sequence[Any]:
        ids = found.query.room_ids
        async with self._database.sessions() as session:
            rooms = await Heatmap(session).rooms(found.term.id, found.days, ids)
        if len(rooms) < len(ids):
            raise refused("room", "no_room", found.query.language)
        return rooms


def refused(field: str, name: str, language: Language) -> Invalid:
    """Refuse a field, in the caller's language."""
    text = say(language, name)
    return Invalid(text, fields={field: [text]}, headers=VARY)


def as_json(found: Found, rooms: Sequence[Any]) -> bytes:
    """Write a heatmap as the document has it.

    Of a thousand rooms, that is a hundred thousand days: no object is made of each, and what
    stands in it is written once, as are the days themselves (benchmarks/heatmap).
    """
    term, days = found.term, found.days
    head = orjson.dumps(
        {
            "term": {
                "id": term.id,
                "name": term.name,
                "code": term.code,
                "start_date": _dated(term.start_date),
                "end_date": _dated(term.end_date),
                "is_published": term.is_published,
                "is_archived": term.is_archived,
            },
            "start_date": _dated(days.first),
            "end_date": _dated(days.last),
            "rooms": [],
        }
    )
    begun = [_begun(days.first + number * DAY) for number in range(len(days))]
    free = [_ended(0, 0, 0, 1)] * len(days)
    row = [b","] * (3 * len(days) - 1)
    row[::3] = begun
    parts = [head.removesuffix(b"]}")]
    for room in rooms:
        ended = free.copy()
        if room.days is not None:
            seats = (room.peaks, room.totals, room.counts, repeat(room.capacity))
            for number, end in zip(room.days, map(_ended, *seats), strict=True):
                ended[number] = end
        row[1::3] = ended
        about = orjson.dumps({"id": room.id, "name": room.name, "capacity": room.capacity})
        parts += (about.removesuffix(b"}"), b',"days":[', *row, b"]}", b",")
    if rooms:
        parts.pop()
    parts.append(b"]}")
    return b"".join(parts)


def of_days(room: Any) -> Sequence[tuple[int, int, int, int]]:  # noqa: ANN401 - SQLAlchemy's own
    """List the days on which seats are allocated: their number, the peak, the total, the count."""
    if room.days is None:
        return ()
    return list(zip(room.days, room.peaks, room.totals, room.counts, strict=True))


@lru_cache(maxsize=4096)
def _begun(day: date) -> bytes:
    """Write a day of a room up to its peak, which `_ended` goes on with."""
    return b'{"date":' + orjson.dumps(_dated(day)) + b',"peak_allocated_seats":'


@lru_cache(maxsize=65_536)
def _ended(peak: int, total: int, count: int, capacity: int) -> bytes:
    rest = {
        "total_allocated_seats": total,
        "allocation_count": count,
        "utilisation": utilisation(peak, capacity),
    }
    return b"%d,%b" % (peak, orjson.dumps(rest).removeprefix(b"{"))


@lru_cache(maxsize=4096)
def _dated(day: date) -> Mapping[str, str]:
    return {"iso": day.isoformat(), "jalali": jalali(day).isoformat()}
