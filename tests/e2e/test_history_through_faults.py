"""A broker that is away, duplicates, reorder, kill -9 at every point, poison: the same history."""

import os
import random
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from history_journey import Journey
from running_system import System, free_ports

from common.ids import new_cuid
from local_stack.process_groups import ProcessGroups

SEED = int(os.environ.get("SEED") or 1)

pytestmark = pytest.mark.timeout(400)


@pytest.fixture
def own_system(scratch: Path, process_groups: ProcessGroups) -> Iterator[System]:
    folder = scratch / new_cuid()
    folder.mkdir()
    system = System(free_ports(folder / "state", ATRIUM_DEMO="0"), process_groups)
    system.start()
    system.add_accounts()
    yield system
    system.end()


@pytest.fixture
async def journey(own_system: System, tmp_path: Path) -> AsyncIterator[Journey]:
    producer = AIOKafkaProducer(
        bootstrap_servers=own_system.kafka,
        max_request_size=20_000_000,
        max_batch_size=1_000_000,
        compression_type="gzip",
    )
    await producer.start()
    async with own_system.client("ADMIN") as admin:
        yield Journey(own_system, admin, producer, tmp_path, random.Random(SEED))
    await producer.stop()


async def test_two_days_through_every_fault_are_the_same_two_days(journey: Journey) -> None:
    journey.say(f"SEED={SEED}")
    quiet, disturbed = await journey.doors("quiet"), await journey.doors("disturbed")
    try:
        await journey.go_on(quiet, 1.0, in_peace=True)
        await journey.come_home(quiet)
        await journey.disturb(disturbed)

        await journey.assert_alike(quiet, disturbed)
        await journey.assert_each_poison_parked_once()
        journey.assert_reached()

        await journey.our_own_fault()
        await journey.somebody_elses_fault(disturbed)
    finally:
        quiet.end()
        disturbed.end()
