"""Document 001 (`directory`): rooms, locations and amenities, through the gateway."""

from typing import Any

import httpx
import pytest
from making import WINDOW, make, make_amenity, make_location, make_room, unique


async def test_create_room_as_in_the_documents_example(faculty: httpx.AsyncClient) -> None:
    location = await make_location(faculty)
    amenities = [await make_amenity(faculty) for _ in range(2)]
    body = {
        "name": "Conference Room",
        "location": location["id"],
        "capacity": 20,
        "amenities_id": [amenity["id"] for amenity in amenities],
        **WINDOW,
        "recurrence_rule": "FREQ=DAILY;BYDAY=MO,TU,WE",
        "is_active": True,
    }

    reply = await faculty.post("/api/rooms/", json=body)

    assert reply.status_code == 201
    room = reply.json()
    assert list(room) == [
        "id",
        "name",
        "img",
        "location",
        "capacity",
        "amenities",
        "start_datetime",
        "end_datetime",
        "recurrence_rule",
        "is_active",
    ]
    assert isinstance(room.pop("id"), int)
    assert room == {
        "name": "Conference Room",
        "img": None,
        "location": location,
        "capacity": 20,
        "amenities": amenities,
        **WINDOW,
        "recurrence_rule": "FREQ=DAILY;BYDAY=MO,TU,WE",
        "is_active": True,
    }


