"""Opening windows and what is free of them, by hand and against models that try every day."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given, settings
from hypothesis import strategies as st

from common import opening, recurrence
from common.opening import Opening, Span, by_day, day_bounds, free, windows
from common.recurrence import Recurrence, WrongRule, parse_rule

ZONES = ("Europe/Berlin", "America/New_York", "Asia/Tehran", "Australia/Lord_Howe", "UTC")
SEVEN, NINETEEN = time(7), time(19)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def in_zone(text: str, zone: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def ruled(zone: str, starts: str, ends: str, rule: str | None) -> Opening:
    """A room whose first window has these local times."""
    return Opening(zone, SEVEN, NINETEEN, (in_zone(starts, zone), in_zone(ends, zone)), rule)


def shown(spans: list[Span], zone: str) -> list[str]:
    """Write spans as clocks in the zone show them."""
    local = [[moment.astimezone(ZoneInfo(zone)) for moment in span] for span in spans]
    return [f"{begins:%m-%d %H:%M%z} {ends:%m-%d %H:%M%z}" for begins, ends in local]


def asked(room: Opening, first: str, last: str) -> list[str]:
    bounds = day_bounds(date.fromisoformat(first), date.fromisoformat(last), room.zone)
    return shown(windows(room, *bounds), room.zone)


# --- clock changes, by hand ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "first", "last", "expected"),
    [
        (
            "Europe/Berlin",
            "2026-03-28",
            "2026-03-30",
            [
                "03-28 09:00+0100 03-28 18:00+0100",
                "03-29 09:00+0200 03-29 18:00+0200",
                "03-30 09:00+0200 03-30 18:00+0200",
            ],
        ),
        (
            "Europe/Berlin",
            "2026-10-24",
            "2026-10-25",
            ["10-24 09:00+0200 10-24 18:00+0200", "10-25 09:00+0100 10-25 18:00+0100"],
        ),
        (
            "America/New_York",
            "2026-03-07",
            "2026-03-08",
            ["03-07 09:00-0500 03-07 18:00-0500", "03-08 09:00-0400 03-08 18:00-0400"],
        ),
        (
            "America/New_York",
            "2026-10-31",
            "2026-11-01",
            ["10-31 09:00-0400 10-31 18:00-0400", "11-01 09:00-0500 11-01 18:00-0500"],
        ),
        # Iran changed its clocks until 2022, at midnight of Nowruz and of the first of Mehr.
        (
            "Asia/Tehran",
            "2022-03-21",
            "2022-03-22",
            ["03-21 09:00+0330 03-21 18:00+0330", "03-22 09:00+0430 03-22 18:00+0430"],
        ),
        (
            "Asia/Tehran",
            "2022-09-21",
            "2022-09-22",
            ["09-21 09:00+0430 09-21 18:00+0430", "09-22 09:00+0330 09-22 18:00+0330"],
        ),
        ("Asia/Tehran", "2026-03-22", "2026-03-22", ["03-22 09:00+0330 03-22 18:00+0330"]),
        # Half an hour.
        (
            "Australia/Lord_Howe",
            "2026-10-03",
            "2026-10-04",
            ["10-03 09:00+1030 10-03 18:00+1030", "10-04 09:00+1100 10-04 18:00+1100"],
        ),
    ],
)
def test_nine_stays_nine_when_clocks_change(
    zone: str, first: str, last: str, expected: list[str]
) -> None:
    by_rule = ruled(zone, "2020-01-06T09:00", "2020-01-06T18:00", "FREQ=DAILY")
    by_hours = Opening(zone, time(9), time(18))

    assert asked(by_rule, first, last) == expected
    assert asked(by_hours, first, last) == expected


@pytest.mark.parametrize(
    ("starts", "ends", "day", "expected"),
    [
        # Berlin has no 02:00 to 03:00 on this day: what would open then opens an hour later.
        ("02:30", "06:00", "2026-03-29", "03-29 03:30+0200 03-29 06:00+0200"),
        ("00:00", "02:30", "2026-03-29", "03-29 00:00+0100 03-29 03:30+0200"),
        # Both ends are skipped: both move.
        ("02:10", "02:50", "2026-03-29", "03-29 03:10+0200 03-29 03:50+0200"),
        # The end is there and the start would come after it: the length is kept.
        ("02:30", "03:00", "2026-03-29", "03-29 03:30+0200 03-29 04:00+0200"),
        # It has 02:00 to 03:00 twice on this one: the first is meant.
        ("02:30", "06:00", "2026-10-25", "10-25 02:30+0200 10-25 06:00+0100"),
        ("00:00", "02:30", "2026-10-25", "10-25 00:00+0200 10-25 02:30+0200"),
    ],
)
def test_hours_that_clocks_skip_or_repeat(starts: str, ends: str, day: str, expected: str) -> None:
    room = ruled("Europe/Berlin", f"2026-01-05T{starts}", f"2026-01-05T{ends}", "FREQ=DAILY")

    assert asked(room, day, day) == [expected]


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_a_room_that_is_always_open_has_no_gap_when_clocks_change(day: str) -> None:
    room = ruled("Europe/Berlin", "2026-01-05T00:00", "2026-01-06T00:00", "FREQ=DAILY")
    begins, ends = day_bounds(date.fromisoformat(day), date.fromisoformat(day), room.zone)

    assert windows(room, begins, ends) == [(begins, ends)]
    assert ends - begins != timedelta(days=1)


def test_a_night_across_the_change_closes_at_its_hour() -> None:
    room = ruled("Europe/Berlin", "2026-01-05T22:00", "2026-01-06T06:00", "FREQ=WEEKLY;BYDAY=SA")

    assert asked(room, "2026-03-27", "2026-03-30") == ["03-28 22:00+0100 03-29 06:00+0200"]


def test_the_first_window_is_the_instants_that_were_given() -> None:
    # 02:15 to 02:45 of the hour that comes again.
    first = (utc("2026-10-25T01:15:00"), utc("2026-10-25T01:45:00"))
    room = Opening("Europe/Berlin", SEVEN, NINETEEN, first, "FREQ=DAILY;COUNT=2")

    assert asked(room, "2026-10-25", "2026-10-30") == [
        "10-25 02:15+0100 10-25 02:45+0100",
        "10-26 02:15+0100 10-26 02:45+0100",
    ]


def test_a_first_window_that_ends_earlier_by_the_clock_keeps_its_length() -> None:
    # From 02:45 of the first to 02:15 of the second time round.
    first = (utc("2026-10-25T00:45:00"), utc("2026-10-25T01:15:00"))
    room = Opening("Europe/Berlin", SEVEN, NINETEEN, first, "FREQ=DAILY;COUNT=2")

    assert asked(room, "2026-10-25", "2026-10-30") == [
        "10-25 02:45+0200 10-25 02:15+0100",
        "10-26 02:45+0100 10-26 03:15+0100",
    ]


# --- rules, by hand -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "days"),
    [
        (None, ["12-11"]),
        ("FREQ=DAILY;BYDAY=MO,TU,WE", ["12-15", "12-16", "12-17"]),
        ("FREQ=DAILY;COUNT=3", ["12-11", "12-12", "12-13"]),
        ("FREQ=DAILY;INTERVAL=3;UNTIL=20251217", ["12-11", "12-14", "12-17"]),
        # 18 o'clock UTC is before the opening of that day in New York, at 14:00 UTC it is not.
        ("FREQ=DAILY;UNTIL=20251212T135959Z", ["12-11"]),
        ("FREQ=DAILY;UNTIL=20251212T140000Z", ["12-11", "12-12"]),
        ("FREQ=DAILY;UNTIL=20251212T090000", ["12-11", "12-12"]),
        ("FREQ=WEEKLY", ["12-11", "12-18"]),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=TH,SU;WKST=MO", ["12-11", "12-14"]),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=TH,SU;WKST=SU", ["12-11", "12-21"]),
        ("FREQ=MONTHLY;BYDAY=3FR", ["12-19"]),
        ("FREQ=MONTHLY;BYMONTHDAY=-13", ["12-19"]),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=11", ["12-15"]),
        ("FREQ=YEARLY", ["12-11"]),
        ("FREQ=YEARLY;BYYEARDAY=350", ["12-16"]),
        ("FREQ=YEARLY;BYWEEKNO=51;BYDAY=MO,FR", ["12-15", "12-19"]),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", []),
        # Taken by an earlier release, refused by this one.
        ("FREQ=YEARLY;BYMONTH=13;BYDAY=1MO", []),
    ],
)
def test_which_days_a_rule_names(rule: str | None, days: list[str]) -> None:
    room = ruled("America/New_York", "2025-12-11T09:00", "2025-12-11T10:00", rule)

    listed = asked(room, "2025-12-01", "2025-12-22")

    assert [one[:5] for one in listed][:3] == days


@pytest.mark.parametrize(
    "rule",
    [
        "",
        "FREQ=",
        "FREQ=HOURLY",
        "freq=daily",
        "BYDAY=MO",
        "FREQ=DAILY;",
        "FREQ=DAILY;FREQ=WEEKLY",
        "FREQ=DAILY;COUNT=2;COUNT=3",
        "FREQ=DAILY;COUNT=0",
        "FREQ=DAILY;COUNT=10001",
        "FREQ=DAILY;COUNT=1,2",
        "FREQ=DAILY;INTERVAL=-1",
        "FREQ=DAILY;INTERVAL=1001",
        "FREQ=DAILY;BYMONTH=13",
        "FREQ=DAILY;BYMONTH=-1",
        "FREQ=DAILY;BYMONTHDAY=0",
        "FREQ=DAILY;BYMONTHDAY=-32",
        "FREQ=DAILY;BYDAY=XX",
        "FREQ=DAILY;BYDAY=MO,",
        "FREQ=DAILY;BYDAY=0MO",
        "FREQ=YEARLY;BYDAY=54MO",
        "FREQ=DAILY;BYHOUR=9",
        "FREQ=DAILY;WKST=1MO",
        "FREQ=DAILY;UNTIL=2026",
        "FREQ=DAILY;UNTIL=20260230",
        "FREQ=DAILY;UNTIL=20260101T250000Z",
        "FREQ=DAILY;UNTIL=99991231",
        "FREQ=DAILY;BYDAY=MO\nDTSTART:20250101",
        "FREQ=YEARLY;BYYEARDAY=" + "1," * 300 + "1",
    ],
)
def test_what_is_no_rule(rule: str) -> None:
    with pytest.raises(WrongRule):
        parse_rule(rule)


# --- work is bounded by the range -----------------------------------------------------------------


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=DAILY",
        "FREQ=DAILY;INTERVAL=999;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MONTHLY;BYMONTHDAY=31;BYMONTH=4",
        "FREQ=YEARLY;INTERVAL=1000;BYMONTH=2;BYMONTHDAY=29",
        "FREQ=WEEKLY;INTERVAL=1000;BYYEARDAY=366;BYSETPOS=7",
    ],
)
@pytest.mark.parametrize("count", ["", ";COUNT=10000"])
@pytest.mark.parametrize("ends", ["1900-01-01T10:00", "2100-01-01T00:00"])
def test_a_month_of_an_old_rule_looks_at_few_years(
    monkeypatch: pytest.MonkeyPatch, rule: str, count: str, ends: str
) -> None:
    looked_at: set[int] = set()
    days_of_year = recurrence._days_of_year.__wrapped__

    def counted(rule: Recurrence, first: int, year: int) -> tuple[int, ...]:
        looked_at.add(year)  # a second look is answered by the cache
        found: tuple[int, ...] = days_of_year(rule, first, year)
        return found

    monkeypatch.setattr(recurrence, "_days_of_year", counted)
    recurrence.days_of.cache_clear()
    room = ruled("Europe/Berlin", "1900-01-01T09:00", ends, rule + count)

    asked(room, "2026-01-01", "2026-01-31")

    within = 2 if ends.startswith("1900") and not count else recurrence.FARTHEST_YEARS + 2
    assert len(looked_at) <= within


def test_a_window_from_long_ago_is_found() -> None:
    room = ruled("UTC", "2000-03-01T00:00", "2030-03-01T00:00", "FREQ=YEARLY;INTERVAL=29")

    assert windows(room, utc("2026-01-01T00:00"), utc("2026-01-02T00:00")) == [
        (utc("2026-01-01T00:00"), utc("2026-01-02T00:00"))
    ]
    assert windows(room, utc("2059-02-28T12:00"), utc("2059-03-02T00:00"))[0][0].day == 28


# --- against models that try every day -----------------------------------------------------------

NAMES = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
lists = st.lists


@st.composite
def rules(draw: st.DrawFn, *, listed: bool = True) -> dict[str, list[str]]:
    """A rule by its parts; the parts that list something are there at times."""
    frequency = draw(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]))
    parts = {"FREQ": [frequency]}
    if draw(st.booleans()):
        parts["INTERVAL"] = [str(draw(st.integers(1, 5)))]
    if draw(st.booleans()):
        ordinals = st.sampled_from(["", "", "1", "2", "-1"])
        named = [
            draw(ordinals if frequency in {"MONTHLY", "YEARLY"} else st.just("")) + day
            for day in draw(lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True))
        ]
        # dateutil takes plain and numbered days together for days that are both.
        numbered = any(not day.isalpha() for day in named)
        parts["BYDAY"] = [day for day in named if day.isalpha() is not numbered]
    if listed:
        numbers = {
            "BYMONTH": st.integers(1, 12),
            "BYMONTHDAY": st.integers(1, 31) | st.integers(-31, -1),
            "BYYEARDAY": st.integers(1, 366) | st.integers(-366, -1),
            "BYSETPOS": st.integers(1, 6) | st.integers(-6, -1),
        }
        for name, values in numbers.items():
            if draw(st.integers(0, 3)) == 0:
                parts[name] = [str(one) for one in draw(lists(values, min_size=1, max_size=6))]
    if draw(st.booleans()):
        parts["WKST"] = [draw(st.sampled_from(["MO", "SU", "TH"]))]
    return parts


def written(parts: dict[str, list[str]]) -> str:
    return ";".join(f"{name}={','.join(values)}" for name, values in parts.items())


def month_ends(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


class Tried:
    """A rule that tries each day against RFC 5545's table of what expands and what limits."""

    def __init__(self, parts: dict[str, list[str]], first: date) -> None:
        self.frequency = parts["FREQ"][0]
        self.interval = int(parts.get("INTERVAL", ["1"])[0])
        self.weekdays = parts.get("BYDAY", [])
        self.week_start = NAMES.index(parts.get("WKST", ["MO"])[0])
        listed = ("BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYSETPOS")
        self.numbers = {name: [int(one) for one in parts[name]] for name in listed if name in parts}
        self.first = first
        if not (self.weekdays or self.numbers.keys() & {"BYMONTHDAY", "BYYEARDAY"}):
            self.take_from_first()

    def take_from_first(self) -> None:
        if self.frequency == "WEEKLY":
            self.weekdays = [NAMES[self.first.weekday()]]
        if self.frequency in {"MONTHLY", "YEARLY"}:
            self.numbers["BYMONTHDAY"] = [self.first.day]
        if self.frequency == "YEARLY":
            self.numbers.setdefault("BYMONTH", [self.first.month])

    def days(self, last: date) -> list[date]:
        """List the days until one, in order."""
        by_period: dict[int, list[date]] = {}
        # Periods are counted whole, but for a first week, which begins with its first day.
        low = self.first.replace(day=1)
        low = {"MONTHLY": low, "YEARLY": low.replace(month=1)}.get(self.frequency, self.first)
        for day in (low + timedelta(days=one) for one in range((last - low).days + 400)):
            away = self.period(day) - self.period(self.first)
            if away % self.interval == 0 and self.names(day):
                by_period.setdefault(away, []).append(day)
        found = [day for days in by_period.values() for day in self.chosen(days)]
        return [day for day in found if self.first <= day <= last]

    def chosen(self, days: list[date]) -> list[date]:
        positions = self.numbers.get("BYSETPOS")
        at = {one - 1 if one > 0 else len(days) + one for one in positions or ()}
        return [day for place, day in enumerate(days) if positions is None or place in at]

    def period(self, day: date) -> int:
        week_began = day - timedelta(days=(day.weekday() - self.week_start) % 7)
        return {
            "DAILY": day.toordinal(),
            "WEEKLY": week_began.toordinal() // 7,
            "MONTHLY": day.year * 12 + day.month,
            "YEARLY": day.year,
        }[self.frequency]

    def names(self, day: date) -> bool:
        year_day = day.timetuple().tm_yday
        days_of_year = date(day.year, 12, 31).timetuple().tm_yday
        own = {
            "BYMONTH": {day.month},
            "BYMONTHDAY": {day.day, day.day - month_ends(day).day - 1},
            "BYYEARDAY": {year_day, year_day - days_of_year - 1},
        }
        limits = own.keys() & self.numbers.keys()
        if not all(own[name] & set(self.numbers[name]) for name in limits):
            return False
        weekday = NAMES[day.weekday()]
        forms = {weekday, *(f"{place}{weekday}" for place in self.places(day))}
        return not self.weekdays or bool(forms & set(self.weekdays))

    def places(self, day: date) -> tuple[int, int]:
        """Which one of its weekday a day is in its month or year, from both ends."""
        if self.frequency == "YEARLY" and "BYMONTH" not in self.numbers:
            nth, to_go = day.timetuple().tm_yday, date(day.year, 12, 31) - day
        else:
            nth, to_go = day.day, month_ends(day) - day
        return (nth - 1) // 7 + 1, -(to_go.days // 7) - 1


