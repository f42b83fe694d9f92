"""Document 004 (`circle_time`), section 5, as the issue goes on: what cameras saw, by hand."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from aiokafka import AIOKafkaProducer
from edges import watch
from making import make_camera, make_location, make_room, unique
from publishing import Publisher, booking, publisher
from running_system import System, eventually

from common.events import ALLOCATIONS, AllocationV1, OccurrenceV1

BERLIN = ZoneInfo("Europe/Berlin")
PATHS = ("reality", "flow", "right-size")
# A week that is over, in which no other test books: bookings are measured when they are over.
WEEK = {"start_date": "2026-03-02", "end_date": "2026-03-08"}


def local(day: int, hour: int, minute: int = 0) -> datetime:
    """A moment of March 2026 in Berlin."""
    return datetime(2026, 3, day, hour, minute, tzinfo=BERLIN).astimezone(UTC)


async def asked(client: httpx.AsyncClient, path: str, **query: Any) -> Any:
    reply = await client.get(f"/api/analytics/{path}", params={**WEEK, **query})
    assert reply.status_code == 200, reply.text
    assert reply.json()["success"] is True
    return reply.json()["data"]


@pytest.fixture
async def building(admin: httpx.AsyncClient) -> dict[str, Any]:
    return await make_location(admin, timezone="Europe/Berlin")


async def levels(publish: Publisher, room_id: int, *told: tuple[int, datetime, int]) -> None:
    for version, at, people in told:
        await publish.level(room_id, version, people, measured_at=at)


async def test_a_weeks_figures_are_those_that_cameras_have_seen(
    system: System, admin: httpx.AsyncClient, building: dict[str, Any]
) -> None:
    elm = await make_room(admin, location=building["id"], capacity=10)
    oak = await make_room(admin, location=building["id"], capacity=4)
    # Where no camera looks: eight were invited to the first, and nobody has come.
    ash = await make_room(admin, capacity=10)
    bookings = [
        (ash, local(3, 9), local(3, 10), {"status": "no_show", "attendee_ids": list("abcdefg")}),
        (ash, local(2, 9), local(2, 10), {"attendee_ids": ["a"]}),
        (elm, local(2, 9), local(2, 11), {"attendee_ids": list("abcdefg")}),
        (elm, local(2, 14), local(2, 15), {}),
        (elm, local(2, 16), local(2, 17), {"status": "no_show", "checkin_until": local(2, 16, 15)}),
        (elm, local(6, 12), local(6, 13), {}),
        (oak, local(2, 9), local(2, 10), {"attendee_ids": ["a", "b"]}),
    ]
    async with publisher(system) as publish:
        # The third, as the cameras tell it last: until then 2 people are there from 9:30 on.
        await levels(
            publish, elm["id"], (1, local(2, 8), 0), (2, local(2, 9, 30), 2), (4, local(2, 12), 0)
        )
        for room, begins, ends, changes in bookings:
            await publish.booking(booking(room["id"], begins, ends, **changes))
        taken = OccurrenceV1(starts_at=local(3, 8), ends_at=local(3, 10))
        await publish.send(
            ALLOCATIONS,
            AllocationV1(
                id=2**31 - 1 - elm["id"],
                version=1,
                term_id=1,
                room_id=elm["id"],
                room_cuid="x",
                title="Algebra",
                allocated_seats=6,
                occurrences=[taken],
            ),
        )

        async def real() -> dict[str, dict[str, Any]]:
            try:
                found = await asked(admin, "reality", building=building["id"])
            except AssertionError:
                return {}
            rooms = {one["roomName"]: one for one in found["rooms"]}
            return {"totals": found["totals"], **rooms}

        def measured(count: int) -> Any:
            return lambda one: one and one["totals"]["measuredBookings"] == count

        first = await eventually(real, measured(3))
        assert first[elm["name"]]["averageParty"] == 2
        await levels(
            publish,
            elm["id"],
            # Told twice: the second one changes nothing.
            (3, local(2, 10), 4),
            (3, local(2, 10), 4),
            (5, local(2, 20), 1),
            (6, local(2, 20, 30), 0),
        )

        # 10 to 12 was 4, 9:30 to 12 somebody was there, and from 20:00 to 20:30: 1.5 unbooked.
        found = await eventually(real, lambda one: one[elm["name"]]["unbookedHours"] == 1.5)
    of_elm, of_oak = found[elm["name"]], found[oak["name"]]
    assert of_elm.pop("roomId").startswith("c")
    assert of_elm == {
        "roomName": elm["name"],
        "capacity": 10,
        "plannedSeatHours": 12,
        "bookedHours": 4.25,
        "occupiedHours": 3,
        "unbookedHours": 1.5,
        "totalBookings": 4,
        "noShowRate": 25,
        # On Friday nobody knows any more.
        "measuredBookings": 3,
        "ghostBookings": 2,
        "ghostRate": 66.7,
        "checkedGhostRate": 33.3,
        # 30, 60 and 15 minutes.
        "emptyHours": 1.75,
        "averageParty": 4,
        "p95Party": 4,
        "suggestedCapacity": 4,
    }
    assert (of_oak["totalBookings"], of_oak["measuredBookings"]) == (1, 0)
    nothing = ("plannedSeatHours", "occupiedHours", "unbookedHours", "ghostRate", "emptyHours")
    assert {of_oak[name] for name in (*nothing, "averageParty", "suggestedCapacity")} == {None}
    totals = found["totals"]
    assert (totals["bookedHours"], totals["totalBookings"], totals["ghostRate"]) == (5.25, 5, 66.7)
    assert (totals["plannedSeatHours"], totals["occupiedHours"]) == (12, 3)

    # Of Elm's four parties one was counted, and one invited; Oak's fills it.
    async def sizes() -> dict[str, list[int]]:
        names = ("roomCapacity", "parties", "measuredParties", "largestParty", "suggestedCapacity")
        rooms = await asked(admin, "right-size")
        return {one["roomName"]: [one[name] for name in names] for one in rooms}

    sized = await eventually(sizes, lambda rooms: ash["name"] in rooms)
    assert oak["name"] not in sized
    assert sized[elm["name"]] == [10, 2, 1, 4, 4]
    assert sized[ash["name"]] == [10, 1, 0, 2, 2]

    # What was counted takes the place of who was invited: (4 + 0 + 0 + 1) / 4.
    [capacity] = [one for one in await asked(admin, "capacity") if one["roomName"] == elm["name"]]
    assert (capacity["averageAttendees"], capacity["oversizedBookings"]) == (1.3, 4)


async def test_who_goes_by_a_door_is_counted_once_by_its_rooms_clock(
    admin: httpx.AsyncClient, producer: AIOKafkaProducer, building: dict[str, Any]
) -> None:
    room = await make_room(admin, location=building["id"])
    front = await watch(admin, producer, room_id=room["id"], camera_name=unique("Front"))
    back = await make_camera(admin, room_id=room["id"], camera_name=unique("Back"))
    gate = await watch(
        admin, producer, room_id=room["id"], camera_name=unique("Gate"), camera_type="entry_only"
    )
    now = datetime.now(UTC)
    day = (now.astimezone(BERLIN) - timedelta(days=2)).date()
    span = {"start_date": f"{day}", "end_date": f"{day}"}

    def at(hour: int, minute: int) -> datetime:
        moment = datetime(day.year, day.month, day.day, hour, minute, tzinfo=BERLIN)
        return moment.astimezone(UTC)

    # The first three come last, one of them twice; one is of the day before.
    told = [
        front.crossing(number, direction, crossed_at=moment)
        for number, (direction, moment) in enumerate(
            [
                ("entry", at(0, 5)),
                ("entry", at(9, 0)),
                ("exit", at(9, 59)),
                ("entry", at(9, 30)),
                ("exit", at(23, 59)),
                ("exit", at(0, 0) - timedelta(minutes=1)),
            ],
            1,
        )
    ]
    await front.send([*told[3:], *told[:3], told[1], told[4]])
    # Nobody goes out by it, whatever it believes to have seen.
    turned = (
        gate.crossing(1, "exit", crossed_at=at(9, 5)),
        gate.crossing(2, "entry", crossed_at=at(9, 6)),
    )
    await gate.send(turned)

    async def seen() -> dict[str, Any]:
        try:
            found: dict[str, Any] = await asked(admin, "flow", **span, room=room["id"])
        except AssertionError:
            return {}
        return found

    found = await eventually(seen, lambda one: one and sum(one["totals"].values()) == 6)
    hours = {one["hour"]: (one["entries"], one["exits"]) for one in found["hours"] if any_in(one)}
    assert len(found["hours"]) == 24
    assert hours == {"00:00": (1, 0), "09:00": (3, 1), "23:00": (0, 1)}
    assert found["totals"] == {"entries": 4, "exits": 2}
    doors = {one["cameraId"]: (one["entries"], one["exits"]) for one in found["doors"]}
    assert doors == {front.camera_id: (3, 2), back["id"]: (0, 0), gate.camera_id: (1, 0)}
    assert {one["roomName"] for one in found["doors"]} == {room["name"]}

    cuid = found["doors"][0]["roomId"]
    for asking, totals in (
        ({"room": cuid}, found["totals"]),
        ({"camera": front.camera_id}, {"entries": 3, "exits": 2}),
    ):
        assert (await asked(admin, "flow", **span, **asking))["totals"] == totals
    by_code = await asked(admin, "flow", **span, camera=back["camera_id"])
    assert [one["cameraId"] for one in by_code["doors"]] == [back["id"]]
    for asking, message in (({"room": "none"}, "Room"), ({"camera": "none"}, "Camera")):
        reply = await admin.get("/api/analytics/flow", params={**span, **asking})
        assert (reply.status_code, reply.json()["code"]) == (404, "not_found")
        assert message in reply.text


def any_in(one: dict[str, Any]) -> bool:
    return bool(one["entries"] or one["exits"])


@pytest.mark.parametrize("path", PATHS)
async def test_ranges_and_callers_are_those_of_the_other_figures(
    anyone: httpx.AsyncClient, student: httpx.AsyncClient, admin: httpx.AsyncClient, path: str
) -> None:
    for query, named in (
        ({}, "start_date"),
        ({"start_date": "2026-03-03"}, "end_date"),
        ({"start_date": "2026-03-04", "end_date": "2026-03-03"}, "end_date"),
        ({"start_date": "2026-03-03", "end_date": "2030-03-03"}, "end_date"),
        ({"start_date": "2026-02-30", "end_date": "2026-03-03"}, "start_date"),
    ):
        reply = await admin.get(f"/api/analytics/{path}", params=query)
        body = reply.json()
        assert (reply.status_code, body["code"]) == (400, "validation_error")
        assert any(error.startswith(f"{named}: ") for error in body["errors"]), body
    assert await asked(admin, path, start_date=date(1999, 1, 1), end_date="1999-01-01") is not None
    for client, status in ((anyone, 401), (student, 403)):
        reply = await client.get(f"/api/analytics/{path}", params=WEEK)
        assert reply.status_code == status
