"""The command as a person or a script uses it."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from edge_counter.assets import assets, find
from edge_counter.main import main
from edge_counter.onnx_file import with_input_size

Command = Callable[..., subprocess.CompletedProcess[str]]
WITHOUT_ENDS = "10,10,10,10"
LINE = "160,0,160,240"
COMMANDS = ("count", "evaluate", "snapshot", "doctor", "run", "assets")


@pytest.fixture
def command(tmp_path: Path) -> Command:
    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        program = "from edge_counter.main import main; main()"
        return subprocess.run(
            [sys.executable, "-c", program, *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd=tmp_path,
        )

    return run


@pytest.fixture(scope="session")
def short_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half a second of grey: HOG is slow."""
    path = tmp_path_factory.mktemp("clips") / "grey.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (320, 240))
    for _ in range(5):
        writer.write(np.full((240, 320, 3), 90, np.uint8))
    writer.release()
    return path


def test_json_is_one_object_and_nothing_else(command: Command, short_clip: Path) -> None:
    result = command("count", short_clip, "--line", LINE, "--model", "hog", "--json")

    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == {"entries": 0, "exits": 0, "crossings": []}
    assert result.stdout.count("\n") == 1
    assert "5/5" in result.stderr


def test_without_json_the_totals_are_told(short_clip: Path) -> None:
    arguments = ["count", str(short_clip), "--line", LINE, "--model", "hog"]

    result = CliRunner().invoke(main, arguments)

    assert result.stdout == "entries 0, exits 0\n"


def test_a_drawn_video_is_written(short_clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "seen.mp4"
    arguments = ["count", str(short_clip), "--line", LINE, "--model", "hog"]

    result = CliRunner().invoke(main, [*arguments, "--annotate", str(out)])

    assert result.exit_code == 0, result.stderr
    capture = cv2.VideoCapture(str(out))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 5
    line_bgr = capture.read()[1][120, 160]
    assert np.abs(line_bgr.astype(int) - 90).max() > 40


def test_an_evaluation_names_what_was_missed_and_draws_the_line(
    short_clip: Path, tmp_path: Path
) -> None:
    marks, picture = tmp_path / "marks.csv", tmp_path / "paths.png"
    marks.write_text("t_s,direction,who\n0.2,entry,nobody\n")
    arguments = ["evaluate", str(short_clip), str(marks), "--line", LINE, "--model", "hog"]

    table = CliRunner().invoke(main, [*arguments, "--picture", str(picture)])
    document = CliRunner().invoke(main, [*arguments, "--json"])

    assert table.exit_code == 0, table.stderr
    assert "missed        0.2 s  entry  nobody" in table.stdout
    scores = json.loads(document.stdout)
    assert scores["both"] == {
        "marked": 1,
        "counted": 0,
        "right": 0,
        "precision": 1.0,
        "recall": 0.0,
    }
    assert scores["missed"] == [{"t_s": 0.2, "direction": "entry", "who": "nobody"}]
    drawn = cv2.imread(str(picture))
    assert drawn is not None
    assert drawn[120, 160].min() > 200
    assert drawn[120, 40].max() < 90


@pytest.mark.parametrize(
    ("marks", "more", "text"),
    [
        ("missing.csv", [], "cannot be read"),
        ("marks.csv", ["--entry", "exit"], "must differ"),
        ("marks.csv", ["--entry", "R"], "is not R or exit"),
        ("marks.csv", ["--picture", "no/such/folder.png"], "cannot be written"),
    ],
)
def test_marks_that_cannot_be_used_are_one_clear_line(
    short_clip: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    marks: str,
    more: list[str],
    text: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "marks.csv").write_text("t_s,direction\n0.2,entry\n")
    arguments = ["evaluate", str(short_clip), marks, "--line", LINE, "--model", "hog"]

    result = CliRunner().invoke(main, [*arguments, *more])

    assert result.exit_code == 2
    assert text in result.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        pytest.param(["missing.avi", "--line", LINE], "no such file", id="missing video"),
        pytest.param(["junk.avi", "--line", LINE], "not a video", id="junk"),
        pytest.param(["CLIP", "--line", "0,0,900,0"], "outside the picture", id="line outside"),
        pytest.param(["CLIP", "--line", WITHOUT_ENDS], "no length", id="line without length"),
        pytest.param(["CLIP", "--line", "1,2,3"], "four numbers", id="no line"),
        pytest.param(["CLIP", "--line", "a,b,c,d"], "four numbers", id="letters"),
        pytest.param(["CLIP", "--line", "nan,0,9,9"], "no length", id="not a number"),
        pytest.param(["CLIP"], "--line", id="line missing"),
        pytest.param(["CLIP", "--line", LINE, "--model", "x.onnx"], "no such file", id="no model"),
        pytest.param(
            ["CLIP", "--line", LINE, "--model", "junk.avi"], "not a model", id="junk as model"
        ),
        pytest.param(
            ["CLIP", "--line", LINE, "--annotate", "no/such/folder.mp4"],
            "cannot be written",
            id="unwritable output",
        ),
        pytest.param(
            ["CLIP", "--line", LINE, "--annotate", "CLIP"], "to be counted", id="onto itself"
        ),
        pytest.param(
            ["CLIP", "--line", LINE, "--classes", "bicycle"], "finds only person", id="not by HOG"
        ),
        pytest.param(
            ["CLIP", "--line", LINE, "--min-confidence", "1.5"], "0.2<=x<=1", id="more than sure"
        ),
        pytest.param(["rtsp://bob:secret@cam/1", "--line", LINE], "run", id="a stream"),
    ],
)
def test_bad_input_is_one_clear_line_and_exit_code_2(
    short_clip: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    text: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "junk.avi").write_bytes(b"junk" * 1000)
    given = [str(short_clip) if one == "CLIP" else one for one in arguments]
    if "--model" not in given:
        given += ["--model", "hog"]

    result = CliRunner().invoke(main, ["count", *given, "--json"])

    assert result.exit_code == 2
    assert result.stdout == ""
    last = result.stderr.splitlines()[-1]
    assert last.lower().startswith("error: ")
    assert text in last
    assert "Traceback" not in result.stderr
    assert "secret" not in result.stderr


