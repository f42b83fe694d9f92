"""A spool that is full, or broken: what is counted is what was seen, less what its gaps declare."""

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import full_disk
import httpx
import pytest
from faults import Seen, SpoolEdge, ask, lag, unexplained
from making import make_camera, make_line
from running_system import System, eventually

from common.ids import new_cuid
from common.testing.servers import free_port

BEGAN = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=1)
WITHIN_S = 120
DATABASE, LOG = ("spool.sqlite3",), ("spool.sqlite3-wal",)

pytestmark = pytest.mark.timeout(300)

Make = Callable[..., "SpoolEdge"]


def people(begin: int, end: int) -> list[Seen]:
    """Make people up, each seen once, two seconds apart; two of three enter."""
    return [
        Seen(
            "exit" if one % 3 == 0 else "entry", f"p{one}", 0.9, BEGAN + timedelta(seconds=2 * one)
        )
        for one in range(begin, end)
    ]


@pytest.fixture
async def door(admin: httpx.AsyncClient) -> tuple[int, int]:
    """A camera and its line."""
    camera = await make_camera(admin)
    return camera["id"], (await make_line(admin, camera["id"]))["id"]


@pytest.fixture
def make_edge(system: System, door: tuple[int, int], tmp_path: Path) -> Iterator[Make]:
    """Make edges that do not reach Kafka yet."""
    made: list[SpoolEdge] = []

    def make(**more: Any) -> SpoolEdge:
        nowhere, folder = f"127.0.0.1:{free_port()}", tmp_path / f"edge-{len(made)}"
        edge = SpoolEdge(new_cuid(), folder, nowhere, dict([door]), system.groups, **more)
        made.append(edge)
        return edge

    yield make
    for edge in made:
        if edge.process is not None and edge.process.poll() is None:
            edge.kill()


async def store(edge: SpoolEdge, camera_id: int, seen: Sequence[Seen], stored: int) -> None:
    """Let people cross, and wait until they are in the spool, or were given up."""
    edge.show(camera_id, seen)
    await eventually(edge.stored, lambda found: found == stored, WITHIN_S)


def find_kafka(system: System, edge: SpoolEdge) -> None:
    """Let an edge start that from now on reaches Kafka."""
    edge.kafka = system.kafka
    edge.start()


async def all_counted(system: System, edge: SpoolEdge) -> None:
    """Wait until the spool is empty and all of it is counted; the edge must have lived."""
    assert edge.process is not None
    await eventually(edge.depth, lambda seen: seen == 0, WITHIN_S)
    await eventually(lambda: lag(system.kafka), lambda seen: seen == 0, WITHIN_S)
    assert edge.process.poll() is None


async def assert_told(
    system: System, admin: httpx.AsyncClient, camera_id: int, seen: Sequence[Seen]
) -> set[str]:
    """Hold what is counted, hour by hour, against who was seen, less what the gaps declare.

    Returns:
        The tracks of those who are lost.
    """
    assert await unexplained(system, [camera_id]) == []
    rows = await ask(
        system,
        "SELECT track_id, direction, crossed_at FROM occupancy.crossings WHERE camera_id = $1",
        camera_id,
    )
    arrived = {track: (direction, at) for track, direction, at in rows}
    assert len(arrived) == len(rows)
    lost = [one for one in seen if one.track_id not in arrived]
    assert arrived == {one.track_id: (one.direction, one.at) for one in seen if one not in lost}

    gaps = await ask(
        system,
        "SELECT last_sequence - first_sequence + 1, entries, exits FROM occupancy.gaps"
        " WHERE camera_id = $1",
        camera_id,
    )
    assert sum(numbers for numbers, *_ in gaps) == len(lost)
    if all(entries is not None for _, entries, _ in gaps):
        ways = Counter(one.direction for one in lost)
        assert sum(entries for _, entries, _ in gaps) == ways["entry"]
        assert sum(exits for *_, exits in gaps) == ways["exit"]

    wanted = Counter((f"{at:%Y-%m-%d %H:00}", way) for way, at in arrived.values())
    reply = await admin.get(f"/api/occupancy/cameras/{camera_id}/hourly", params={"days": 7})
    names = {"entries": "entry", "exits": "exit"}
    told = {(hour["hour"], names[name]): hour[name] for hour in reply.json() for name in names}
    assert Counter({key: count for key, count in told.items() if count}) == wanted
    return {one.track_id for one in lost}


async def test_a_spool_at_its_limit_gives_up_the_oldest_and_says_how_many_each_way(
    system: System, admin: httpx.AsyncClient, door: tuple[int, int], make_edge: Make
) -> None:
    edge, seen = make_edge(limits={"most_mb": 0.3}), people(0, 1400)
    edge.start()
    await store(edge, door[0], seen, 1400)

    edge.kill()
    find_kafka(system, edge)
    await all_counted(system, edge)

    lost = await assert_told(system, admin, door[0], seen)
    assert lost == {one.track_id for one in seen[: len(lost)]}
    assert 100 <= len(lost) < 1300


