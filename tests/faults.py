"""Faults for a running system and the edges of it, and what can be seen of their effects."""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from running_system import System, eventually, is_alive

from common.errors import BrokenEvent
from common.events import CROSSINGS, DROPPED
from common.testing.servers import free_port
from local_stack.process_groups import ProcessGroups

HERE = Path(__file__).parent
GROUP = "occupancy"


# --- edges --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Seen:
    """Somebody who crosses a line, as a camera sees it."""

    direction: str
    track_id: str
    confidence: float
    at: datetime


@dataclass
class SpoolEdge:
    """An edge-counter from its ledger on, in a process of its own; it watches what it is shown.

    Args:
        lines: the line of each camera.
        limits: of its spool.
        state: the folder of that, if it shall not be with the rest.
    """

    edge_id: str
    folder: Path
    kafka: str
    lines: Mapping[int, int]
    groups: ProcessGroups
    limits: Mapping[str, Any] = field(default_factory=dict)
    state: Path = Path()
    process: subprocess.Popen[bytes] | None = None
    looks: int = 0

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        if self.state == Path():
            self.state = self.folder / "state"
        self.look_anew()

    @property
    def seen(self) -> Path:
        return self.folder / f"seen-{self.looks}"

    def look_anew(self) -> None:
        """Let nothing that was seen be seen again by the next start, as with a live stream."""
        self.looks += 1
        self.seen.mkdir()
        for camera_id in self.lines:
            self._file(camera_id).touch()

    def _file(self, camera_id: int) -> Path:
        return self.seen / f"{camera_id}.jsonl"

    def start(self, *end: str) -> None:
        """Start it; `end` is where it shall kill itself."""
        program = [sys.executable, HERE / "spool_edge.py", self.state, self.edge_id, self.kafka]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*program, self.seen, *end],
                env={**os.environ, "SPOOL_LIMITS": json.dumps(dict(self.limits))},
                stdin=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,
            )
        self.groups.started(self.process.pid)

    def kill(self) -> None:
        """Kill it with -9."""
        assert self.process is not None
        self.process.kill()
        self.bury()

    def bury(self, within_s: float = 60) -> int:
        """Wait until it has ended; returns how."""
        assert self.process is not None
        how = self.process.wait(timeout=within_s)
        self.groups.ended(self.process.pid)
        return how

    def show(self, camera_id: int, people: Sequence[Seen]) -> None:
        """Let people cross; it comes to know of them in this order."""
        rows = [
            [self.lines[camera_id], one.direction, one.track_id, one.confidence, one.at.isoformat()]
            for one in people
        ]
        with self._file(camera_id).open("a") as file:
            file.write("".join(json.dumps(row) + "\n" for row in rows))

    async def stored(self) -> int:
        """Count what it has ever brought into its spool."""
        return self._ask("SELECT coalesce(sum(sequence), 0) FROM last_sequence")

    async def depth(self) -> int:
        """Count what is in its spool, gaps too."""
        return self._ask("SELECT (SELECT count(*) FROM crossing) + (SELECT count(*) FROM gap)")

    async def gaps(self) -> int:
        """Count the gaps that are in its spool."""
        return self._ask("SELECT count(*) FROM gap")

    def _ask(self, question: str) -> int:
        path = self.state / "spool.sqlite3"
        try:
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as spool:
                return int(spool.execute(question).fetchone()[0])
        except sqlite3.OperationalError:
            return -1  # it is yet to be made


# --- what is on Kafka ---------------------------------------------------------------------------


