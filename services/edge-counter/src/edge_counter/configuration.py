"""Asks Atrium which cameras this is to count and where their lines are; remembers the answers."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, Generic, Literal, Protocol, TypeVar

import httpx
import msgspec

from edge_counter.counting import Line
from edge_counter.errors import BadConfiguration
from edge_counter.files import write_atomically
from edge_counter.health import Health

_log = logging.getLogger(__name__)

AnswerT = TypeVar("AnswerT")

_FIRST_RETRY_S: Final = 1.0  # until there is a first answer
_ANSWER_S: Final = 5.0


class CameraView(msgspec.Struct, frozen=True):
    """A camera as the occupancy contract shows it."""

    id: int
    camera_id: str
    resolution_width: int | None = None
    resolution_height: int | None = None


class LineView(msgspec.Struct, frozen=True):
    """A line as the occupancy contract shows it, in pixels of the camera's resolution.

    Which of its directions count is decided by who receives the crossings.

    Args:
        entry_side: where an entry goes to, for somebody who walks from x1, y1 to x2, y2.
    """

    id: int
    x1: float
    y1: float
    x2: float
    y2: float
    entry_side: Literal["left", "right"] = "left"
    is_active: bool = True

    def scaled(self, x: float, y: float) -> Line:
        """Return the line in another resolution, so drawn that an entry goes to its left.

        Raises:
            ValueError: its ends are the same point.
        """
        begin, end = (self.x1 * x, self.y1 * y), (self.x2 * x, self.y2 * y)
        return Line(*begin, *end) if self.entry_side == "left" else Line(*end, *begin)


class Configuration(msgspec.Struct, frozen=True):
    """What counting at one camera needs to know; also the form of its copy on disk."""

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
            line = view.scaled(scale_x, scale_y)
        except ValueError as error:
            problems.append(f"line {view.id}: {error}")
            continue
        if line.lies_within(width_px, height_px):
            lines[view.id] = line
        else:
            problems.append(f"line {view.id} is outside the picture")
    return lines, problems


@dataclass(frozen=True, slots=True)
class Post:
    """A camera, its lines, and where its pictures come from.

    Args:
        address: may hold a password; None: nobody has said it.
    """

    configuration: Configuration
    address: str | None = field(repr=False)

    @property
    def camera_id(self) -> int:
        return self.configuration.camera.id

    @property
    def code(self) -> str:
        return self.configuration.camera.camera_id


class Poller(Protocol):
    """Keeps the newest answer of Atrium, also across restarts and without Atrium.

    Args:
        posts: by id of the camera; another object when anything has changed. None: not known.
    """

    posts: Mapping[int, Post] | None

    async def run(self) -> None:
        """Ask for ever."""


class _Asking(Generic[AnswerT]):
    """Asks again and again; the last good answer lies on disk.

    Args:
        client: of the gateway.
        health: told while nothing is known.
        ask: one question; raises BadConfiguration or an error of httpx.
        taken: told a new answer.
        form: of an answer.
        copy: file of the last good one.
        every_s: between questions.
    """

    def __init__(
        self,
        health: Health,
        ask: Callable[[], Any],
        taken: Callable[[AnswerT], None],
        *,
        form: type[AnswerT],
        copy: Path,
        every_s: float,
    ) -> None:
        self._health = health
        self._ask = ask
        self._taken = taken
        self._form = form
        self._copy = copy
        self._every_s = every_s
        self._failure: str | None = None
        self._current: AnswerT | None = None

    async def run(self) -> None:
        while True:
            try:
                self._take(await self._ask())
            except (httpx.HTTPError, BadConfiguration) as error:
                self._miss(str(error) or type(error).__name__)
            is_known = self._current is not None
            await asyncio.sleep(self._every_s if is_known else min(_FIRST_RETRY_S, self._every_s))

    def begin(self, remembered: AnswerT | None) -> None:
        """Begin with what was known, if anything was."""
        if remembered is None:
            self._health.note("configuration", "not asked for yet")
        else:
            self._current = remembered
            self._taken(remembered)

    def remembered(self) -> AnswerT | None:
        try:
            return msgspec.json.decode(self._copy.read_bytes(), type=self._form)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            _log.warning("remembered configuration ignored", extra={"reason": str(error)})
            return None

    def _miss(self, reason: str) -> None:
        """Go on with what is known; without anything known this is a reason to be unready."""
        if reason != self._failure:
            _log.warning("configuration not read", extra={"reason": reason})
        self._failure = reason
        if self._current is None:
            self._health.note("configuration", reason)

    def _take(self, answer: AnswerT) -> None:
        self._failure = None
        self._health.note("configuration", None)
        if answer == self._current:
            return
        self._current = answer
        self._taken(answer)
        try:
            write_atomically(self._copy, msgspec.json.encode(answer))
        except OSError as error:
            _log.warning("configuration not remembered", extra={"reason": str(error)})


class CameraPoller:
    """Asks for the one camera that EDGE_CAMERA names.

    Args:
        client: of the gateway.
        health: told while nothing is known.
        camera: code or integer id.
        address: where its pictures come from.
        copy: file of the last good answer.
        every_s: between questions.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        health: Health,
        *,
        camera: str,
        address: str,
        copy: Path,
        every_s: float,
    ) -> None:
        self._api = Api(client)
        self._camera = camera
        self._address = address
        self.posts: Mapping[int, Post] | None = None
        self._asking = _Asking(
            health, self._ask, self._taken, form=Configuration, copy=copy, every_s=every_s
        )
        remembered = self._asking.remembered()
        is_same = remembered is not None and remembered.asked_for == camera
        self._asking.begin(remembered if is_same else None)

    async def run(self) -> None:
        await self._asking.run()

    async def _ask(self) -> Configuration:
        cameras = await self._api.get("/cameras", list[CameraView])
        by_code = {camera.camera_id: camera for camera in cameras}
        by_id = {str(camera.id): camera for camera in cameras}
        camera = by_code.get(self._camera) or by_id.get(self._camera)
        if camera is None:
            raise BadConfiguration(f"Atrium has no active camera {self._camera} (EDGE_CAMERA)")
        detail = await self._api.get(f"/cameras/{camera.id}", CameraView)
        lines = await self._api.get(f"/cameras/{camera.id}/lines", tuple[LineView, ...])
        return Configuration(asked_for=self._camera, camera=detail, lines=lines)

    def _taken(self, configuration: Configuration) -> None:
        _log.info("configuration taken", extra={"lines": len(configuration.lines)})
        self.posts = {configuration.camera.id: Post(configuration, self._address)}


