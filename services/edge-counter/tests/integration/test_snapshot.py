"""The one picture that is kept, because somebody asks for it."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from edge_counter.main import main
from edge_counter.snapshot import _LINE_BGR, _SIDE_BGR

GREY = 90
SIZE_PX = (240, 320)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "grey.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, SIZE_PX[::-1])
    writer.write(np.full((*SIZE_PX, 3), GREY, np.uint8))
    writer.release()
    return path


def snapshot(clip: Path, out: Path, *more: str) -> Result:
    return CliRunner().invoke(main, ["snapshot", str(clip), str(out), *more])


def drawn(out: Path) -> np.ndarray:
    """Return what stands in the place of the picture, without the rulers."""
    sheet = cv2.imread(str(out))
    assert sheet is not None
    top, left = (np.array(sheet.shape[:2]) - SIZE_PX) // 2
    return sheet[top : top + SIZE_PX[0], left : left + SIZE_PX[1]]


def places_of(picture: np.ndarray, colour_bgr: tuple[int, ...]) -> np.ndarray:
    """Return the (n, 2) places, x and y, of pixels of a colour."""
    is_it = (np.abs(picture.astype(int) - colour_bgr) < 12).all(axis=2)
    return np.argwhere(is_it)[:, ::-1]


@pytest.mark.parametrize(
    ("line", "axis", "sign"),
    [
        pytest.param("160,40,160,200", 0, 1, id="downwards: an entry goes right"),
        pytest.param("160,200,160,40", 0, -1, id="upwards: an entry goes left"),
        pytest.param("40,120,280,120", 1, -1, id="rightwards: an entry goes up"),
    ],
)
def test_arrows_go_to_the_sides_of_entry_and_exit(
    clip: Path, tmp_path: Path, line: str, axis: int, sign: int
) -> None:
    out = tmp_path / "door.png"

    result = snapshot(clip, out, "--line", line)

    assert result.exit_code == 0, result.stderr
    assert "delete it after use" in result.stdout
    picture = drawn(out)
    middle = {"x": 160, "y": 120}["xy"[axis]]
    assert sign * (places_of(picture, _SIDE_BGR["ENTRY"])[:, axis].mean() - middle) > 10
    assert sign * (places_of(picture, _SIDE_BGR["EXIT"])[:, axis].mean() - middle) < -10


def test_pixels_keep_their_places(clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "door.png"

    snapshot(clip, out, "--line", "40,60,280,60")

    picture = drawn(out)
    assert tuple(picture[60, 100]) == _LINE_BGR
    assert np.abs(picture[212, 212].astype(int) - GREY).max() < 12
    assert picture[100, 212].min() > GREY + 20  # the grid, at a hundred


def test_what_is_there_is_written_over_by_force_only(clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "door.png"
    out.write_text("mine")

    refused = snapshot(clip, out)
    kept = out.read_text()
    forced = snapshot(clip, out, "--force")

    assert (refused.exit_code, kept, forced.exit_code) == (2, "mine", 0)
    assert "--force" in refused.stderr
    assert drawn(out).shape == (*SIZE_PX, 3)
    assert out.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("out", "line", "text"),
    [
        pytest.param("door.png", "0,0,900,0", "0,0,900,0 is outside the picture", id="line"),
        pytest.param("door.jpg", "0,0,90,0", "a name in .png", id="form"),
        pytest.param("no/such/door.png", "0,0,90,0", "cannot be written", id="folder"),
    ],
)
def test_what_cannot_be_drawn_leaves_no_file(
    clip: Path, tmp_path: Path, out: str, line: str, text: str
) -> None:
    result = snapshot(clip, tmp_path / out, "--line", line)

    assert result.exit_code == 2
    assert text in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == [clip.name]
