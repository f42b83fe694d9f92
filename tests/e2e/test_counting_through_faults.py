"""A real clip is counted to its last crossing, whatever is killed on the way."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaConsumer
from running_system import System, eventually, free_ports

from common.events import CROSSINGS
from edge_counter.assets import assets, find
from local_stack.process_groups import ProcessGroups

# Marked by hand, frame by frame, on line A of the clip; the demo's line makes leftwards an entry.
ENTRIES, EXITS = 18, 15
VICTIMS = {5: "occupancy", 10: "kafka.Kafka", 15: "postgres", 20: "edge-counter", 25: "gateway"}

pytestmark = [
    pytest.mark.timeout(240),
    pytest.mark.skipif(
        any(find(assets()[name]) is None for name in ("vtest", "yolox-nano")),
        reason="the clip or the model is not here; set ATRIUM_ASSETS_DIR",
    ),
]


@pytest.fixture
def system(
    tmp_path_factory: pytest.TempPathFactory, process_groups: ProcessGroups
) -> Iterator[System]:
    """The demo, but its clip is played once and four times as fast as it was filmed."""
    folder = tmp_path_factory.mktemp("faults")
    settings = free_ports(folder / "state", EDGE_LOOP="0", EDGE_SPEED="4", ATRIUM_DEMO="1")
    system = System(settings, process_groups)
    yield system
    system.end()


async def counted(system: System) -> tuple[int, int]:
    """Read entries and exits of the facility; while something is away, what was read last."""
    try:
        async with httpx.AsyncClient() as client:
            reply = await client.get(f"{system.base_url}/api/occupancy/facility/live", timeout=5)
    except httpx.TransportError:
        return (-1, -1)
    if reply.status_code != 200:
        return (-1, -1)
    shown = reply.json()
    return shown["total_entries_all_cameras"], shown["total_exits_all_cameras"]


async def crossings_on_topic(system: System) -> list[Any]:
    consumer = AIOKafkaConsumer(
        CROSSINGS.name, bootstrap_servers=system.kafka, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        ends = await consumer.end_offsets(consumer.assignment())
        found = []
        while any([await consumer.position(one) < end for one, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                found += [CROSSINGS.decode(record.value).data for record in records]
        return found
    finally:
        await consumer.stop()


async def test_kill_9_of_each_process_mid_clip_loses_and_repeats_nothing(system: System) -> None:
    system.start()
    for crossings, victim in VICTIMS.items():
        await eventually(
            lambda: counted(system), lambda seen, at=crossings: sum(seen) >= at, within_s=60
        )
        system.kill(victim)

    totals = await eventually(
        lambda: counted(system), lambda seen: sum(seen) >= ENTRIES + EXITS, within_s=60
    )
    await eventually(_output_of(system), lambda said: "this file is counted" in said, within_s=30)
    on_topic = await crossings_on_topic(system)

    assert totals == (ENTRIES, EXITS)
    distinct = {(one.edge_id, one.camera_id, one.sequence): one for one in on_topic}
    assert sorted(one.sequence for one in distinct.values()) == list(range(1, 34))
    # What came twice came with the same content.
    assert {repr(one) for one in on_topic} == {repr(one) for one in distinct.values()}


def _output_of(system: System) -> Any:
    async def read() -> str:
        return system.output.read_text()

    return read
