"""Makes what tests need, through the gateway, under names of their own: they share a system."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from common.ids import new_cuid

WINDOW = {"start_datetime": "2025-12-11T09:00:00Z", "end_datetime": "2025-12-11T18:00:00Z"}


def unique(name: str) -> str:
    return f"{name} {new_cuid()}"


async def make(client: httpx.AsyncClient, path: str, **values: Any) -> dict[str, Any]:
    reply = await client.post(path, json=values)
    assert reply.status_code == 201, reply.text
    made: dict[str, Any] = reply.json()
    return made


async def make_location(client: httpx.AsyncClient, **more: Any) -> dict[str, Any]:
    return await make(client, "/api/locations/", name=unique("Building"), **more)


async def make_amenity(client: httpx.AsyncClient) -> dict[str, Any]:
    return await make(client, "/api/amenities/", name=unique("Amenity"))


async def make_room(client: httpx.AsyncClient, **changes: Any) -> dict[str, Any]:
    """Make a room, in a building of its own unless one is given."""
    if "location" not in changes:
        changes["location"] = (await make_location(client))["id"]
    values = {"name": unique("Room"), "capacity": 20, "amenities_id": [], **WINDOW, **changes}
    return await make(client, "/api/rooms/", **values)


async def make_camera(client: httpx.AsyncClient, **changes: Any) -> dict[str, Any]:
    values = {"camera_id": new_cuid(), "camera_name": "Gate", **changes}
    return await make(client, "/api/occupancy/cameras", **values)


async def make_line(client: httpx.AsyncClient, camera_id: int, **changes: Any) -> dict[str, Any]:
    ends = {"x1": 0, "y1": 300, "x2": 1920, "y2": 300}
    values = {"camera_id": camera_id, "line_name": "Entrance", **ends, **changes}
    return await make(client, "/api/occupancy/lines", **values)


def soon(minutes: float = 60) -> datetime:
    """Return the start of the minute that many minutes from now."""
    return (datetime.now(UTC) + timedelta(minutes=minutes)).replace(second=0, microsecond=0)


def iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def booking_of(room: dict[str, Any], start: datetime, minutes: float = 60) -> dict[str, Any]:
    """Write the body of a booking as `circle_time` has it."""
    return {
        "roomId": room["id"],
        "title": "Planning",
        "startTime": iso(start),
        "endTime": iso(start + timedelta(minutes=minutes)),
    }


def request_of(room: dict[str, Any], start: datetime, minutes: float = 60) -> dict[str, Any]:
    """Write the body of a request as `university` has it."""
    return {
        "roomId": room["id"],
        "startAt": iso(start),
        "endAt": iso(start + timedelta(minutes=minutes)),
        "purpose": "Team meeting",
    }
