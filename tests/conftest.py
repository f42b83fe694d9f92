"""The system that the tests of contracts and journeys share, one a pytest process."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from aiokafka import AIOKafkaProducer
from running_system import System, free_ports

from local_stack.process_groups import ProcessGroups

# Receivers of the tests, and no other address of this machine.
WEBHOOKS = {
    "BOOKINGS_WEBHOOK_ALLOW_HTTP": "1",
    "BOOKINGS_WEBHOOK_ALLOWED_NETWORKS": "127.0.0.1/32",
    "BOOKINGS_WEBHOOK_DEADLINE_S": "3",
    "BOOKINGS_RETRY_FIRST_S": "0.2",
}
# Nobody waits half a minute for an edge that is silent, nor a minute for an hour to be judged.
ALERTS = {
    "OCCUPANCY_SILENT_AFTER_S": "3",
    "OCCUPANCY_ANOMALIES_EVERY_S": "1",
    "OCCUPANCY_SNAPSHOT_WITHIN_S": "5",
}


@pytest.fixture(scope="session")
def system(scratch: Path, process_groups: ProcessGroups) -> Iterator[System]:
    """A running system without the demo, with an account of each role."""
    folder = scratch / "system"
    environment = free_ports(folder / "state", ATRIUM_DEMO="0", **WEBHOOKS, **ALERTS)
    running = System(environment, process_groups)
    running.start()
    running.add_accounts()
    yield running
    running.stop()


@pytest.fixture
async def anyone(system: System) -> AsyncIterator[httpx.AsyncClient]:
    """A client that is not signed in."""
    async with system.client() as client:
        yield client


@pytest.fixture
async def admin(system: System) -> AsyncIterator[httpx.AsyncClient]:
    async with system.client("ADMIN") as client:
        yield client


@pytest.fixture
async def faculty(system: System) -> AsyncIterator[httpx.AsyncClient]:
    async with system.client("FACULTY") as client:
        yield client


@pytest.fixture
async def student(system: System) -> AsyncIterator[httpx.AsyncClient]:
    async with system.client("STUDENT") as client:
        yield client


@pytest.fixture
async def staff(system: System) -> AsyncIterator[httpx.AsyncClient]:
    async with system.client("STAFF") as client:
        yield client


@pytest.fixture
async def producer(system: System) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(bootstrap_servers=system.kafka)
    await producer.start()
    yield producer
    await producer.stop()
