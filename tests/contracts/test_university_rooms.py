"""Document 003 (`university`): rooms and buildings, for everybody and for administrators."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaConsumer
from making import make_amenity, make_room, unique
from running_system import System, eventually

from common.events import ROOMS, RoomV1
from common.ids import new_cuid


@pytest.fixture
async def visitor(system: System) -> AsyncIterator[httpx.AsyncClient]:
    async with system.client(university=True) as one:
        yield one


@pytest.fixture
async def office(system: System) -> AsyncIterator[httpx.AsyncClient]:
    """An administrator."""
    async with system.client("ADMIN", university=True) as one:
        yield one


async def add(office: httpx.AsyncClient, **values: Any) -> dict[str, Any]:
    body = {"name": unique("Room"), "building": unique("Building"), "capacity": 50, **values}
    reply = await office.post("/api/admin/rooms", json=body)
    assert reply.status_code == 201, reply.text
    room: dict[str, Any] = reply.json()["data"]
    return room


LISTED = [
    "id",
    "name",
    "building",
    "capacity",
    "equipment",
    "images",
    "isActive",
    "isLocked",
    "restrictedRoles",
]


# --- POST /api/admin/rooms ----------------------------------------------------------------------


async def test_create_a_room_as_in_the_documents_example(office: httpx.AsyncClient) -> None:
    body = {
        "name": "Room 101",
        "building": unique("Science Building"),
        "capacity": 50,
        "equipment": ["whiteboard", "projector"],
        "images": ["image1.jpg"],
        "isActive": True,
        "isLocked": False,
        "restrictedRoles": ["STUDENT", "FACULTY"],
    }

    reply = await office.post("/api/admin/rooms", json=body)

    assert reply.status_code == 201
    answer = reply.json()
    assert answer.keys() == {"success", "data"}
    assert answer["success"] is True
    room = answer["data"]
    assert list(room) == [*LISTED, "createdAt"]
    assert room.pop("id").startswith("c")
    created_at = datetime.fromisoformat(room.pop("createdAt"))
    assert abs(created_at - datetime.now(UTC)) < timedelta(minutes=1)
    assert room == body


async def test_what_may_be_left_out_has_defaults(office: httpx.AsyncClient) -> None:
    room = await add(office)

    defaults = ("equipment", "images", "isActive", "isLocked", "restrictedRoles")
    assert [room[name] for name in defaults] == [[], [], True, False, None]


async def test_one_room_in_all_contracts(
    office: httpx.AsyncClient, anyone: httpx.AsyncClient, student: httpx.AsyncClient
) -> None:
    made = await add(office, equipment=[unique("projector")], images=["https://x.test/1.jpg"])

    [directory] = (await anyone.get("/api/rooms/", params={"name": made["name"]})).json()["results"]
    shown = await student.get(f"/api/rooms/{made['id']}")

    assert directory["location"]["name"] == made["building"]
    assert [amenity["name"] for amenity in directory["amenities"]] == made["equipment"]
    assert directory["img"] == "https://x.test/1.jpg"
    assert (directory["start_datetime"], directory["recurrence_rule"]) == (None, None)
    assert shown.json()["data"] == {
        "id": made["id"],
        "name": made["name"],
        "building": made["building"],
        "floor": 0,
        "capacity": 50,
        "amenities": made["equipment"],
        "status": "available",
        "imageUrl": "https://x.test/1.jpg",
    }


async def test_buildings_and_equipment_of_one_name_are_one(
    office: httpx.AsyncClient, anyone: httpx.AsyncClient
) -> None:
    building, projector = unique("Building"), unique("projector")
    for _ in range(2):
        await add(office, building=building, equipment=[projector, projector])

    rooms = (await anyone.get("/api/rooms/", params={"location": building})).json()["results"]

    assert len({room["location"]["id"] for room in rooms}) == 1
    [[one], [other]] = [room["amenities"] for room in rooms]
    assert one == other


async def test_a_room_that_is_sent_twice_under_one_key_is_made_once(
    office: httpx.AsyncClient, visitor: httpx.AsyncClient
) -> None:
    body = {"name": "Room 101", "building": unique("Building"), "capacity": 50}
    key = {"idempotency-key": new_cuid()}

    first = await office.post("/api/admin/rooms", json=body, headers=key)
    again = await office.post("/api/admin/rooms", json=body, headers=key)
    other = await office.post("/api/admin/rooms", json={**body, "capacity": 5}, headers=key)
    listed = await visitor.get("/api/rooms", params={"building": body["building"]})

    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 422)
    assert again.json() == first.json()
    assert listed.json()["data"]["pagination"]["total"] == 1


async def test_texts_are_stored_clean(office: httpx.AsyncClient) -> None:
    room = await add(office, name=" Ro\u0000om\u0007 e\u0301\u202e ", equipment=[" mic\u0001 "])

    assert (room["name"], room["equipment"]) == ("Room \u00e9", ["mic"])


STRING = "Not a valid string."
INTEGER = "A valid integer is required."
BOOLEAN = "Must be a valid boolean."
LIST = "Expected a list of items."
IMAGE = "An image must be an http or https address, or the name of a file."
LONG = "Ensure this field has no more than {} characters."
ITEMS = "Ensure this list has no more than {} items."
ROLES = "Must be one of: 'ADMIN', 'FACULTY', 'STUDENT' or 'STAFF'."

WRONG: list[tuple[dict[str, Any], str, str | None]] = [
    ({"name": None}, "name", "Name is required"),
    ({"name": ""}, "name", "Name is required"),
    ({"name": " \u0000 "}, "name", "Name is required"),
    ({"name": "x" * 201}, "name", LONG.format(200)),
    ({"name": 5}, "name", STRING),
    ({"name": {"x": 1}}, "name", STRING),
    ({"building": None}, "building", "Building is required"),
    ({"building": ""}, "building", "Building is required"),
    ({"building": "x" * 201}, "building", LONG.format(200)),
    ({"building": 1}, "building", STRING),
    ({"capacity": None}, "capacity", "Capacity is required"),
    ({"capacity": 0}, "capacity", "Ensure this value is greater than or equal to 1."),
    ({"capacity": -1}, "capacity", "Ensure this value is greater than or equal to 1."),
    ({"capacity": 10**7}, "capacity", "Ensure this value is less than or equal to 1000000."),
    ({"capacity": 10**40}, "capacity", None),
    ({"capacity": 2.5}, "capacity", INTEGER),
    ({"capacity": "50"}, "capacity", INTEGER),
    ({"capacity": True}, "capacity", INTEGER),
    ({"equipment": None}, "equipment", "Equipment is required"),
    ({"equipment": "projector"}, "equipment", LIST),
    ({"equipment": [1]}, "equipment", STRING),
    ({"equipment": [""]}, "equipment", "Equipment is required"),
    ({"equipment": ["x" * 201]}, "equipment", LONG.format(200)),
    ({"equipment": [str(number) for number in range(101)]}, "equipment", ITEMS.format(100)),
    ({"images": None}, "images", "Images is required"),
    ({"images": "image1.jpg"}, "images", LIST),
    ({"images": [5]}, "images", STRING),
    ({"images": [""]}, "images", "Images is required"),
    ({"images": ["x" * 2001]}, "images", LONG.format(2000)),
    ({"images": ["x.jpg"] * 21}, "images", ITEMS.format(20)),
    ({"images": ["javascript:alert(1)"]}, "images", IMAGE),
    ({"images": ["JavaScript:alert(1)"]}, "images", IMAGE),
    ({"images": ["data:image/svg+xml,<svg>"]}, "images", IMAGE),
    ({"images": ["file:///etc/passwd"]}, "images", IMAGE),
    ({"images": ["//evil.test/x.jpg"]}, "images", IMAGE),
    ({"images": ["\\\\evil.test\\x.jpg"]}, "images", IMAGE),
    ({"images": ["https:///x.jpg"]}, "images", IMAGE),
    ({"images": ["https://user:secret@x.test/x.jpg"]}, "images", IMAGE),
    ({"images": ["https://[x.test/x.jpg"]}, "images", IMAGE),
    ({"images": ["../../etc/passwd"]}, "images", IMAGE),
    ({"images": ['x.jpg" onerror="alert(1)']}, "images", IMAGE),
    ({"images": ["x\ny.jpg"]}, "images", IMAGE),
    ({"isActive": None}, "isActive", "IsActive is required"),
    ({"isActive": "yes"}, "isActive", BOOLEAN),
    ({"isActive": 1}, "isActive", BOOLEAN),
    ({"isLocked": "no"}, "isLocked", BOOLEAN),
    ({"isLocked": []}, "isLocked", BOOLEAN),
    ({"restrictedRoles": "STUDENT"}, "restrictedRoles", LIST),
    ({"restrictedRoles": ["JANITOR"]}, "restrictedRoles", ROLES),
    ({"restrictedRoles": ["student"]}, "restrictedRoles", ROLES),
    ({"restrictedRoles": [None]}, "restrictedRoles", "RestrictedRoles is required"),
    ({"restrictedRoles": ["STUDENT"] * 5}, "restrictedRoles", ITEMS.format(4)),
    ({"id": "c" + "0" * 24}, "id", "Unknown field."),
    ({"createdAt": "2024-01-01T00:00:00Z"}, "createdAt", "Unknown field."),
    ({"__proto__": {}}, "__proto__", "Unknown field."),
]


@pytest.mark.parametrize(
    ("change", "field", "text"), WRONG, ids=lambda value: str(value)[:45].replace("\0", "")
)
async def test_a_wrong_field_is_400_and_nothing_is_stored(
    office: httpx.AsyncClient, change: dict[str, Any], field: str, text: str | None
) -> None:
    building, equipment = unique("Building"), unique("projector")
    good = {"name": "x", "building": building, "capacity": 1, "equipment": [equipment]}
    kept = await add(office)

    made = await office.post("/api/admin/rooms", json={**good, **change})
    changed = await office.put(f"/api/admin/rooms/{kept['id']}", json=change)
    shown = await office.get(f"/api/rooms/{kept['id']}")
    buildings = (await office.get("/api/buildings")).json()["data"]

    for reply in (made, changed):
        assert reply.status_code == 400, reply.text
        answer = reply.json()
        assert answer.keys() == {"success", "error", "fields", "statusCode"}
        assert (answer["success"], answer["statusCode"]) == (False, 400)
        assert answer["error"] == "Validation failed"
        assert answer["fields"].keys() == {field}
        assert text is None or answer["fields"][field] == text
    assert shown.json()["data"] == kept
    assert building not in {one["name"] for one in buildings}


async def test_missing_fields_are_all_named(office: httpx.AsyncClient) -> None:
    reply = await office.post("/api/admin/rooms", json={})

    assert (reply.status_code, reply.json()) == (
        400,
        {
            "success": False,
            "error": "Validation failed",
            "fields": {
                "name": "Name is required",
                "building": "Building is required",
                "capacity": "Capacity is required",
            },
            "statusCode": 400,
        },
    )


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"1", b"null", b"\xff\xfe", b"[" * 50_000])
async def test_a_body_that_cannot_be_read_is_400(office: httpx.AsyncClient, raw: bytes) -> None:
    headers = {"content-type": "application/json"}

    reply = await office.post("/api/admin/rooms", content=raw, headers=headers)

    assert reply.status_code == 400, reply.text
    assert reply.json()["success"] is False


# --- PUT and DELETE /api/admin/rooms/:id --------------------------------------------------------


async def test_put_changes_what_it_names(office: httpx.AsyncClient) -> None:
    room = await add(office, equipment=[unique("projector")], restrictedRoles=["STAFF"])
    path = f"/api/admin/rooms/{room['id']}"

    example = {"name": "Updated Room Name", "capacity": 60, "isActive": False}
    put = await office.put(path, json=example)
    nothing = await office.put(path, json={})
    rest = {
        "building": unique("Building"),
        "equipment": [unique("board"), *room["equipment"]],
        "images": ["image2.jpg", "https://x.test/a b.png"],
        "isLocked": True,
        "restrictedRoles": None,
    }
    others = await office.put(path, json=rest)
    emptied = await office.put(path, json={"equipment": [], "images": [], "restrictedRoles": []})

    assert put.status_code == 200
    assert put.json() == nothing.json() == {"success": True, "data": {**room, **example}}
    assert others.json()["data"] == {**room, **example, **rest}
    assert emptied.json()["data"] == {**room, **example, **rest, "equipment": [], "images": []}


async def test_delete_deactivates_and_the_room_stays(
    office: httpx.AsyncClient, visitor: httpx.AsyncClient
) -> None:
    room = await add(office)

    removed = await office.delete(f"/api/admin/rooms/{room['id']}")
    again = await office.delete(f"/api/admin/rooms/{room['id']}")
    listed = await visitor.get("/api/rooms", params={"building": room["building"]})
    shown = await visitor.get(f"/api/rooms/{room['id']}")

    assert removed.status_code == again.status_code == 200
    assert removed.json() == again.json() == {"success": True, "data": {**room, "isActive": False}}
    assert listed.json()["data"]["data"] == []
    assert shown.json()["data"] == {**room, "isActive": False}


@pytest.mark.parametrize(
    ("room_id", "status", "answer"),
    [
        ("c" + "0" * 24, 404, {"error": "Room not found"}),
        ("999999", 404, {"error": "Room not found"}),
        ("0", 404, {"error": "Room not found"}),
        ("99999999999999999999", 404, {"error": "Room not found"}),
        ("x", 400, {"error": "Invalid room ID format", "fields": {"id": "Invalid room ID format"}}),
        (
            "-1",
            400,
            {"error": "Invalid room ID format", "fields": {"id": "Invalid room ID format"}},
        ),
        (
            "c" * 300,
            400,
            {"error": "Invalid room ID format", "fields": {"id": "Invalid room ID format"}},
        ),
        (
            "C" + "A" * 24,
            400,
            {"error": "Invalid room ID format", "fields": {"id": "Invalid room ID format"}},
        ),
    ],
)
async def test_an_id_that_is_no_rooms(
    office: httpx.AsyncClient, room_id: str, status: int, answer: dict[str, Any]
) -> None:
    for method, path in (
        ("GET", "/api/rooms"),
        ("PUT", "/api/admin/rooms"),
        ("DELETE", "/api/admin/rooms"),
    ):
        body = {"json": {"capacity": 1}} if method == "PUT" else {}

        reply = await office.request(method, f"{path}/{room_id}", **body)

        assert (reply.status_code, reply.json()) == (
            status,
            {"success": False, "statusCode": status, **answer},
        )


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/admin/rooms"),
        ("POST", "/api/admin/rooms"),
        ("PUT", "/api/admin/rooms/1"),
        ("DELETE", "/api/admin/rooms/1"),
    ],
)
async def test_only_administrators_keep_rooms(system: System, method: str, path: str) -> None:
    for role, status in ((None, 401), ("STUDENT", 403), ("FACULTY", 403), ("STAFF", 403)):
        async with system.client(role, university=True) as one:
            reply = await one.request(method, path)

        answer = reply.json()
        assert reply.status_code == answer["statusCode"] == status
        assert answer["success"] is False
        assert answer["error"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/rooms"),
        ("DELETE", "/api/rooms/1"),
        ("POST", "/api/buildings"),
        ("DELETE", "/api/admin/rooms"),
        ("PATCH", "/api/admin/rooms/1"),
    ],
)
async def test_other_methods_are_405(office: httpx.AsyncClient, method: str, path: str) -> None:
    reply = await office.request(method, path)

    assert (reply.status_code, reply.json()["statusCode"]) == (405, 405)


async def test_each_change_is_told_with_who_made_it(
    system: System, office: httpx.AsyncClient
) -> None:
    me = (await office.get("/api/auth/me")).json()["data"]["id"]
    room = await add(office, images=["image1.jpg"], restrictedRoles=["STAFF", "FACULTY"])
    await office.put(f"/api/admin/rooms/{room['id']}", json={"isLocked": True})
    await office.delete(f"/api/admin/rooms/{room['id']}")
    consumer = AIOKafkaConsumer(
        ROOMS.name, bootstrap_servers=system.kafka, auto_offset_reset="earliest"
    )
    await consumer.start()
    told: list[RoomV1] = []

    async def read() -> list[RoomV1]:
        for records in (await consumer.getmany(timeout_ms=200)).values():
            events = [ROOMS.decode(record.value).data for record in records]
            told.extend(event for event in events if event.cuid == room["id"])
        return told

    await eventually(read, lambda seen: len(seen) == 3)
    await consumer.stop()

    assert [event.version for event in told] == [1, 2, 3]
    assert {event.changed_by for event in told} == {me}
    assert [event.is_locked for event in told] == [False, True, True]
    assert [event.is_active for event in told] == [True, True, False]
    assert told[0].images == ["image1.jpg"]
    assert told[0].restricted_roles == ["STAFF", "FACULTY"]
    assert told[0].created_at is not None


# --- GET /api/rooms -----------------------------------------------------------------------------


async def test_the_list_is_for_everybody_and_as_in_the_document(
    visitor: httpx.AsyncClient, office: httpx.AsyncClient
) -> None:
    building = unique("Science Building")
    room = await add(
        office,
        building=building,
        equipment=["projector", "whiteboard"],
        images=["image1.jpg"],
        restrictedRoles=["FACULTY"],
    )
    await add(office, building=building, isActive=False)

    reply = await visitor.get("/api/rooms", params={"building": building})

    assert reply.status_code == 200
    answer = reply.json()
    assert list(answer) == ["success", "data"]
    assert list(answer["data"]) == ["data", "pagination"]
    [listed] = answer["data"]["data"]
    assert list(listed) == LISTED
    assert listed == {name: room[name] for name in LISTED}
    assert answer["data"]["pagination"] == {
        "total": 1,
        "page": 1,
        "limit": 20,
        "totalPages": 1,
        "hasNext": False,
        "hasPrev": False,
    }


async def test_rooms_come_by_building_then_name(
    visitor: httpx.AsyncClient, office: httpx.AsyncClient
) -> None:
    mark = unique("Campus")
    for building, name in (("b", "1"), ("A", "2"), ("b", "0"), ("A", "10"), ("c", "a")):
        await add(office, building=f"{mark} {building}", name=name)

    reply = await visitor.get("/api/rooms", params={"building": mark})

    listed = [(room["building"][-1], room["name"]) for room in reply.json()["data"]["data"]]
    assert listed == [("A", "10"), ("A", "2"), ("b", "0"), ("b", "1"), ("c", "a")]


async def test_filters(visitor: httpx.AsyncClient, office: httpx.AsyncClient) -> None:
    building, projector = unique("Science 100%"), unique("projector")
    await add(office, building=building, name="Small", capacity=5, equipment=[projector])
    await add(office, building=building, name="Large", capacity=50, equipment=[f"{projector} 2"])

    async def found(**query: Any) -> list[str]:
        reply = await visitor.get("/api/rooms", params={"building": building, **query})
        assert reply.status_code == 200, reply.text
        return [room["name"] for room in reply.json()["data"]["data"]]

    assert await found() == ["Large", "Small"]
    assert await found(capacity=5) == ["Large", "Small"]
    assert await found(capacity=6) == ["Large"]
    assert await found(capacity="") == ["Large", "Small"]
    assert await found(capacity=51) == []
    assert await found(building=building[4:].upper()) == ["Large", "Small"]
    assert await found(building=building.replace("%", "_")) == []
    assert await found(equipment=projector) == ["Small"]
    assert await found(equipment=projector[:-1]) == []
    assert await found(equipment=projector.upper()) == []
    assert await found(equipment="") == ["Large", "Small"]


@pytest.mark.parametrize("value", ["abc", "1.5", "1e99", "nan", "-", "9" * 40, "5;", "\u0000"])
async def test_a_capacity_that_is_no_number_is_400(visitor: httpx.AsyncClient, value: str) -> None:
    reply = await visitor.get("/api/rooms", params={"capacity": value})

    assert (reply.status_code, reply.json()) == (
        400,
        {
            "success": False,
            "error": "Validation failed",
            "fields": {"capacity": "Enter a number."},
            "statusCode": 400,
        },
    )


@pytest.mark.parametrize("name", ["building", "equipment"])
async def test_a_filter_that_is_too_long_is_400(visitor: httpx.AsyncClient, name: str) -> None:
    reply = await visitor.get("/api/rooms", params={name: "x" * 300})

    assert reply.status_code == 400
    assert reply.json()["fields"].keys() == {name}


@pytest.mark.parametrize(
    ("query", "page", "limit", "rooms"),
    [
        ({}, 1, 20, [0, 1, 2, 3, 4]),
        ({"limit": 2}, 1, 2, [0, 1]),
        ({"limit": 2, "page": 2}, 2, 2, [2, 3]),
        ({"limit": 2, "page": 3}, 3, 2, [4]),
        ({"limit": 2, "page": 4}, 4, 2, []),
        ({"limit": 0}, 1, 1, [0]),
        ({"limit": -5}, 1, 1, [0]),
        ({"limit": 1000}, 1, 100, [0, 1, 2, 3, 4]),
        ({"limit": "9" * 50}, 1, 100, [0, 1, 2, 3, 4]),
        ({"page": 0}, 1, 20, [0, 1, 2, 3, 4]),
        ({"page": -3}, 1, 20, [0, 1, 2, 3, 4]),
        ({"page": "9" * 50, "limit": 100}, 2**31, 100, []),
        ({"page": "x", "limit": "y"}, 1, 20, [0, 1, 2, 3, 4]),
        ({"page": "", "limit": ""}, 1, 20, [0, 1, 2, 3, 4]),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_pages_are_clamped(
    visitor: httpx.AsyncClient,
    office: httpx.AsyncClient,
    query: dict[str, Any],
    page: int,
    limit: int,
    rooms: list[int],
) -> None:
    building = unique("Building")
    for number in range(5):
        await add(office, building=building, name=str(number))

    answer = (await visitor.get("/api/rooms", params={"building": building, **query})).json()

    assert [int(room["name"]) for room in answer["data"]["data"]] == rooms
    pages = -(-5 // limit)
    assert answer["data"]["pagination"] == {
        "total": 5,
        "page": page,
        "limit": limit,
        "totalPages": pages,
        "hasNext": page < pages,
        "hasPrev": page > 1,
    }


async def test_an_empty_list_has_no_pages(visitor: httpx.AsyncClient) -> None:
    answer = (await visitor.get("/api/rooms", params={"building": new_cuid()})).json()

    assert answer["data"] == {
        "data": [],
        "pagination": {
            "total": 0,
            "page": 1,
            "limit": 20,
            "totalPages": 0,
            "hasNext": False,
            "hasPrev": False,
        },
    }


# --- GET /api/rooms/:id, GET /api/buildings, GET /api/admin/rooms --------------------------------


async def test_a_room_by_either_id_also_when_it_is_inactive(
    visitor: httpx.AsyncClient, office: httpx.AsyncClient, anyone: httpx.AsyncClient
) -> None:
    room = await add(office, restrictedRoles=None)
    [listed] = (await anyone.get("/api/rooms/", params={"name": room["name"]})).json()["results"]
    await office.delete(f"/api/admin/rooms/{room['id']}")

    by_cuid = await visitor.get(f"/api/rooms/{room['id']}")
    by_number = await visitor.get(f"/api/rooms/{listed['id']}")
    # In the other edition a room's own address is another contract's; this one is the same in both.
    for_admins = await office.get(f"/api/admin/rooms/{listed['id']}")

    assert by_cuid.status_code == 200
    assert for_admins.json() == by_cuid.json()
    assert (
        by_cuid.json() == by_number.json() == {"success": True, "data": {**room, "isActive": False}}
    )
    assert list(by_cuid.json()["data"]) == [*LISTED, "createdAt"]
    assert by_cuid.json()["data"]["createdAt"].endswith("Z")


async def test_buildings_with_their_active_rooms(
    visitor: httpx.AsyncClient, office: httpx.AsyncClient, anyone: httpx.AsyncClient
) -> None:
    full, empty = unique("a full"), unique("B empty")
    for _ in range(2):
        await add(office, building=full)
    await add(office, building=full, isActive=False)
    await add(office, building=empty, isActive=False)

    reply = await visitor.get("/api/buildings")

    assert reply.status_code == 200
    assert reply.json()["success"] is True
    counted = reply.json()["data"]
    assert {"name": full, "roomCount": 2} in counted
    assert {"name": empty, "roomCount": 0} in counted
    names = [building["name"].lower() for building in counted]
    assert names == sorted(names)


async def test_administrators_see_inactive_rooms_too(office: httpx.AsyncClient) -> None:
    # Before all others by its name, so that it is on the first page.
    inactive = await add(office, building=f" !{new_cuid()}", isActive=False)

    answer = (await office.get("/api/admin/rooms", params={"limit": 100})).json()
    second = (await office.get("/api/admin/rooms", params={"limit": 1, "page": 2})).json()

    assert inactive["id"] in {room["id"] for room in answer["data"]["data"]}
    assert answer["data"]["pagination"]["limit"] == 100
    assert second["data"]["pagination"] | {"total": 0, "totalPages": 0} == {
        "total": 0,
        "page": 2,
        "limit": 1,
        "totalPages": 0,
        "hasNext": second["data"]["pagination"]["total"] > 2,
        "hasPrev": True,
    }


async def test_rooms_of_the_directory_have_what_they_have_there(
    visitor: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    amenity = await make_amenity(admin)
    room = await make_room(admin, amenities_id=[amenity["id"]])

    shown = (await visitor.get(f"/api/rooms/{room['id']}")).json()["data"]

    assert shown["building"] == room["location"]["name"]
    assert shown["equipment"] == [amenity["name"]]
    assert (shown["images"], shown["restrictedRoles"]) == ([], None)
