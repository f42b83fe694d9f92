"""What is heard late because we were away is not taken for silence; what is not said is."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import asyncpg
import httpx
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from edges import Edge, watch
from running_system import System, eventually, free_ports

from common.ids import new_cuid
from common.tasks import end
from local_stack.process_groups import ProcessGroups

pytestmark = [pytest.mark.timeout(240), pytest.mark.chaos]
# Longer than the edges here need to find a broker again that was killed.
SILENT_AFTER_S = 10.0


@pytest.fixture
def system(scratch: Path, process_groups: ProcessGroups) -> Iterator[System]:
    folder = scratch / new_cuid()
    folder.mkdir()
    more = {"ATRIUM_DEMO": "0", "OCCUPANCY_SILENT_AFTER_S": str(SILENT_AFTER_S)}
    system = System(free_ports(folder / "state", **more), process_groups)
    system.start()
    system.add_accounts()
    yield system
    system.end()


@asynccontextmanager
async def beating(*edges: Edge) -> AsyncIterator[None]:
    """Let edges send heartbeats twice a second, as far as Kafka takes them."""

    async def beat() -> None:
        while True:
            with suppress(KafkaError):
                for edge in edges:
                    await edge.beat()
            await asyncio.sleep(0.5)

    task = asyncio.create_task(beat())
    try:
        yield
    finally:
        await end(task)


@asynccontextmanager
async def producing(system: System) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(bootstrap_servers=system.kafka)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def raised(system: System) -> list[int]:
    """List the cameras of every alert there ever was, also of those that are over."""
    connection = await asyncpg.connect(system.installation.postgres.url("atrium"))
    found = await connection.fetch("SELECT camera_id FROM occupancy.alerts ORDER BY id")
    await connection.close()
    return [row["camera_id"] for row in found]


async def handled(system: System) -> float:
    """Count the heartbeats that the process which runs now has handled."""
    port = system.settings.service_ports["occupancy"]
    async with httpx.AsyncClient() as client:
        with suppress(httpx.HTTPError):
            text = (await client.get(f"http://127.0.0.1:{port}/metrics")).text
            wanted = 'consumer_events_total{outcome="handled",topic="edge.heartbeat.v1"} '
            lines = [line for line in text.splitlines() if line.startswith(wanted)]
            return float(lines[0].removeprefix(wanted)) if lines else 0.0
    return 0.0


async def test_an_outage_of_ours_raises_nothing_and_silence_after_it_does(system: System) -> None:
    async with system.client("ADMIN") as admin, producing(system) as producer:
        lively, silent = [await watch(admin, producer) for _ in range(2)]

        async def after(kill: str) -> None:
            """Wait until heartbeats have been taken for so long that silence would be noticed."""
            system.kill(kill)
            await eventually(lambda: handled(system), lambda seen: seen == 0 or kill != "occupancy")
            before = await handled(system)
            enough = before + 2 * 2 * (SILENT_AFTER_S + 6)
            await eventually(lambda: handled(system), lambda seen: seen >= enough, 90)

        async with beating(lively, silent):
            await eventually(lambda: handled(system), lambda seen: seen >= 20, 60)
            for victim in ("occupancy", "postgres", "kafka.Kafka"):
                await after(victim)
            assert await raised(system) == []
        async with beating(lively):
            await eventually(lambda: raised(system), lambda seen: seen == [silent.camera_id], 60)
