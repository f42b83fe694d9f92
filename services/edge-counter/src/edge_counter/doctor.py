"""Looks whether everything that `edge-counter run` needs is there, and says how to mend it.

It changes nothing: it sends no crossing, makes no topic and leaves no file. What it says holds no
password.
"""

import hashlib
import os
import shutil
import statistics
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final, Literal, TypeVar

import httpx
import msgspec
import numpy as np
from aiokafka.errors import KafkaError

from common.events import CROSSINGS
from edge_counter.assets import resolve_source
from edge_counter.camera import Camera, Source
from edge_counter.configuration import CameraView, Configuration, LineView, gateway, lines_for
from edge_counter.detections import Image
from edge_counter.detector import load_detector, locate
from edge_counter.errors import BadConfiguration, EdgeError
from edge_counter.kafka_rights import may_write
from edge_counter.settings import Settings

Verdict = Literal["ok", "warn", "fail"]
AnswerT = TypeVar("AnswerT")

_LOOKED_AT_S: Final = 3.0
_PICTURES: Final = 30  # at most
_RUNS: Final = 20  # of the model
_LEAST_FPS: Final = 5.0  # below it crossings are missed; see benchmarks/counting
_DARK: Final = 16.0  # mean of all pixels, 0 to 255
_FLAT: Final = 6.0  # their deviation
_MOST_OFFSET_S: Final = 1.0
_ANSWER_MS: Final = 5000
_LEAST_FREE_MB: Final = 100.0  # room for a million crossings or so
_SLOW_FSYNC_MS: Final = 200.0
_TOLD_LATE: Final = timedelta(seconds=2)
_CAMERAS: Final = "/api/occupancy/cameras"
_ANY_PX: Final = 1 << 20  # a side that every line fits into
_GREY: Final[Image] = np.full((480, 640, 3), 128, np.uint8)


class Finding(msgspec.Struct, frozen=True):
    """What was found of a part.

    Args:
        said: what is so; where it is not as it should be, also how to mend it.
    """

    part: str
    verdict: Verdict
    said: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What a camera gives: its last picture, and pictures a second."""

    picture_bgr: Image
    frames_per_s: float

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height."""
        return self.picture_bgr.shape[1], self.picture_bgr.shape[0]


async def examine(settings: Settings, camera: str, address: str) -> list[Finding]:
    """Look at camera, model, clock, API, Kafka and disk; a fault of one spares the others.

    Args:
        camera: its code or id in Atrium.
        address: of its pictures; it may hold a password.
    """
    seeing, seen = _camera(address, settings.silent_after_s)
    clock, api = await _clock_and_api(settings, camera, seen)
    return [seeing, _model(settings, seen), clock, api, await _kafka(settings), _disk(settings)]


def _camera(address: str, silent_after_s: float) -> tuple[Finding, Seen | None]:
    try:
        source = resolve_source(address)
        seen = _look(source, silent_after_s)
    except EdgeError as error:
        return Finding("camera", "fail", f"{error}; mend EDGE_SOURCE or the camera"), None
    (width_px, height_px), rate = seen.size_px, seen.frames_per_s
    mean, deviation = float(seen.picture_bgr.mean()), float(seen.picture_bgr.std())
    said = f"{source}: {width_px}x{height_px}, {rate:.1f} pictures a second"
    if rate < _LEAST_FPS:
        said += f"; set the camera to {_LEAST_FPS:.0f} or more, or crossings are missed"
    elif mean < _DARK or deviation < _FLAT:
        how = "dark" if mean < _DARK else "of one colour"
        said += f", but they are {how}; see to its light, lens and cover"
    else:
        return Finding("camera", "ok", said), seen
    return Finding("camera", "warn", said), seen


def _look(source: Source, silent_after_s: float) -> Seen:
    times_s: list[float] = []
    with Camera(source, silent_after_s=silent_after_s) as camera:
        for frame in camera:
            times_s.append(frame.time_s)
            picture = frame.image_bgr.copy()
            if len(times_s) == _PICTURES or times_s[-1] - times_s[0] > _LOOKED_AT_S:
                break
        elapsed_s = times_s[-1] - times_s[0]
        rate = (len(times_s) - 1) / elapsed_s if elapsed_s else camera.opened.frames_per_s
    return Seen(picture, rate)


