"""Document 002 (`occupancy`): live counts, from crossings on the topic to the gateway."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from edges import Edge, live, watch
from making import make_camera, make_line, make_room
from running_system import PASSWORD, System, eventually

from common.events import CROSSINGS


async def test_crossings_become_counts(
    anyone: httpx.AsyncClient, admin: httpx.AsyncClient, producer: AIOKafkaProducer
) -> None:
    edge = await watch(admin, producer)

    await edge.send([edge.crossing(number, "entry") for number in range(1, 8)])
    await edge.send([edge.crossing(number, "exit", track_id="t1") for number in (8, 9)])
    shown = await eventually(lambda: live(anyone, edge), lambda seen: seen["total_exits"] == 2)

    assert shown.pop("last_updated").endswith("Z")
    assert shown == {
        "camera_id": edge.camera_id,
        "current_occupancy": 5,
        "total_entries": 7,
        "total_exits": 2,
        "unique_persons": 7,
        "occupancy_low": 3,
        "occupancy_high": 7,
    }


async def test_a_camera_without_crossings_has_zeros(
    anyone: httpx.AsyncClient, admin: httpx.AsyncClient, producer: AIOKafkaProducer
) -> None:
    shown = await live(anyone, await watch(admin, producer))

    assert (shown["current_occupancy"], shown["total_entries"]) == (0, 0)
    assert shown["last_updated"].endswith("Z")


async def test_people_are_never_fewer_than_none(
    anyone: httpx.AsyncClient, admin: httpx.AsyncClient, producer: AIOKafkaProducer
) -> None:
    edge = await watch(admin, producer)

    await edge.send([edge.crossing(number, "exit") for number in (1, 2)])
    shown = await eventually(lambda: live(anyone, edge), lambda seen: seen["total_exits"] == 2)

    assert shown["current_occupancy"] == 0


async def test_a_crossing_that_comes_again_late_or_out_of_order_counts_once(
    anyone: httpx.AsyncClient, admin: httpx.AsyncClient, producer: AIOKafkaProducer
) -> None:
    edge = await watch(admin, producer)
    crossings = [edge.crossing(number) for number in range(1, 21)]

    await edge.send([*crossings[10:], *crossings[:10], *crossings, *reversed(crossings)])
    await edge.send([edge.crossing(21, "exit")])
    shown = await eventually(lambda: live(anyone, edge), lambda seen: seen["total_exits"] == 1)

    assert shown["total_entries"] == 20


@pytest.mark.parametrize(
    ("camera", "line", "entries", "exits"),
    [
        ({}, {}, 2, 2),
        ({"camera_type": "entry_only"}, {}, 2, 0),
        ({"camera_type": "exit_only"}, {}, 0, 2),
        ({}, {"direction": "entry"}, 2, 0),
        ({}, {"direction": "exit"}, 0, 2),
        ({"camera_type": "exit_only"}, {"direction": "entry"}, 0, 0),
        ({}, {"confidence_threshold": 0.7}, 1, 1),
        ({}, {"is_active": False}, 0, 0),
    ],
    ids=str,
)
async def test_what_camera_and_line_are_there_for_decides_what_counts(
    anyone: httpx.AsyncClient,
    admin: httpx.AsyncClient,
    producer: AIOKafkaProducer,
    camera: dict[str, Any],
    line: dict[str, Any],
    entries: int,
    exits: int,
) -> None:
    made = await make_camera(admin, **camera)
    drawn = await make_line(admin, made["id"], **line)
    counting = await make_line(admin, made["id"])
    edge = Edge(producer, made["id"], drawn["id"])

    await edge.send(
        [
            edge.crossing(1, "entry", confidence=0.9),
            edge.crossing(2, "entry", confidence=0.6),
            edge.crossing(3, "exit", confidence=0.9),
            edge.crossing(4, "exit", confidence=0.6),
        ]
    )
    # The last one counts whatever the line; when it is there, the others have been handled.
    last = "exit" if camera.get("camera_type") == "exit_only" else "entry"
    await edge.send([edge.crossing(5, last, line_id=counting["id"], confidence=1.0)])
    expected = {"entry": entries, "exit": exits}
    expected[last] += 1

    def all_handled(seen: dict[str, Any]) -> bool:
        return bool(seen["total_entries"] + seen["total_exits"] >= entries + exits + 1)

    shown = await eventually(lambda: live(anyone, edge), all_handled)
    assert (shown["total_entries"], shown["total_exits"]) == tuple(expected.values())


async def test_the_facility_is_the_sum_of_its_cameras(
    anyone: httpx.AsyncClient, admin: httpx.AsyncClient, producer: AIOKafkaProducer
) -> None:
    async def facility() -> dict[str, Any]:
        reply = await anyone.get("/api/occupancy/facility/live")
        shown: dict[str, Any] = reply.json()
        return shown

    before = await facility()
    edges = [await watch(admin, producer) for _ in range(2)]
    for edge in edges:
        await edge.send([edge.crossing(number) for number in (1, 2, 3)])

    after = await eventually(
        facility,
        lambda seen: seen["total_entries_all_cameras"] >= before["total_entries_all_cameras"] + 6,
    )
    assert after["facility_occupancy"] == before["facility_occupancy"] + 6
    assert after["cameras_active"] == before["cameras_active"] + 2
    assert after.keys() == {
        "facility_occupancy",
        "total_entries_all_cameras",
        "total_exits_all_cameras",
        "cameras_active",
        "last_updated",
    }


async def test_a_broken_event_is_parked_with_its_reason_and_stops_nothing(
    anyone: httpx.AsyncClient, admin: httpx.AsyncClient, producer: AIOKafkaProducer, system: System
) -> None:
    edge = await watch(admin, producer)
    broken = {
        b"\xff\xfe not json": "not a edge.crossing.v1",
        edge.crossing(1, line_id=999_999): "Line 999999 not found",
        edge.crossing(2, camera_id=999_999): "Camera 999999 not found",
        edge.crossing(3).replace(b'"entry"', b'"sideways"'): "Invalid enum value",
        edge.crossing(4).replace(b"0.8", b"8"): "Expected `float` <= 1.0",
    }

    await edge.send(list(broken))
    await edge.send([edge.crossing(5)])
    await eventually(lambda: live(anyone, edge), lambda seen: seen["total_entries"] == 1)

    parked: dict[bytes, str] = {}
    consumer = AIOKafkaConsumer(
        f"{CROSSINGS.name}.dlq", bootstrap_servers=system.kafka, auto_offset_reset="earliest"
    )
    await consumer.start()

    async def read() -> dict[bytes, str]:
        for records in (await consumer.getmany(timeout_ms=200)).values():
            for record in records:
                headers = {name: value.decode() for name, value in record.headers}
                parked[record.value] = headers["reason"]
        return parked

    await eventually(read, lambda seen: seen.keys() >= broken.keys())
    await consumer.stop()
    for message, reason in broken.items():
        assert reason in parked[message]


async def test_the_error_grows_with_crossings_and_what_was_given_up_and_ends_with_a_headcount(
    anyone: httpx.AsyncClient, admin: httpx.AsyncClient, producer: AIOKafkaProducer
) -> None:
    edge = await watch(admin, producer)

    async def bounds() -> tuple[int, int, int]:
        shown = await live(anyone, edge)
        return shown["occupancy_low"], shown["current_occupancy"], shown["occupancy_high"]

    async def becomes(*wanted: int) -> None:
        await eventually(bounds, lambda seen: seen == wanted)

    await becomes(0, 0, 0)
    await edge.send([edge.crossing(number) for number in range(1, 101)])
    # Twice the root of 3 % of a hundred.
    await becomes(96, 100, 104)
    await edge.drop(101, 110)
    await becomes(86, 100, 114)
    # Told again as it has grown, then once more.
    for _ in range(2):
        await edge.drop(101, 115)
    await becomes(81, 100, 119)

    counted = {"occupancy_value": 90}
    reply = await admin.post(f"/api/occupancy/cameras/{edge.camera_id}/calibrate", json=counted)
    assert reply.status_code == 200, reply.text
    await becomes(90, 90, 90)
    shown = await live(anyone, edge)
    assert (shown["total_entries"], shown["total_exits"]) == (100, 0)


async def test_who_comes_by_one_door_of_a_room_and_leaves_by_another_is_gone(
    anyone: httpx.AsyncClient, admin: httpx.AsyncClient, producer: AIOKafkaProducer
) -> None:
    room = await make_room(admin)
    before = (await anyone.get("/api/occupancy/facility/live")).json()
    front = await watch(admin, producer, room_id=room["id"], max_occupancy=10)
    back = await watch(admin, producer, room_id=room["id"], max_occupancy=10)

    async def facility() -> tuple[int, int]:
        shown = (await anyone.get("/api/occupancy/facility/live")).json()
        names = ("facility_occupancy", "total_exits_all_cameras")
        people, exits = (shown[name] - before[name] for name in names)
        return people, exits

    async def alerts() -> set[str]:
        found = []
        for edge in (front, back):
            reply = await anyone.get("/api/occupancy/alerts", params={"camera_id": edge.camera_id})
            found += reply.json()
        return {alert["alert_type"] for alert in found}

    await front.send([front.crossing(number) for number in range(1, 9)])
    # Two doors are two partitions, which are taken side by side.
    await eventually(facility, lambda seen: seen == (8, 0))
    await back.send([back.crossing(number, "exit") for number in range(1, 9)])

    await eventually(facility, lambda seen: seen == (0, 8))
    assert await alerts() == set()
    async with listening(anyone) as dashboard:
        told = await dashboard.until(lambda _, data: data.get("room_id") == room["id"])
    # The front door still shows 8 people.
    assert [told[name] for name in ("current_occupancy", "cameras_active")] == [0, 2]
    assert (told["occupancy_low"], told["occupancy_high"]) == (0, 2)

    # One too many has left: both doors' cameras know.
    await back.send([back.crossing(9, "exit")])
    await eventually(alerts, lambda seen: seen == {"negative_count"})
    await front.send([front.crossing(number) for number in range(9, 11)])
    await eventually(alerts, lambda seen: seen == set())


class Listener:
    """A dashboard that reads a stream."""

    def __init__(self, lines: AsyncIterator[str]) -> None:
        self._lines = lines
        self.last_id = ""

    async def next(self) -> tuple[str, dict[str, Any]]:
        """Return the next event's kind and data."""
        fields: dict[str, str] = {}
        async for line in self._lines:
            if not line and "data" in fields:
                self.last_id = fields["id"]
                data: dict[str, Any] = json.loads(fields["data"])
                return fields["event"], data
            name, _, value = line.partition(": ")
            fields[name] = value
        raise AssertionError("the stream has ended")

    async def until(self, wanted: Callable[[str, dict[str, Any]], bool]) -> dict[str, Any]:
        async with asyncio.timeout(20):
            while True:
                kind, data = await self.next()
                if wanted(kind, data):
                    return data


