"""`edge-counter doctor` where nothing is well, and against a real Kafka.

With all of Atrium: tests/contracts/test_edge_doctor.py.
"""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from common.events import CROSSINGS
from common.testing.plugin import Broker
from edge_counter.doctor import _kafka
from edge_counter.kafka_rights import may_write
from edge_counter.main import main
from edge_counter.settings import Settings


@pytest.fixture
def dark_clip(tmp_path: Path) -> Path:
    path = tmp_path / "dark.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (160, 120))
    for _ in range(5):
        writer.write(np.full((120, 160, 3), 4, np.uint8))
    writer.release()
    return path


def doctor(state: Path, *options: str, **settings: str) -> Result:
    """Ask the doctor about addresses at which nobody is."""
    environment = {
        "EDGE_ID": "lobby-1",
        "EDGE_CAMERA": "LOBBY",
        "EDGE_SOURCE": "rtsp://bob:canary@127.0.0.1:1/stream?key=canary",
        "EDGE_DEVICE_TOKEN": "atd_canary",
        "EDGE_API_URL": "http://bob:canary@127.0.0.1:1",
        "EDGE_STATE_DIR": str(state),
        "EDGE_MODEL": "hog",
        "ATRIUM_KAFKA": "127.0.0.1:1",
        **settings,
    }
    return CliRunner().invoke(main, ["doctor", *options], env=environment)


def test_every_fault_is_a_line_with_its_mend_and_no_password(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    result = doctor(tmp_path / "file" / "state", EDGE_MODEL="missing.onnx")

    assert result.exit_code == 1
    lines = {line.split()[1]: line for line in result.stdout.splitlines()}
    assert [line.split()[0] for line in lines.values()] == [
        *("fail", "fail", "warn", "fail", "fail", "fail")
    ]
    for part, mend in {
        "camera": "EDGE_SOURCE",
        "model": "EDGE_MODEL",
        "clock": "not compared",
        "api": "EDGE_API_URL",
        "kafka": "ATRIUM_KAFKA",
        "disk": "EDGE_STATE_DIR",
    }.items():
        assert mend in lines[part]
    assert "canary" not in result.output


def test_json_is_a_list_of_findings_and_nothing_else(tmp_path: Path, dark_clip: Path) -> None:
    state = tmp_path / "state"

    result = doctor(state, "--json", EDGE_SOURCE=str(dark_clip))

    findings = {one["part"]: one for one in json.loads(result.stdout)}
    assert result.exit_code == 1
    assert findings["camera"]["verdict"] == "warn"
    assert "160x120, 10.0 pictures a second, but they are dark" in findings["camera"]["said"]
    assert findings["model"]["said"].startswith("hog (no file)")
    assert findings["disk"]["verdict"] == "ok"
    assert not state.exists()


async def test_kafka_is_asked_for_the_right_to_write_and_sent_nothing(
    kafka: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    await kafka.fresh(CROSSINGS)
    values = {"id": "lobby-1", "camera": "LOBBY", "source": "x", "kafka": kafka.address}
    settings = Settings.model_validate(values)

    assert (await _kafka(settings)).verdict == "ok"
    assert await may_write(kafka.address, "no.such.topic", timeout_ms=5000) is None
