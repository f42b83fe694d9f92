"""Two days at some doors, twice: once in peace, and once through every fault that there is a name
for. At the end both have the same history.

North watches the cameras 0 and 1, south 1 and 2; these are spools and uplinks of ours. South is
away for both days and then sends all it has. West is another team's edge, at camera 2: it sends
everything out of order, some of it twice, and some much later.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.structs import RecordMetadata
from dying_worker import COMMIT_BEFORE_OFFSETS, EFFECTS_BEFORE_COMMIT
from edges import Edge
from faults import (
    Seen,
    SpoolEdge,
    ask,
    crossings_in,
    die_at,
    end_gently,
    lag,
    members,
    nothing_is_restarted,
    offsets,
    records_on,
    second_worker,
    set_offsets,
    stored_crossings,
    unexplained,
)
from making import make_camera, make_line
from poison import poison
from running_system import BIN, System, eventually, free_ports
from spool_edge import POINTS

from common.events import CROSSINGS
from common.testing.servers import free_port
from local_stack.process_groups import ProcessGroups

FAULTS: Final = (
    "broker away",
    "occupancy killed at each point",
    "edge killed at each point",
    "rebalance storm",
    "all of the topic again",
    "everything sent again, shuffled",
    "poison",
)
WATCHES: Final = {"north": (0, 1), "south": (1, 2), "west": (2,)}
CAMERAS: Final = 3
# At so many the consumer takes it that the fault is ours.
IN_A_ROW: Final = 100
DAYS: Final = timedelta(days=2)
WINDOW: Final = 40
WITHIN_S: Final = 120.0


def two_days(chance: random.Random, crossings: int, began: datetime) -> list[Seen]:
    """Make up who crosses at a door; an edge's clock steps back by 5 s now and then."""
    instants = sorted(chance.uniform(0, DAYS.total_seconds()) for _ in range(crossings))
    return [
        Seen(
            direction=chance.choice(("entry", "entry", "exit")),
            track_id=f"t{chance.randrange(crossings // 2)}",
            confidence=chance.choice((0.9, 0.8, 0.7, 0.3)),
            at=began + timedelta(seconds=max(0.0, at - 5 * (chance.random() < 0.1))),
        )
        for at in instants
    ]


def shuffled(chance: random.Random, given: Sequence[Any], window: int) -> Iterator[Any]:
    """Give everything, out of order within windows."""
    for begin in range(0, len(given), window):
        yield from chance.sample(given[begin : begin + window], len(given[begin : begin + window]))


@dataclass
class Doors:
    """Three cameras, and the edges that watch them.

    Args:
        lines: by camera, as the plan numbers cameras.
        camera_ids: likewise.
    """

    edges: dict[str, SpoolEdge]
    west: Edge
    camera_ids: list[int]
    shown: Counter[tuple[str, int]] = field(default_factory=Counter)

    @property
    def edge_ids(self) -> set[str]:
        return {self.west.edge_id, *(edge.edge_id for edge in self.edges.values())}

    def end(self) -> None:
        for edge in self.edges.values():
            if edge.process is not None and edge.process.poll() is None:
                edge.kill()