def _model(settings: Settings, seen: Seen | None) -> Finding:
    try:
        path = locate(settings.model)
        name, detector = load_detector(settings.model, settings.classes, settings.min_confidence)
    except EdgeError as error:
        return Finding("model", "fail", f"{error} (EDGE_MODEL, EDGE_CLASSES)")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12] if path else "no file"
    picture = seen.picture_bgr if seen else _GREY
    times_ms = []
    for _ in range(_RUNS):
        began_s = time.perf_counter()
        detector.detect(picture)
        times_ms.append((time.perf_counter() - began_s) * 1e3)
    median_ms = statistics.median(times_ms)
    possible, wanted = 1e3 / median_ms, seen.frames_per_s if seen else _LEAST_FPS
    said = f"{name} ({digest}): {median_ms:.1f} ms a picture, {possible:.0f} a second"
    if possible < _LEAST_FPS:
        mend = f"{_LEAST_FPS:.0f} are needed: take yolox-nano as EDGE_MODEL, or a faster machine"
        return Finding("model", "warn", f"{said}; {mend}")
    if possible < wanted:
        mend = f"the camera gives {wanted:.0f}, some are left out: set it lower"
        return Finding("model", "warn", f"{said}; {mend}")
    return Finding("model", "ok", f"{said}, the camera gives {wanted:.0f}" if seen else said)


async def _clock_and_api(
    settings: Settings, camera: str, seen: Seen | None
) -> tuple[Finding, Finding]:
    token = settings.device_token.get_secret_value() if settings.device_token else None
    where = Source(settings.api_url)  # which shows no password
    unknown = Finding("clock", "warn", "not compared: the API tells no time; mend that first")
    try:
        async with gateway(settings.api_url, token) as client:
            asked_at = datetime.now(UTC)
            answer = await client.get(_CAMERAS)
            clock = _clock(answer, asked_at, datetime.now(UTC)) or unknown
            try:
                return clock, await _api(client, answer, camera, seen)
            except (httpx.HTTPStatusError, BadConfiguration) as error:
                said = f"{where}: {_plain(error)}; see whether EDGE_API_URL is Atrium's gateway"
                return clock, Finding("api", "fail", said)
    except httpx.HTTPError as error:
        said = f"{where} does not answer ({_plain(error)}); see EDGE_API_URL and the way there"
        return unknown, Finding("api", "fail", said)


def _clock(answer: httpx.Response, asked_at: datetime, answered_at: datetime) -> Finding | None:
    """Compare clocks. The API's is told in whole seconds, and may be told a second late."""
    try:
        told = parsedate_to_datetime(answer.headers["Date"])
    except (KeyError, ValueError):
        return None
    offset_s = 0.0
    if answered_at < told:
        offset_s = (answered_at - told).total_seconds()
    elif asked_at > told + _TOLD_LATE:
        offset_s = (asked_at - told - _TOLD_LATE).total_seconds()
    if abs(offset_s) > _MOST_OFFSET_S:
        way = "ahead of" if offset_s > 0 else "behind"
        said = f"{abs(offset_s):.0f} s or more {way} the API; let NTP set this machine's clock"
        return Finding("clock", "fail", said)
    return Finding("clock", "ok", "as the API's, as far as its whole seconds tell")


