"""The command line."""

import logging
import sys
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import msgspec

from edge_counter.errors import BadAsset, BadLine, BadMarks, BadOutput, BadSettings, EdgeError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from pydantic_core import ErrorDetails

    from edge_counter.assets import Asset
    from edge_counter.camera import Camera
    from edge_counter.clip import Step, Watcher
    from edge_counter.counting import Line
    from edge_counter.pipeline import Anchor, Crossing
    from edge_counter.settings import Settings

_PROGRESS_S: Final = 0.5  # between progress on a terminal
_PROGRESS_LINE_S: Final = 10.0  # between lines of it in a file


class _Commands(click.Group):
    """Shows an `EdgeError` as its one line and ends with exit code 2."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except EdgeError as error:
            click.echo(f"error: {error}", err=True)
            ctx.exit(2)


@click.group(cls=_Commands)
def main() -> None:
    """Count people who cross a line, beside the camera. Only numbers leave this machine.

    Try a line on a clip with `edge-counter count`; `edge-counter run` then follows a camera and
    reports to Atrium. `edge-counter COMMAND --help` explains each.
    """


class _LineType(click.ParamType["Line"]):
    name = "X1,Y1,X2,Y2"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> "Line":
        from edge_counter.counting import Line

        try:
            x1, y1, x2, y2 = (float(part) for part in str(value).split(","))
        except ValueError:
            self.fail(f"{value!r} is not four numbers, X1,Y1,X2,Y2", param, ctx)
        try:
            return Line(x1, y1, x2, y2)
        except ValueError as error:
            raise BadLine(f"{error}: it needs two different ends, in pixels") from error


_line_option = click.option(
    "--line", required=True, type=_LineType(), help="In pixels from the top left."
)
_model_option = click.option(
    "--model", help="yolox-nano, nanodet-m, hog or an ONNX file. [default: the first, else hog]"
)
_classes_option = click.option(
    "--classes",
    default="person",
    show_default=True,
    metavar="A,B",
    help="What is counted: names of the model's classes.",
)
_confidence_option = click.option(
    "--min-confidence",
    type=click.FloatRange(0.2, 1),
    help="How sure the model must once have been of who is counted. [default: the model's own]",
)
_anchor_option = click.option(
    "--anchor",
    type=click.Choice(["foot", "centre"]),
    default="foot",
    show_default=True,
    help="The point of a person that crosses: centre where the picture cuts the feet off.",
)
_json_option = click.option(
    "--json", "is_json", is_flag=True, help="Print one JSON object and nothing else."
)


@main.command("count")
@click.argument("file")
@_line_option
@_model_option
@_classes_option
@_confidence_option
@_anchor_option
@_json_option
@click.option(
    "--annotate",
    "video",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="OUT.mp4",
    help="Also write a video with boxes, tracks, the line and running counts.",
)
def count_command(
    file: str,
    *,
    line: "Line",
    model: str | None,
    classes: str,
    min_confidence: float | None,
    anchor: "Anchor",
    video: Path | None,
    is_json: bool,
) -> None:
    """Count the people who cross a line in FILE, a video or an asset's name.

    An entry goes from the right hand to the left hand of somebody who walks from X1,Y1 to X2,Y2
    as seen on the screen, an exit from left to right. For a line from left to right, walking up
    the picture is an entry.

    \b
    Examples:
      edge-counter count vtest --line 550,160,550,480
      edge-counter count door.mp4 --line 100,400,600,400 --annotate seen.mp4
    """
    from edge_counter import clip
    from edge_counter.assets import resolve_source
    from edge_counter.detector import load_detector

    source = resolve_source(file)
    name, detector = load_detector(model, classes, min_confidence)
    click.echo(f"detector: {name}", err=True)
    annotate = _annotator(video, source.address, line, anchor) if video else None
    crossings = clip.count(
        source, line, detector, anchor=anchor, progress=_Progress(), annotate=annotate
    )
    click.echo(_as_json(crossings) if is_json else _as_text(crossings))


@main.command("evaluate")
@click.argument("file")
@click.argument("marks", type=click.Path(path_type=Path, dir_okay=False))
@_line_option
@_model_option
@_classes_option
@_confidence_option
@_anchor_option
@click.option("--entry", default="entry", show_default=True, help="What MARKS call an entry.")
@click.option("--exit", "leaving", default="exit", show_default=True, help="Likewise an exit.")
@click.option(
    "--tolerance",
    type=click.FloatRange(0, 60),
    default=1.0,
    show_default=True,
    help="Seconds that a crossing may be counted before or after its mark.",
)
@_json_option
@click.option(
    "--picture",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="OUT.png",
    help="Also write the clip's first picture with the line and everybody's path.",
)
def evaluate_command(
    file: str,
    marks: Path,
    *,
    line: "Line",
    model: str | None,
    classes: str,
    min_confidence: float | None,
    anchor: "Anchor",
    entry: str,
    leaving: str,
    tolerance: float,
    picture: Path | None,
    is_json: bool,
) -> None:
    """Count FILE, and hold it against MARKS, the crossings that somebody has seen in it.

    MARKS is a CSV file with a line for each crossing: t_s, the seconds from the start, and its
    direction. What `who` describes is shown beside what was missed. Lines with # are notes.

    \b
        t_s,direction,who
        4.6,exit,red jacket
        7.2,entry,two with a pram

    \b
    Example:
      edge-counter evaluate door.mp4 door.csv --line 100,400,600,400 --picture door.png
    """
    from edge_counter import clip, evaluation
    from edge_counter.assets import resolve_source
    from edge_counter.detector import load_detector

    if entry == leaving:
        raise BadMarks("--entry and --exit name the two directions, and must differ")
    marked = evaluation.read_marks(marks, {entry: "entry", leaving: "exit"})
    source = resolve_source(file)
    name, detector = load_detector(model, classes, min_confidence)
    click.echo(f"detector: {name}", err=True)
    drawing = _paths_drawer(picture, line, anchor) if picture else None
    crossings = clip.count(
        source, line, detector, anchor=anchor, progress=_Progress(), annotate=drawing
    )
    counted = [evaluation.Mark(one.time_s, one.direction, one.track_id) for one in crossings]
    found = evaluation.evaluate(counted, marked, tolerance_s=tolerance)
    if is_json:
        click.echo(msgspec.json.encode(evaluation.as_document(found)).decode())
    else:
        click.echo(evaluation.as_table(found))


def _paths_drawer(
    picture: Path, line: "Line", anchor: "Anchor"
) -> "Callable[[Camera], AbstractContextManager[Watcher]]":
    from edge_counter.paths import drawing

    return partial(drawing, output=picture, line=line, anchor=anchor)


@main.command("snapshot")
@click.argument("file", metavar="SOURCE")
@click.argument("output", metavar="OUT.png", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--line", "lines", multiple=True, type=_LineType(), help="To draw; one or more.")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
def snapshot_command(file: str, output: Path, lines: "tuple[Line, ...]", *, force: bool) -> None:
    """Keep one picture of SOURCE, a file or a camera's address, to place lines in it.

    It has rulers in pixels and the lines that are given, with arrows to where an ENTRY and an EXIT
    go. This is the one command that stores a camera's picture, because you ask for it: whoever is
    in it can be seen, so delete it when the lines are placed.

    \b
    Examples:
      edge-counter snapshot vtest door.png --line 550,160,550,480
      edge-counter snapshot rtsp://user:password@camera/stream door.png
    """
    from edge_counter import snapshot
    from edge_counter.assets import resolve_source

    source = resolve_source(file)
    drawn = snapshot.draw(snapshot.take(source), lines)
    snapshot.write(drawn, output, is_forced=force)
    click.echo(f"{output}: a picture of {source}, which may show people; delete it after use")


class _RunCommand(click.Command):
    """Explains the settings, which come from the environment."""

    def format_epilog(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from edge_counter.settings import Settings

        rows = []
        for name, field in Settings.model_fields.items():
            shown = "required" if field.is_required() else f"default: {_shown(field.default)}"
            variable = field.validation_alias or f"EDGE_{name}".upper()
            rows.append((f"{variable}", f"{field.description or ''} [{shown}]".strip()))
        with formatter.section("Settings, from the environment"):
            formatter.write_dl(rows)


def _shown(default: object) -> str:
    return "none" if default is None else str(default)


@main.command("run", cls=_RunCommand)
def run_command() -> None:
    """Follow cameras for ever: count on the lines that Atrium has for them, report to Kafka.

    Crossings wait on disk while Kafka is away. A file is a recording: each of its crossings is
    reported once, however often this is killed.
    """
    import asyncio

    from common.log import set_up_logging
    from edge_counter import edge
    from edge_counter.detector import load_detector

    settings = _settings()
    set_up_logging("edge-counter", level=settings.log_level, style=settings.log_style)
    load = partial(load_detector, settings.model, settings.classes, settings.min_confidence)
    name, _ = load()
    # It reports every failed try; the uplink says once that Kafka is away.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    log = logging.getLogger(__name__)
    log.info("detector loaded", extra={"model": name})
    if settings.model is None and name == "hog":
        log.warning("HOG is slow and rough: `edge-counter assets pull` fetches a better model")
    try:
        asyncio.run(edge.run(settings, lambda: load()[1]))
    except EdgeError:
        raise
    except Exception:
        log.critical("process failed", exc_info=True)
        raise SystemExit(1) from None


@main.command("doctor")
@_json_option
def doctor_command(*, is_json: bool) -> None:
    """Look whether all that `run` needs is there: camera, model, clock, API, Kafka, disk.

    It takes the settings of `run`, and changes nothing. A line for each part says ok, warn or fail,
    and how to mend it. The exit code is 1 if a part fails.
    """
    import asyncio

    from edge_counter import doctor

    settings = _settings()
    # What it reports is in the finding.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    if not (settings.camera and settings.source):
        raise BadSettings(
            "EDGE_CAMERA and EDGE_SOURCE: doctor looks at one camera, name it by them"
        )
    address = settings.source.get_secret_value()
    findings = asyncio.run(doctor.examine(settings, settings.camera, address))
    if is_json:
        click.echo(msgspec.json.encode(findings).decode())
    else:
        for one in findings:
            click.echo(f"{one.verdict:4}  {one.part:6}  {one.said}")
    if any(one.verdict == "fail" for one in findings):
        raise SystemExit(1)


def _settings() -> "Settings":
    from pydantic import ValidationError

    from edge_counter.settings import Settings

    try:
        return Settings()
    except ValidationError as error:
        wrong = [_wrong(finding) for finding in error.errors(include_input=False)]
        raise BadSettings("; ".join(wrong)) from None


def _wrong(finding: "ErrorDetails") -> str:
    """Name the setting that is wrong; one that concerns several says so itself."""
    message = finding["msg"].removeprefix("Value error, ")
    if not finding["loc"]:
        return message
    name = str(finding["loc"][0])
    return f"{name if name.isupper() else f'EDGE_{name}'.upper()}: {message}"


def _annotator(
    video: Path, source: str, line: "Line", anchor: "Anchor"
) -> "Callable[[Camera], AbstractContextManager[Watcher]]":
    if video.exists() and video.samefile(source):
        raise BadOutput(f"{video}: this is the video to be counted")
    try:
        from edge_counter.annotate import drawing
    except ModuleNotFoundError as error:
        raise BadOutput(f"--annotate needs the extra edge-counter[annotate] ({error})") from error
    return partial(drawing, output=video, line=line, anchor=anchor)


class _Progress:
    """Shows on standard error how far it is, over one line on a terminal."""

    def __init__(self) -> None:
        self._is_terminal = sys.stderr.isatty()
        self._began_at_s = self._shown_at_s = time.monotonic()

    def __call__(self, step: "Step") -> None:
        now_s = time.monotonic()
        done = step.frame.index + 1
        pause_s = _PROGRESS_S if self._is_terminal else _PROGRESS_LINE_S
        if now_s - self._shown_at_s < pause_s and done != step.frames:
            return
        self._shown_at_s = now_s
        total = f"/{step.frames}" if step.frames else ""
        rate = done / (now_s - self._began_at_s)
        totals = _totals(step.crossings)
        text = f"frame {done}{total}  {rate:.0f}/s  {totals['entry']} in  {totals['exit']} out"
        if self._is_terminal:
            click.echo(f"\r{text:<60}", err=True, nl=done == step.frames)
        else:
            click.echo(text, err=True)


def _totals(crossings: "list[Crossing]") -> Counter[str]:
    return Counter(crossing.direction for crossing in crossings)


def _as_json(crossings: "list[Crossing]") -> str:
    totals = _totals(crossings)
    rows = [
        {
            "t_s": round(crossing.time_s, 2),
            "direction": crossing.direction,
            "track_id": crossing.track_id,
            "confidence": round(crossing.confidence, 2),
        }
        for crossing in crossings
    ]
    counts = {"entries": totals["entry"], "exits": totals["exit"], "crossings": rows}
    return msgspec.json.encode(counts).decode()


def _as_text(crossings: "list[Crossing]") -> str:
    totals = _totals(crossings)
    rows = [
        f"{crossing.time_s:8.1f} s  {crossing.direction:5}  {crossing.track_id}"
        f"  {crossing.confidence:.2f}"
        for crossing in crossings
    ]
    return "\n".join([*rows, f"entries {totals['entry']}, exits {totals['exit']}"])


@main.group("assets", invoke_without_command=True)
@click.pass_context
def assets_command(ctx: click.Context) -> None:
    """List models and clips: where they were found, or that they are missing."""
    if ctx.invoked_subcommand is not None:
        return
    from edge_counter.assets import assets, find

    for asset in assets().values():
        where = find(asset) or "missing"
        click.echo(f"{asset.name:12} {asset.kind:6} {asset.licence}\n    {where}")


@assets_command.command("pull")
@click.argument("names", nargs=-1)
def pull_command(names: tuple[str, ...]) -> None:
    """Fetch what is missing, or only NAMES, from where its authors publish it.

    Each file is checked by size and SHA-256 and then put into the user's cache, where `count` and
    `run` find it. `edge-counter assets` lists names, places and licences.
    """
    from edge_counter import assets

    known = assets.assets()
    if unknown := [name for name in names if name not in known]:
        raise BadAsset(f"no asset {unknown[0]}; there are {', '.join(known)}")
    for asset in (known[name] for name in names or known):
        path = assets.find(asset)
        if path is None:
            path = _pull(asset)
        click.echo(f"{asset.name}: {path}")


def _pull(asset: "Asset") -> Path:
    from edge_counter.assets import pull

    with click.progressbar(length=asset.size_bytes, label=asset.name, file=sys.stderr) as bar:
        return pull(asset, lambda done: bar.update(done - bar.pos))
