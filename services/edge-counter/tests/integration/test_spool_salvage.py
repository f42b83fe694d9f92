"""A spool whose files were damaged: it starts, gives what is left, and says what is lost.

The damage is done to a copy of a spool as a kill leaves it: with crossings that Kafka has, that
were on their way, that wait, and that were given up; partly in the database, partly in its log.
"""

import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from spooled import Topic, drain, receive

from edge_counter import salvage
from edge_counter.salvage import checksum
from edge_counter.spool import DatedCrossing, Recording, Spool

CAMERAS = (7, 8)
NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
SWEEPS = 36
RUN = Recording("clip", "8f3a", NOW, 1.5, 42, is_finished=False, seen_at=NOW)


def crossing(number: int) -> DatedCrossing:
    return DatedCrossing(3, "entry", f"8f3a-{number}", 0.83, NOW + timedelta(seconds=number))


@dataclass
class Past:
    """What had happened before the damage.

    Args:
        folder: of the spool, as a kill left it.
        had: what Kafka had acknowledged.
        may_have: and what else it may have.
        waiting: events that nobody else has, by camera and number.
    """

    folder: Path
    had: dict[int, Topic] = field(default_factory=dict)
    may_have: dict[int, Topic] = field(default_factory=dict)
    waiting: dict[tuple[int, int], bytes] = field(default_factory=dict)


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Past:
    folder = tmp_path_factory.mktemp("past") / "state"
    past = Past(tmp_path_factory.mktemp("killed") / "state")
    with closing(Spool(folder, "lobby-1", most_mb=0.5)) as spool:
        for number in range(1, 1101):
            for camera in CAMERAS:
                spool.store(camera, [crossing(number)], RUN if number % 100 == 0 else None)
            if number == 300:
                drain(spool, past.had, most=200)
                spool._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                entries = spool.oldest(after=0, limit=100)
                spool.about_to_send(entries)
                receive(entries, past.may_have)
        assert spool.dropped(7) > 100
        rows = spool._connection.execute("SELECT camera_id, sequence, event FROM crossing")
        past.waiting = {(camera, number): event for camera, number, event in rows}
        shutil.copytree(folder, past.folder, ignore=shutil.ignore_patterns("reserve"))
    return past


def starts_again(past: Past, folder: Path) -> dict[int, Topic]:
    """Start on damaged files, go on counting, and send all; return what Kafka then has."""
    database = folder / "spool.sqlite3"
    pages = database.read_bytes() if database.exists() else b""
    whole = pages + b"".join(salvage.committed(salvage.log_of(database)))
    topics: dict[int, Topic] = {}
    for known in (past.had, past.may_have):
        for camera, topic in known.items():
            topics.setdefault(camera, Topic()).crossings.update(topic.crossings)
    with closing(Spool(folder, "lobby-1", most_mb=0.5)) as spool:
        for camera in CAMERAS:
            spool.store(camera, [crossing(9999)], None)
        drain(spool, topics)
    for camera, topic in topics.items():
        topic.check()
        never_sent = set(topic.crossings) - set(past.may_have[camera].crossings)
        assert not topic.missing() & never_sent, "both there and said to be missing"
    for (camera, number), event in past.waiting.items():
        if event + checksum(event) in whole and topics[camera].crossings.get(number) != event:
            raise AssertionError(f"number {number} of {camera} could have been saved")
    return topics


@pytest.fixture
def copy(past: Past, tmp_path: Path) -> Callable[[], Path]:
    """Make fresh copies of the killed spool."""
    made = iter(range(1000))

    def make() -> Path:
        folder = tmp_path / f"{next(made)}"
        shutil.copytree(past.folder, folder)
        return folder

    return make


def flip(path: Path, dice: random.Random, bits: int) -> None:
    data = bytearray(path.read_bytes())
    for _ in range(bits):
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    path.write_bytes(data)


def test_without_damage_nothing_is_lost(past: Past, copy: Callable[[], Path]) -> None:
    topics = starts_again(past, copy())

    for topic in topics.values():
        assert {gap.reason for gap in topic.gaps} == {"spool_full"}
        assert max(topic.crossings) == 1101


