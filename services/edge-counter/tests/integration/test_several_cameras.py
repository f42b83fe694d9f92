"""One process that counts at several cameras, which Atrium gives it, changes and takes away."""

import json
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

Until = Callable[[Callable[[], object]], None]

ACROSS = {"id": 3, "x1": 160, "y1": 0, "x2": 160, "y2": 240, "is_active": True}
SIZE = {"resolution_width": 320, "resolution_height": 240}


def camera(number: int, code: str, address: str | None, side: str = "left") -> dict[str, Any]:
    lines = [ACROSS | {"entry_side": side}]
    return SIZE | {"id": number, "camera_id": code, "stream_url": address, "lines": lines}


class Atrium(BaseHTTPRequestHandler):
    """Gives an edge its cameras."""

    cameras: list[dict[str, Any]]

    def do_GET(self) -> None:
        assert self.path == "/api/occupancy/edges/lobby-1/configuration"
        body = json.dumps({"edge_id": "lobby-1", "cameras": self.cameras}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def atrium() -> Iterator[str]:
    Atrium.cameras = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Atrium)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def make_several(make_edge: Callable[..., Any], atrium: str) -> Callable[..., Any]:
    """Make an edge that has no camera of its own."""

    def make(**settings: str) -> Any:
        several = {"EDGE_CAMERA": "", "EDGE_API_URL": atrium, "EDGE_POLL_S": "0.1"}
        return make_edge("", **several, **settings)

    return make


def counts(edge: Any) -> Counter[tuple[int, str]]:
    return Counter(
        (event["data"]["camera_id"], event["data"]["direction"]) for event in edge.events()
    )


def test_each_camera_is_counted_on_its_own_lines_and_with_its_own_numbers(
    make_several: Callable[..., Any], walkers_clip: Path, until: Until
) -> None:
    Atrium.cameras = [
        camera(7, "LOBBY", str(walkers_clip)),
        camera(8, "HALL", None, side="right"),
        camera(9, "ROOF", None),
    ]
    edge = make_several(EDGE_SPEED="0", EDGE_SOURCES=f"HALL={walkers_clip}")
    edge.start()

    until(lambda: len(edge.events()) == 10)

    assert counts(edge) == {
        (7, "entry"): 3,
        (7, "exit"): 2,
        (8, "exit"): 3,
        (8, "entry"): 2,
    }
    numbers = [(event["data"]["camera_id"], event["data"]["sequence"]) for event in edge.events()]
    assert sorted(numbers) == [(one, number) for one in (7, 8) for number in range(1, 6)]
    assert "camera without an address" in edge.log()


def test_cameras_that_fail_do_not_disturb_the_others(
    make_several: Callable[..., Any], walkers_clip: Path, until: Until
) -> None:
    Atrium.cameras = [
        camera(7, "LOBBY", str(walkers_clip)),
        camera(8, "REFUSED", "rtsp://bob:canary@127.0.0.1:1/live"),
        camera(9, "CRASHED", str(walkers_clip)),
    ]
    edge = make_several(EDGE_SPEED="1")
    edge.start()
    until(lambda: len(edge.decoders()) >= 2)

    for decoder in edge.decoders():
        os.kill(decoder, signal.SIGKILL)

    until(lambda: len(edge.events()) == 10)
    assert counts(edge)[7, "entry"] == counts(edge)[9, "entry"] == 3
    assert "canary" not in edge.log()
    edge.stop()


def test_cameras_come_change_their_address_and_go_without_a_restart(
    make_several: Callable[..., Any],
    walkers_clip: Path,
    tmp_path: Path,
    until: Until,
    is_running: Callable[[int], bool],
) -> None:
    other = tmp_path / "other.avi"
    other.write_bytes(walkers_clip.read_bytes())
    edge = make_several(EDGE_SPEED="1", EDGE_LOOP="1")
    edge.start()
    until(lambda: "camera taken on" not in edge.log() and "configuration" in edge.log())

    Atrium.cameras = [camera(7, "LOBBY", str(walkers_clip))]
    until(lambda: counts(edge)[7, "entry"] >= 1)
    (first,) = edge.decoders()
    Atrium.cameras = [camera(7, "LOBBY", str(walkers_clip)), camera(8, "HALL", str(other))]
    until(lambda: counts(edge)[8, "entry"] >= 1)

    assert is_running(first)
    Atrium.cameras = [camera(7, "LOBBY", str(other))]
    until(lambda: not is_running(first) and "camera let go" in edge.log())
    until(lambda: len(edge.decoders()) == 1)
    seen = counts(edge)[7, "entry"]
    until(lambda: counts(edge)[7, "entry"] > seen)
    edge.stop()


def test_it_counts_without_atrium_what_it_was_given_before(
    make_several: Callable[..., Any], walkers_clip: Path, until: Until
) -> None:
    Atrium.cameras = [camera(7, "LOBBY", str(walkers_clip))]
    edge = make_several(EDGE_SPEED="1")
    edge.start()
    until(edge.events)
    edge.kill()

    edge.settings["EDGE_API_URL"] = "http://127.0.0.1:1"
    edge.start()
    until(edge.is_finished)

    assert len(edge.events()) == 5
    edge.stop()
