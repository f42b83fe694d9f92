"""How well rooms are used, as the dashboard of `circle_time` shows it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from analytics.domain import (
    HOURS,
    Days,
    Measured,
    Room,
    all_open_s,
    hours,
    open_s,
    peak_hours,
    percent,
    rounded,
)
from analytics.repository.reports import Reports
from common.db import AsyncSession
from common.errors import NotFound

_OF_KPIS: Final = ("bookings", "no_shows", "booked_s")
_OF_UTILIZATION: Final = ("bookings", "booked_s", *(f"starts_{hour:02}" for hour in HOURS))
_OF_GHOSTING: Final = ("bookings", "no_shows", "wasted_s")
_OF_CAPACITY: Final = ("bookings", "attendees", "oversized", "undersized")
_OF_HOURS: Final = tuple(f"touches_{hour:02}" for hour in HOURS)


# --- key figures --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Kpis:
    """Those of one period."""

    rooms: int
    utilization: float
    ghosting: float
    bookings: int


async def kpis(session: AsyncSession, days: Days) -> list[dict[str, Any]]:
    """Return the four figures of a period, each with its change against the one before."""
    reports, before = Reports(session), days.before()
    rooms = await reports.rooms()
    now = _kpis(rooms, await reports.by_room(days, _OF_KPIS), days)
    older = [room for room in rooms if room.is_older_than(days.first)]
    then = _kpis(older, await reports.by_room(before, _OF_KPIS), before)
    return [
        _kpi("Total Rooms", now.rooms, then.rooms),
        _kpi("Avg Utilization", now.utilization, then.utilization, unit="%"),
        _kpi("Ghosting Rate", now.ghosting, then.ghosting, unit="%", more_is_better=False),
        _kpi("Total Bookings", now.bookings, then.bookings),
    ]


def _kpis(rooms: Sequence[Room], measured: Mapping[int, Measured], days: Days) -> _Kpis:
    active = [room for room in rooms if room.is_active]
    booked_s = sum(measured[room.id]["booked_s"] for room in active if room.id in measured)
    bookings = sum(one["bookings"] for one in measured.values())
    return _Kpis(
        rooms=len(active),
        utilization=percent(booked_s, all_open_s(active, days)),
        ghosting=percent(sum(one["no_shows"] for one in measured.values()), bookings),
        bookings=bookings,
    )


def _kpi(
    label: str, now: float, then: float, *, unit: str | None = None, more_is_better: bool = True
) -> dict[str, Any]:
    change = round(now - then, 1)
    kind = "neutral"
    if change:
        kind = "positive" if (change > 0) is more_is_better else "negative"
    return {"label": label, "value": now, "change": change, "changeType": kind, "unit": unit}


# --- room by room -------------------------------------------------------------------------------


async def utilization(
    session: AsyncSession, days: Days, building: str | None
) -> list[dict[str, Any]]:
    """Tell of each room how much of its open hours it was booked.

    Raises:
        NotFound: no room is in that building.
    """
    return [
        {
            "roomId": room.cuid,
            "roomName": room.name,
            "utilizationRate": percent(measured["booked_s"], open_s(room, days)),
            "totalBookings": measured["bookings"],
            "totalHoursBooked": hours(measured["booked_s"], 2),
            "peakHours": peak_hours(measured),
        }
        for room, measured in await _rooms(session, days, _OF_UTILIZATION, building)
    ]


async def ghosting(session: AsyncSession, days: Days) -> list[dict[str, Any]]:
    """Tell of each room how often nobody came, and how long it stood held and empty then."""
    return [
        {
            "roomId": room.cuid,
            "roomName": room.name,
            "ghostingRate": percent(measured["no_shows"], measured["bookings"]),
            "totalNoShows": measured["no_shows"],
            "totalBookings": measured["bookings"],
            "averageWastedMinutes": rounded(measured["wasted_s"], 60 * measured["no_shows"]),
        }
        for room, measured in await _rooms(session, days, _OF_GHOSTING)
    ]


async def capacity(session: AsyncSession, days: Days) -> list[dict[str, Any]]:
    """Tell of each room how well parties fit it."""
    return [
        {
            "roomId": room.cuid,
            "roomName": room.name,
            "roomCapacity": room.capacity,
            "averageAttendees": rounded(measured["attendees"], measured["bookings"]),
            "capacityUtilization": percent(
                measured["attendees"], room.capacity * measured["bookings"]
            ),
            "oversizedBookings": measured["oversized"],
            "undersizedBookings": measured["undersized"],
        }
        for room, measured in await _rooms(session, days, _OF_CAPACITY)
    ]


# --- hour by hour -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hours:
    """Of rooms in use, how many bookings lasted into each hour of the day, over a range."""

    days: Days
    rooms: Sequence[tuple[Room, Measured]]

    def of_all(self) -> list[float]:
        """Tell for each hour of the day in what share of rooms and days it was booked."""
        possible = len(self.rooms) * len(self.days)
        return [
            percent(sum(measured[name] for _, measured in self.rooms), possible)
            for name in _OF_HOURS
        ]

    def of_room(self, measured: Measured) -> list[float]:
        """Tell the same of one of the rooms."""
        return [percent(measured[name], len(self.days)) for name in _OF_HOURS]


async def hours_of_day(session: AsyncSession, days: Days, building: str | None) -> Hours:
    """Count by hour of the day, at each room's clock.

    Raises:
        NotFound: no room is in that building.
    """
    return Hours(days, await _rooms(session, days, _OF_HOURS, building))


async def by_hour(session: AsyncSession, days: Days, building: str | None) -> dict[str, Any]:
    """Tell how much of the rooms, and of each room, was booked in each hour of the day.

    Raises:
        NotFound: no room is in that building.
    """
    counted = await hours_of_day(session, days, building)
    return {
        "hours": [
            {"hour": f"{hour:02}:00", "bookedRate": rate}
            for hour, rate in zip(HOURS, counted.of_all(), strict=True)
        ],
        "rooms": [
            {"roomId": room.cuid, "roomName": room.name, "bookedRates": counted.of_room(measured)}
            for room, measured in counted.rooms
        ],
    }


async def _rooms(
    session: AsyncSession, days: Days, names: tuple[str, ...], building: str | None = None
) -> list[tuple[Room, Measured]]:
    """Return the rooms in use by name, each with what was measured of it.

    Raises:
        NotFound: no room is in that building.
    """
    rooms = await rooms_in_use(session, building)
    measured, nothing = await Reports(session).by_room(days, names), dict.fromkeys(names, 0)
    return [(room, measured.get(room.id, nothing)) for room in rooms]


async def rooms_in_use(session: AsyncSession, building: str | None) -> list[Room]:
    """Return the rooms in use by name, of a building or of all.

    Raises:
        NotFound: no room is in that building.
    """
    found = [room for room in await Reports(session).rooms() if room.is_active]
    if building is not None:
        found = [room for room in found if room.is_in(building)]
        if not found:
            raise NotFound("Building not found")
    return found
