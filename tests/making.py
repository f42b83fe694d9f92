"""Makes what tests need, through the gateway, under names of their own: they share a system."""

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


async def make_location(client: httpx.AsyncClient) -> dict[str, Any]:
    return await make(client, "/api/locations/", name=unique("Building"))


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
