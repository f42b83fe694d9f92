"""The spool on a real disk, torn, filled and killed."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from common.events import CROSSINGS, DROPPED
from edge_counter.errors import SpoolUnavailable, StateInUse
from edge_counter.health import Health
from edge_counter.ledger import Ledger
from edge_counter.recording import begin
from edge_counter.spool import DatedCrossing, Recording, Spool

CAMERA = 7
NOW = datetime(2026, 11, 21, 10, 0, 0, 123_456, tzinfo=UTC)
CROSSING = DatedCrossing(
    line_id=3, direction="entry", track_id="8f3a-55", confidence=0.83, crossed_at=NOW
)


@pytest.fixture
def open_spool(tmp_path: Path) -> Iterator[Callable[[], Spool]]:
    """Open the spool of this test; one that was open before is closed, as by a restart."""
    spools: list[Spool] = []

    def reopen() -> Spool:
        if spools:
            spools.pop().close()
        spools.append(Spool(tmp_path, "lobby-1"))
        return spools[-1]

    yield reopen
    for spool in spools:
        spool.close()


def sequences(spool: Spool) -> list[int]:
    return [entry.sequence for entry in spool.oldest(after=0, limit=1000)]


def test_a_crossing_is_the_event_of_its_contract(open_spool: Callable[[], Spool]) -> None:
    spool = open_spool()

    spool.store(CAMERA, [CROSSING], None)

    (entry,) = spool.oldest(after=0, limit=10)
    event = CROSSINGS.decode(entry.event)
    assert (event.id, event.source, event.subject) == ("lobby-1/7/1", "edge/lobby-1", "camera/7")
    assert event.time == event.data.crossed_at == NOW
    assert (event.data.sequence, event.data.line_id, event.data.track_id) == (1, 3, "8f3a-55")


def test_numbers_go_on_after_a_restart_and_after_all_were_sent(
    open_spool: Callable[[], Spool],
) -> None:
    spool = open_spool()
    spool.store(CAMERA, [CROSSING] * 3, None)
    spool.delete_through(spool.oldest(after=0, limit=10)[-1].position)

    spool = open_spool()
    spool.store(CAMERA, [CROSSING] * 2, None)

    assert sequences(spool) == [4, 5]


def test_each_camera_has_numbers_of_its_own(open_spool: Callable[[], Spool]) -> None:
    spool = open_spool()

    spool.store(CAMERA, [CROSSING], None)
    spool.store(8, [CROSSING], None)
    spool.store(CAMERA, [CROSSING], None)

    entries = spool.oldest(after=0, limit=10)
    assert [(entry.camera_id, entry.sequence) for entry in entries] == [(7, 1), (8, 1), (7, 2)]


def test_a_position_is_never_used_again(open_spool: Callable[[], Spool]) -> None:
    spool = open_spool()
    spool.store(CAMERA, [CROSSING], None)
    (first,) = spool.oldest(after=0, limit=10)
    spool.delete_through(first.position)

    spool = open_spool()
    spool.store(CAMERA, [CROSSING], None)

    assert [entry.sequence for entry in spool.oldest(after=first.position, limit=10)] == [2]


def test_a_recording_is_stored_with_its_crossings_or_not_at_all(
    open_spool: Callable[[], Spool],
) -> None:
    spool = open_spool()
    run = begin("clip", speed=1, duration_s=0, now=NOW)
    broken = DatedCrossing(3, "entry", "t", 0.5, crossed_at=None)  # type: ignore[arg-type]

    with pytest.raises(AttributeError):
        spool.store(CAMERA, [CROSSING, broken], run)

    assert spool.recording(CAMERA, "clip") is None
    assert sequences(spool) == []


def test_a_recording_comes_back_as_it_was(open_spool: Callable[[], Spool]) -> None:
    run = Recording("clip", "8f3a", NOW, 1.5, 42, is_finished=True, seen_at=NOW)
    open_spool().store(CAMERA, [], run)

    assert open_spool().recording(CAMERA, "clip") == run


def test_two_processes_cannot_share_a_folder(
    open_spool: Callable[[], Spool], tmp_path: Path
) -> None:
    open_spool()

    with pytest.raises(StateInUse, match="EDGE_STATE_DIR"):
        Spool(tmp_path, "lobby-2")


WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from edge_counter.spool import DatedCrossing, Spool
spool = Spool(Path(sys.argv[1]), "lobby-1")
one = DatedCrossing(3, "entry", "t", 0.5, datetime.now(UTC))
while True:
    spool.store(7, [one], None)
    print(spool.oldest(after=0, limit=10**6)[-1].sequence, flush=True)
"""