firsts = st.dates(date(2023, 1, 1), date(2026, 12, 31))


@settings(max_examples=300, deadline=None)
@given(parts=rules(), first=firsts, count=st.none() | st.integers(1, 40), after=st.integers(0, 800))
def test_days_are_those_that_trying_each_day_finds(
    parts: dict[str, list[str]], first: date, count: int | None, after: int
) -> None:
    low = first + timedelta(days=after)
    high = low + timedelta(days=60)
    tried = Tried(parts, first).days(high)[:count]
    if count is not None:
        parts = {**parts, "COUNT": [str(count)]}
    room = ruled("UTC", f"{first}T09:00", f"{first}T10:00", written(parts))

    listed = windows(room, utc(f"{low}T00:00"), utc(f"{high}T23:59"))

    assert [begins.date() for begins, _ in listed] == [day for day in tried if day >= low]


@settings(max_examples=100, deadline=None)
@given(parts=rules(listed=False), first=firsts, after=st.integers(0, 4000))
def test_days_are_those_that_dateutil_walks_to(
    parts: dict[str, list[str]], first: date, after: int
) -> None:
    low = datetime.combine(first + timedelta(days=after), time.min)
    high = low + timedelta(days=60)
    start = datetime.combine(first, time(9))
    walked = rrulestr(written(parts), dtstart=start).between(low, high, inc=True)
    room = ruled("UTC", f"{first}T09:00", f"{first}T10:00", written(parts))

    listed = windows(room, low.replace(tzinfo=UTC), high.replace(tzinfo=UTC))

    assert [begins.replace(tzinfo=None) for begins, _ in listed] == walked


