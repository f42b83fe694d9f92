"""Reading the camera and its lines from an API that answers, changes, lies and goes away."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from edge_counter.configuration import ConfigurationPoller, gateway
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

    def do_GET(self) -> None:
        self.tokens.append(self.headers["Authorization"])
        answer = self.answers.get(self.path.removeprefix("/api/occupancy/cameras"))
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(404 if answer is None else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def api() -> Iterator[str]:
    Api.answers, Api.tokens = dict(ANSWERS), []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@asynccontextmanager
async def polling(
    api: str, copy: Path, *, camera: str = "LOBBY", token: str | None = None
) -> AsyncIterator[tuple[ConfigurationPoller, Health]]:
    health = Health(frames_within_s=10, is_finished=True)
    async with gateway(api, token) as client:
        poller = ConfigurationPoller(client, health, camera=camera, copy=copy, every_s=0.02)
        task = asyncio.create_task(poller.run())
        yield poller, health
        task.cancel()


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
        await eventually(lambda: poller.current)

        assert poller.current is not None
        assert poller.current.camera.id == expected
        assert health.reasons() == []


async def test_the_device_token_is_shown_to_the_gateway(api: str, tmp_path: Path) -> None:
    async with polling(api, tmp_path / "camera.json", token="atd_1") as (poller, _):
        await eventually(lambda: poller.current)

    assert set(Api.tokens) == {"Bearer atd_1"}


async def test_a_changed_line_is_taken_over(api: str, tmp_path: Path) -> None:
    async with polling(api, tmp_path / "camera.json") as (poller, _):
        await eventually(lambda: poller.current)
        before = poller.current

        Api.answers["/7/lines"] = [LINE | {"y1": 400}]
        await eventually(lambda: poller.current is not before)

        assert poller.current is not None
        assert poller.current.lines[0].y1 == 400


async def test_an_unchanged_configuration_stays_the_same_object(api: str, tmp_path: Path) -> None:
    async with polling(api, tmp_path / "camera.json") as (poller, _):
        await eventually(lambda: poller.current)
        before, asked = poller.current, len(Api.tokens)

        await eventually(lambda: len(Api.tokens) > asked + 6)

        assert poller.current is before


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
        assert poller.current is None

        Api.answers[path] = good
        await eventually(lambda: poller.current)
        assert health.reasons() == []

        Api.answers[path] = answer
        asked = len(Api.tokens)
        await eventually(lambda: len(Api.tokens) > asked + 6)
        assert poller.current is not None
        assert health.reasons() == []


async def test_it_starts_without_the_api_from_what_it_knew(api: str, tmp_path: Path) -> None:
    copy = tmp_path / "camera.json"
    async with polling(api, copy) as (poller, _):
        await eventually(lambda: poller.current)
        known = poller.current

    async with polling("http://127.0.0.1:1", copy) as (poller, health):
        assert poller.current == known
        assert health.reasons() == []


@pytest.mark.parametrize(
    "copy", [b"", b"{torn", b'{"asked_for": 1}'], ids=["empty", "torn", "not as agreed"]
)
async def test_a_broken_copy_is_ignored(tmp_path: Path, copy: bytes) -> None:
    (tmp_path / "camera.json").write_bytes(copy)

    async with polling("http://127.0.0.1:1", tmp_path / "camera.json") as (poller, _):
        assert poller.current is None


async def test_a_copy_of_another_camera_is_ignored(api: str, tmp_path: Path) -> None:
    copy = tmp_path / "camera.json"
    async with polling(api, copy) as (poller, _):
        await eventually(lambda: poller.current)

    async with polling("http://127.0.0.1:1", copy, camera="HALL") as (poller, _):
        assert poller.current is None
