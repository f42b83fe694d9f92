"""Reading the camera and its lines from an API that answers, changes, lies and goes away."""

import asyncio
import json
import stat
import threading
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from edge_counter.configuration import CameraPoller, Configuration, EdgePoller, Poller, gateway
from edge_counter.health import Health

CAMERA = {"id": 7, "camera_id": "LOBBY", "camera_name": "Lobby", "location": "Main"}
LINE = {"id": 3, "camera_id": 7, "line_name": "A", "direction": "entry", "is_active": True}
LINE |= {"x1": 0, "y1": 300, "x2": 1920, "y2": 300}
ANSWERS: dict[str, Any] = {
    "": [CAMERA, CAMERA | {"id": 8, "camera_id": "7"}],
    "/7": CAMERA | {"resolution_width": 1920, "resolution_height": 1080},
    "/8": CAMERA | {"id": 8, "camera_id": "7"},
    "/7/lines": [LINE],
    "/8/lines": [],
}


class Api(BaseHTTPRequestHandler):
    """The part of the occupancy contract that an edge-counter reads."""

    answers: dict[str, Any]
    tokens: list[str | None]
    statuses: list[int]

    def do_GET(self) -> None:
        self.tokens.append(self.headers["Authorization"])
        answer = self.answers.get(self.path.removeprefix("/api/occupancy/cameras"))
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        etag = f'"{zlib.crc32(body):x}"'
        is_known = answer is not None and self.headers["If-None-Match"] == etag
        status = 404 if answer is None else 304 if is_known else 200
        self.statuses.append(status)
        self.send_response(status)
        self.send_header("ETag", etag)
        self.send_header("Content-Length", "0" if is_known else str(len(body)))
        self.end_headers()
        if not is_known:
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def api() -> Iterator[str]:
    Api.answers, Api.tokens, Api.statuses = dict(ANSWERS), [], []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@asynccontextmanager
async def polling(
    api: str, copy: Path, *, camera: str = "LOBBY", token: str | None = None
) -> AsyncIterator[tuple[CameraPoller, Health]]:
    health = Health()
    async with gateway(api, token) as client:
        poller = CameraPoller(
            client, health, camera=camera, address="cam.mp4", copy=copy, every_s=0.02
        )
        task = asyncio.create_task(poller.run())
        yield poller, health
        task.cancel()


def only(poller: Poller) -> Configuration:
    assert poller.posts is not None
    (post,) = poller.posts.values()
    return post.configuration


async def eventually(is_so: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not is_so():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("asked_for", "expected"),
    [
        pytest.param("LOBBY", 7, id="by code"),
        pytest.param("8", 8, id="by id"),
        pytest.param("7", 8, id="a code that looks like another's id"),
    ],
)
async def test_a_camera_is_found_by_its_code_or_else_by_its_id(
    api: str, tmp_path: Path, asked_for: str, expected: int
) -> None:
    async with polling(api, tmp_path / "camera.json", camera=asked_for) as (poller, health):
        await eventually(lambda: poller.posts)

        assert only(poller).camera.id == expected
        assert health.reasons() == []


async def test_the_device_token_is_shown_to_the_gateway(api: str, tmp_path: Path) -> None:
    async with polling(api, tmp_path / "camera.json", token="atd_1") as (poller, _):
        await eventually(lambda: poller.posts)

    assert set(Api.tokens) == {"Bearer atd_1"}


async def test_a_changed_line_is_taken_over(api: str, tmp_path: Path) -> None:
    async with polling(api, tmp_path / "camera.json") as (poller, _):
        await eventually(lambda: poller.posts)
        before = poller.posts

        Api.answers["/7/lines"] = [LINE | {"y1": 400}]
        await eventually(lambda: poller.posts is not before)

        assert only(poller).lines[0].y1 == 400


async def test_an_unchanged_configuration_stays_the_same_object(api: str, tmp_path: Path) -> None:
    async with polling(api, tmp_path / "camera.json") as (poller, _):
        await eventually(lambda: poller.posts)
        before, asked = poller.posts, len(Api.tokens)

        await eventually(lambda: len(Api.tokens) > asked + 6)

        assert poller.posts is before
        assert set(Api.statuses[-3:]) == {304}


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        pytest.param("", [], id="no such camera"),
        pytest.param("/7/lines", None, id="refused"),
        pytest.param("/7/lines", b"<html>", id="not JSON"),
        pytest.param("/7/lines", [{"id": "three"}], id="not as agreed"),
        pytest.param("/7", {"id": 7}, id="a field is missing"),
    ],
)
async def test_a_bad_answer_changes_nothing_and_is_a_reason_only_without_a_better_one(
    api: str, tmp_path: Path, path: str, answer: object
) -> None:
    copy = tmp_path / "camera.json"
    good = Api.answers[path]
    Api.answers[path] = answer

    async with polling(api, copy) as (poller, health):
        await eventually(lambda: "not asked" not in health.problems["configuration"])
        assert poller.posts is None

        Api.answers[path] = good
        await eventually(lambda: poller.posts)
        assert health.reasons() == []

        Api.answers[path] = answer
        asked = len(Api.tokens)
        await eventually(lambda: len(Api.tokens) > asked + 6)
        assert poller.posts is not None
        assert health.reasons() == []