async def test_a_room_is_retrieved_by_anyone_by_either_id(
    anyone: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    room = await make_room(admin)
    listed = (await admin.get("/api/rooms", params={"search": room["name"]})).json()["data"]

    by_number = await anyone.get(f"/api/rooms/{room['id']}/")
    by_cuid = await anyone.get(f"/api/rooms/{listed[0]['id']}/")

    assert by_number.json() == by_cuid.json() == room


@pytest.mark.parametrize("room_id", ["999999", "0", "-1", "abc", "99999999999999999999", "1.5"])
async def test_an_unknown_room_is_404(anyone: httpx.AsyncClient, room_id: str) -> None:
    reply = await anyone.get(f"/api/rooms/{room_id}/")

    assert (reply.status_code, reply.json()) == (
        404,
        {"detail": "No Room matches the given query."},
    )


async def test_inactive_rooms_are_hidden_from_those_who_are_not_signed_in(
    anyone: httpx.AsyncClient, student: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    room = await make_room(admin, is_active=False)
    query = {"name": room["name"]}

    hidden = await anyone.get(f"/api/rooms/{room['id']}/")
    shown = await student.get(f"/api/rooms/{room['id']}/")

    assert (hidden.status_code, shown.status_code) == (404, 200)
    assert (await anyone.get("/api/rooms/", params=query)).json()["count"] == 0
    assert (await student.get("/api/rooms/", params=query)).json()["count"] == 1


async def test_patch_and_put_change_what_they_name(admin: httpx.AsyncClient) -> None:
    room = await make_room(admin)

    patched = await admin.patch(f"/api/rooms/{room['id']}/", json={"capacity": 7})
    put = await admin.put(f"/api/rooms/{room['id']}/", json={"is_active": False})
    nothing = await admin.patch(f"/api/rooms/{room['id']}/", json={})

    assert patched.json() == {**room, "capacity": 7}
    assert put.json() == nothing.json() == {**room, "capacity": 7, "is_active": False}


async def test_a_patch_is_checked_against_the_merged_room(admin: httpx.AsyncClient) -> None:
    room = await make_room(admin)

    reply = await admin.patch(
        f"/api/rooms/{room['id']}/", json={"start_datetime": "2025-12-11T20:00:00Z"}
    )

    assert reply.status_code == 400
    assert reply.json() == {"end_datetime": ["End datetime must be after start datetime."]}
    assert (await admin.get(f"/api/rooms/{room['id']}/")).json() == room


@pytest.mark.parametrize(
    ("who", "method", "path", "status", "body"),
    [
        (None, "POST", "/api/rooms/", 401, "Authentication credentials were not provided."),
        (None, "PATCH", "/api/rooms/1/", 401, "Authentication credentials were not provided."),
        (None, "PUT", "/api/rooms/1/", 401, "Authentication credentials were not provided."),
        (None, "DELETE", "/api/rooms/1/", 401, "Authentication credentials were not provided."),
        ("ADMIN", "DELETE", "/api/rooms/1/", 405, 'Method "DELETE" not allowed.'),
        ("ADMIN", "DELETE", "/api/rooms/", 405, 'Method "DELETE" not allowed.'),
        ("ADMIN", "PATCH", "/api/rooms/999999/", 404, "No Room matches the given query."),
        ("ADMIN", "PATCH", "/api/rooms/x/", 404, "No Room matches the given query."),
        (
            "STUDENT",
            "POST",
            "/api/rooms/",
            403,
            "You do not have permission to perform this action.",
        ),
    ],
)
async def test_who_may_do_what(
    system: Any, who: str | None, method: str, path: str, status: int, body: str
) -> None:
    async with system.client(who) as client:
        reply = await client.request(method, path, json={} if method != "DELETE" else None)

    assert (reply.status_code, reply.json()) == (status, {"detail": body})


REQUIRED = "This field is required."
RULE = (
    "Recurrence rule must start with FREQ= and use a valid frequency"
    " (DAILY, WEEKLY, MONTHLY, YEARLY)."
)
NO_DATETIME = "Datetime has wrong format. Use ISO 8601, for example 2026-01-19T12:00:00Z."


@pytest.mark.parametrize(
    ("change", "field", "text"),
    [
        ({"name": None}, "name", "This field may not be null."),
        ({"name": ""}, "name", "This field may not be blank."),
        ({"name": " \u0000\u0007 "}, "name", "This field may not be blank."),
        ({"name": "x" * 201}, "name", "Ensure this field has no more than 200 characters."),
        ({"name": 5}, "name", "Not a valid string."),
        ({"name": ["x"]}, "name", "Not a valid string."),
        ({"capacity": 0}, "capacity", "Ensure this value is greater than or equal to 1."),
        ({"capacity": -3}, "capacity", "Ensure this value is greater than or equal to 1."),
        ({"capacity": "many"}, "capacity", "A valid integer is required."),
        ({"capacity": 2.5}, "capacity", "A valid integer is required."),
        ({"capacity": True}, "capacity", "A valid integer is required."),
        ({"capacity": 10**30}, "capacity", None),
        ({"location": 999_999}, "location", 'Invalid pk "999999" - object does not exist.'),
        ({"location": "x"}, "location", "A valid integer is required."),
        ({"location": None}, "location", "This field may not be null."),
        ({"location": 10**20}, "location", None),
        (
            {"amenities_id": [999_999]},
            "amenities_id",
            'Invalid pk "999999" - object does not exist.',
        ),
        ({"amenities_id": "1,2"}, "amenities_id", "Expected a list of items."),
        ({"amenities_id": list(range(1, 200))}, "amenities_id", None),
        ({"start_datetime": "soon"}, "start_datetime", NO_DATETIME),
        ({"start_datetime": "2025-12-11"}, "start_datetime", None),
        ({"start_datetime": 1765443600}, "start_datetime", NO_DATETIME),
        ({"start_datetime": "2025-12-11T09:00:00"}, "start_datetime", None),
        ({"start_datetime": "0001-01-01T00:00:00Z"}, "start_datetime", None),
        ({"end_datetime": "9999-12-31T23:59:59-12:00"}, "end_datetime", None),
        (
            {"end_datetime": "2025-12-11T09:00:00Z"},
            "end_datetime",
            "End datetime must be after start datetime.",
        ),
        (
            {"end_datetime": "2025-12-11T08:00:00+00:00"},
            "end_datetime",
            "End datetime must be after start datetime.",
        ),
        ({"recurrence_rule": "BYDAY=MO"}, "recurrence_rule", RULE),
        ({"recurrence_rule": "FREQ=HOURLY"}, "recurrence_rule", RULE),
        ({"recurrence_rule": "FREQ="}, "recurrence_rule", RULE),
        ({"recurrence_rule": "freq=daily"}, "recurrence_rule", RULE),
        ({"recurrence_rule": "FREQ=DAILY;INTERVAL=0"}, "recurrence_rule", RULE),
        ({"recurrence_rule": "FREQ=DAILY;BYDAY=XX"}, "recurrence_rule", RULE),
        ({"recurrence_rule": "FREQ=DAILY;BYSECOND=1"}, "recurrence_rule", RULE),
        ({"recurrence_rule": "FREQ=DAILY;COUNT=999999999"}, "recurrence_rule", RULE),
        ({"recurrence_rule": "FREQ=DAILY\nDTSTART:20250101"}, "recurrence_rule", RULE),
        ({"is_active": "maybe"}, "is_active", "Must be a valid boolean."),
        ({"id": 5}, "id", "Unknown field."),
        ({"is_locked": True}, "is_locked", "Unknown field."),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_a_wrong_field_is_400_and_nothing_is_stored(
    admin: httpx.AsyncClient, change: dict[str, Any], field: str, text: str | None
) -> None:
    location = await make_location(admin)
    good = {"name": "x", "location": location["id"], "capacity": 1, "amenities_id": [], **WINDOW}

    reply = await admin.post("/api/rooms/", json={**good, **change})

    assert reply.status_code == 400, reply.text
    assert reply.json().keys() == {field}
    [said] = reply.json()[field]
    assert said
    assert text is None or said == text
    stored = await admin.get("/api/rooms/", params={"location": location["name"]})
    assert stored.json()["count"] == 0


async def test_missing_fields_are_all_named(admin: httpx.AsyncClient) -> None:
    reply = await admin.post("/api/rooms/", json={})

    assert reply.status_code == 400
    assert reply.json() == {
        name: [REQUIRED]
        for name in (
            "name",
            "location",
            "capacity",
            "amenities_id",
            "start_datetime",
            "end_datetime",
        )
    }


async def test_several_faults_are_told_at_once(admin: httpx.AsyncClient) -> None:
    room = await make_room(admin)
    body = {"recurrence_rule": "x", "end_datetime": "2020-01-01T00:00:00Z", "location": 999_999}

    reply = await admin.patch(f"/api/rooms/{room['id']}/", json=body)

    assert reply.json().keys() == {"recurrence_rule", "end_datetime", "location"}


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b"1", b"null", b"\xff\xfe", b"[" * 50_000, b'{"name": "\\ud800"}']
)
async def test_a_body_that_cannot_be_read_is_400(admin: httpx.AsyncClient, raw: bytes) -> None:
    headers = {"content-type": "application/json"}

    reply = await admin.post("/api/rooms/", content=raw, headers=headers)

    assert reply.status_code == 400, reply.text
    assert reply.json()


async def test_texts_are_stored_clean(admin: httpx.AsyncClient) -> None:
    decomposed = "  Ro\u0000om\u0007 e\u0301\u202e "

    room = await make_room(admin, name=decomposed)

    assert room["name"] == "Room \u00e9"


async def test_location_id_is_another_name_for_location(admin: httpx.AsyncClient) -> None:
    location = await make_location(admin)
    body = {"name": "x", "location_id": location["id"], "capacity": 1, "amenities_id": [], **WINDOW}

    assert (await make(admin, "/api/rooms/", **body))["location"] == location


async def test_the_list_is_paged_by_ten(
    anyone: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    location = await make_location(admin)
    for _ in range(23):
        await make_room(admin, location=location["id"])
    query = {"location": location["name"]}

    pages = [
        (await anyone.get("/api/rooms/", params={**query, "page": page})).json()
        for page in (1, 2, 3)
    ]
    followed = (await anyone.get(pages[0]["next"])).json()

    assert [len(page["results"]) for page in pages] == [10, 10, 3]
    assert {page["count"] for page in pages} == {23}
    assert pages[0]["previous"] is None
    assert pages[2]["next"] is None
    assert followed == pages[1]
    assert "page=" not in pages[1]["previous"]
    ids = [room["id"] for page in pages for room in page["results"]]
    assert ids == sorted(set(ids))


@pytest.mark.parametrize("page", ["0", "99", "-1", "x", "1.5", "9" * 30])
async def test_a_page_out_of_range_is_404(anyone: httpx.AsyncClient, page: str) -> None:
    reply = await anyone.get("/api/rooms/", params={"page": page})

    assert (reply.status_code, reply.json()) == (404, {"detail": "Invalid page."})


async def test_limit_and_offset_are_accepted_too(
    anyone: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    location = await make_location(admin)
    made = [(await make_room(admin, location=location["id"]))["id"] for _ in range(5)]
    query = {"location": location["name"], "limit": 2, "offset": 1}

    page = (await anyone.get("/api/rooms/", params=query)).json()

    assert [room["id"] for room in page["results"]] == made[1:3]
    assert page["count"] == 5
    assert "offset=3" in page["next"]
    assert "offset" not in page["previous"]


async def test_filters_narrow_the_list(anyone: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    location = await make_location(admin)
    beamer = await make_amenity(admin)
    board = await make_amenity(admin)
    rooms = {
        "Small": {"capacity": 5, "amenities_id": [board["id"]]},
        "Large": {"capacity": 50, "amenities_id": [beamer["id"], board["id"]]},
        "Late 100%": {
            "capacity": 20,
            "start_datetime": "2026-02-01T09:00:00Z",
            "end_datetime": "2026-02-01T10:00:00Z",
        },
    }
    for name, values in rooms.items():
        await make_room(admin, name=name, location=location["id"], **values)

    async def found(**query: Any) -> set[str]:
        reply = await anyone.get("/api/rooms/", params={"location": location["name"], **query})
        assert reply.status_code == 200, reply.text
        return {room["name"] for room in reply.json()["results"]}

    everything = set(rooms)
    assert await found() == everything
    assert await found(location=location["name"].upper()) == everything
    assert await found(name="SMA") == {"Small"}
    assert await found(name="%") == {"Late 100%"}
    assert await found(name="_") == set()
    assert await found(min_capacity=20) == {"Large", "Late 100%"}
    assert await found(max_capacity=20) == {"Small", "Late 100%"}
    assert await found(min_capacity="") == everything
    assert await found(min_datetime="2026-01-01T00:00:00Z") == {"Late 100%"}
    assert await found(max_datetime="2026-01-01T00:00:00+03:30") == {"Small", "Large"}
    assert await found(amenity=board["name"]) == {"Small", "Large"}
    both = f"{board['name'].lower()}, {beamer['name'].upper()}"
    assert await found(amenity=both) == {"Large"}
    assert await found(amenities=both) == {"Large"}
    assert await found(amenity="nothing") == set()
    assert await found(search="arg") == {"Large"}
    assert await found(search=location["name"][5:]) == everything
    reply = await anyone.get(
        f"/api/rooms/?location={location['name']}&min_datetime=2026-01-01T00:00:00+0800"
    )
    assert reply.json()["count"] == 1


@pytest.mark.parametrize(
    ("ordering", "names"),
    [
        ("name", ["a", "B", "c"]),
        ("-name", ["c", "B", "a"]),
        ("-capacity,name", ["B", "a", "c"]),
        ("capacity,name", ["a", "c", "B"]),
        ("nonsense", ["c", "B", "a"]),
    ],
)
async def test_ordering(
    anyone: httpx.AsyncClient, admin: httpx.AsyncClient, ordering: str, names: list[str]
) -> None:
    location = await make_location(admin)
    for name, capacity in (("c", 1), ("B", 9), ("a", 1)):
        await make_room(admin, name=name, capacity=capacity, location=location["id"])
    query = {"location": location["name"], "ordering": ordering}

    page = (await anyone.get("/api/rooms/", params=query)).json()

    assert [room["name"] for room in page["results"]] == names


@pytest.mark.parametrize(
    ("query", "field", "text"),
    [
        ({"min_capacity": "abc"}, "min_capacity", "Enter a number."),
        ({"max_capacity": "1e99"}, "max_capacity", "Enter a number."),
        ({"max_capacity": "nan"}, "max_capacity", "Enter a number."),
        ({"min_datetime": "tomorrow"}, "min_datetime", "Enter a valid date/time."),
        ({"max_datetime": "0001-01-01"}, "max_datetime", "Enter a valid date/time."),
        ({"name": "x" * 300}, "name", "Ensure this field has no more than 200 characters."),
    ],
)
async def test_a_filter_that_is_none_is_400(
    anyone: httpx.AsyncClient, query: dict[str, str], field: str, text: str
) -> None:
    reply = await anyone.get("/api/rooms/", params=query)

    assert (reply.status_code, reply.json()) == (400, {field: [text]})


async def test_locations_and_amenities_are_kept(
    anyone: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    for kind in ("locations", "amenities"):
        entry = await make(admin, f"/api/{kind}/", name=unique("Name"))
        other = unique("Other")

        renamed = await admin.patch(f"/api/{kind}/{entry['id']}/", json={"name": other})
        shown = await anyone.get(f"/api/{kind}/{entry['id']}/")
        again = await admin.post(f"/api/{kind}/", json={"name": other})
        removed = await admin.delete(f"/api/{kind}/{entry['id']}/")
        gone = await anyone.get(f"/api/{kind}/{entry['id']}/")

        assert renamed.json() == shown.json() == {"id": entry["id"], "name": other}
        assert again.status_code == 400
        assert again.json().keys() == {"name"}
        assert removed.status_code == 204
        assert gone.status_code == 404


async def test_a_locations_zone_and_hours_are_shown_to_who_asks_for_them(
    anyone: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    hours = {"timezone": "Asia/Tehran", "opens_at": "08:30", "closes_at": "20:00"}
    made = await make_location(admin, **hours)

    async def last(**query: Any) -> Any:
        count = (await anyone.get("/api/locations/")).json()["count"]
        params = {"limit": 1, "offset": count - 1, **query}
        return (await anyone.get("/api/locations/", params=params)).json()["results"][0]

    assert await last() == made
    assert await last(whole="true") == {**made, **hours}


async def test_what_rooms_refer_to_cannot_be_deleted_and_the_rooms_are_named(
    admin: httpx.AsyncClient,
) -> None:
    amenity = await make_amenity(admin)
    room = await make_room(admin, amenities_id=[amenity["id"]])

    location = await admin.delete(f"/api/locations/{room['location']['id']}/")
    piano = await admin.delete(f"/api/amenities/{amenity['id']}/")

    for reply in (location, piano):
        assert reply.status_code == 400
        assert room["name"] in reply.json()["detail"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "x", "timezone": "Mars/Olympus"}, "timezone"),
        ({"name": "x", "timezone": "../../etc/passwd"}, "timezone"),
        ({"name": "x", "opens_at": "19:00", "closes_at": "07:00"}, "closes_at"),
        ({"name": "x", "opens_at": "25:00"}, "opens_at"),
        ({"name": "x", "opens_at": "08:00+03:30"}, "opens_at"),
        ({}, "name"),
    ],
)
async def test_a_locations_zone_and_hours_are_checked(
    admin: httpx.AsyncClient, body: dict[str, str], field: str
) -> None:
    reply = await admin.post("/api/locations/", json=body)

    assert reply.status_code == 400
    assert reply.json().keys() == {field}


async def test_a_locations_new_name_shows_in_its_rooms(
    anyone: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    room = await make_room(admin)
    name = unique("Renamed")

    await admin.patch(f"/api/locations/{room['location']['id']}/", json={"name": name})

    assert (await anyone.get(f"/api/rooms/{room['id']}/")).json()["location"]["name"] == name
