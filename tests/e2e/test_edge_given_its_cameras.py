"""An edge-counter that Atrium tells its cameras, from the door's camera to the live count."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest
from making import make_camera, make_line
from running_system import System, eventually

from common.ids import new_cuid

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
    """A running edge-counter without cameras of its own; its name, and its log."""
    name = f"edge-{new_cuid()}"
    settings = {
        "EDGE_ID": name,
        "EDGE_DEVICE_TOKEN": system.run("gateway", "devices", "add", "edge", name),
        "EDGE_API_URL": system.base_url,
        "EDGE_STATE_DIR": str(tmp_path / "state"),
        "EDGE_SOURCES": f"DOOR_A_{name}={clip}\nDOOR_B_{name}={clip}",
        "EDGE_POLL_S": "0.2",
        "EDGE_HEARTBEAT_S": "1",
        "EDGE_SPEED": "4",
        "EDGE_PORT": "0",
        "ATRIUM_KAFKA": system.kafka,
    }
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, BLOB_EDGE, env=os.environ | settings, stderr=output
        )
    yield name, log
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