@asynccontextmanager
async def listening(client: httpx.AsyncClient, last_id: str = "") -> AsyncIterator[Listener]:
    headers = {"last-event-id": last_id} if last_id else {}
    async with client.stream("GET", "/api/occupancy/stream", headers=headers) as reply:
        assert reply.status_code == 200
        assert reply.headers["content-type"].startswith("text/event-stream")
        yield Listener(reply.aiter_lines())


async def test_a_stream_tells_all_then_what_changes_and_goes_on_where_it_was_left(
    anyone: httpx.AsyncClient, admin: httpx.AsyncClient, producer: AIOKafkaProducer
) -> None:
    moving, still = await watch(admin, producer), await watch(admin, producer)

    def of(edge: Edge, entries: int) -> Callable[[str, dict[str, Any]], bool]:
        return lambda kind, data: (
            kind == "camera"
            and data["camera_id"] == edge.camera_id
            and data["total_entries"] == entries
        )

    async with listening(anyone) as first:
        await first.until(of(still, 0))
        await moving.send([moving.crossing(1)])
        shown = await first.until(of(moving, 1))
        assert shown == await live(anyone, moving)
        facility = await first.until(lambda kind, _: kind == "facility")
        assert facility.keys() >= {"facility_occupancy", "cameras_active"}

    await moving.send([moving.crossing(number) for number in (2, 3)])
    await eventually(lambda: live(anyone, moving), lambda seen: seen["total_entries"] == 3)
    async with listening(anyone, first.last_id) as again:
        seen = []

        def noted(kind: str, data: dict[str, Any]) -> bool:
            seen.append(data.get("camera_id"))
            return of(moving, 3)(kind, data)

        await again.until(noted)
    # Only what had changed meanwhile.
    assert still.camera_id not in seen

    # An id of another process is of no use: everything is told.
    async with listening(anyone, "0badcafe-7") as other:
        await other.until(of(still, 0))
        await admin.put(f"/api/occupancy/cameras/{still.camera_id}", json={"is_active": False})
        gone = await other.until(lambda kind, _: kind == "removed")
        assert gone == {"camera_id": still.camera_id}


