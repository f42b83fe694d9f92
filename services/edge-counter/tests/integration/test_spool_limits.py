"""A spool that has no more room: what it gives up, what it says of it, what still works."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import full_disk
import pytest
from spooled import Topic, drain, receive

from common.events import DROPPED
from edge_counter.errors import SpoolUnavailable
from edge_counter.health import Health
from edge_counter.ledger import MOST_WAITING, Ledger
from edge_counter.reserve import SIZE_BYTES
from edge_counter.spool import READ_AT_ONCE, DatedCrossing, Spool

LOBBY, HALL = 7, 8
NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
FULL_AT = 4000  # more than a megabyte holds


def crossing(number: int) -> DatedCrossing:
    """Make one that is an exit in three of four cases."""
    at = NOW + timedelta(seconds=number)
    return DatedCrossing(3, "exit" if number % 4 else "entry", f"8f3a-{number}", 0.83, at)


def fill(spool: Spool, number: int = FULL_AT, *, at_once: int = 20) -> None:
    """Store crossings of two cameras, one's twice as often as the other's."""
    for begin in range(1, number + 1, at_once):
        crossings = [crossing(one) for one in range(begin, begin + at_once)]
        spool.store(LOBBY, crossings, None)
        spool.store(HALL, crossings[::2], None)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Spool]:
    with closing(Spool(tmp_path / "state", "lobby-1", most_mb=1)) as spool:
        yield spool


def test_the_oldest_are_given_up_and_a_gap_in_their_place_says_which(small: Spool) -> None:
    fill(small)
    topics: dict[int, Topic] = {}

    waiting, given_up = small.depth(), small.dropped(LOBBY) + small.dropped(HALL)
    drain(small, topics)

    assert set(topics) == {LOBBY, HALL}
    for camera, stored in ((LOBBY, FULL_AT), (HALL, FULL_AT // 2)):
        topic = topics[camera]
        topic.check()
        (gap,) = topic.gaps
        assert max(topic.crossings) == stored
        assert (gap.first_sequence, gap.reason) == (1, "spool_full")
        assert not topic.missing() & set(topic.crossings)
        assert topic.order == sorted(topic.order)
        assert len(topic.missing()) == small.dropped(camera)
    assert waiting + given_up == FULL_AT * 3 // 2
    assert given_up > 1000


def test_a_gap_counts_what_is_in_it(small: Spool) -> None:
    fill(small)
    topics: dict[int, Topic] = {}

    drain(small, topics)

    (gap,) = topics[LOBBY].gaps
    numbers = range(gap.first_sequence, gap.last_sequence + 1)
    assert gap.entries == sum(1 for number in numbers if number % 4 == 0)
    assert (gap.entries or 0) + (gap.exits or 0) == len(numbers)
    assert gap.first_crossed_at == crossing(1).crossed_at
    assert gap.last_crossed_at == crossing(gap.last_sequence).crossed_at


def test_what_kafka_may_have_is_not_given_up_and_a_gap_that_was_read_grows_no_more(
    small: Spool,
) -> None:
    fill(small, 1000)
    on_their_way = small.oldest(after=0, limit=READ_AT_ONCE)
    fill(small)
    gaps = small.oldest(after=on_their_way[-1].position, limit=2)
    fill(small)

    entries = small.oldest(after=0, limit=READ_AT_ONCE + 4)

    assert entries[:READ_AT_ONCE] == on_their_way
    assert [entry.topic for entry in gaps] == [DROPPED, DROPPED]
    assert entries[READ_AT_ONCE : READ_AT_ONCE + 2] == gaps
    topics: dict[int, Topic] = {}
    drain(small, topics)
    for topic in topics.values():
        topic.check()
        assert len(topic.gaps) == 2
        assert not topic.missing() & set(topic.crossings)


def test_what_was_given_up_is_known_after_a_restart(tmp_path: Path) -> None:
    topics: dict[int, Topic] = {}
    with closing(Spool(tmp_path, "lobby-1", most_mb=1)) as spool:
        fill(spool)
        entries = spool.oldest(after=0)
        spool.about_to_send(entries)
        receive(entries, topics)

    with closing(Spool(tmp_path, "lobby-1", most_mb=1)) as spool:
        fill(spool)
        drain(spool, topics)

    for topic in topics.values():
        topic.check()
        assert not topic.missing() & set(topic.crossings)
        firsts = [(gap.first_sequence, gap.last_sequence) for gap in topic.gaps]
        assert len(dict(set(firsts))) == len(set(firsts))


def test_a_limit_that_was_lowered_holds_from_then_on(tmp_path: Path) -> None:
    with closing(Spool(tmp_path, "lobby-1", most_mb=4)) as spool:
        fill(spool)
        assert not spool.dropped(LOBBY)

    with closing(Spool(tmp_path, "lobby-1", most_mb=1)) as spool:
        fill(spool, 600)

        assert spool.dropped(LOBBY) > 1000


def test_a_spool_that_blocks_gives_nothing_up(tmp_path: Path) -> None:
    topics: dict[int, Topic] = {}
    with closing(Spool(tmp_path, "lobby-1", most_mb=1, when_full="block")) as spool:
        with pytest.raises(SpoolUnavailable, match="EDGE_SPOOL_MAX_MB"):
            fill(spool)
        stored = spool.depth()

        drain(spool, topics)
        spool.store(LOBBY, [crossing(1)], None)
        drain(spool, topics)

    assert sum(len(topic.crossings) for topic in topics.values()) == stored + 1
    assert not any(topic.gaps for topic in topics.values())


def test_what_no_more_fits_into_memory_is_given_up_with_numbers_of_its_own(
    small: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk takes nothing at all, and for long."""
    ledger = Ledger(small, LOBBY, Health(), lambda: None)
    fill_disk(small)
    for begin in range(0, MOST_WAITING + 3000, 1000):
        ledger.write([crossing(number) for number in range(begin, begin + 1000)])
        if ledger.is_full:
            ledger.give_up_oldest()
    make_room(small)
    monkeypatch.setattr(small, "_most_bytes", 10**9)
    ledger._write_at_s = 0
    topics: dict[int, Topic] = {}

    assert ledger.write([])
    drain(small, topics)

    topics[LOBBY].check()
    (gap,) = topics[LOBBY].gaps
    assert (gap.first_sequence, gap.last_sequence) == (1, 3000)
    assert (gap.entries, gap.exits) == (750, 2250)
    assert len(topics[LOBBY].crossings) == MOST_WAITING