async def test_it_starts_without_the_api_from_what_it_knew(api: str, tmp_path: Path) -> None:
    copy = tmp_path / "camera.json"
    async with polling(api, copy) as (poller, _):
        await eventually(lambda: poller.posts)
        known = poller.posts

    async with polling("http://127.0.0.1:1", copy) as (poller, health):
        assert poller.posts == known
        assert health.reasons() == []


@pytest.mark.parametrize(
    "copy", [b"", b"{torn", b'{"asked_for": 1}'], ids=["empty", "torn", "not as agreed"]
)
async def test_a_broken_copy_is_ignored(tmp_path: Path, copy: bytes) -> None:
    (tmp_path / "camera.json").write_bytes(copy)

    async with polling("http://127.0.0.1:1", tmp_path / "camera.json") as (poller, _):
        assert poller.posts is None


async def test_a_copy_of_another_camera_is_ignored(api: str, tmp_path: Path) -> None:
    copy = tmp_path / "camera.json"
    async with polling(api, copy) as (poller, _):
        await eventually(lambda: poller.posts)

    async with polling("http://127.0.0.1:1", copy, camera="HALL") as (poller, _):
        assert poller.posts is None


EDGE = "/api/occupancy/edges/lobby-1/configuration"
HALL = {"id": 8, "camera_id": "HALL", "resolution_width": 640, "resolution_height": 480}
LOBBY = HALL | {"id": 7, "camera_id": "LOBBY", "stream_url": "rtsp://bob:canary@cam/1"}
LINES = {"lines": [LINE | {"entry_side": "right"}]}


@asynccontextmanager
async def polling_edge(
    api: str, copy: Path, **addresses: str
) -> AsyncIterator[tuple[EdgePoller, Health]]:
    health = Health()
    async with gateway(api, "atd_1") as client:
        poller = EdgePoller(
            client, health, edge_id="lobby-1", addresses=addresses, copy=copy, every_s=0.02
        )
        task = asyncio.create_task(poller.run())
        yield poller, health
        task.cancel()


def give(*cameras: dict[str, Any]) -> None:
    """Let Atrium give these cameras to the edge."""
    Api.answers[EDGE] = {"edge_id": "lobby-1", "cameras": list(cameras)}


async def test_an_edge_is_given_its_cameras_and_follows_changes_of_each(
    api: str, tmp_path: Path
) -> None:
    give(LOBBY | LINES, HALL | {"stream_url": None} | LINES)
    async with polling_edge(api, tmp_path / "cameras.json", HALL="hall.mp4") as (poller, health):
        await eventually(lambda: poller.posts)
        before = dict(poller.posts or {})

        give(LOBBY | LINES | {"resolution_width": 1280}, HALL | {"stream_url": None} | LINES)
        await eventually(lambda: poller.posts != before)

        after = dict(poller.posts or {})
        assert [post.address for post in before.values()] == ["rtsp://bob:canary@cam/1", "hall.mp4"]
        assert after[8] is before[8]
        assert after[7].configuration.camera.resolution_width == 1280
        assert after[7].configuration.lines[0].entry_side == "right"
        assert health.reasons() == []
        assert "canary" not in repr(after)


async def test_nothing_new_is_304_and_changes_nothing(api: str, tmp_path: Path) -> None:
    give(LOBBY | LINES)
    async with polling_edge(api, tmp_path / "cameras.json") as (poller, _):
        await eventually(lambda: len(Api.statuses) > 5)

        assert Api.statuses[0] == 200
        assert set(Api.statuses[1:]) == {304}
        assert poller.posts


async def test_an_edge_starts_without_atrium_from_a_copy_that_only_it_can_read(
    api: str, tmp_path: Path
) -> None:
    give(LOBBY | LINES)
    copy = tmp_path / "cameras.json"
    copy.with_name("cameras.json.new").write_text("left by a crash, for all to read")
    async with polling_edge(api, copy) as (poller, _):
        await eventually(copy.is_file)
        known = poller.posts

    async with polling_edge("http://127.0.0.1:1", copy) as (poller, health):
        assert poller.posts == known
        assert health.reasons() == []
    assert b"canary" in copy.read_bytes()
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        pytest.param(None, "EDGE_ID must be", id="an edge that Atrium does not know"),
        pytest.param({"edge_id": "lobby-1", "cameras": []}, "has given no camera", id="no camera"),
        pytest.param({"edge_id": "lobby-1"}, "not as agreed", id="another form"),
    ],
)
async def test_without_cameras_it_says_why(
    api: str, tmp_path: Path, answer: dict[str, Any] | None, told: str
) -> None:
    Api.answers[EDGE] = answer
    async with polling_edge(api, tmp_path / "cameras.json") as (_, health):
        await eventually(lambda: told in " ".join(health.reasons()))
