"""The reports of `university`, and bookings as a table."""

import csv
import io
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from analytics.domain import FIRST_ROLES, HOUR_S, HOURS, Days, hours, percent, rounded
from analytics.repository.export import BEGINNING, read_bookings
from analytics.repository.reports import Reports
from analytics.tables import ROLES
from common.db import AsyncSession, Database

_HEADER: Final = (
    "Booking ID",
    "Room Name",
    "Building",
    "User Name",
    "User Email",
    "User Role",
    "Department",
    "Start Time",
    "End Time",
    "Duration (hours)",
    "Purpose",
    "Is Override",
    "Created At",
)
# What a spreadsheet takes for the beginning of a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


@dataclass(frozen=True, slots=True)
class Span:
    """What a report is of.

    Args:
        weeks: over which hours are averaged.
    """

    days: Days
    weeks: int


class _Hours(dict[int, bytes]):
    """Hours as JSON, by seconds: a year of a thousand rooms has 52,000 weeks to write."""

    def __missing__(self, seconds: int) -> bytes:
        self[seconds] = orjson.dumps(hours(seconds, 1))
        return self[seconds]


async def utilization(session: AsyncSession, span: Span) -> list[dict[str, Any]]:
    """Tell for how long each room in use was booked, week by week."""
    reports = Reports(session)
    weeks = [
        (monday, f'{{"week":"{monday:%G-W%V}","hours":'.encode()) for monday in span.days.weeks()
    ]
    written = _Hours()
    booked_s = await reports.by_week(span.days)
    shown = []
    for room in sorted(await reports.rooms(), key=lambda one: (one.building, one.name, one.id)):
        if room.is_active:
            of_room = booked_s.get(room.id, {})
            total_s = sum(of_room.values())
            shown.append(
                {
                    "roomId": room.cuid,
                    "roomName": room.name,
                    "building": room.building,
                    "totalHours": hours(total_s, 1),
                    "avgHoursPerWeek": rounded(total_s, HOUR_S * span.weeks),
                    "weeklyBreakdown": orjson.Fragment(
                        b"[%b}]"
                        % b"},".join([week + written[of_room.get(day, 0)] for day, week in weeks])
                    ),
                }
            )
    return shown


async def peak_hours(session: AsyncSession, span: Span) -> dict[str, Any]:
    """Tell how many bookings last into each hour of the day."""
    names = tuple(f"touches_{hour:02}" for hour in HOURS)
    total = await Reports(session).total(span.days, names)
    most = max(total.values())
    return {
        "peakHours": [
            {"hour": hour, "hourLabel": _label(hour), "count": total[f"touches_{hour:02}"]}
            for hour in HOURS
        ],
        "peakHour": list(total.values()).index(most),
        "maxCount": most,
    }


def _label(hour: int) -> str:
    return f"{hour % 12 or 12} {'AM' if hour < 12 else 'PM'}"


async def bookings_by_role(session: AsyncSession, span: Span) -> dict[str, Any]:
    """Tell who books, by the role of the organizers; the first three are always there."""
    others = [role for role in ROLES if role not in FIRST_ROLES]
    names = [f"{role}_{what}" for role in ROLES for what in ("bookings", "booked_s")]
    total = await Reports(session).total(span.days, ("bookings", "booked_s", *names))
    return {
        "byRole": [
            {
                "role": role.upper(),
                "count": total[f"{role}_bookings"],
                "hours": hours(total[f"{role}_booked_s"], 1),
                "percentage": percent(total[f"{role}_bookings"], total["bookings"]),
            }
            for role in (*FIRST_ROLES, *others)
            if role in FIRST_ROLES or total[f"{role}_bookings"] or total[f"{role}_booked_s"]
        ],
        "total": {"count": total["bookings"], "hours": hours(total["booked_s"], 1)},
    }


# --- bookings as a table ------------------------------------------------------------------------


async def export(database: Database, since: datetime, until: datetime) -> AsyncIterator[bytes]:
    """Write the bookings that start within a time as CSV, some at a time.

    Each part is read in a transaction of its own: whoever reads slowly holds nothing here. A
    booking that is moved meanwhile may be missing, or be there twice.
    """
    yield _csv([_HEADER])
    place = (since, BEGINNING)
    while True:
        async with database.sessions() as session:
            found = await read_bookings(session, place, until)
        if not found:
            return
        yield _csv(_cells(row) for row in found)
        place = (found[-1].starts_at, found[-1].id)


def _csv(rows: Iterable[Iterable[str]]) -> bytes:
    written = io.StringIO()
    csv.writer(written).writerows(rows)
    return written.getvalue().encode()


def _cells(row: Any) -> Iterable[str]:  # noqa: ANN401 - SQLAlchemy's own
    length_s = int((row.ends_at - row.starts_at).total_seconds())
    return (
        _text(row.id),
        _text(row.room),
        _text(row.building),
        _text(row.user or row.organizer_name),
        _text(row.email or row.organizer_email),
        row.role or "",
        _text(row.department),
        _moment(row.starts_at),
        _moment(row.ends_at),
        f"{hours(length_s, 2):g}",
        _text(row.title),
        "Yes" if row.is_override else "No",
        _moment(row.created_at),
    )


def _text(text: str | None) -> str:
    """Write what somebody has written, so that no spreadsheet runs it."""
    if text is None:
        return ""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