def fill_disk(spool: Spool) -> None:
    (pages,) = spool._connection.execute("PRAGMA page_count").fetchone()
    spool._connection.execute(f"PRAGMA max_page_count = {pages}")


def make_room(spool: Spool) -> None:
    spool._connection.execute("PRAGMA max_page_count = 1000000")


@pytest.fixture(name="small_disk")
def _small_disk() -> Iterator[Path]:
    with full_disk.small_disk() as disk:
        yield disk


@pytest.mark.parametrize("left", [1_000_000, 2_500_000, 3_000_000, 4_500_000])
def test_on_a_full_disk_the_oldest_are_given_up_and_acknowledged_ones_still_go(
    small_disk: Path, left: int
) -> None:
    """At whatever length SQLite's log is when the disk is full."""
    topics: dict[int, Topic] = {}
    stored = 0
    with closing(Spool(small_disk / "state", "lobby-1")) as spool:
        meal = full_disk.eat(small_disk, leave=left)
        while spool.dropped(LOBBY) < 1000:
            fill(spool, 200)
            stored += 200
        full_disk.eat(small_disk)
        for _ in range(10):
            fill(spool, 200)
            stored += 200
        drain(spool, topics, most=2000)
        fill(spool, 200)
        drain(spool, topics)
        assert spool.depth() == 0

        meal.unlink()
        spool._reserve._try_at_s = 0
        fill(spool, 20)
        drain(spool, topics)
        assert (small_disk / "state/reserve").stat().st_size == SIZE_BYTES

    for camera, number in ((LOBBY, stored + 220), (HALL, (stored + 220) // 2)):
        topics[camera].check()
        assert max(topics[camera].crossings) == number
        assert not topics[camera].missing() & set(topics[camera].crossings)


def test_on_a_full_disk_a_spool_that_blocks_loses_nothing_and_goes_on_when_there_is_room(
    small_disk: Path,
) -> None:
    topics: dict[int, Topic] = {}
    with closing(Spool(small_disk / "state", "lobby-1", when_full="block")) as spool:
        meal = full_disk.eat(small_disk, leave=2_000_000)
        with pytest.raises(SpoolUnavailable, match="full"):
            fill(spool, 100_000)
        stored = spool.depth(LOBBY)
        drain(spool, topics)
        meal.unlink()
        spool.store(LOBBY, [crossing(1)], None)
        drain(spool, topics)

    topics[LOBBY].check()
    assert len(topics[LOBBY].crossings) == stored + 1
    assert not topics[LOBBY].gaps


def test_a_start_on_a_full_disk_finds_all_that_was_stored(small_disk: Path) -> None:
    state = small_disk / "state"
    with closing(Spool(state, "lobby-1")) as spool:
        fill(spool, 500)
    full_disk.eat(small_disk)

    topics: dict[int, Topic] = {}
    with closing(Spool(state, "lobby-1")) as spool:
        drain(spool, topics)

    assert len(topics[LOBBY].crossings) == 500