async def test_a_spool_that_blocks_loses_nothing_while_it_is_full(
    system: System, admin: httpx.AsyncClient, door: tuple[int, int], make_edge: Make
) -> None:
    edge, seen = make_edge(limits={"most_mb": 0.3, "when_full": "block"}), people(0, 1400)
    edge.start()
    edge.show(door[0], seen)

    async def log() -> str:
        return (edge.folder / "log").read_text()

    await eventually(log, lambda said: "EDGE_SPOOL_MAX_MB" in said, WITHIN_S)
    assert 0 < await edge.stored() < 1400
    edge.kill()
    find_kafka(system, edge)
    await eventually(edge.stored, lambda found: found == 1400, WITHIN_S)
    await all_counted(system, edge)

    assert await assert_told(system, admin, door[0], seen) == set()


@pytest.fixture(name="small_disk")
def _small_disk() -> Iterator[Path]:
    with full_disk.small_disk() as disk:
        yield disk


async def test_on_a_full_disk_what_is_acknowledged_goes_and_the_oldest_are_declared(
    system: System,
    admin: httpx.AsyncClient,
    door: tuple[int, int],
    make_edge: Make,
    small_disk: Path,
) -> None:
    edge, seen = make_edge(state=small_disk / "state"), people(0, 1500)
    edge.start()
    await store(edge, door[0], seen, 1500)
    meal = full_disk.eat(small_disk, leave=500_000)
    while await edge.gaps() == 0:
        assert len(seen) < 20_000, "the disk is not full"
        more = people(len(seen), len(seen) + 200)
        seen += more
        await store(edge, door[0], more, len(seen))
    full_disk.eat(small_disk)

    edge.kill()
    find_kafka(system, edge)
    await all_counted(system, edge)
    meal.unlink()
    more = people(len(seen), len(seen) + 100)
    seen += more
    await store(edge, door[0], more, len(seen))
    await all_counted(system, edge)

    lost = await assert_told(system, admin, door[0], seen)
    assert lost == {one.track_id for one in seen[: len(lost)]}
    assert 0 < len(lost) < 1500


NEWEST = b'"sequence":1800,'


def flip(path: Path, dice: random.Random, bits: int) -> None:
    """Flip bits, but near the newest: when its number is lost too, nobody can tell of it."""
    data = bytearray(path.read_bytes())
    while bits:
        at = dice.randrange(100, len(data))
        if NEWEST not in data[max(0, at - 4096) : at + 4096]:
            data[at] ^= 1 << dice.randrange(8)
            bits -= 1
    path.write_bytes(data)


def cut(path: Path, dice: random.Random, pages: int) -> None:
    os.truncate(path, path.stat().st_size - pages * 4096 - dice.randrange(4096))


@pytest.mark.parametrize(
    ("names", "harm", "much"),
    [(DATABASE, flip, 40), (LOG, flip, 40), ((*DATABASE, *LOG), flip, 600), (DATABASE, cut, 8)],
    ids=["bits of the database", "bits of its log", "bits of both", "the end of the database"],
)
async def test_a_broken_spool_starts_and_tells_exactly_what_it_lost(
    system: System,
    admin: httpx.AsyncClient,
    door: tuple[int, int],
    make_edge: Make,
    names: tuple[str, ...],
    harm: Callable[[Path, random.Random, int], None],
    much: int,
) -> None:
    edge, seen = make_edge(), people(0, 1800)
    find_kafka(system, edge)
    await store(edge, door[0], seen[:200], 200)
    await eventually(edge.depth, lambda found: found == 0, WITHIN_S)
    edge.kill()
    edge.kafka = f"127.0.0.1:{free_port()}"
    edge.start()
    await store(edge, door[0], seen[200:], 1800)
    edge.kill()

    for name in names:
        harm(edge.state / name, random.Random(name), much)
    edge.look_anew()
    find_kafka(system, edge)
    more = people(1800, 1900)
    edge.show(door[0], more)
    await eventually(edge.stored, lambda found: found >= 1900, WITHIN_S)
    await all_counted(system, edge)

    assert list(edge.state.glob("spool.sqlite3.broken-*")), "it was not broken"
    lost = await assert_told(system, admin, door[0], [*seen, *more])
    assert not lost & {one.track_id for one in (*seen[:200], *more)}
    # What one of the files has lost stands in the other, as a rule.
    assert lost or len(names) == 1


async def test_an_edges_clock_moves_nobody_out_of_order_and_its_future_is_not_believed(
    system: System, admin: httpx.AsyncClient, door: tuple[int, int], make_edge: Make
) -> None:
    now = datetime.now(UTC)
    shown = [timedelta(hours=2), timedelta(hours=-2), timedelta(hours=-2, seconds=-5)]
    shown += [timedelta(days=-2), timedelta(days=-91)]
    seen = [Seen("entry", f"p{number}", 0.9, now + by) for number, by in enumerate(shown)]
    edge = make_edge()
    find_kafka(system, edge)
    await store(edge, door[0], seen, len(seen))
    await all_counted(system, edge)

    rows = await ask(
        system,
        "SELECT track_id, crossed_at, told_at FROM occupancy.crossings WHERE camera_id = $1"
        " ORDER BY sequence",
        door[0],
    )
    assert [track for track, *_ in rows] == [one.track_id for one in seen]
    for row, one, by in zip(rows, seen, shown, strict=True):
        if timedelta(days=-90) < by <= timedelta(0):
            assert row[1:] == (one.at, None)
        else:
            assert now - timedelta(minutes=1) < row[1] < now + timedelta(minutes=5)
            assert row[2] == one.at
    live = (await admin.get(f"/api/occupancy/cameras/{door[0]}/live")).json()
    assert live["total_entries"] == len(seen)
