"""Calendars, read back by two libraries that know nothing of how they were written."""

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dateutil.tz import tzical
from icalendar import Calendar, Event

from bookings.domain import Period
from bookings.feed import Entry, calendar
from bookings.vtimezone import vtimezone

NOW = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def entry(start: datetime, zone: str = "UTC", **changes: Any) -> Entry:
    made = Entry(
        id="c" + "1" * 24,
        version=1,
        title="Planning",
        description=None,
        location="Library, Main",
        organizer_name="Ada",
        organizer_email="ada@example.test",
        period=Period(start, start + HOUR),
        timezone=zone,
        status="CONFIRMED",
        series_id=None,
        created_at=NOW,
        changed_at=NOW,
    )
    return replace(made, **changes)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def read(body: bytes) -> list[Event]:
    parsed = Calendar.from_ical(body)
    return [one for one in parsed.walk("VEVENT") if isinstance(one, Event)]


def zone_of(body: bytes, name: str) -> Any:
    """Read a zone from its VTIMEZONE alone."""
    return tzical(io.StringIO(body.decode().replace("\r\n", "\n"))).get(name)


# Worked out by hand from the laws: EU, last Sundays of March and October at 01:00 UTC; US, second
# Sunday of March and first of November at 02:00 local; Iran, +03:30 since 2022.
BY_HAND = [
    ("Europe/Berlin", "2026-03-28T08:00", "20260328T090000"),
    ("Europe/Berlin", "2026-03-29T00:59", "20260329T015900"),
    ("Europe/Berlin", "2026-03-29T01:00", "20260329T030000"),
    ("Europe/Berlin", "2026-03-29T01:30", "20260329T033000"),
    ("Europe/Berlin", "2026-03-29T07:00", "20260329T090000"),
    ("Europe/Berlin", "2026-10-24T07:00", "20261024T090000"),
    ("Europe/Berlin", "2026-10-25T02:00", "20261025T030000"),
    ("Europe/Berlin", "2026-10-25T08:00", "20261025T090000"),
    ("Europe/Berlin", "2027-03-28T07:00", "20270328T090000"),
    ("Europe/Berlin", "2027-10-31T08:00", "20271031T090000"),
    ("America/New_York", "2026-03-07T14:00", "20260307T090000"),
    ("America/New_York", "2026-03-08T06:59", "20260308T015900"),
    ("America/New_York", "2026-03-08T07:00", "20260308T030000"),
    ("America/New_York", "2026-03-08T07:30", "20260308T033000"),
    ("America/New_York", "2026-03-08T13:00", "20260308T090000"),
    ("America/New_York", "2026-10-31T13:00", "20261031T090000"),
    ("America/New_York", "2026-11-01T07:00", "20261101T020000"),
    ("America/New_York", "2026-11-01T14:00", "20261101T090000"),
    ("America/New_York", "2027-11-07T14:00", "20271107T090000"),
    ("Asia/Tehran", "2026-03-21T05:30", "20260321T090000"),
    ("Asia/Tehran", "2026-03-22T05:30", "20260322T090000"),
    ("Asia/Tehran", "2026-09-22T05:30", "20260922T090000"),
]

# Of an hour that comes twice, the first.
FIRST_OF_TWO = [
    ("Europe/Berlin", "2026-10-25T00:30", "20261025T023000"),
    ("America/New_York", "2026-11-01T05:30", "20261101T013000"),
]


@pytest.mark.parametrize(("zone", "instant", "local"), BY_HAND)
def test_a_time_stands_by_the_buildings_clock(zone: str, instant: str, local: str) -> None:
    body = calendar("Room", [entry(utc(instant), zone)], NOW)

    assert f"DTSTART;TZID={zone}:{local}\r\n".encode() in body
    [event] = read(body)
    assert event.decoded("dtstart") == utc(instant)


@pytest.mark.parametrize(("zone", "instant", "local"), [*BY_HAND, *FIRST_OF_TWO])
def test_a_reader_who_only_has_the_vtimezone_finds_the_same_instant(
    zone: str, instant: str, local: str
) -> None:
    body = calendar("Room", [entry(utc(instant), zone)], NOW)

    there = datetime.strptime(local, "%Y%m%dT%H%M%S").replace(tzinfo=zone_of(body, zone))

    assert there.astimezone(UTC) == utc(instant)


ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Asia/Tehran",
    "Europe/Dublin",
    "Asia/Jerusalem",
    "Africa/Cairo",
    "Africa/Casablanca",
    "America/Santiago",
    "America/Havana",
    "America/Nuuk",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "Asia/Kathmandu",
    "UTC",
)