def every_window(room: Opening, last: date) -> Iterator[Span]:
    """Each window of a room until a day, from the first one, without a range."""
    assert room.first is not None
    assert room.rule is not None
    zone = ZoneInfo(room.zone)
    first, until = (moment.astimezone(zone).replace(tzinfo=None) for moment in room.first)
    for start in rrulestr(room.rule, dtstart=first).between(
        first, datetime.combine(last, time.max), inc=True
    ):
        begins = start.replace(tzinfo=zone).astimezone(UTC)
        ends = (start + (until - first)).replace(tzinfo=zone).astimezone(UTC)
        yield begins, ends if ends > begins else begins + (until - first)


minutes = st.integers(0, 24 * 60 - 1)


@settings(max_examples=200, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    first=st.dates(date(2021, 1, 1), date(2022, 12, 31)),
    opens=minutes,
    length=st.integers(1, 9 * 24 * 60),
    parts=rules(listed=False),
    after=st.integers(-30, 700),
    asked_for=st.integers(1, 5 * 24 * 60),
)
def test_windows_are_the_union_of_all_cut_to_the_range(
    zone: str,
    first: date,
    opens: int,
    length: int,
    parts: dict[str, list[str]],
    after: int,
    asked_for: int,
) -> None:
    local = datetime.combine(first, time.min) + timedelta(minutes=opens)
    begins, ends = (
        moment.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
        for moment in (local, local + timedelta(minutes=length))
    )
    if ends <= begins:
        return
    room = Opening(zone, SEVEN, NINETEEN, (begins, ends), written(parts))
    low = begins + timedelta(days=after)
    high = low + timedelta(minutes=asked_for)

    listed = windows(room, low, high)

    def at_quarters(spans: list[Span]) -> set[datetime]:
        quarters = int((high - low) / timedelta(minutes=15)) + 1
        moments = (low + timedelta(minutes=15 * one) for one in range(quarters))
        return {one for one in moments if any(b <= one < e for b, e in spans) and one < high}

    assert at_quarters(listed) == at_quarters(list(every_window(room, high.date() + timedelta(2))))
    assert all(low <= begun < ended <= high for begun, ended in listed)
    assert all(one[1] < other[0] for one, other in pairwise(listed))


