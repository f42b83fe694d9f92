"""Puts the running edge-counter together: one source, one spool, one uplink."""

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Final

from common.tasks import end
from edge_counter import health as health_port
from edge_counter.configuration import ConfigurationPoller, gateway
from edge_counter.detector import Detector
from edge_counter.health import SINCE_FRAME, SPOOL_DEPTH, UPLINK, Health
from edge_counter.player import Player, Playing
from edge_counter.settings import Settings
from edge_counter.spool import Spool
from edge_counter.uplink import Uplink

_FRAMES_WITHIN_S: Final = 10.0


async def run(settings: Settings, detector: Detector) -> None:
    """Count and report until SIGTERM or SIGINT; then end within two seconds.

    Raises:
        StateInUse, SpoolUnavailable: the state folder cannot be used.
        BadSettings: the health port cannot be used.
    """
    spool = Spool(settings.state_dir, settings.id)
    stop, stopped = threading.Event(), asyncio.Event()
    _on_signal(stop, stopped)
    health = Health(frames_within_s=_FRAMES_WITHIN_S)
    uplink = Uplink(spool, settings.kafka)
    token = settings.device_token.get_secret_value() if settings.device_token else None
    async with gateway(settings.api_url, token) as client:
        poller = ConfigurationPoller(
            client,
            health,
            camera=settings.camera,
            copy=settings.state_dir / "camera.json",
            every_s=settings.poll_s,
        )
        player = Player(
            _playing(settings),
            detector,
            spool,
            health,
            configuration=lambda: poller.current,
            stored=uplink.wake,
            stop=stop,
        )
        _show(health, spool, uplink)
        async with await health_port.serve(health, settings.host, settings.port):
            await _until(stopped, uplink.run(), poller.run(), stop=stop, in_thread=player.run)
    spool.close()


def _playing(settings: Settings) -> Playing:
    return Playing(
        address=settings.source.get_secret_value(),
        anchor=settings.anchor,
        is_looped=settings.loop,
        speed=settings.speed,
        take=settings.take,
        silent_after_s=settings.silent_after_s,
    )


def _on_signal(stop: threading.Event, stopped: asyncio.Event) -> None:
    def end() -> None:
        stop.set()
        stopped.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, end)


def _show(health: Health, spool: Spool, uplink: Uplink) -> None:
    SPOOL_DEPTH.set_function(spool.depth)
    UPLINK.set_function(lambda: uplink.is_connected)
    SINCE_FRAME.set_function(health.seconds_since_frame)


async def _until(
    stopped: asyncio.Event,
    *endless: Coroutine[Any, Any, None],
    stop: threading.Event,
    in_thread: Callable[[], None],
) -> None:
    """Run everything until it is to stop or a part fails, which is raised."""
    tasks = [asyncio.create_task(one) for one in endless]
    thread = asyncio.create_task(asyncio.to_thread(in_thread))
    waiting = asyncio.create_task(stopped.wait())
    await asyncio.wait([*tasks, thread, waiting], return_when=asyncio.FIRST_COMPLETED)
    stop.set()
    ended = await end(*tasks, waiting)
    for outcome in (*ended, *await asyncio.gather(thread, return_exceptions=True)):
        if isinstance(outcome, Exception):
            raise outcome
