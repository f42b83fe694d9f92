"""Drawn clips, and the processes that play them."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np
import pytest

from edge_counter.configuration import CameraView, Configuration, LineView

WIDTH_PX, HEIGHT_PX, FRAMES_PER_S = 320, 240, 10
LINE_ID, LINE_X = 3, 160
CAMERA_ID = 7
# Begin of the walk in seconds, lane, and whether from left to right (which is an entry).
WALKS = [(0.0, 0, True), (0.4, 1, False), (1.2, 2, True), (1.6, 0, False), (2.2, 1, True)]
CLIP_S = 7.0
DEADLINE_S = 20.0


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "clips: counts whole recorded clips with a real model")


@pytest.fixture(scope="session")
def walkers_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five white boxes that cross x = 160 in seven seconds."""
    path = tmp_path_factory.mktemp("clips") / "walkers.avi"
    writer = cv2.VideoWriter(
        str(path), cv2.VideoWriter.fourcc(*"MJPG"), FRAMES_PER_S, (WIDTH_PX, HEIGHT_PX)
    )
    for index in range(int(CLIP_S * FRAMES_PER_S)):
        writer.write(_picture(index / FRAMES_PER_S))
    writer.release()
    return path


def _picture(time_s: float) -> np.ndarray:
    picture = np.full((HEIGHT_PX, WIDTH_PX, 3), 40, np.uint8)
    for begins_s, lane, is_rightward in WALKS:
        way_px = 80 * (time_s - begins_s) - 20
        x = int(way_px if is_rightward else WIDTH_PX - way_px)
        cv2.rectangle(picture, (x - 10, 20 + 75 * lane), (x + 10, 80 + 75 * lane), (255,) * 3, -1)
    return picture


@dataclass
class Edge:
    """An `edge-counter run` with `blob_edge` on its own state folder."""

    state: Path
    source: str
    settings: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.state.mkdir(exist_ok=True)
        self._configure()
        environment = {
            "EDGE_ID": "lobby-1",
            "EDGE_CAMERA": "LOBBY",
            "EDGE_SOURCE": self.source,
            "EDGE_STATE_DIR": str(self.state),
            "EDGE_API_URL": "http://127.0.0.1:1",
            "EDGE_PORT": "0",
            "ATRIUM_KAFKA": "127.0.0.1:1",
        }
        with (self.state / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("blob_edge.py"))],
                env=os.environ | environment | self.settings,
                stderr=log,
            )

    def _configure(self) -> None:
        """Leave the copy of a configuration: the API is not there."""
        camera = CameraView(id=CAMERA_ID, camera_id="LOBBY")
        line = LineView(id=LINE_ID, x1=LINE_X, y1=0, x2=LINE_X, y2=HEIGHT_PX)
        known = Configuration(asked_for="LOBBY", camera=camera, lines=(line,))
        (self.state / "camera.json").write_bytes(msgspec.json.encode(known))

    def kill(self) -> None:
        """End it with -9, at whatever it is."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> float:
        """End it as its operator would; return how long it took, in seconds."""
        assert self.process is not None
        began_s = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=10) == 0, self.log()
        return time.monotonic() - began_s

    def log(self) -> str:
        return (self.state / "log").read_text()

    def decoders(self) -> list[int]:
        """Return the process ids of the children."""
        assert self.process is not None
        threads = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        return [int(child) for thread in threads for child in thread.read_text().split()]

    def decoder(self) -> int | None:
        """Return the process id of the child, when there is one."""
        return next(iter(self.decoders()), None)

    def read(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the spool, from outside and without a lock."""
        path = self.state / "spool.sqlite3"
        if not path.exists():
            return []
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            return connection.execute(query).fetchall()
        except sqlite3.OperationalError:
            return []  # not made yet
        finally:
            connection.close()

    def events(self) -> list[dict[str, Any]]:
        """Return what is to be sent, oldest first."""
        rows = self.read("SELECT event FROM crossing ORDER BY position")
        return [json.loads(event) for (event,) in rows]

    def is_finished(self) -> bool:
        return bool(self.read("SELECT 1 FROM recording WHERE is_finished"))


@pytest.fixture(scope="session")
def edge_class() -> type[Edge]:
    return Edge


@pytest.fixture
def make_edge(tmp_path: Path) -> Iterator[Callable[..., Edge]]:
    """Make an `Edge`; what still runs at the end is killed."""
    edges: list[Edge] = []

    def make(source: str, *, name: str = "edge", **settings: str) -> Edge:
        edges.append(Edge(tmp_path / name, source, settings))
        return edges[-1]

    yield make
    for edge in edges:
        if edge.process is not None and edge.process.poll() is None:
            edge.kill()


@pytest.fixture(scope="session")
def until() -> Callable[[Callable[[], object]], None]:
    """Wait until something is so, or fail."""

    def wait(is_so: Callable[[], object]) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not is_so():
            assert time.monotonic() < deadline, "it never came to be so"
            time.sleep(0.01)

    return wait


@pytest.fixture
def is_running() -> Callable[[int], bool]:
    """Tell whether a process still does anything; one that waits to be buried does not."""

    def check(process: int) -> bool:
        try:
            stat = Path(f"/proc/{process}/stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return False
        return stat.rpartition(")")[2].split()[0] not in "ZX"

    return check
