"""An edge-counter that Atrium tells its cameras, from the door's camera to the live count."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest
from making import make_camera, make_line
from network_camera import NetworkCamera, draw_walkers
from running_system import System, eventually

from common.ids import new_cuid
from common.testing.servers import free_port

BLOB_EDGE = Path(__file__).parents[2] / "services/edge-counter/tests/blob_edge.py"
WALKERS = 4


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Draw white boxes that walk from left to right, one after another."""
    path = tmp_path / "walkers.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (320, 240))
    for index in range(30 + 30 * WALKERS):
        picture = np.full((240, 320, 3), 40, np.uint8)
        x = index % 30 * 14 - 40
        if index < 30 * WALKERS:
            cv2.rectangle(picture, (x - 10, 80), (x + 10, 140), (255,) * 3, -1)
        writer.write(picture)
    writer.release()
    return path


@pytest.fixture
async def edge(system: System, tmp_path: Path, clip: Path) -> AsyncIterator[tuple[str, Path]]:
    """A running edge-counter that knows clips; its name, and its log."""
    name = f"edge-{new_cuid()}"
    sources = {"EDGE_SOURCES": f"DOOR_A_{name}={clip}\nDOOR_B_{name}={clip}", "EDGE_SPEED": "4"}
    async with running_edge(system, tmp_path, name, sources) as log:
        yield name, log


@asynccontextmanager
async def running_edge(
    system: System, folder: Path, name: str, more: dict[str, str]
) -> AsyncIterator[Path]:
    """Run an edge-counter that asks Atrium for its cameras; gives its log."""
    settings = {
        "EDGE_ID": name,
        "EDGE_DEVICE_TOKEN": system.run("gateway", "devices", "add", "edge", name, "--replace"),
        "EDGE_API_URL": system.base_url,
        "EDGE_STATE_DIR": str(folder / "state"),
        "EDGE_POLL_S": "0.2",
        "EDGE_HEARTBEAT_S": "1",
        "EDGE_PORT": "0",
        "ATRIUM_KAFKA": system.kafka,
        **more,
    }
    log = folder / "log"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, BLOB_EDGE, env=os.environ | settings, stderr=output
        )
        try:
            yield log
        finally:
            process.terminate()
            await process.wait()


async def test_cameras_given_in_atrium_are_counted_each_to_its_own_side(
    admin: httpx.AsyncClient, edge: tuple[str, Path]
) -> None:
    name, log = edge
    size = {"resolution_width": 320, "resolution_height": 240, "edge_id": name}
    ends = {"x1": 160, "y1": 0, "x2": 160, "y2": 240}
    cameras = {}
    for door, side in (("A", "left"), ("B", "right")):
        camera = await make_camera(admin, camera_id=f"DOOR_{door}_{name}", **size)
        await make_line(admin, camera["id"], entry_side=side, **ends)
        cameras[door] = camera["id"]

    async def counts() -> list[tuple[int, int]]:
        shown = [
            (await admin.get(f"/api/occupancy/cameras/{camera}/live")).json()
            for camera in cameras.values()
        ]
        return [(one["total_entries"], one["total_exits"]) for one in shown]

    await eventually(counts, lambda seen: seen == [(WALKERS, 0), (0, WALKERS)], 60)
    assert "camera taken on" in log.read_text()


async def test_a_line_is_drawn_on_a_picture_that_the_edge_sends(
    system: System, admin: httpx.AsyncClient, tmp_path: Path, clip: Path
) -> None:
    name = f"edge-{new_cuid()}"
    made = await make_camera(admin, camera_id=f"DOOR_A_{name}", edge_id=name)
    path = f"/api/occupancy/cameras/{made['id']}"
    sources = {"EDGE_SOURCES": f"DOOR_A_{name}={clip}", "EDGE_SPEED": "4"}

    async def entries() -> int:
        shown: int = (await admin.get(f"{path}/live")).json()["total_entries"]
        return shown

    async with running_edge(system, tmp_path, name, sources) as log:

        async def is_at_work() -> bool:
            return "camera taken on" in log.read_text()

        await eventually(is_at_work, bool, 60)
        # No line yet: a recording waits for one with its first picture.
        shown = await admin.post(f"{path}/snapshot")
        assert shown.status_code == 200, shown.text
        picture = cv2.imdecode(np.frombuffer(shown.content, np.uint8), cv2.IMREAD_COLOR)
        width, height = (int(shown.headers[f"x-lines-{side}"]) for side in ("width", "height"))
        assert picture is not None
        assert (picture.shape, width, height) == ((240, 320, 3), 320, 240)
        x = width // 2
        await make_line(admin, made["id"], x1=x, y1=0, x2=x, y2=height)
        await eventually(entries, lambda seen: seen == WALKERS, 60)
        assert "picture sent" in log.read_text()
    # Nothing of it stays on the camera's host.
    kept = [one.read_bytes() for one in (tmp_path / "state").iterdir()]
    assert not any(shown.content[20:60] in one for one in kept)

    forbidding = {**sources, "EDGE_SNAPSHOTS": "0"}
    async with running_edge(system, tmp_path, name, forbidding):
        refused = await admin.post(f"{path}/snapshot")
    assert (refused.status_code, "EDGE_SNAPSHOTS=0" in refused.json()["detail"]) == (409, True)


@pytest.fixture
def network_camera(tmp_path: Path) -> Iterator[NetworkCamera]:
    draw_walkers(tmp_path)
    camera = NetworkCamera(tmp_path, free_port())
    yield camera
    camera.kill()


@pytest.mark.timeout(180)
async def test_a_camera_that_falls_silent_and_dies_is_told_of_and_counted_when_it_is_back(
    system: System, admin: httpx.AsyncClient, tmp_path: Path, network_camera: NetworkCamera
) -> None:
    name = f"edge-{new_cuid()}"
    size = {"resolution_width": 320, "resolution_height": 240, "edge_id": name}
    made = await make_camera(admin, **size, stream_url=network_camera.address)
    await make_line(admin, made["id"], x1=160, y1=0, x2=160, y2=240)

    async def seen() -> tuple[int, list[dict[str, Any]]]:
        shown = await admin.get(f"/api/occupancy/cameras/{made['id']}/live")
        alerts = await admin.get("/api/occupancy/alerts", params={"camera_id": made["id"]})
        return shown.json()["total_entries"] + shown.json()["total_exits"], alerts.json()

    async def counts_again() -> None:
        before, _ = await seen()
        await eventually(seen, lambda shown: shown[0] > before and not shown[1], 60)

    async def is_told(of: str) -> None:
        _, [alert] = await eventually(seen, lambda shown: shown[1] != [], 60)
        assert alert["alert_type"] == "equipment_failure"
        assert of in alert["message"]
        assert "canary" not in alert["message"]

    network_camera.start()
    quick = {"EDGE_SILENT_AFTER_S": "1", "EDGE_OPEN_WITHIN_S": "4"}
    async with running_edge(system, tmp_path, name, quick) as log:
        await counts_again()
        network_camera.send(signal.SIGSTOP)
        await is_told(name)
        network_camera.send(signal.SIGCONT)
        await counts_again()
        network_camera.kill()
        await is_told(name)
        network_camera.start()
        await counts_again()
    assert "canary" not in log.read_text()