async def records_on(kafka: str, topic: str) -> list[ConsumerRecord]:
    """Read all that is on a topic, in the order of each partition."""
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=kafka, auto_offset_reset="earliest")
    await consumer.start()
    try:
        ends = await consumer.end_offsets(consumer.assignment())
        found: list[ConsumerRecord] = []
        while any([await consumer.position(one) < end for one, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                found += records
        return found
    finally:
        await consumer.stop()


async def offsets(kafka: str) -> dict[TopicPartition, int]:
    """Return where occupancy goes on after a restart with crossings and gaps, by partition.

    A broker that has just started answers for no group yet, and the client takes that for a group
    without offsets: it is asked until it names each partition.
    """
    partitions = [
        TopicPartition(topic.name, number)
        for topic in (CROSSINGS, DROPPED)
        for number in range(topic.partitions)
    ]
    async with _admin(kafka) as admin:
        known = await eventually(
            lambda: admin.list_consumer_group_offsets(GROUP, partitions=partitions),
            lambda seen: len(seen) == len(partitions),
            30,
        )
    return {one: max(0, known[one].offset) for one in partitions}


async def members(kafka: str) -> int:
    """Return how many occupancy workers share the topics; asked until the broker knows it."""
    async with _admin(kafka) as admin:
        reply = await eventually(
            lambda: admin.describe_consumer_groups([GROUP]),
            lambda seen: seen[0].groups[0][0] == 0,
            30,
        )
    return len(reply[0].groups[0][5])


@asynccontextmanager
async def _admin(kafka: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def lag(kafka: str) -> int:
    """Return how many crossings and gaps occupancy has yet to handle."""
    known = await offsets(kafka)
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka)
    await consumer.start()
    try:
        ends = await consumer.end_offsets(list(known))
    finally:
        await consumer.stop()
    return sum(ends.values()) - sum(known.values())


async def set_offsets(kafka: str, wanted: Mapping[TopicPartition, int]) -> None:
    """Let occupancy go on from elsewhere, as Kafka's own tool does; none of it may run.

    A worker that was killed is known for ten seconds more.
    """
    await eventually(lambda: members(kafka), lambda seen: seen == 0, 30)
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, group_id=GROUP, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign(list(wanted))
        await consumer.commit(dict(wanted))
    finally:
        await consumer.stop()


# --- faults -------------------------------------------------------------------------------------


@contextmanager
def nothing_is_restarted(system: System) -> Iterator[None]:
    """Freeze the supervisor: what ends meanwhile stays away."""
    assert system.process is not None
    os.kill(system.process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(system.process.pid, signal.SIGCONT)


async def end_gently(system: System, name: str) -> None:
    """End a process as its operator does."""
    pid = system.pid(name)
    os.kill(pid, signal.SIGTERM)

    async def lives() -> bool:
        return is_alive(pid)

    await eventually(lives, lambda alive: not alive, 30)


@asynccontextmanager
async def second_worker(
    system: System, *command: str, log: Path
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run another occupancy worker; it is told to end, and what it wrote is in the log."""
    environment = {**system.installation.environment(), "OCCUPANCY_PORT": str(free_port())}
    # The name is of the one that its supervisor starts again.
    del environment["ATRIUM_INSTANCE"]
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            *command, env=environment, stdout=subprocess.PIPE, stderr=errors
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def die_at(system: System, point: str, log: Path) -> dict[int, tuple[int, int]]:
    """Let a worker take crossings and kill itself at a point.

    Returns:
        First and last offset of what it had in its hands, by partition.
    """
    command = (sys.executable, str(HERE / "dying_worker.py"), point)
    async with second_worker(system, *command, log=log) as worker:
        async with asyncio.timeout(60):
            said, _ = await worker.communicate()
        assert worker.returncode == -signal.SIGKILL, f"it ended by itself: see {log}"
    held = json.loads(said)
    assert held
    return {int(partition): (first, last) for partition, (first, last) in held.items()}


# --- what is kept -------------------------------------------------------------------------------


async def ask(system: System, question: str, *given: Any) -> list[tuple[Any, ...]]:
    """Ask the database, as its superuser."""
    connection = await asyncpg.connect(system.installation.postgres.url("atrium"))
    try:
        return [tuple(row) for row in await connection.fetch(question, *given)]
    finally:
        await connection.close()


async def stored_crossings(system: System) -> int:
    [(count,)] = await ask(system, "SELECT count(*) FROM occupancy.crossings")
    return int(count)


async def unexplained(system: System, camera_ids: Sequence[int]) -> list[tuple[Any, ...]]:
    """List the edges of cameras of which numbers are missing and nobody has said so (I5)."""
    return await ask(
        system,
        """
        SELECT camera_id, edge_id, missing - given_up AS unexplained
        FROM occupancy.edges CROSS JOIN LATERAL (
            SELECT coalesce(range_agg(int8range(first_sequence, last_sequence + 1)), '{}')
                AS given_up
            FROM occupancy.gaps
            WHERE gaps.camera_id = edges.camera_id AND gaps.edge_id = edges.edge_id
        ) AS told
        WHERE camera_id = ANY($1) AND missing - given_up <> '{}'
        """,
        list(camera_ids),
    )


def crossings_in(
    records: Sequence[ConsumerRecord], edge_ids: Collection[str]
) -> dict[tuple[str, int, int], list[bytes]]:
    """Return the crossings of edges by edge, camera and number, each as often as it is there."""
    found: dict[tuple[str, int, int], list[bytes]] = {}
    for record in records:
        try:
            one = CROSSINGS.decode(record.value).data
        except BrokenEvent:
            continue
        if one.edge_id in edge_ids:
            found.setdefault((one.edge_id, one.camera_id, one.sequence), []).append(record.value)
    return found