async def test_what_is_read_from_memory_is_worded_like_the_rest(
    anyone: httpx.AsyncClient, admin: httpx.AsyncClient, producer: AIOKafkaProducer
) -> None:
    edge = await watch(admin, producer)
    path = f"/api/occupancy/cameras/{edge.camera_id}/live"
    await eventually(lambda: live(anyone, edge), lambda seen: "occupancy_low" in seen)
    shown = await anyone.get(path)

    known = await anyone.get(path, headers={"if-none-match": shown.headers["etag"]})
    assert (known.status_code, known.content) == (304, b"")
    for unknown in ("999999", "0", "999999999999"):
        reply = await anyone.get(f"/api/occupancy/cameras/{unknown}/live")
        assert reply.json() == {"detail": f"Camera {unknown} not found"}
    for no_id in ("x", "-", "\u0663"):
        reply = await anyone.get(f"/api/occupancy/cameras/{no_id}/live")
        assert reply.status_code == 400
    assert (await anyone.head(path)).status_code in {200, 405}


async def test_nobody_has_more_than_fifty_streams_and_the_rest_goes_on(
    admin: httpx.AsyncClient, anyone: httpx.AsyncClient
) -> None:
    limits = httpx.Limits(max_connections=100)
    async with (
        httpx.AsyncClient(base_url=admin.base_url, headers=admin.headers, limits=limits) as many,
        AsyncExitStack() as open_ones,
    ):
        for _ in range(50):
            await open_ones.enter_async_context(listening(many))
        refused = await admin.get("/api/occupancy/stream")
        assert refused.status_code == 429
        assert "50 streams are open" in refused.json()["detail"]
        assert (await admin.get("/api/occupancy/facility/live")).status_code == 200
        async with listening(anyone):
            pass

    async def again() -> int:
        async with admin.stream("GET", "/api/occupancy/stream") as reply:
            return reply.status_code

    await eventually(again, lambda status: status == 200)


async def test_a_stream_ends_with_the_session_that_opened_it(system: System) -> None:
    account = {"email": "staff@example.test", "password": PASSWORD}
    async with httpx.AsyncClient(base_url=system.base_url, timeout=30) as client:
        reply = await client.post("/api/auth/login", json=account)
        client.headers["authorization"] = f"Bearer {reply.json()['data']['token']}"
        async with listening(client) as listener:
            await listener.next()
            assert (await client.post("/api/auth/logout")).is_success
            with pytest.raises((AssertionError, httpx.RemoteProtocolError)):
                await listener.until(lambda _kind, _data: False)
