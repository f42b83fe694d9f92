"""One picture of a camera for somebody in Atrium who has asked for it, to draw its lines on.

The only way on which a picture leaves this machine. It is in memory only, and goes to the gateway
and nowhere else. EDGE_SNAPSHOTS=0 forbids it: then whoever asks is told so.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

import cv2
import httpx
import msgspec

from edge_counter.configuration import Api
from edge_counter.detections import Image
from edge_counter.errors import BadConfiguration

_log = logging.getLogger(__name__)

MOST_PX: Final = 1280
MOST_BYTES: Final = 1024 * 1024
_QUALITIES: Final = (80, 50, 20)
# Longer than Atrium lets us wait, and less than an edge may take.
_ASKED_FOR_S: Final = 45.0
_FRAME_WITHIN_S: Final = 4.0
_PAUSE_S: Final = 0.2
_AGAIN_AFTER_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Taken:
    """A picture that was taken, and the size in which the camera gave it."""

    jpeg: bytes = field(repr=False)
    width_px: int
    height_px: int


class Shutter:
    """Takes the next picture of a camera when it was asked to; for two threads."""

    def __init__(self) -> None:
        self._asked: deque[Future[Taken]] = deque()

    def release(self) -> "Future[Taken]":
        """Have the next picture taken."""
        taken: Future[Taken] = Future()
        self._asked.append(taken)
        return taken

    def see(self, image_bgr: Image) -> None:
        """Show a picture; it is looked at if somebody has asked."""
        while self._asked:
            taken = self._asked.popleft()
            if not taken.set_running_or_notify_cancel():
                continue
            try:
                taken.set_result(_take(image_bgr))
            except cv2.error as error:
                taken.set_exception(error)


def _take(image_bgr: Image) -> Taken:
    height_px, width_px = image_bgr.shape[:2]
    scale = min(1.0, MOST_PX / max(height_px, width_px))
    sent_px = max(1, round(width_px * scale)), max(1, round(height_px * scale))
    small = cv2.resize(image_bgr, sent_px, interpolation=cv2.INTER_AREA)
    for quality in _QUALITIES:
        _, data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, quality])
        if data.size <= MOST_BYTES:
            break
    return Taken(data.tobytes(), width_px, height_px)


class _Wanted(msgspec.Struct, frozen=True):
    id: int
    camera_id: int


class _WantedList(msgspec.Struct, frozen=True):
    snapshots: tuple[_Wanted, ...]


class OnRequest:
    """Hears from Atrium which pictures somebody waits for, and sends them.

    Args:
        client: of the gateway, with this edge's token.
        shutter: of a camera by its id; None: it is not at work here.
        is_allowed: whether a picture may leave at all.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        edge_id: str,
        shutter: Callable[[int], Shutter | None],
        *,
        is_allowed: bool,
    ) -> None:
        self._client = client
        self._api = Api(client)
        self._path = f"/edges/{edge_id}/snapshots"
        self._shutter = shutter
        self._is_allowed = is_allowed

    async def run(self) -> None:
        """Hear and send until cancelled."""
        failure = None
        while True:
            try:
                found = await self._api.get(self._path, _WantedList, within_s=_ASKED_FOR_S)
                await asyncio.gather(*map(self._answer, found.snapshots))
                failure = None
                await asyncio.sleep(_PAUSE_S)
            except (httpx.HTTPError, BadConfiguration) as error:
                reason = str(error) or type(error).__name__
                if reason != failure:
                    _log.warning("requests for pictures not heard", extra={"reason": reason})
                failure = reason
                await asyncio.sleep(_AGAIN_AFTER_S)

    async def _answer(self, wanted: _Wanted) -> None:
        path = f"/api/occupancy{self._path}/{wanted.id}"
        camera = {"camera": wanted.camera_id}
        taken = await self._taken(wanted.camera_id) if self._is_allowed else None
        if taken is None:
            reason = "no_picture" if self._is_allowed else "forbidden"
            reply = await self._client.delete(path, params={"reason": reason})
            _log.info("picture refused", extra={**camera, "reason": reason})
        else:
            size = {"width": taken.width_px, "height": taken.height_px}
            kind = {"content-type": "image/jpeg"}
            reply = await self._client.put(path, params=size, content=taken.jpeg, headers=kind)
            _log.info("picture sent", extra={**camera, "bytes": len(taken.jpeg)})
        if reply.is_error and reply.status_code != HTTPStatus.NOT_FOUND:  # who asked has gone
            raise BadConfiguration(f"{path} answers {reply.status_code} {reply.reason_phrase}")

    async def _taken(self, camera_id: int) -> Taken | None:
        shutter = self._shutter(camera_id)
        if shutter is None:
            return None
        try:
            async with asyncio.timeout(_FRAME_WITHIN_S):
                return await asyncio.wrap_future(shutter.release())
        except (TimeoutError, cv2.error):
            return None
