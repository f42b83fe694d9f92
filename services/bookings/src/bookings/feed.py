"""Writes bookings as a calendar that others subscribe to (RFC 5545, RFC 7986). Pure.

Times stand by the clock of the room's building, with its VTIMEZONE, so that a calendar shows both
that clock and the reader's own. A body changes only if what it tells of does: it holds no time of
its making, and whoever polls gets 304.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, Literal
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event, vCalAddress, vText

from bookings.domain import Period
from bookings.vtimezone import vtimezone

BACK: Final = timedelta(days=90)
AHEAD: Final = timedelta(days=731)
CANCELLED_FOR: Final = timedelta(days=30)
REFRESH: Final = timedelta(minutes=15)
CONTENT_TYPE: Final = "text/calendar; charset=utf-8"
_SECOND: Final = timedelta(seconds=1)
# Line ends that some reader takes for one, so that no title can begin a line of its own.
_LINE_ENDS: Final = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_ADDRESS: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+")
_END: Final = b"END:VCALENDAR\r\n"

EntryStatus = Literal["CONFIRMED", "TENTATIVE", "CANCELLED"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One booking of a calendar.

    Args:
        version: of the booking; a reader takes the highest.
        timezone: IANA name of the building's zone.
        series_id: of the series that it is one of.
    """

    id: str
    version: int
    title: str
    description: str | None
    location: str
    organizer_name: str
    organizer_email: str
    period: Period
    timezone: str
    status: EntryStatus
    series_id: str | None
    created_at: datetime
    changed_at: datetime


def window(now: datetime) -> Period:
    """Return from when to when bookings stand in a calendar."""
    return Period(now - BACK, now + AHEAD)


def calendar(name: str, entries: Iterable[Entry], now: datetime) -> bytes:
    """Write a calendar."""
    shown = window(now)
    years = shown.start.year, shown.end.year + 1
    entries = list(entries)
    whole = Calendar()
    whole.add("prodid", "-//Atrium//Bookings//EN")
    whole.add("version", "2.0")
    whole.add("calscale", "GREGORIAN")
    whole.add("method", "PUBLISH")
    # The first is standard; Outlook, Google and Apple read the others.
    for label in ("name", "x-wr-calname"):
        whole[label] = vText(_lines(name))
    whole.add("refresh-interval", REFRESH, parameters={"value": "DURATION"})
    whole.add("x-published-ttl", "PT15M")
    zones = sorted({entry.timezone for entry in entries})
    parts = [vtimezone(zone, *years) for zone in zones]
    parts += [_event(entry) for entry in entries]
    return bytes(whole.to_ical()).removesuffix(_END) + b"".join(parts) + _END


@lru_cache(maxsize=10_000)
def _event(entry: Entry) -> bytes:
    # Kept, because calendars are polled and hardly change: only what is new is written.
    event = Event()
    event.add("uid", f"{entry.id}@atrium")
    event.add("sequence", entry.version)
    event.add("dtstamp", _whole_second(entry.changed_at))
    event.add("created", _whole_second(entry.created_at))
    event.add("last-modified", _whole_second(entry.changed_at))
    for label, moment in zip(("dtstart", "dtend"), _times(entry), strict=True):
        event.add(label, moment)
    event.add("summary", _lines(entry.title))
    if entry.description:
        event.add("description", _lines(entry.description))
    event.add("location", _lines(entry.location))
    event.add("status", entry.status)
    event.add("transp", "TRANSPARENT" if entry.status == "CANCELLED" else "OPAQUE")
    if entry.series_id is not None:
        event.add("related-to", f"{entry.series_id}@atrium")
    # What is no plain address is left out: an address is written as it is, not escaped.
    if _ADDRESS.fullmatch(entry.organizer_email):
        organizer = vCalAddress(f"mailto:{entry.organizer_email}")
        organizer.params["CN"] = " ".join(_lines(entry.organizer_name).split()).replace('"', "'")
        event.add("organizer", organizer)
    return bytes(event.to_ical())


def _times(entry: Entry) -> tuple[datetime, datetime]:
    """Return start and end by the building's clock, or in UTC where that clock is ambiguous.

    Of an hour that the clocks repeat, a local time means the first, whichever is meant.
    """
    zone = ZoneInfo(entry.timezone)
    start = _whole_second(entry.period.start)
    # An event has some length, also the one that was ended as it began.
    end = max(_whole_second(entry.period.end), start + _SECOND)
    local = start.astimezone(zone), end.astimezone(zone)
    return (start, end) if any(moment.fold for moment in local) else local


def _whole_second(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)


def _lines(text: str) -> str:
    return _LINE_ENDS.sub("\n", text)