@dataclass
class Journey:
    """A running system, and what happens to it."""

    system: System
    admin: httpx.AsyncClient
    producer: AIOKafkaProducer
    folder: Path
    chance: random.Random
    rounds: int = 1
    crossings: int = 240
    reached: Counter[str] = field(default_factory=Counter)
    poisoned: list[str] = field(default_factory=list)
    plan: dict[tuple[str, int], list[Seen]] = field(init=False)
    schedule: list[str] = field(init=False)
    noise: random.Random = field(init=False)
    late: set[bytes] = field(default_factory=set)

    def __post_init__(self) -> None:
        midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        self.plan = {
            (edge, camera): two_days(self.chance, self.crossings * self.rounds, midnight - DAYS)
            for edge, cameras in WATCHES.items()
            for camera in cameras
        }
        self.schedule = [
            fault for _ in range(self.rounds) for fault in self.chance.sample(FAULTS, len(FAULTS))
        ]
        # How often it is asked depends on what came in between.
        self.noise = random.Random(self.chance.random())

    def say(self, text: str) -> None:
        print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)  # noqa: T201 - to see it go

    # --- the doors ----------------------------------------------------------------------------

    async def doors(self, name: str) -> Doors:
        """Make cameras and edges; all but south reach Kafka."""
        made = [await make_camera(self.admin) for _ in range(CAMERAS)]
        ids = [one["id"] for one in made]
        lines = [(await make_line(self.admin, camera_id))["id"] for camera_id in ids]
        edges = {
            edge: SpoolEdge(
                f"{edge}-{name}",
                self.folder / name / edge,
                self.system.kafka if edge == "north" else f"127.0.0.1:{free_port()}",
                {ids[camera]: lines[camera] for camera in WATCHES[edge]},
                self.system.groups,
            )
            for edge in ("north", "south")
        }
        west = Edge(self.producer, ids[2], lines[2])
        west.edge_id = f"west-{name}"
        doors = Doors(edges, west, ids)
        for edge in edges.values():
            edge.start()
        return doors

    async def go_on(self, doors: Doors, share: float, *, in_peace: bool = False) -> None:
        """Let so much of the two days have happened, and west send what it saw of it."""
        for (edge, camera), people in self.plan.items():
            until = round(share * len(people))
            begin = doors.shown[edge, camera]
            new = people[begin:until]
            doors.shown[edge, camera] = max(begin, until)
            if edge in doors.edges:
                doors.edges[edge].show(doors.camera_ids[camera], new)
                continue
            messages = [
                doors.west.crossing(
                    number,
                    one.direction,
                    track_id=one.track_id,
                    confidence=one.confidence,
                    crossed_at=one.at,
                )
                for number, one in enumerate(new, begin + 1)
            ]
            if not in_peace:
                messages = self.unruly(messages, is_last=share == 1)
            await self.send(doors.west.camera_id, messages)

    def unruly(self, messages: Sequence[bytes], *, is_last: bool) -> list[bytes]:
        """Give messages out of order, some twice, and some only the next time."""
        twice = self.noise.sample(messages, len(messages) // 4)
        waiting = [*sorted(self.late), *messages, *twice]
        self.late = set() if is_last else set(self.noise.sample(messages, len(messages) // 4))
        now = [one for one in waiting if one not in self.late]
        return [*shuffled(self.noise, now, WINDOW)]

    async def send(self, camera_id: int, messages: Sequence[bytes]) -> list[Any]:
        key = str(camera_id).encode()
        sent = [await self.producer.send(CROSSINGS.name, raw, key=key) for raw in messages]
        return list(await asyncio.gather(*sent))

    async def come_home(self, doors: Doors) -> None:
        """South reaches Kafka at last; all is sent and counted."""
        await self.go_on(doors, 1.0)
        south = doors.edges["south"]
        await eventually(
            south.stored, lambda seen: seen == 2 * len(self.plan["south", 1]), WITHIN_S
        )
        assert await south.depth() == await south.stored()
        south.kill()
        south.kafka = self.system.kafka
        south.start()
        for edge in doors.edges.values():
            await self.all_sent(doors, edge)
        await self.all_counted()

    async def all_sent(self, doors: Doors, edge: SpoolEdge) -> None:
        name = edge.edge_id.partition("-")[0]
        wanted = sum(count for (one, _), count in doors.shown.items() if one == name)
        await eventually(edge.stored, lambda seen: seen == wanted, WITHIN_S)
        await eventually(edge.depth, lambda seen: seen == 0, WITHIN_S)

    async def all_counted(self) -> None:
        await eventually(lambda: lag(self.system.kafka), lambda seen: seen == 0, WITHIN_S)

    # --- the faults ---------------------------------------------------------------------------

    async def disturb(self, doors: Doors) -> None:
        """Let the two days happen, and every fault in them."""
        acts = {
            "broker away": self.broker_away,
            "occupancy killed at each point": self.occupancy_dies,
            "edge killed at each point": self.edge_dies,
            "rebalance storm": self.storm,
            "all of the topic again": self.all_again,
            "everything sent again, shuffled": self.sent_again,
            "poison": self.poison,
        }
        self.say(f"schedule: {', '.join(self.schedule)}")
        for number, fault in enumerate(self.schedule):
            self.say(fault)
            shares = [(number + part / 4) / len(self.schedule) for part in (1, 2, 3, 4)]
            await self.go_on(doors, shares[0])
            await acts[fault](doors, shares[1:])
        self.say("south comes home")
        await self.come_home(doors)

    async def broker_away(self, doors: Doors, shares: Sequence[float]) -> None:
        north = doors.edges["north"]
        with nothing_is_restarted(self.system):
            self.system.kill("kafka.Kafka")
            before = await north.stored()
            for (edge, camera), people in self.plan.items():
                if edge in doors.edges:
                    begin, until = doors.shown[edge, camera], round(shares[0] * len(people))
                    doors.edges[edge].show(doors.camera_ids[camera], people[begin:until])
                    doors.shown[edge, camera] = max(begin, until)
            wanted = sum(doors.shown["north", camera] for camera in WATCHES["north"])
            await eventually(north.stored, lambda seen: seen == wanted, WITHIN_S)
            if await north.depth() >= wanted - before > 0:
                self.reached["spool grew while the broker was away"] += 1
            if self.rounds > 1:
                await asyncio.sleep(self.chance.uniform(1, 20))
        await self.all_sent(doors, north)

    async def occupancy_dies(self, doors: Doors, shares: Sequence[float]) -> None:
        log = self.folder / "workers.log"
        with nothing_is_restarted(self.system):
            await end_gently(self.system, "occupancy")
            await self.go_on(doors, shares[0])
            for point in (EFFECTS_BEFORE_COMMIT, COMMIT_BEFORE_OFFSETS):
                before = await stored_crossings(self.system)
                held = await die_at(self.system, point, log)
                new = await stored_crossings(self.system) - before
                assert (new > 0) == (point == COMMIT_BEFORE_OFFSETS), f"{new} stored {point}"
                known = await offsets(self.system.kafka)
                for partition, (first, _) in held.items():
                    at = known[TopicPartition(CROSSINGS.name, partition)]
                    assert at <= first, "its offset was committed, before what it says"
                self.reached[f"delivered again after a death {point}"] += 1
        await self.all_counted()

    async def edge_dies(self, doors: Doors, shares: Sequence[float]) -> None:
        north = doors.edges["north"]
        before = await self.repeated({north.edge_id})
        north.kill()
        points = self.chance.sample(sorted(POINTS), len(POINTS))
        begin = shares[0]
        for number, point in enumerate(points, 1):
            await self.go_on(doors, begin + (shares[-1] - begin) * number / len(points))
            north.start(point)
            assert await asyncio.to_thread(north.bury) == -9, (north.folder / "log").read_text()
            self.reached[f"edge dead {point}"] += 1
        north.start()
        await self.all_sent(doors, north)
        if await self.repeated({north.edge_id}) > before:
            self.reached["sent again by an edge that died"] += 1

    async def repeated(self, edge_ids: set[str]) -> int:
        """Return how many crossings are on the topic for the second time or more."""
        found = crossings_in(await records_on(self.system.kafka, CROSSINGS.name), edge_ids)
        assert all(len(set(raws)) == 1 for raws in found.values()), "again, with other content"
        return sum(len(raws) - 1 for raws in found.values())

    async def storm(self, doors: Doors, shares: Sequence[float]) -> None:
        command = (str(BIN / "occupancy"), "worker")
        for share in shares:
            async with second_worker(self.system, *command, log=self.folder / "workers.log"):
                await eventually(
                    lambda: members(self.system.kafka), lambda seen: seen > 1, WITHIN_S
                )
                await self.go_on(doors, share)
            self.reached["two workers shared the topic"] += 1

    async def all_again(self, doors: Doors, shares: Sequence[float]) -> None:
        with nothing_is_restarted(self.system):
            await end_gently(self.system, "occupancy")
            await self.go_on(doors, shares[0])
            known = await offsets(self.system.kafka)
            beginning = {one: 0 for one in known if one.topic == CROSSINGS.name}
            await set_offsets(self.system.kafka, beginning)
            after = await offsets(self.system.kafka)
            before, now = max(known.values()), max(after[one] for one in beginning)
            self.say(f"it goes on from {now} in place of {before}")
            if now == 0 < before:
                self.reached["the topic from its beginning"] += 1
        await self.all_counted()

    async def sent_again(self, doors: Doors, shares: Sequence[float]) -> None:
        records = await records_on(self.system.kafka, CROSSINGS.name)
        found = crossings_in(records, doors.edge_ids)
        sent = [
            (str(camera).encode(), raw) for (_, camera, _), raws in found.items() for raw in raws
        ]
        for share in shares:
            await self.go_on(doors, share)
            for key, raw in shuffled(self.noise, sent, WINDOW):
                await self.producer.send(CROSSINGS.name, raw, key=key)
        await self.producer.flush()
        self.reached["sent again and out of order"] += len(sent)

    async def poison(self, doors: Doors, shares: Sequence[float]) -> None:
        good = doors.west.crossing(1, edge_id="poisoner")
        for message in poison(good):
            camera_id = self.noise.choice(doors.camera_ids)
            told = await self.producer.send_and_wait(
                CROSSINGS.name, message, key=str(camera_id).encode()
            )
            self.poisoned.append(f"{told.topic}/{told.partition}/{told.offset}")
            await self.go_on(doors, self.noise.choice(shares))
        await self.all_counted()

    # --- too much of it -----------------------------------------------------------------------

    async def stopped(self) -> str:
        """Wait until the consumer has stopped; returns the reason that it gives."""
        port = self.system.settings.service_ports["occupancy"]

        async def reasons() -> str:
            try:
                reply = await self.admin.get(f"http://127.0.0.1:{port}/readyz")
            except httpx.TransportError:
                return ""
            return reply.text if reply.status_code == 503 else ""

        told: str = await eventually(reasons, lambda seen: "in a row" in seen, WITHIN_S)
        return told

    async def send_at_once(self, camera_id: int, messages: Sequence[bytes]) -> RecordMetadata:
        """Send messages as one batch, which comes to the consumer in one piece."""
        key = str(camera_id).encode()
        partitions = sorted(await self.producer.partitions_for(CROSSINGS.name))
        partition = DefaultPartitioner()(key, partitions, partitions)
        batch = self.producer.create_batch()
        for message in messages:
            assert batch.append(key=key, value=message, timestamp=None)
        sent = await self.producer.send_batch(batch, CROSSINGS.name, partition=partition)
        return await sent

    async def our_own_fault(self) -> None:
        """Send crossings of a camera that nobody has made yet; make it, and restart."""
        [(camera_id, line_id)] = await ask(
            self.system,
            "SELECT (SELECT max(id) + 1 FROM occupancy.cameras),"
            " (SELECT max(id) + 1 FROM occupancy.lines)",
        )
        before = await ask(self.system, "SELECT count(*) FROM occupancy.outbox")
        early = Edge(self.producer, camera_id, line_id)
        await self.send_at_once(
            camera_id, [early.crossing(number + 1) for number in range(IN_A_ROW)]
        )
        assert "restart this service" in await self.stopped()
        assert await ask(self.system, "SELECT count(*) FROM occupancy.outbox") == before
        assert await lag(self.system.kafka) == IN_A_ROW

        camera = await make_camera(self.admin)
        line = await make_line(self.admin, camera["id"])
        assert (camera["id"], line["id"]) == (camera_id, line_id)
        self.system.kill("occupancy")
        await self.all_counted()
        assert await self.counted(camera_id) == IN_A_ROW

    async def somebody_elses_fault(self, doors: Doors) -> None:
        """Send nonsense, on and on, and behind it a crossing; let an operator step over it."""
        camera_id, number = doors.west.camera_id, len(self.plan["west", 2]) + 1
        before = await self.counted(camera_id)
        nonsense = await self.send_at_once(camera_id, [b"nonsense"] * IN_A_ROW)
        await self.send(camera_id, [doors.west.crossing(number)])
        await self.stopped()
        self.system.kill("occupancy")
        await self.stopped()  # nothing was mended

        behind = TopicPartition(nonsense.topic, nonsense.partition)
        with nothing_is_restarted(self.system):
            await end_gently(self.system, "occupancy")
            await set_offsets(self.system.kafka, {behind: nonsense.offset + IN_A_ROW})
        await self.all_counted()
        assert await self.counted(camera_id) == before + 1

    async def counted(self, camera_id: int) -> int:
        """Return how many entries a camera has."""
        shown = (await self.shown(camera_id))["live"][0]
        return int(shown["total_entries"])

    # --- what is seen at the end --------------------------------------------------------------

    async def shown(self, camera_id: int) -> dict[str, Any]:
        """Read all that the gateway tells of a camera, but for its id and when it changed."""
        cameras = f"/api/occupancy/cameras/{camera_id}"
        found: dict[str, Any] = {}
        for name in ("live", "hourly?days=7", "daily", "monthly"):
            reply = await self.admin.get(f"{cameras}/{name}")
            assert reply.status_code == 200, reply.text
            rows = reply.json() if isinstance(reply.json(), list) else [reply.json()]
            found[name] = [
                {key: row[key] for key in row.keys() - {"camera_id", "last_updated"}}
                for row in rows
            ]
        return found

    async def rows(self, camera_id: int) -> list[tuple[Any, ...]]:
        """Read the crossings of a camera, whosever they are."""
        return await ask(
            self.system,
            "SELECT split_part(edge_id, '-', 1), sequence, direction, track_id, confidence,"
            " crossed_at, told_at, is_counted"
            " FROM occupancy.crossings WHERE camera_id = $1 ORDER BY 1, 2",
            camera_id,
        )

    async def assert_alike(self, quiet: Doors, disturbed: Doors) -> None:
        """Hold one history against the other, and numbers against what their edges said."""
        for one, other in zip(quiet.camera_ids, disturbed.camera_ids, strict=True):
            assert await self.rows(one) == await self.rows(other)

            async def both(one: int = one, other: int = other) -> list[dict[str, Any]]:
                return [await self.shown(one), await self.shown(other)]

            # Averages of periods that run change with the clock.
            first, second = await eventually(both, lambda seen: seen[0] == seen[1], 10)
            assert first["live"][0]["total_entries"] > 0
            assert len(first["daily"]) >= DAYS.days
            assert second["hourly?days=7"]
        cameras = [*quiet.camera_ids, *disturbed.camera_ids]
        assert await unexplained(self.system, cameras) == []
        assert await ask(self.system, "SELECT * FROM occupancy.gaps") == []
        assert await self.repeated(quiet.edge_ids) == 0
        assert await self.repeated(disturbed.edge_ids) > 0
        heads = await ask(
            self.system,
            "SELECT split_part(edge_id, '-', 1), high FROM occupancy.edges"
            " WHERE camera_id = ANY($1)",
            cameras,
        )
        wanted = [(edge, len(people)) for (edge, _), people in self.plan.items()]
        assert sorted(heads) == sorted(wanted * 2)

    async def assert_each_poison_parked_once(self) -> None:
        letters = f"{CROSSINGS.name}.dlq"
        parked = await ask(
            self.system,
            "SELECT headers ->> 'position' FROM occupancy.outbox WHERE topic = $1",
            letters,
        )
        assert sorted(one.partition("@")[0] for (one,) in parked) == sorted(self.poisoned)

        async def on_topic() -> set[str]:
            records = await records_on(self.system.kafka, letters)
            return {dict(record.headers)["position"].decode() for record in records}

        await eventually(on_topic, lambda seen: seen == {one for (one,) in parked}, WITHIN_S)

    def assert_reached(self) -> None:
        """Every fault has had the effect that it is there for."""
        wanted = [
            "spool grew while the broker was away",
            f"delivered again after a death {EFFECTS_BEFORE_COMMIT}",
            f"delivered again after a death {COMMIT_BEFORE_OFFSETS}",
            *(f"edge dead {point}" for point in POINTS),
            "sent again by an edge that died",
            "two workers shared the topic",
            "the topic from its beginning",
            "sent again and out of order",
        ]
        self.say(str(dict(self.reached)))
        assert [one for one in wanted if not self.reached[one]] == []


@asynccontextmanager
async def journey(
    folder: Path, groups: ProcessGroups, *, seed: int, rounds: int = 1
) -> AsyncIterator[Journey]:
    """Start a system of its own for a journey, and end it.

    Args:
        folder: that any account can reach.
    """
    system = System(free_ports(folder / "state", ATRIUM_DEMO="0"), groups)
    await asyncio.to_thread(system.start)
    # Of what is compressed a broker only looks at how large it is then.
    most = {"max_request_size": 20_000_000, "max_batch_size": 1_000_000}
    producer = AIOKafkaProducer(bootstrap_servers=system.kafka, compression_type="gzip", **most)
    try:
        await asyncio.to_thread(system.add_accounts)
        await producer.start()
        async with system.client("ADMIN") as admin:
            chance = random.Random(seed)
            yield Journey(system, admin, producer, folder, chance, rounds)
    finally:
        await producer.stop()
        await asyncio.to_thread(system.end)


async def travel(journey: Journey) -> None:
    """Go through two days in peace and through all faults, and hold one against the other."""
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
