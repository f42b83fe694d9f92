"""Document 002 (`occupancy`): live counts, from crossings on the topic to the gateway."""

from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from edges import Edge, live, watch
from making import make_camera, make_line
from running_system import System, eventually

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
