"""Asks Atrium which camera this is and where its lines are, and remembers the answer."""

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Final, TypeVar

import httpx
import msgspec

from edge_counter.counting import Line
from edge_counter.errors import BadConfiguration
from edge_counter.files import write_atomically
from edge_counter.health import Health

_log = logging.getLogger(__name__)

AnswerT = TypeVar("AnswerT")

_FIRST_RETRY_S: Final = 1.0  # until there is a first answer


class CameraView(msgspec.Struct, frozen=True):
    """A camera as the occupancy contract shows it."""

    id: int
    camera_id: str
    resolution_width: int | None = None
    resolution_height: int | None = None


class LineView(msgspec.Struct, frozen=True):
    """A line as the occupancy contract shows it, in pixels of the camera's resolution.

    Which of its directions count is decided by who receives the crossings.
    """

    id: int
    x1: float
    y1: float
    x2: float
    y2: float
    is_active: bool = True


class Configuration(msgspec.Struct, frozen=True):
    """What an edge-counter needs to know; also the form of its copy on disk."""

    asked_for: str
    camera: CameraView
    lines: tuple[LineView, ...]


def lines_for(
    configuration: Configuration, width_px: int, height_px: int
) -> tuple[dict[int, Line], list[str]]:
    """Return the lines in pixels of the real picture by id, and what is wrong with the others."""
    camera = configuration.camera
    scale_x = width_px / (camera.resolution_width or width_px)
    scale_y = height_px / (camera.resolution_height or height_px)
    lines, problems = {}, []
    for view in configuration.lines:
        if not view.is_active:
            continue
        try:
            line = Line(view.x1 * scale_x, view.y1 * scale_y, view.x2 * scale_x, view.y2 * scale_y)
        except ValueError as error:
            problems.append(f"line {view.id}: {error}")
            continue
        if line.lies_within(width_px, height_px):
            lines[view.id] = line
        else:
            problems.append(f"line {view.id} is outside the picture")
    return lines, problems


class ConfigurationPoller:
    """Keeps the newest configuration, also across restarts and without the API.

    Args:
        client: of the gateway.
        health: told while nothing is known.
        camera: code or integer id.
        copy: file of the last good answer.
        every_s: between questions.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        health: Health,
        *,
        camera: str,
        copy: Path,
        every_s: float,
    ) -> None:
        self._client = client
        self._health = health
        self._camera = camera
        self._copy = copy
        self._every_s = every_s
        self._failure: str | None = None
        self.current: Configuration | None = self._remembered()
        if self.current is None:
            health.note("configuration", "not asked for yet")

    async def run(self) -> None:
        """Ask for ever."""
        while True:
            try:
                self._take(await self._ask())
            except (httpx.HTTPError, BadConfiguration) as error:
                self._miss(str(error) or type(error).__name__)
            await asyncio.sleep(
                self._every_s if self.current else min(_FIRST_RETRY_S, self._every_s)
            )

    async def _ask(self) -> Configuration:
        cameras = await self._get("", list[CameraView])
        by_code = {camera.camera_id: camera for camera in cameras}
        by_id = {str(camera.id): camera for camera in cameras}
        camera = by_code.get(self._camera) or by_id.get(self._camera)
        if camera is None:
            raise BadConfiguration(f"Atrium has no active camera {self._camera} (EDGE_CAMERA)")
        detail = await self._get(f"/{camera.id}", CameraView)
        lines = await self._get(f"/{camera.id}/lines", tuple[LineView, ...])
        return Configuration(asked_for=self._camera, camera=detail, lines=lines)

    async def _get(self, path: str, kind: type[AnswerT]) -> AnswerT:
        answer = await self._client.get(f"/api/occupancy/cameras{path}")
        answer.raise_for_status()
        try:
            return msgspec.json.decode(answer.content, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise BadConfiguration(f"{answer.url.path} is not as agreed: {error}") from error

    def _miss(self, reason: str) -> None:
        """Go on with what is known; without anything known this is a reason to be unready."""
        if reason != self._failure:
            _log.warning("configuration not read", extra={"reason": reason})
        self._failure = reason
        if self.current is None:
            self._health.note("configuration", reason)

    def _take(self, configuration: Configuration) -> None:
        self._failure = None
        self._health.note("configuration", None)
        if configuration == self.current:
            return
        _log.info("configuration taken", extra={"lines": len(configuration.lines)})
        self.current = configuration
        try:
            write_atomically(self._copy, msgspec.json.encode(configuration))
        except OSError as error:
            _log.warning("configuration not remembered", extra={"reason": str(error)})

    def _remembered(self) -> Configuration | None:
        try:
            configuration = msgspec.json.decode(self._copy.read_bytes(), type=Configuration)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            _log.warning("remembered configuration ignored", extra={"reason": str(error)})
            return None
        return configuration if configuration.asked_for == self._camera else None


def gateway(api_url: str, token: str | None) -> httpx.AsyncClient:
    """Make a client of the gateway."""
    headers: Mapping[str, str] = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.AsyncClient(base_url=api_url, headers=headers, timeout=5)