@pytest.mark.parametrize("name", ZONES)
def test_a_vtimezone_says_what_the_zone_database_says(name: str) -> None:
    zone, read_back = ZoneInfo(name), zone_of(vtimezone(name, 2026, 2029), name)
    moments = [utc("2026-01-01") + index * 3 * HOUR for index in range(4 * 365 * 8)]

    wrong = []
    for moment in moments:
        local = moment.astimezone(zone)
        # What the clocks repeat is written in UTC; nobody has to read it from here.
        if not local.fold and local.replace(tzinfo=read_back).utcoffset() != local.utcoffset():
            wrong.append(local)

    assert wrong == []


@pytest.mark.parametrize(
    ("name", "summer", "winter"),
    [
        ("Europe/Berlin", "20250330T020000", "20251026T030000"),
        ("America/New_York", "20250309T020000", "20251102T020000"),
    ],
)
def test_a_change_that_comes_every_year_is_a_rule_from_the_clock_before_it(
    name: str, summer: str, winter: str
) -> None:
    text = vtimezone(name, 2026, 2029).decode()

    assert f"BEGIN:DAYLIGHT\r\nDTSTART:{summer}\r\n" in text
    assert f"BEGIN:STANDARD\r\nDTSTART:{winter}\r\n" in text
    assert text.count("RRULE:FREQ=YEARLY") == 2
    assert "RDATE" not in text


@pytest.mark.parametrize(
    ("zone", "instant"),
    [("Europe/Berlin", "2026-10-25T01:30"), ("America/New_York", "2026-11-01T06:30")],
)
def test_the_second_of_two_hours_of_one_name_stands_in_utc(zone: str, instant: str) -> None:
    first, second = utc(instant) - HOUR, utc(instant)

    body = calendar("Room", [entry(first, zone), entry(second, zone, id="c" + "2" * 24)], NOW)

    assert [event.decoded("dtstart") for event in read(body)] == [first, second]
    assert f"DTSTART:{second:%Y%m%dT%H%M%SZ}".encode() in body


def test_what_ended_as_it_began_has_some_length() -> None:
    start = utc("2026-03-02T09:00")
    ended = entry(start, period=Period(start, start + timedelta(microseconds=1)))

    [event] = read(calendar("Room", [ended], NOW))

    assert event.decoded("dtend") > event.decoded("dtstart")


def test_a_calendar_says_nothing_of_when_it_was_written() -> None:
    entries = [entry(utc("2026-03-02T09:00"), "Europe/Berlin")]

    assert calendar("Room", entries, NOW) == calendar("Room", entries, NOW + 5 * HOUR)


HOSTILE = (
    "x\r\nBEGIN:VALARM",
    "x\nBEGIN:VALARM",
    "x\rBEGIN:VALARM",
    "x\u2028BEGIN:VALARM\u0085BEGIN:VALARM\x0bBEGIN:VALARM",
    'x";X=1:BEGIN:VALARM\\, ;\\n\\N',
    "جلسه‌ی هفتگی " * 30,
    "\\",
)


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:12]))
@pytest.mark.parametrize("field", ["title", "description", "location", "organizer_name"])
def test_no_text_writes_a_line_of_its_own(field: str, text: str) -> None:
    plain = calendar("Room", [entry(utc("2026-03-02T09:00"), description="x")], NOW)

    body = calendar(
        "Room", [entry(utc("2026-03-02T09:00"), **{"description": "x", field: text})], NOW
    )

    assert names_of_lines(body) == names_of_lines(plain)
    assert all(len(line) <= 75 for line in body.split(b"\r\n"))
    assert len(read(body)) == 1


def names_of_lines(body: bytes) -> list[str]:
    unfolded = body.decode().replace("\r\n ", "")
    return [line.partition(":")[0].partition(";")[0] for line in unfolded.splitlines()]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:12]))
def test_nor_does_a_name_of_the_calendar(text: str) -> None:
    assert names_of_lines(calendar(text, [], NOW)) == names_of_lines(calendar("Room", [], NOW))


@pytest.mark.parametrize("email", ["a@b.c\r\nX:1", "x", "", "a b@c.d", 'a"@b.c', "a@b.c,d@e.f"])
def test_what_is_no_address_is_left_out(email: str) -> None:
    body = calendar("Room", [entry(utc("2026-03-02T09:00"), organizer_email=email)], NOW)

    assert b"ORGANIZER" not in body


def test_a_title_comes_back_as_it_was() -> None:
    title = 'Budget; 2026, "final" \\ نسخه'

    [event] = read(calendar("Room", [entry(utc("2026-03-02T09:00"), title=title)], NOW))

    assert str(event["SUMMARY"]) == title