spans = st.tuples(st.integers(0, 60), st.integers(1, 30)).map(lambda pair: (pair[0], sum(pair)))


@settings(max_examples=300, deadline=None)
@given(open_spans=st.lists(spans, max_size=6), taken=st.lists(spans, max_size=8))
def test_what_is_free_is_open_and_not_taken(
    open_spans: list[tuple[int, int]], taken: list[tuple[int, int]]
) -> None:
    midnight = utc("2026-01-05T00:00")

    def moments(pairs: list[tuple[int, int]]) -> list[Span]:
        return [tuple(midnight + timedelta(minutes=one) for one in pair) for pair in pairs]  # type: ignore[misc]

    def covered(pairs: list[Span]) -> set[int]:
        return {
            minute
            for begins, ends in pairs
            for minute in range(
                int((begins - midnight).total_seconds()) // 60,
                int((ends - midnight).total_seconds()) // 60,
            )
        }

    united = opening._united(moments(open_spans))
    left = free(united, sorted(moments(taken)))

    assert covered(left) == covered(moments(open_spans)) - covered(moments(taken))
    assert all(one[1] <= other[0] for one, other in pairwise(left))


@settings(max_examples=100, deadline=None)
@given(
    zone=st.sampled_from([*ZONES, "America/Havana", "America/Santiago", "Pacific/Apia"]),
    day=st.dates(date(2011, 1, 1), date(2026, 12, 31)),
    minute=minutes,
    hours=st.integers(1, 200),
)
def test_days_together_are_the_whole_and_each_is_of_its_date(
    zone: str, day: date, minute: int, hours: int
) -> None:
    begins = datetime.combine(day, time.min, UTC) + timedelta(minutes=minute)
    span = (begins, begins + timedelta(hours=hours))

    days = by_day([span], zone)

    parts = [part for _, slots in days for part in slots]
    assert parts[0][0] == span[0]
    assert parts[-1][1] == span[1]
    assert all(one[1] == other[0] for one, other in pairwise(parts))
    assert [own for own, _ in days] == sorted({own for own, _ in days})
    for own, [(starts, ends)] in days:
        local = [
            moment.astimezone(ZoneInfo(zone)).date()
            for moment in (starts, ends - timedelta(microseconds=1))
        ]
        assert local == [own, own]
