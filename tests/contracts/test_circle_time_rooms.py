"""Document 004 (`circle_time`), section 2.1: the list of rooms, through the gateway."""

from typing import Any

import httpx
import pytest
from making import make_amenity, make_location, make_room


async def test_the_list_is_an_array_of_rooms_by_name(
    student: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    location = await make_location(admin)
    amenity = await make_amenity(admin)
    await make_room(admin, name="b", location=location["id"], amenities_id=[amenity["id"]])
    await make_room(admin, name="A", location=location["id"], is_active=False)

    reply = await student.get("/api/rooms", params={"building": location["name"]})

    assert reply.status_code == 200
    answer = reply.json()
    assert answer["success"] is True
    first, second = answer["data"]
    assert list(second) == [
        "id",
        "name",
        "building",
        "floor",
        "capacity",
        "amenities",
        "status",
        "imageUrl",
    ]
    assert second.pop("id").startswith("c")
    assert second == {
        "name": "b",
        "building": location["name"],
        "floor": 0,
        "capacity": 20,
        "amenities": [amenity["name"]],
        "status": "available",
        "imageUrl": None,
    }
    assert (first["name"], first["status"]) == ("A", "maintenance")


async def test_who_is_not_signed_in_gets_401(anyone: httpx.AsyncClient) -> None:
    reply = await anyone.get("/api/rooms")

    assert reply.status_code == 401
    assert reply.json()["code"] == "unauthorized"


async def test_filters(student: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    location = await make_location(admin)
    amenity = await make_amenity(admin)
    await make_room(admin, name="Small", capacity=4, location=location["id"])
    await make_room(
        admin, name="Large", capacity=40, location=location["id"], amenities_id=[amenity["id"]]
    )
    await make_room(admin, name="Closed", location=location["id"], is_active=False)

    async def found(**query: Any) -> list[str]:
        reply = await student.get("/api/rooms", params={"building": location["name"], **query})
        assert reply.status_code == 200, reply.text
        return [room["name"] for room in reply.json()["data"]]

    assert await found() == ["Closed", "Large", "Small"]
    assert await found(building=str(location["id"])) == ["Closed", "Large", "Small"]
    assert await found(search="larg") == await found(searchQuery="larg") == ["Large"]
    assert await found(min_capacity=20) == await found(minCapacity=20) == ["Closed", "Large"]
    assert await found(amenities=amenity["name"].upper()) == ["Large"]
    assert await found(status="maintenance") == ["Closed"]
    assert await found(status="occupied") == []
    assert await found(floor=0) == ["Closed", "Large", "Small"]
    assert await found(floor=3) == []


@pytest.mark.parametrize("query", [{"floor": "x"}, {"min_capacity": "x"}, {"status": "haunted"}])
async def test_a_filter_that_is_none_is_400(
    student: httpx.AsyncClient, query: dict[str, str]
) -> None:
    reply = await student.get("/api/rooms", params=query)

    assert reply.status_code == 400
    assert reply.json()["code"] == "validation_error"
    assert reply.json()["errors"][0].startswith(f"{next(iter(query))}: ")