@pytest.mark.parametrize("file", ["spool.sqlite3", "spool.sqlite3-wal"])
@pytest.mark.parametrize("bits", [1, 5, 200])
@pytest.mark.timeout(180)
def test_flipped_bits_lose_at_most_the_crossings_that_they_hit(
    past: Past, copy: Callable[[], Path], file: str, bits: int
) -> None:
    for seed in range(SWEEPS // 3):
        folder = copy()
        flip(folder / file, random.Random(seed), bits)

        topics = starts_again(past, folder)

        waiting = ((number, topics[camera].crossings) for camera, number in past.waiting)
        assert sum(number not in sent for number, sent in waiting) <= bits, f"seed {seed}"
        shutil.rmtree(folder)


@pytest.mark.parametrize("file", ["spool.sqlite3", "spool.sqlite3-wal"])
@pytest.mark.timeout(180)
def test_a_file_cut_off_anywhere_gives_what_is_left(
    past: Past, copy: Callable[[], Path], file: str
) -> None:
    dice = random.Random(7)
    size = (past.folder / file).stat().st_size
    for length in (0, 1, 100, 4096, *(dice.randrange(size) for _ in range(SWEEPS // 3))):
        folder = copy()
        with (folder / file).open("r+b") as cut:
            cut.truncate(length)

        starts_again(past, folder)

        shutil.rmtree(folder)


@pytest.mark.timeout(180)
def test_pages_of_nothing_and_of_something_else_are_borne(
    past: Past, copy: Callable[[], Path]
) -> None:
    dice = random.Random(7)
    for _ in range(SWEEPS // 3):
        folder = copy()
        path = folder / dice.choice(["spool.sqlite3", "spool.sqlite3-wal"])
        data = bytearray(path.read_bytes())
        begin = dice.randrange(len(data) // 4096) * 4096
        data[begin : begin + 4096] = dice.choice([bytes(4096), dice.randbytes(4096)])
        path.write_bytes(data)

        starts_again(past, folder)

        shutil.rmtree(folder)


def test_a_deleted_log_is_told_as_far_as_anybody_knows_of_it(
    past: Past, copy: Callable[[], Path]
) -> None:
    folder = copy()
    (folder / "spool.sqlite3-wal").unlink()
    (folder / "spool.sqlite3-shm").unlink()

    starts_again(past, folder)


def test_a_recording_that_can_be_read_is_known_again(past: Past, copy: Callable[[], Path]) -> None:
    folder = copy()
    with closing(sqlite3.connect(folder / "spool.sqlite3")) as connection, connection:
        connection.execute("UPDATE last_sequence SET sequence = sequence + 1")

    with closing(Spool(folder, "lobby-1", most_mb=0.5)) as spool:
        assert spool.recording(7, "clip") == RUN
        assert list(folder.glob("spool.sqlite3.broken-*"))


def test_a_kill_while_a_broken_spool_is_replaced_loses_nothing(
    past: Past, copy: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is killed before each of its renames in turn."""
    rename = Path.rename
    for fatal in range(4):
        folder, left = copy(), [fatal]
        flip(folder / "spool.sqlite3", random.Random(1), 300)

        def dies(path: Path, target: Path, left: list[int] = left) -> Path:
            if not left[0]:
                raise KeyboardInterrupt
            left[0] -= 1
            return rename(path, target)

        with monkeypatch.context() as patched:
            patched.setattr(Path, "rename", dies)
            try:
                Spool(folder, "lobby-1", most_mb=0.5).close()
            except KeyboardInterrupt:
                (folder / "lock").unlink()  # the lock of a process that has died

        topics = starts_again(past, folder)

        assert all(max(topic.crossings) == 1101 for topic in topics.values())


def test_only_the_last_broken_file_is_kept(past: Past, copy: Callable[[], Path]) -> None:
    folder = copy()
    for seed in range(3):
        flip(folder / "spool.sqlite3", random.Random(seed), 300)
        Spool(folder, "lobby-1", most_mb=0.5).close()

    assert len(list(folder.glob("spool.sqlite3.broken-*"))) == 1


def test_what_a_kill_interrupted_is_not_taken_for_stored(past: Past) -> None:
    """Pages in a log without a commit behind them are of a transaction that never was."""
    log = bytearray((past.folder / "spool.sqlite3-wal").read_bytes())
    size = salvage._FRAME_HEAD.size + salvage.PAGE_BYTES
    before = list(salvage.committed(bytes(log)))
    last = 32 + (len(log) - 32) // size * size - size
    frame = bytearray(log[last:])
    frame[4:8] = bytes(4)

    assert before
    assert list(salvage.committed(bytes(log + frame))) == before