def test_run_without_settings_names_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    without = CliRunner().invoke(main, ["run"])
    monkeypatch.setenv("EDGE_ID", "lobby-1")
    monkeypatch.setenv("EDGE_CAMERA", "LOBBY_1")
    half = CliRunner().invoke(main, ["run"])

    assert (without.exit_code, half.exit_code) == (2, 2)
    assert "EDGE_ID" in without.stderr
    assert "EDGE_CAMERA needs EDGE_SOURCE" in half.stderr


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("EDGE_CLASSES", "bicycle", "bicycle: the model hog finds only person"),
        ("EDGE_MIN_CONFIDENCE", "1.5", "EDGE_MIN_CONFIDENCE: Input should be less than"),
    ],
)
def test_run_refuses_what_it_cannot_look_for(name: str, value: str, text: str) -> None:
    environment = {"EDGE_ID": "lobby-1", "EDGE_CAMERA": "LOBBY", "EDGE_SOURCE": "door.avi"}
    environment |= {"EDGE_MODEL": "hog", name: value}

    result = CliRunner().invoke(main, ["run"], env=environment)

    assert result.exit_code == 2
    assert text in result.stderr


def test_a_bad_file_ends_the_command_with_exit_code_2(command: Command, tmp_path: Path) -> None:
    (tmp_path / "junk.avi").write_bytes(b"junk" * 1000)

    result = command("count", "junk.avi", "--line", LINE, "--model", "hog", "--json")

    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.splitlines()[-1].startswith("error: junk.avi: not a video")


@pytest.mark.parametrize("arguments", [[], *([one] for one in COMMANDS), ["assets", "pull"]])
def test_help_teaches(arguments: list[str]) -> None:
    result = CliRunner().invoke(main, [*arguments, "--help"])

    assert result.exit_code == 0
    assert len(result.stdout) > 200


def test_assets_are_listed_with_their_licences() -> None:
    result = CliRunner().invoke(main, ["assets"])

    assert result.exit_code == 0
    assert all(name in result.stdout for name in assets())
    assert "Apache-2.0" in result.stdout


@pytest.mark.parametrize("model", ["yolox-nano", "nanodet-m"])
def test_a_model_looks_for_what_it_is_told_to(short_clip: Path, model: str) -> None:
    if find(assets()[model]) is None:
        pytest.skip(f"the model {model} is not on this machine")
    arguments = ["count", str(short_clip), "--line", LINE, "--model", model]

    several = CliRunner().invoke(main, [*arguments, "--classes", "person, bicycle"])
    unknown = CliRunner().invoke(main, [*arguments, "--classes", "person,bike"])
    none = CliRunner().invoke(main, [*arguments, "--classes", "person,"])

    assert several.exit_code == 0, several.stderr
    assert unknown.exit_code == none.exit_code == 2
    assert "no class bike; there are: person, bicycle, car" in unknown.stderr
    assert "no class without a name; there are: person" in none.stderr


def test_a_model_of_one_class_looks_for_people_only(short_clip: Path) -> None:
    known = find(assets()["yolox-nano"])
    light = known.with_name("light_person_192.onnx") if known else None
    if light is None or not light.exists():
        pytest.skip("needs a model of one class beside the assets")
    arguments = ["count", str(short_clip), "--line", LINE, "--model", str(light)]

    people = CliRunner().invoke(main, arguments)
    cars = CliRunner().invoke(main, [*arguments, "--classes", "car"])

    assert people.exit_code == 0, people.stderr
    assert cars.exit_code == 2
    assert "finds only person" in cars.stderr


def test_a_model_of_unknown_layout_is_refused_with_its_shapes(
    short_clip: Path, tmp_path: Path
) -> None:
    """A YOLOX whose declared input is changed has not the cells that go with it."""
    known = find(assets()["yolox-nano"])
    if known is None:
        pytest.skip("the model yolox-nano is not on this machine")
    resized = with_input_size(known.read_bytes(), (1, 3, 416, 416), (1, 3, 320, 320))
    assert resized is not None
    other = tmp_path / "other.onnx"
    other.write_bytes(resized)

    arguments = ["count", str(short_clip), "--line", LINE, "--model", str(other)]
    result = CliRunner().invoke(main, arguments)

    assert result.exit_code == 2
    assert "1x3x320x320 to 1x3549x85" in result.stderr
    assert "YOLOX" in result.stderr
    assert "NanoDet" in result.stderr
