"""`edge-counter doctor` on a camera of a running Atrium."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest
from making import make_camera, make_line
from running_system import System

DOCTOR = [str(Path(sys.executable).with_name("edge-counter")), "doctor", "--json"]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of a picture with something in it."""
    path = tmp_path_factory.mktemp("clip") / "door.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (320, 240))
    picture = np.random.default_rng(7).integers(0, 255, (240, 320, 3), np.uint8)
    for _ in range(10):
        writer.write(picture)
    writer.release()
    return path


async def examined(
    system: System, clip: Path, camera: str, token: str
) -> tuple[int, dict[str, dict[str, Any]]]:
    """Ask the doctor; return the exit code, and what was found of each part."""
    environment = {
        "EDGE_ID": "lobby-1",
        "EDGE_CAMERA": camera,
        "EDGE_SOURCE": str(clip),
        "EDGE_MODEL": "hog",
        "EDGE_STATE_DIR": str(clip.with_name("state")),
        "EDGE_API_URL": system.base_url,
        "EDGE_DEVICE_TOKEN": token,
        "ATRIUM_KAFKA": system.kafka,
    }
    done = await asyncio.to_thread(
        subprocess.run, DOCTOR, env=os.environ | environment, capture_output=True, check=False
    )
    assert token.encode() not in done.stdout + done.stderr
    findings = json.loads(done.stdout)
    return done.returncode, {one["part"]: one for one in findings}


async def test_a_camera_with_a_line_is_well_and_one_with_a_line_outside_is_not(
    system: System, admin: httpx.AsyncClient, clip: Path
) -> None:
    """Of a camera without a resolution in Atrium, lines are not held to one there."""
    camera = await make_camera(admin)
    code, token = camera["camera_id"], system.tokens["ADMIN"]

    without_line = await examined(system, clip, code, token)
    await make_line(admin, camera["id"], x1=0, y1=120, x2=320, y2=120)
    with_line = await examined(system, clip, code, token)
    await make_line(admin, camera["id"], line_name="Far", x1=0, y1=500, x2=320, y2=500)
    outside = await examined(system, clip, code, token)

    assert without_line[0] == outside[0] == 1
    assert "no active line" in without_line[1]["api"]["said"]
    assert "outside the picture" in outside[1]["api"]["said"]
    assert with_line[0] == 0
    verdicts = {part: one["verdict"] for part, one in with_line[1].items()}
    assert {verdicts.pop("model")} <= {"ok", "warn"}  # HOG is slow
    assert verdicts == dict.fromkeys(("camera", "clock", "api", "kafka", "disk"), "ok")


async def test_a_wrong_token_and_an_unknown_camera_are_told(system: System, clip: Path) -> None:
    _, wrong = await examined(system, clip, "LOBBY", "atd_not-a-token")
    _, unknown = await examined(system, clip, "NO-SUCH", system.tokens["ADMIN"])

    assert "EDGE_DEVICE_TOKEN" in wrong["api"]["said"]
    assert "no active camera NO-SUCH" in unknown["api"]["said"]
