"""A real clip is counted to its last crossing, whatever is killed on the way."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from counted_clip import MISSING, WHY_MISSING, assert_counted_exactly, counted
from running_system import System, eventually, free_ports

from common.ids import new_cuid
from local_stack.process_groups import ProcessGroups

# Who is killed when so many crossings have been counted.
VICTIMS = {5: "occupancy", 10: "kafka.Kafka", 15: "postgres", 20: "edge-counter", 25: "gateway"}

pytestmark = [pytest.mark.timeout(240), pytest.mark.skipif(MISSING, reason=WHY_MISSING)]


@pytest.fixture
def system(scratch: Path, process_groups: ProcessGroups) -> Iterator[System]:
    """The demo, but its clip is played once and four times as fast as it was filmed."""
    folder = scratch / new_cuid()
    folder.mkdir()
    settings = free_ports(folder / "state", EDGE_LOOP="0", EDGE_SPEED="4", ATRIUM_DEMO="1")
    system = System(settings, process_groups)
    yield system
    system.end()


async def test_kill_9_of_each_process_mid_clip_loses_and_repeats_nothing(system: System) -> None:
    system.start()

    for crossings, victim in VICTIMS.items():
        await eventually(lambda: counted(system), lambda seen, at=crossings: seen >= at, 60)
        system.kill(victim)

    await assert_counted_exactly(system, within_s=60)
