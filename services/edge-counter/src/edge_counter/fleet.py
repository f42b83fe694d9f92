"""Keeps a thread at work for each camera that is to be counted, and gives up on none of them.

A camera comes, goes or changes its address while the others go on; changed lines are taken over by
its thread. One that ends by a bug is begun again after a pause: it is no reason to stop counting at
the other doors. A spool that has broken is: the next start of the process mends it.
"""

import asyncio
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from edge_counter.configuration import Post
from edge_counter.health import Health
from edge_counter.on_request import Shutter
from edge_counter.vitals import Vitals

_log = logging.getLogger(__name__)

_LOOK_EVERY_S: Final = 0.2
_AGAIN_AFTER_S: Final = 15.0
_MOST_CAMERAS: Final = 256


@dataclass(slots=True)
class Station:
    """A camera at work.

    Args:
        post: the newest one; only its lines change, another address makes another station.
        stop: ends its thread within a fraction of a second.
        shutter: takes a picture when somebody in Atrium has asked for one.
    """

    post: Post
    vitals: Vitals
    stop: threading.Event = field(default_factory=threading.Event)
    shutter: Shutter = field(default_factory=Shutter)
    work: "Future[None] | None" = None
    again_at_s: float = 0.0

    def is_for(self, post: Post | None) -> bool:
        return post is not None and (post.code, post.address) == (self.post.code, self.post.address)


class Fleet:
    """All cameras of this process.

    Args:
        posts: gives the newest ones; None while nothing is known.
        health: has each camera's vitals, for as long as the camera is there.
        play: counts at a station until it is to stop, in a thread of its own.
    """

    def __init__(
        self,
        posts: Callable[[], Mapping[int, Post] | None],
        health: Health,
        play: Callable[[Station], None],
    ) -> None:
        self._posts = posts
        self._health = health
        self._play = play
        self._stations: dict[int, Station] = {}
        self._threads = ThreadPoolExecutor(_MOST_CAMERAS, thread_name_prefix="camera")

    async def run(self) -> None:
        """Work for ever; when cancelled, wait until all threads have ended.

        Raises:
            sqlite3.DatabaseError: the spool has broken.
        """
        try:
            while True:
                self._tend(self._posts() or {})
                await asyncio.sleep(_LOOK_EVERY_S)
        finally:
            for station in self._stations.values():
                station.stop.set()
            await asyncio.to_thread(self._threads.shutdown)

    def shutter(self, camera_id: int) -> Shutter | None:
        """Find what takes pictures of a camera; None: it is not at work here."""
        station = self._stations.get(camera_id)
        return station.shutter if station is not None else None

    def _tend(self, posts: Mapping[int, Post]) -> None:
        for camera_id, station in list(self._stations.items()):
            post = posts.get(camera_id)
            if post is not None and station.is_for(post):
                station.post = post
                self._begin_again(station)
            else:
                station.stop.set()
                if station.work is None or station.work.done():
                    self._report(station)
                    self._forget(camera_id)
        for camera_id, post in posts.items():
            if camera_id not in self._stations:
                self._begin(camera_id, post)

    def _begin(self, camera_id: int, post: Post) -> None:
        station = Station(post, Vitals(code=post.code))
        self._stations[camera_id] = station
        self._health.cameras[camera_id] = station.vitals
        station.vitals.show()
        if post.address is None:
            problem = "no address: it needs a stream_url in Atrium, or a line in EDGE_SOURCES"
            station.vitals.note("source", problem)
            _log.warning("camera without an address", extra={"camera": post.code})
        else:
            _log.info("camera taken on", extra={"camera": post.code})
            station.work = self._threads.submit(self._play, station)

    def _begin_again(self, station: Station) -> None:
        """Begin a thread anew, some time after a bug ended it."""
        if station.work is None or not station.work.done():
            return
        if not station.again_at_s:
            self._report(station)
            station.again_at_s = time.monotonic() + _AGAIN_AFTER_S
        elif time.monotonic() >= station.again_at_s:
            station.again_at_s = 0.0
            station.work = self._threads.submit(self._play, station)

    def _report(self, station: Station) -> None:
        error = station.work.exception() if station.work else None
        if error is None:
            return
        if isinstance(error, sqlite3.DatabaseError):
            raise error
        problem = f"a fault of ours ended it: {type(error).__name__}; the log has more"
        station.vitals.note("source", problem)
        _log.error("camera failed", exc_info=error, extra={"camera": station.post.code})

    def _forget(self, camera_id: int) -> None:
        station = self._stations.pop(camera_id)
        del self._health.cameras[camera_id]
        station.vitals.hide()
        _log.info("camera let go", extra={"camera": station.post.code})
