"""The system that the tests of contracts and journeys share, one a pytest process."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from running_system import System, free_ports

from local_stack.process_groups import ProcessGroups


@pytest.fixture(scope="session")
def system(scratch: Path, process_groups: ProcessGroups) -> Iterator[System]:
    """A running system without the demo, with an account of each role."""
    folder = scratch / "system"
    running = System(free_ports(folder / "state", ATRIUM_DEMO="0"), process_groups)
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
