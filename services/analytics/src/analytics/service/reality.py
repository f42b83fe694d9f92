"""What was planned, what was booked, and what cameras have seen, as `circle_time` is told of it."""

from collections.abc import Sequence
from typing import Any, Final

from analytics.domain import (
    HOURS,
    Days,
    Measured,
    Room,
    hours,
    percent,
    rounded,
    suggested_capacity,
)
from analytics.repository.reality import Door, Parties, Presence, Reality, Through
from analytics.repository.reports import Reports
from analytics.repository.seats import Seats
from analytics.service.figures import rooms_in_use
from common.db import AsyncSession
from common.errors import NotFound

_BOOKED: Final = ("bookings", "no_shows", "booked_s")


async def reality(session: AsyncSession, days: Days, building: str | None) -> dict[str, Any]:
    """Tell of each room in use what was planned, booked and measured, and of all of them.

    Raises:
        NotFound: no room is in that building.
    """
    rooms = await rooms_in_use(session, building)
    ids = {room.id for room in rooms}
    booked = await Reports(session).by_room(days, _BOOKED)
    seat_s = await Seats(session).seat_seconds(days)
    there = await Reality(session).presence(days)
    parties, of_all = await Reality(session).parties(days, sorted(ids))
    nothing, nobody = dict.fromkeys(_BOOKED, 0), Parties()
    shown = [
        {
            "roomId": room.cuid,
            "roomName": room.name,
            "capacity": room.capacity,
            **_figures(
                booked.get(room.id, nothing), seat_s.get(room.id), there.get(room.id), known
            ),
            "suggestedCapacity": suggested_capacity(room.capacity, known.parties, known.largest),
        }
        for room in rooms
        for known in (parties.get(room.id, nobody),)
    ]
    ours = [one for room_id, one in booked.items() if room_id in ids]
    seats = [one for room_id, one in seat_s.items() if room_id in ids]
    seen = [one for room_id, one in there.items() if room_id in ids]
    total = _figures(
        {name: sum(one[name] for one in ours) for name in _BOOKED},
        sum(seats) if seats else None,
        Presence(sum(one.occupied_s for one in seen), sum(one.unbooked_s for one in seen))
        if seen
        else None,
        of_all,
    )
    return {"rooms": shown, "totals": total}


def _figures(
    booked: Measured, seat_s: int | None, there: Presence | None, parties: Parties
) -> dict[str, Any]:
    return {
        "plannedSeatHours": None if seat_s is None else hours(seat_s, 2),
        "bookedHours": hours(booked["booked_s"], 2),
        "occupiedHours": None if there is None else hours(there.occupied_s, 2),
        "unbookedHours": None if there is None else hours(there.unbooked_s, 2),
        "totalBookings": booked["bookings"],
        "noShowRate": percent(booked["no_shows"], booked["bookings"]),
        "measuredBookings": parties.measured,
        "ghostBookings": parties.ghosts,
        "ghostRate": _of(parties.measured, percent(parties.ghosts, parties.measured)),
        "checkedGhostRate": _of(parties.measured, percent(parties.no_shows, parties.measured)),
        "emptyHours": _of(parties.measured, hours(parties.empty_s, 2)),
        "averageParty": _of(
            parties.seen_parties, rounded(parties.seen_people, parties.seen_parties)
        ),
        "p95Party": parties.p95,
    }


def _of(count: int, value: float) -> float | None:
    """Say nothing of what nobody has measured."""
    return value if count else None


async def right_size(session: AsyncSession, days: Days) -> list[dict[str, Any]]:
    """Name the rooms in use whose parties never fill half of them, the emptiest first."""
    rooms = await rooms_in_use(session, None)
    parties, _ = await Reality(session).parties(days, [room.id for room in rooms])
    found = []
    for room in rooms:
        known = parties.get(room.id, Parties())
        suggested = suggested_capacity(room.capacity, known.parties, known.largest)
        if suggested is not None:
            found.append(
                {
                    "roomId": room.cuid,
                    "roomName": room.name,
                    "roomCapacity": room.capacity,
                    "parties": known.parties,
                    "measuredParties": known.seen_parties,
                    "largestParty": known.largest,
                    "suggestedCapacity": suggested,
                }
            )
    return sorted(found, key=lambda one: one["largestParty"] / one["roomCapacity"])


async def flow(
    session: AsyncSession, days: Days, room: str | None, camera: str | None
) -> dict[str, Any]:
    """Tell how many people went in and out, by hour of the day and by door.

    Args:
        room: its id, or the one by which this contract knows it.
        camera: its id or its code.

    Raises:
        NotFound: there is no such room or camera.
    """
    rooms = {one.id: one for one in await Reports(session).rooms()}
    doors = _asked(await Reality(session).doors(), rooms, room, camera)
    counted = await Reality(session).flow(days, [door.id for door in doors])
    through = [_through(door, counted.get(door.id, _NOBODY)) for door in doors]
    entries = [sum(hour) for hour in zip(*(one.entries for one in through), strict=True)]
    exits = [sum(hour) for hour in zip(*(one.exits for one in through), strict=True)]
    by_hour = zip(HOURS, entries or _NOBODY.entries, exits or _NOBODY.exits, strict=True)
    return {
        "hours": [
            {"hour": f"{hour:02}:00", "entries": into, "exits": out} for hour, into, out in by_hour
        ],
        "doors": [
            {
                "cameraId": door.id,
                "cameraCode": door.code,
                "cameraName": door.name,
                **_room_of(door, rooms),
                "entries": sum(one.entries),
                "exits": sum(one.exits),
            }
            for door, one in zip(doors, through, strict=True)
        ],
        "totals": {"entries": sum(entries), "exits": sum(exits)},
    }


_NOBODY: Final = Through([0] * len(HOURS), [0] * len(HOURS))


def _through(door: Door, counted: Through) -> Through:
    """Return who went by in the directions that a camera is there for."""
    return Through(
        _NOBODY.entries if door.type == "exit_only" else counted.entries,
        _NOBODY.exits if door.type == "entry_only" else counted.exits,
    )


def _asked(
    doors: Sequence[Door], rooms: dict[int, Room], room: str | None, camera: str | None
) -> list[Door]:
    found = list(doors)
    if room is not None:
        ids = {one.id for one in rooms.values() if room in {one.cuid, str(one.id)}}
        if not ids:
            raise NotFound("Room not found")
        found = [door for door in found if door.room_id in ids]
    if camera is not None:
        if not any(camera in {door.code, str(door.id)} for door in doors):
            raise NotFound("Camera not found")
        found = [door for door in found if camera in {door.code, str(door.id)}]
    return found


def _room_of(door: Door, rooms: dict[int, Room]) -> dict[str, str | None]:
    room = None if door.room_id is None else rooms.get(door.room_id)
    return {
        "roomId": None if room is None else room.cuid,
        "roomName": None if room is None else room.name,
    }