class EdgeCamera(CameraView, frozen=True, kw_only=True):
    """A camera of this edge; the address may hold a password."""

    stream_url: str | None = None
    lines: tuple[LineView, ...]


class EdgeView(msgspec.Struct, frozen=True):
    """What Atrium wants of this edge; also the form of its copy on disk."""

    edge_id: str
    cameras: tuple[EdgeCamera, ...]


class EdgePoller:
    """Asks for all cameras that Atrium has given this edge.

    Args:
        client: of the gateway.
        health: told while nothing is known, or no camera is given.
        edge_id: who asks.
        addresses: said here, by code; they go before those said in Atrium.
        copy: file of the last good answer.
        every_s: between questions.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        health: Health,
        *,
        edge_id: str,
        addresses: Mapping[str, str],
        copy: Path,
        every_s: float,
    ) -> None:
        self._api = Api(client)
        self._health = health
        self._edge_id = edge_id
        self._addresses = addresses
        self.posts: Mapping[int, Post] | None = None
        self._asking = _Asking(
            health, self._ask, self._taken, form=EdgeView, copy=copy, every_s=every_s
        )
        remembered = self._asking.remembered()
        is_same = remembered is not None and remembered.edge_id == edge_id
        self._asking.begin(remembered if is_same else None)

    async def run(self) -> None:
        await self._asking.run()

    async def _ask(self) -> EdgeView:
        return await self._api.get(f"/edges/{self._edge_id}/configuration", EdgeView)

    def _taken(self, view: EdgeView) -> None:
        before = self.posts or {}
        posts = {camera.id: self._post(camera) for camera in view.cameras}
        self.posts = {
            camera_id: before[camera_id] if before.get(camera_id) == post else post
            for camera_id, post in posts.items()
        }
        codes = [post.code for post in posts.values()]
        _log.info("configuration taken", extra={"cameras": codes})
        if unknown := sorted(set(self._addresses) - set(codes)):
            _log.warning("not a camera of this edge (EDGE_SOURCES)", extra={"cameras": unknown})
        none = f"Atrium has given no camera to the edge {self._edge_id}"
        self._health.note("cameras", None if posts else none)

    def _post(self, camera: EdgeCamera) -> Post:
        view = CameraView(
            id=camera.id,
            camera_id=camera.camera_id,
            resolution_width=camera.resolution_width,
            resolution_height=camera.resolution_height,
        )
        configuration = Configuration(asked_for=camera.camera_id, camera=view, lines=camera.lines)
        return Post(configuration, self._addresses.get(camera.camera_id, camera.stream_url))


class Api:
    """Asks the occupancy API; what has not changed is not sent again."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self._known: dict[str, tuple[str, Any]] = {}  # ETag and answer, by path

    async def get(self, path: str, form: type[AnswerT], *, within_s: float = _ANSWER_S) -> AnswerT:
        """Return an answer.

        Raises:
            BadConfiguration: it is refused, or not what its contract says.
            httpx.HTTPError: nobody answers.
        """
        known = self._known.get(path)
        headers = {"If-None-Match": known[0]} if known else {}
        answer = await self._client.get(f"/api/occupancy{path}", headers=headers, timeout=within_s)
        if known and answer.status_code == HTTPStatus.NOT_MODIFIED:
            return known[1]  # type: ignore[no-any-return] # decoded as this form
        if answer.status_code != HTTPStatus.OK:
            raise BadConfiguration(_refused(answer))
        try:
            found = msgspec.json.decode(answer.content, type=form)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise BadConfiguration(f"{answer.url.path} is not as agreed: {error}") from error
        if etag := answer.headers.get("etag"):
            self._known[path] = etag, found
        return found


def _refused(answer: httpx.Response) -> str:
    what = f"{answer.url.path} answers {answer.status_code} {answer.reason_phrase}"
    match answer.status_code:
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            return f"{what}: EDGE_DEVICE_TOKEN must be one that `gateway devices add edge` printed"
        case HTTPStatus.NOT_FOUND:
            return f"{what}: EDGE_ID must be the name of the device whose token this is"
        case _:
            return what


def gateway(api_url: str, token: str | None) -> httpx.AsyncClient:
    """Make a client of the gateway."""
    headers: Mapping[str, str] = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.AsyncClient(base_url=api_url, headers=headers, timeout=_ANSWER_S)