async def _api(
    client: httpx.AsyncClient, answer: httpx.Response, wanted: str, seen: Seen | None
) -> Finding:
    """Look for the camera and its lines.

    Raises:
        httpx.HTTPError: no answer, or an unusual one.
        BadConfiguration: an answer that is not as agreed.
    """
    where = Source(str(client.base_url))  # which shows no password
    if answer.status_code in {401, 403}:
        said = f"{where} does not take the token; set a valid EDGE_DEVICE_TOKEN"
        return Finding("api", "fail", said)
    cameras = _decoded(answer, list[CameraView])
    found = [one for one in cameras if one.camera_id == wanted]
    found += [one for one in cameras if str(one.id) == wanted]
    if not found:
        known = ", ".join(one.camera_id for one in cameras) or "none"
        said = f"no active camera {wanted}; set EDGE_CAMERA to one of: {known}"
        return Finding("api", "fail", said)
    camera = _decoded(await client.get(f"{_CAMERAS}/{found[0].id}"), CameraView)
    views = _decoded(await client.get(f"{_CAMERAS}/{camera.id}/lines"), tuple[LineView, ...])
    configuration = Configuration(asked_for=wanted, camera=camera, lines=views)
    size_px = (camera.resolution_width or _ANY_PX, camera.resolution_height or _ANY_PX)
    usable, problems = lines_for(configuration, *(seen.size_px if seen else size_px))
    if problems:
        mend = "draw it anew in Atrium, or set the camera's resolution there"
        return Finding("api", "fail", f"camera {camera.camera_id}: {'; '.join(problems)}; {mend}")
    if not usable:
        said = f"camera {camera.camera_id} has no active line; draw one in Atrium"
        return Finding("api", "fail", said)
    said = (
        f"camera {camera.camera_id} (id {camera.id}) with {len(usable)} active lines in the picture"
    )
    return Finding("api", "ok", f"{where}: {said}")


def _decoded(answer: httpx.Response, form: type[AnswerT]) -> AnswerT:
    answer.raise_for_status()
    try:
        return msgspec.json.decode(answer.content, type=form)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadConfiguration(f"{answer.url.path} is not as agreed: {error}") from error


async def _kafka(settings: Settings) -> Finding:
    where, topic = f"Kafka at {settings.kafka}", CROSSINGS.name
    try:
        is_allowed = await may_write(settings.kafka, topic, timeout_ms=_ANSWER_MS)
    except (KafkaError, ValueError) as error:
        said = f"{where} does not answer ({_plain(error)}); see ATRIUM_KAFKA and the way there"
        return Finding("kafka", "fail", said)
    if is_allowed is None:
        said = f"{where} has no topic {topic}; it is made on the first run, if that is allowed"
        return Finding("kafka", "warn", said)
    if not is_allowed:
        said = f"{where} lets nobody from here write to {topic}; allow WRITE in its access rules"
        return Finding("kafka", "fail", said)
    return Finding("kafka", "ok", f"{where} has {topic}, and takes what is written to it")


def _disk(settings: Settings) -> Finding:
    folder = settings.state_dir.absolute()
    there = next(one for one in (folder, *folder.parents) if one.exists())
    try:
        median_ms = statistics.median(_fsync_ms(there) for _ in range(3))
        free_mb = shutil.disk_usage(there).free / 1e6
    except OSError as error:
        reason = error.strerror or type(error).__name__
        said = f"{folder} cannot be written ({reason}); give this user the folder EDGE_STATE_DIR"
        return Finding("disk", "fail", said)
    said = f"{folder}: {free_mb:.0f} MB free, {median_ms:.1f} ms to make something durable"
    if free_mb < _LEAST_FREE_MB:
        mend = f"make room: {_LEAST_FREE_MB:.0f} MB keep crossings through long outages"
        return Finding("disk", "warn", f"{said}; {mend}")
    if median_ms > _SLOW_FSYNC_MS:
        return Finding("disk", "warn", f"{said}; that is slow: take a better disk")
    return Finding("disk", "ok", said)


def _fsync_ms(folder: Path) -> float:
    """Return how long it takes until something is surely on the disk."""
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"\0" * 4096)
        file.flush()
        began_s = time.perf_counter()
        os.fsync(file.fileno())
        return (time.perf_counter() - began_s) * 1e3


def _plain(error: Exception) -> str:
    if isinstance(error, httpx.HTTPStatusError):  # its text has the whole address
        return f"status {error.response.status_code}"
    return str(error) or type(error).__name__
