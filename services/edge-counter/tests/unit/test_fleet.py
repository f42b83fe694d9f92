"""Threads of cameras that come, go and fail."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import MappingProxyType

import pytest

from common.tasks import end
from edge_counter import fleet as fleet_module
from edge_counter.configuration import CameraView, Configuration, Post
from edge_counter.fleet import Fleet, Station
from edge_counter.health import Health


def post(number: int, address: str | None = "clip.mp4") -> Post:
    camera = CameraView(id=number, camera_id=f"DOOR_{number}")
    return Post(Configuration(asked_for="", camera=camera, lines=()), address)


@asynccontextmanager
async def working(
    posts: dict[int, Post], play: Callable[[Station], None]
) -> AsyncIterator[tuple[Health, "asyncio.Task[None]"]]:
    health = Health()
    task = asyncio.create_task(Fleet(lambda: MappingProxyType(posts), health, play).run())
    try:
        yield health, task
    finally:
        await end(task)


async def eventually(is_so: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not is_so():
            await asyncio.sleep(0.01)


def wait(station: Station) -> None:
    station.stop.wait()


async def test_a_hundred_cameras_work_at_once() -> None:
    together = threading.Barrier(100)

    def meet(station: Station) -> None:
        together.wait(timeout=10)
        station.stop.wait()

    async with working({number: post(number) for number in range(1, 101)}, meet) as (health, _):
        await eventually(lambda: len(health.cameras) == 100 and not together.n_waiting)
    assert not together.broken


async def test_a_bug_at_one_camera_is_told_and_it_is_begun_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fleet_module, "_AGAIN_AFTER_S", 0.1)
    begun = []

    def play(station: Station) -> None:
        begun.append(station.post.camera_id)
        if station.post.camera_id == 8:
            raise ZeroDivisionError
        station.stop.wait()

    async with working({7: post(7), 8: post(8)}, play) as (health, task):
        await eventually(lambda: begun.count(8) >= 3)

        assert begun.count(7) == 1
        assert "ZeroDivisionError" in health.cameras[8].problems["source"]
        assert not health.cameras[7].problems
        assert not task.done()


async def test_a_broken_spool_ends_the_process() -> None:
    def play(station: Station) -> None:
        raise sqlite3.DatabaseError("database disk image is malformed")

    async with working({7: post(7)}, play) as (_, task):
        with pytest.raises(sqlite3.DatabaseError):
            await task


async def test_a_camera_without_an_address_says_so_until_it_has_one() -> None:
    posts = {7: post(7, None)}
    async with working(posts, wait) as (health, _):
        await eventually(lambda: health.cameras)
        assert "no address" in health.cameras[7].problems["source"]

        posts[7] = post(7)
        await eventually(lambda: not health.cameras[7].problems)
