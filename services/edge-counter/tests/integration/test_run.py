"""A running edge-counter, killed and started again."""

import os
import signal
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

PACE = {"EDGE_SPEED": "5"}
Until = Callable[[Callable[[], object]], None]


def as_of_its_run(edge: Any) -> list[dict[str, Any]]:
    """Return the events with the run's own id and start taken out of them."""
    ((run_id, started_at),) = edge.read("SELECT run_id, started_at FROM recording")
    events: list[dict[str, Any]] = edge.events()
    for event in events:
        data = event["data"]
        since = datetime.fromisoformat(data["crossed_at"]) - datetime.fromisoformat(started_at)
        data["crossed_at"] = event["time"] = since.total_seconds()
        data["track_id"] = data["track_id"].removeprefix(run_id)
    return events


def has_reported(edge: Any, crossings: int) -> bool:
    return len(edge.events()) >= crossings


@pytest.fixture(scope="module")
def undisturbed(
    tmp_path_factory: pytest.TempPathFactory, edge_class: Any, walkers_clip: Path, until: Until
) -> list[dict[str, Any]]:
    edge = edge_class(tmp_path_factory.mktemp("undisturbed"), str(walkers_clip), PACE)
    edge.start()
    until(edge.is_finished)
    edge.stop()
    return as_of_its_run(edge)


def test_a_run_killed_again_and_again_reports_what_an_undisturbed_one_does(
    make_edge: Callable[..., Any],
    walkers_clip: Path,
    undisturbed: list[dict[str, Any]],
    until: Until,
) -> None:
    edge = make_edge(str(walkers_clip), **PACE)

    edge.start()
    until(edge.decoder)
    edge.kill()  # before the first crossing
    for crossings in (1, 3):
        edge.start()
        until(partial(has_reported, edge, crossings))
        edge.kill()
    edge.start()
    until(edge.is_finished)
    edge.stop()

    events = as_of_its_run(edge)
    assert events == undisturbed
    assert [event["data"]["direction"] for event in events] == [
        "entry",
        "exit",
        "entry",
        "exit",
        "entry",
    ]
    assert [event["id"] for event in events] == [f"lobby-1/7/{n}" for n in range(1, 6)]


def test_a_killed_decoder_is_replaced_and_nothing_is_lost_or_repeated(
    make_edge: Callable[..., Any],
    walkers_clip: Path,
    undisturbed: list[dict[str, Any]],
    until: Until,
) -> None:
    edge = make_edge(str(walkers_clip), **PACE)
    edge.start()
    until(lambda: len(edge.events()) >= 2)

    os.kill(edge.decoder(), signal.SIGKILL)

    until(edge.is_finished)
    edge.stop()
    assert as_of_its_run(edge) == undisturbed
    assert "SIGKILL" in edge.log()


def test_a_finished_file_is_not_counted_again_until_another_take_is_asked_for(
    make_edge: Callable[..., Any], walkers_clip: Path, until: Until
) -> None:
    edge = make_edge(str(walkers_clip), EDGE_SPEED="0")
    edge.start()
    until(edge.is_finished)
    edge.stop()

    before = len(edge.log())
    edge.start()
    until(lambda: "is counted" in edge.log()[before:])
    edge.stop()
    assert len(edge.events()) == 5

    edge.settings["EDGE_TAKE"] = "2"
    edge.start()
    until(lambda: len(edge.events()) == 10)
    edge.stop()


def test_a_looped_file_goes_round_and_each_round_has_tracks_of_its_own(
    make_edge: Callable[..., Any], walkers_clip: Path, until: Until
) -> None:
    edge = make_edge(str(walkers_clip), EDGE_SPEED="0", EDGE_LOOP="1")
    edge.start()

    until(lambda: len(edge.events()) >= 10)

    edge.stop()
    events = [event["data"] for event in edge.events()[:10]]
    assert len({event["track_id"] for event in events}) == 10
    assert [event["sequence"] for event in events] == list(range(1, 11))


def test_it_ends_within_two_seconds_and_leaves_no_child(
    make_edge: Callable[..., Any],
    walkers_clip: Path,
    until: Until,
    is_running: Callable[[int], bool],
) -> None:
    edge = make_edge(str(walkers_clip), **PACE)
    edge.start()
    until(edge.events)
    decoder = edge.decoder()

    assert edge.stop() < 2
    assert not is_running(decoder)


def test_a_killed_parent_leaves_no_child(
    make_edge: Callable[..., Any],
    walkers_clip: Path,
    until: Until,
    is_running: Callable[[int], bool],
) -> None:
    edge = make_edge(str(walkers_clip), **PACE)
    edge.start()
    until(edge.events)
    decoder = edge.decoder()

    edge.kill()

    until(lambda: not is_running(decoder))


def test_a_missing_file_is_waited_for(
    make_edge: Callable[..., Any], walkers_clip: Path, tmp_path: Path, until: Until
) -> None:
    late = tmp_path / "late.avi"
    edge = make_edge(str(late), EDGE_SPEED="0")
    edge.start()
    until(lambda: "no such file" in edge.log().lower())

    late.write_bytes(walkers_clip.read_bytes())

    until(edge.is_finished)
    assert len(edge.events()) == 5