def test_what_was_stored_survives_a_kill_and_numbers_have_neither_gap_nor_repetition(
    open_spool: Callable[[], Spool], tmp_path: Path
) -> None:
    told = 0
    for least in (3, 20, 7):
        command = [sys.executable, "-c", WRITER, str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            for _ in range(least):
                told = int(writer.stdout.readline())
            os.kill(writer.pid, signal.SIGKILL)

    numbers = sequences(open_spool())
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= told


@pytest.mark.parametrize(
    ("damage", "is_saved"),
    [
        pytest.param(lambda data: os.urandom(len(data)), False, id="noise"),
        pytest.param(lambda data: data[: len(data) // 2 + 100], False, id="torn"),
        pytest.param(lambda data: b"another file" + data[12:], True, id="no database"),
        pytest.param(lambda data: data[:4096] + bytes(len(data) - 4096), False, id="zeros"),
    ],
)
def test_a_broken_spool_is_set_aside_and_no_sent_number_is_used_again(
    tmp_path: Path, damage: Callable[[bytes], bytes], *, is_saved: bool
) -> None:
    with closing(Spool(tmp_path, "lobby-1")) as spool:
        spool.store(CAMERA, [CROSSING] * 40, None)
        spool.about_to_send(spool.oldest(after=0, limit=12))
    path = tmp_path / "spool.sqlite3"
    path.write_bytes(damage(path.read_bytes()))

    with closing(Spool(tmp_path, "lobby-1")) as spool:
        spool.store(CAMERA, [CROSSING], None)

        numbers = sequences(spool)
        assert numbers[-1] > 12
        assert (numbers == list(range(1, 42))) == is_saved
    assert len(list(tmp_path.glob("spool.sqlite3.broken-*"))) == 1


def test_a_spool_that_forgot_what_it_sent_goes_on_above_it(
    open_spool: Callable[[], Spool], tmp_path: Path
) -> None:
    spool = open_spool()
    spool.store(CAMERA, [CROSSING] * 5, None)
    spool.about_to_send(spool.oldest(after=0, limit=5))
    (tmp_path / "spool.sqlite3").unlink()
    (tmp_path / "spool.sqlite3-wal").unlink()

    spool = open_spool()
    spool.store(CAMERA, [CROSSING], None)

    gap, crossing = spool.oldest(after=0, limit=10)
    assert crossing.sequence == 6
    assert DROPPED.decode(gap.event).data.last_sequence == 5


@pytest.mark.parametrize("marks", [b"", b"{torn", None], ids=["empty", "torn", "missing"])
def test_with_both_files_lost_numbers_go_on_above_all_that_can_have_been(
    tmp_path: Path, marks: bytes | None
) -> None:
    with closing(Spool(tmp_path, "lobby-1")) as spool:
        spool.store(CAMERA, [CROSSING] * 5, None)
        spool.about_to_send(spool.oldest(after=0, limit=5))
    (tmp_path / "spool.sqlite3").write_bytes(b"noise" * 1000)
    (tmp_path / "sent.json").unlink()
    if marks is not None:
        (tmp_path / "sent.json").write_bytes(marks)

    with closing(Spool(tmp_path, "lobby-1")) as spool:
        spool.store(CAMERA, [CROSSING, CROSSING], None)

        first, second = sequences(spool)
    assert first > 1_700_000_000_000
    assert second == first + 1


def test_torn_marks_alone_change_nothing(open_spool: Callable[[], Spool], tmp_path: Path) -> None:
    spool = open_spool()
    spool.store(CAMERA, [CROSSING] * 5, None)
    (tmp_path / "sent.json").write_bytes(b"{torn")

    spool = open_spool()
    spool.store(CAMERA, [CROSSING], None)
    spool.about_to_send(spool.oldest(after=0, limit=10))

    assert sequences(spool) == [1, 2, 3, 4, 5, 6]
    assert json.loads((tmp_path / "sent.json").read_bytes()) == {"lobby-1/7": 6}


def fill_disk(spool: Spool) -> None:
    """Let the database grow no more: SQLite then answers as on a full disk."""
    (pages,) = spool._connection.execute("PRAGMA page_count").fetchone()
    spool._connection.execute(f"PRAGMA max_page_count = {pages}")


def make_room(spool: Spool) -> None:
    spool._connection.execute("PRAGMA max_page_count = 1000000")


def test_a_full_disk_stores_nothing_and_says_so(open_spool: Callable[[], Spool]) -> None:
    spool = open_spool()
    spool.store(CAMERA, [CROSSING], None)
    fill_disk(spool)

    with pytest.raises(SpoolUnavailable, match="full"):
        spool.store(CAMERA, [CROSSING] * 500, None)

    assert sequences(spool) == [1]


def test_crossings_wait_for_room_in_order_and_the_process_says_that_it_is_not_ready(
    open_spool: Callable[[], Spool], until: Callable[[Callable[[], object]], None]
) -> None:
    spool, health, told = open_spool(), Health(), []
    ledger = Ledger(spool, CAMERA, health, lambda: told.append(1))
    fill_disk(spool)

    is_stored = ledger.write([CROSSING] * 500)

    assert not is_stored
    assert "full" in health.reasons()[0]
    assert sequences(spool) == []
    assert told == []

    make_room(spool)
    until(lambda: ledger.write([]))

    assert sequences(spool) == list(range(1, 501))
    assert health.reasons() == []
    assert told == [1]


def test_sent_crossings_can_be_dropped_when_the_disk_is_full(
    open_spool: Callable[[], Spool],
) -> None:
    spool = open_spool()
    spool.store(CAMERA, [CROSSING] * 50, None)
    fill_disk(spool)

    spool.delete_through(spool.oldest(after=0, limit=50)[-1].position)

    assert spool.depth() == 0


def test_marks_that_cannot_be_written_do_not_stop_the_sending(
    open_spool: Callable[[], Spool], tmp_path: Path
) -> None:
    spool = open_spool()
    spool.store(CAMERA, [CROSSING], None)
    (tmp_path / "sent.json.new").mkdir()

    spool.about_to_send(spool.oldest(after=0, limit=1))

    assert not (tmp_path / "sent.json").exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(SpoolUnavailable, match="state folder"):
        Spool(tmp_path / "file" / "state", "lobby-1")


def test_commits_are_synced(open_spool: Callable[[], Spool]) -> None:
    """A power cut must not take back what Kafka may have seen."""
    connection: sqlite3.Connection = open_spool()._connection

    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
