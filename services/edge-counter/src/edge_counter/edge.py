"""Puts the running edge-counter together: its cameras, one spool, one uplink."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any

import httpx

from common.tasks import end
from edge_counter import health as health_port
from edge_counter.configuration import CameraPoller, EdgePoller, Poller, gateway
from edge_counter.detector import Detector
from edge_counter.fleet import Fleet, Station
from edge_counter.health import SPOOL_DEPTH, UPLINK, Health
from edge_counter.heartbeat import Heart
from edge_counter.ledger import Ledger
from edge_counter.on_request import OnRequest
from edge_counter.player import Player, Playing
from edge_counter.settings import Settings
from edge_counter.spool import Spool
from edge_counter.uplink import Uplink


async def run(settings: Settings, new_detector: Callable[[], Detector]) -> None:
    """Count and report until SIGTERM or SIGINT; then end within two seconds.

    Args:
        new_detector: makes one for a camera. Each has its own: they work on all cores at once,
            and each stays fitted to the size of its camera's pictures.

    Raises:
        StateInUse, SpoolUnavailable: the state folder cannot be used.
        BadSettings: the health port cannot be used.
    """
    spool = Spool(
        settings.state_dir,
        settings.id,
        most_mb=settings.spool_max_mb,
        when_full=settings.spool_full,
    )
    stopped = asyncio.Event()
    _on_signal(stopped)
    health = Health()
    uplink = Uplink(spool, settings.kafka)
    heart = Heart(
        health,
        spool,
        settings.kafka,
        edge_id=settings.id,
        silent_after_s=settings.silent_after_s,
        every_s=settings.heartbeat_s,
    )

    def play(station: Station) -> None:
        post = station.post
        ledger = Ledger(spool, post.camera_id, health, uplink.wake, code=post.code)
        Player(
            _playing(settings, post.address or ""),
            new_detector(),
            spool,
            ledger,
            station.vitals,
            configuration=lambda: station.post.configuration,
            stop=station.stop,
            shutter=station.shutter,
        ).run()

    token = settings.device_token.get_secret_value() if settings.device_token else None
    async with gateway(settings.api_url, token) as client:
        poller = _poller(settings, client, health)
        fleet = Fleet(lambda: poller.posts, health, play)
        SPOOL_DEPTH.set_function(spool.depth)
        UPLINK.set_function(lambda: uplink.is_connected)
        parts = [uplink.run(), heart.run(), poller.run(), fleet.run()]
        if token is not None:
            on_request = OnRequest(
                client, settings.id, fleet.shutter, is_allowed=settings.snapshots
            )
            parts.append(on_request.run())
        async with await health_port.serve(health, settings.host, settings.port):
            await _until(stopped, *parts)
    spool.close()


def _poller(settings: Settings, client: httpx.AsyncClient, health: Health) -> Poller:
    if settings.camera and settings.source:
        return CameraPoller(
            client,
            health,
            camera=settings.camera,
            address=settings.source.get_secret_value(),
            copy=settings.state_dir / "camera.json",
            every_s=settings.poll_s,
        )
    return EdgePoller(
        client,
        health,
        edge_id=settings.id,
        addresses=settings.addresses(),
        copy=settings.state_dir / "cameras.json",
        every_s=settings.poll_s,
    )


def _playing(settings: Settings, address: str) -> Playing:
    return Playing(
        address=address,
        anchor=settings.anchor,
        is_looped=settings.loop,
        speed=settings.speed,
        take=settings.take,
        silent_after_s=settings.silent_after_s,
        open_within_s=settings.open_within_s,
        reopen_s=settings.reopen_s,
        most_per_s=settings.max_fps,
        when_full=settings.spool_full,
    )


def _on_signal(stopped: asyncio.Event) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)


async def _until(stopped: asyncio.Event, *endless: Coroutine[Any, Any, None]) -> None:
    """Run everything until it is to stop or a part fails, which is raised."""
    tasks = [asyncio.create_task(one) for one in endless]
    waiting = asyncio.create_task(stopped.wait())
    await asyncio.wait([*tasks, waiting], return_when=asyncio.FIRST_COMPLETED)
    for outcome in await end(*tasks, waiting):
        if isinstance(outcome, Exception):
            raise outcome
