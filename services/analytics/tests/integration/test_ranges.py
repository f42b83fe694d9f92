"""Whatever the range, what is read of it by months and days is the sum of its days."""

import random
from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Final

import pytest
from sqlalchemy import insert

from analytics.domain import DAY, Days
from analytics.repository.ranges import by_months
from analytics.repository.reality import Reality
from analytics.repository.reports import Reports
from analytics.tables import (
    days,
    door_days,
    door_months,
    months,
    parties_so_far,
    party_days,
)
from common.db import Database

SEED: Final = 7
BEGIN, END = date(2023, 11, 20), date(2027, 2, 10)
ROOMS: Final = [1, 2]
# Of every table, what its rows are of.
WHOSE: Final = {"room_id": 1, "camera_id": 1, "size": 3}


def ranges() -> Iterator[Days]:
    """Yield ranges by all kinds of ends: within a month, of months, over years."""
    for first, last in (
        (date(2025, 3, 16), date(2025, 3, 16)),
        (date(2025, 1, 1), date(2025, 12, 31)),
        (date(2025, 1, 2), date(2025, 12, 30)),
        (date(2025, 1, 20), date(2025, 12, 10)),
        (date(2024, 12, 31), date(2026, 1, 1)),
        (date(2024, 12, 10), date(2025, 1, 20)),
        (date(2024, 2, 29), date(2024, 2, 29)),
        (date(2024, 1, 1), date(2026, 12, 31)),
        (date(2023, 11, 20), date(2026, 11, 21)),
        (date(2025, 2, 1), date(2025, 2, 28)),
        (date(2025, 1, 17), date(2025, 2, 28)),
    ):
        yield Days(first, last)
    dice = random.Random(SEED)
    for longest in (20, 60, 400, 1098):
        for _ in range(25):
            first = BEGIN + dice.randrange((END - BEGIN).days - 1) * DAY
            last = first + dice.randrange(longest) * DAY
            yield Days(first, min(last, END))


@pytest.fixture
async def known(database: Database) -> dict[date, int]:
    """Three years, with something on two days of three."""
    dice = random.Random(SEED)
    all_days = [BEGIN + number * DAY for number in range((END - BEGIN).days + 1)]
    counts = {day: dice.randrange(1, 1000) for day in all_days if dice.random() < 0.7}
    by_month: Counter[date] = Counter()
    so_far: Counter[date] = Counter()
    for day, count in counts.items():
        by_month[day.replace(day=1)] += count
        for month in range(day.month, 13):
            so_far[date(day.year, month, 1)] += count

    async with database.sessions.begin() as session:
        for table, of in (
            (days, counts),
            (months, by_month),
            (door_days, counts),
            (door_months, by_month),
            (party_days, counts),
            (parties_so_far, so_far),
        ):
            names = [one.name for one in table.columns if one.name != "start"]
            rows = [
                {"start": start, **{name: WHOSE.get(name, count) for name in names}}
                for start, count in of.items()
            ]
            await session.execute(insert(table), rows)
    return counts


async def test_a_range_is_the_sum_of_its_days(database: Database, known: dict[date, int]) -> None:
    for span in ranges():
        expected = sum(n for day, n in known.items() if span.first <= day <= span.last)
        async with database.sessions() as session:
            total = await Reports(session).total(span, ("bookings",))
            of_rooms = await Reports(session).by_room(span, ("bookings",))
            parties, of_all = await Reality(session).parties(span, ROOMS)
            through = await Reality(session).flow(span, [1])

        assert total == {"bookings": expected}, span
        assert of_rooms.get(1, {"bookings": 0}) == total, span
        assert of_all.measured == of_all.seen_parties == of_all.empty_s == expected, span
        assert of_all.parties == 2 * expected, span
        assert parties.get(1, of_all) == of_all, span
        assert of_all.p95 == (3 if expected else None), span
        found = through.get(1)
        assert (found.entries[7] if found else 0) == expected, span


def test_at_most_half_a_month_is_read_by_days_at_each_end() -> None:
    for span in ranges():
        ends = by_months(span)
        at_ends = abs(ends["first"] - ends["begin"]) + abs(ends["after"] - ends["end"])
        assert at_ends <= 31 * DAY or ends["first"] == ends["after"], span
        assert at_ends <= len(span) * DAY, span
