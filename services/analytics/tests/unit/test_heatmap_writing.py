"""The heatmap's JSON, put together from parts, against the same as one object."""

from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any, Final

import jdatetime
import orjson
from hypothesis import given
from hypothesis import strategies as st

from analytics.domain import Days
from analytics.service.heatmap import Found, Query, as_json
from analytics.texts import Language

SEATS: Final = st.integers(0, 2**62)
DATES: Final = st.dates(date(1900, 1, 1), date(2900, 1, 1))


@st.composite
def rooms(draw: st.DrawFn, days: int) -> Any:
    """A room as the repository reads it: days without seats are left out; null: all of them."""
    seats = st.tuples(SEATS, SEATS, st.integers(1, 9))
    listed = draw(st.none() | st.dictionaries(st.integers(0, days - 1), seats, min_size=1))
    columns = dict.fromkeys(("days", "peaks", "totals", "counts"))
    if listed:
        peaks, totals, counts = zip(*listed.values(), strict=True)
        columns = {"days": list(listed), "peaks": peaks, "totals": totals, "counts": counts}
    named = {
        "id": draw(st.integers(1, 2**31 - 1)),
        "name": draw(st.text()),
        "capacity": draw(SEATS),
    }
    return SimpleNamespace(**named, **columns)


def both(day: date) -> dict[str, str]:
    return {"iso": day.isoformat(), "jalali": jdatetime.date.fromgregorian(date=day).isoformat()}


def the_long_way(found: Found, listed: list[Any]) -> bytes:
    """Make one object of it all."""
    term, window = found.term, found.days
    shown = []
    for room in listed:
        seats: dict[int, tuple[int, int, int]] = {}
        if room.days is not None:
            seats = dict(
                zip(room.days, zip(room.peaks, room.totals, room.counts, strict=True), strict=True)
            )
        of_days = []
        for number in range(len(window)):
            peak, total, count = seats.get(number, (0, 0, 0))
            # Rounded halves up, in whole numbers.
            share = (20_000 * peak + room.capacity) // (2 * room.capacity) if room.capacity else 0
            of_days.append(
                {
                    "date": both(window.first + timedelta(number)),
                    "peak_allocated_seats": peak,
                    "total_allocated_seats": total,
                    "allocation_count": count,
                    "utilisation": min(1.0, share / 10_000),
                }
            )
        of_room = {"id": room.id, "name": room.name, "capacity": room.capacity}
        shown.append({**of_room, "days": of_days})
    dated = {"start_date": both(term.start_date), "end_date": both(term.end_date)}
    states = {"is_published": term.is_published, "is_archived": term.is_archived}
    of_term = {"id": term.id, "name": term.name, "code": term.code, **dated, **states}
    asked = {"start_date": both(window.first), "end_date": both(window.last)}
    return orjson.dumps({"term": of_term, **asked, "rooms": shown})


@given(st.data(), DATES, st.integers(1, 12), st.text())
def test_it_is_written_as_the_object_that_it_is(
    data: st.DataObject, first: date, length: int, name: str
) -> None:
    days = Days(first, first + timedelta(length - 1))
    term = SimpleNamespace(
        id=5,
        name=name,
        code="1403-SPR",
        start_date=first - timedelta(data.draw(st.integers(0, 99))),
        end_date=days.last,
        is_published=data.draw(st.booleans()),
        is_archived=data.draw(st.booleans()),
    )
    found = Found(Query(5, None, None, frozenset(), Language.EN), term, days, "1/1/1")
    listed = data.draw(st.lists(rooms(length), max_size=4))

    assert as_json(found, listed) == the_long_way(found, listed)
