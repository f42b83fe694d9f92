"""Runs a service: its API, its workers, or both, until it is told to end."""

import asyncio
import gc
import logging
import signal
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import click
import uvicorn
import uvloop
from pydantic import ValidationError
from starlette.types import ASGIApp

from common.app import Operations
from common.log import set_up_logging
from common.schema import Schema
from common.settings import DatabaseSettings, ProcessSettings, ServiceSettings
from common.tasks import end
from common.tracing import set_up_tracing

_log = logging.getLogger(__name__)

Worker = Callable[[], Coroutine[Any, Any, None]]
SettingsT = TypeVar("SettingsT", bound=ServiceSettings)
AnySettings = TypeVar("AnySettings", bound=ProcessSettings)

DRAIN_S: Final = 10


@dataclass(frozen=True, slots=True)
class Parts:
    """A service put together by its ``main``.

    Args:
        app: what answers on the service's port.
        workers: what consumes, relays and keeps time; each runs until it is cancelled.
        followers: what keeps in memory what is answered; likewise, wherever requests are answered.
        options: of uvicorn, for the port.
        close: lets go of what the parts hold.
    """

    app: Operations
    workers: Sequence[Worker]
    close: Callable[[], Awaitable[None]]
    followers: Sequence[Worker] = ()
    options: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Service(Generic[SettingsT]):
    """A service's process: what it owns, and how its parts are put together.

    Args:
        name: of the service.
        settings: read from the environment.
        schema: what it owns outside its process.
        build: puts the parts together.
    """

    name: str
    settings: type[SettingsT]
    schema: Schema
    build: Callable[[SettingsT], Parts]

    def commands(self) -> click.Group:
        """Make the service's command line."""
        group = click.Group(self.name, help=f"The {self.name} service of Atrium.")
        migrate_first = click.Option(["--migrate"], is_flag=True, help="Migrate first.")

        def command(name: str, text: str, run: Callable[..., None], *options: click.Option) -> None:
            group.add_command(click.Command(name, callback=run, params=[*options], help=text))

        command("migrate", "Bring the schema and the topics up to date, then end.", self._migrate)
        command(
            "run",
            "Answer requests, consume events and send the outbox, in one process."
            + environment_help(self.settings),
            lambda migrate: self._run(api=True, workers=True, migrate=migrate),
            migrate_first,
        )
        command("api", "Answer requests only.", lambda: self._run(api=True, workers=False))
        command(
            "worker",
            "Consume events and send the outbox; the port answers health and metrics.",
            lambda: self._run(api=False, workers=True),
        )
        return group

    def _migrate(self) -> None:
        settings = load_settings(self.settings)
        set_up_logging(self.name, level=settings.log_level, style=settings.log_style)
        run_to_end(migrate_schema(self.schema, settings))

    def _run(self, *, api: bool, workers: bool, migrate: bool = False) -> None:
        settings = load_settings(self.settings)
        set_up_logging(self.name, level=settings.log_level, style=settings.log_style)
        set_up_tracing(self.name)

        async def run() -> None:
            if migrate:
                await migrate_schema(self.schema, settings)
            parts = self.build(settings)
            parts.app.serves_routes = api
            collect_seldom()
            try:
                await serve(
                    [Listener(parts.app, settings.host, settings.port, parts.options)],
                    workers=[
                        *(parts.workers if workers else ()),
                        *(parts.followers if api else ()),
                    ],
                    drain=parts.app.drain,
                )
            finally:
                await parts.close()

        run_to_end(run())


async def migrate_schema(schema: Schema, settings: DatabaseSettings) -> None:
    """Migrate as the schema's owner, whose address only this needs."""
    if settings.owner_database_url is None:
        prefix = settings.model_config.get("env_prefix", "")
        raise click.ClickException(
            f"{prefix}OWNER_DATABASE_URL is missing: only the schema's owner migrates."
        )
    await schema.migrate(
        settings.owner_database_url.get_secret_value(),
        kafka=settings.kafka,
        replication=settings.kafka_replication,
    )


def environment_help(settings: type[ProcessSettings]) -> str:
    """List the variables that a process reads, for its ``--help``."""
    prefix = settings.model_config.get("env_prefix", "")
    lines = []
    for name, field in settings.model_fields.items():
        variable = field.validation_alias or f"{prefix}{name}".upper()
        value = "required" if field.is_required() else f"default: {field.default}"
        lines.append(f"{variable}  {field.description or ''} ({value})")
    return "\n\n\b\n" + "\n".join(lines)


def load_settings(kind: type[AnySettings]) -> AnySettings:
    """Read settings from the environment; what is missing or wrong is named, and ends us."""
    try:
        return kind()
    except ValidationError as error:
        prefix = kind.model_config.get("env_prefix", "")
        wrong = [
            f"{(name if name.isupper() else prefix + name).upper()}: {finding['msg']}"
            for finding in error.errors(include_input=False)
            if (name := str(finding["loc"][0]))
        ]
        raise click.ClickException("settings: " + "; ".join(wrong)) from None


@dataclass(frozen=True, slots=True)
class Listener:
    """An application and the address on which it answers."""

    app: ASGIApp
    host: str
    port: int
    options: Mapping[str, Any] | None = None


class _Server(uvicorn.Server):
    """Leaves signals to `serve`: uvicorn would raise them again before we have cleaned up."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(
    listeners: Sequence[Listener],
    *,
    workers: Sequence[Worker] = (),
    drain: Callable[[], None] = lambda: None,
    until: asyncio.Event | None = None,
) -> None:
    """Answer and work until SIGTERM or SIGINT, or until a worker fails, which is raised.

    Args:
        drain: called first of all when the end has come.
        until: set instead of a signal, by tests that share their process.

    Requests under way are answered before the end, for 10 s at most.
    """
    servers = [_Server(_config(listener)) for listener in listeners]
    loop = asyncio.get_running_loop()

    def stop() -> None:
        drain()
        for server in servers:
            server.should_exit = True

    async def wait_for_event(event: asyncio.Event) -> None:
        await event.wait()
        stop()

    if until is None:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop)
        watch = None
    else:
        watch = loop.create_task(wait_for_event(until))
    tasks = [loop.create_task(worker()) for worker in workers]
    for task in tasks:
        task.add_done_callback(lambda done: stop() if _failed(done) else None)
    try:
        await asyncio.gather(*(server.serve() for server in servers))
    finally:
        ended = await end(*tasks, *([watch] if watch else []))
    for outcome in ended:
        if isinstance(outcome, Exception):
            raise outcome


def _failed(task: "asyncio.Task[None]") -> bool:
    return not task.cancelled() and task.exception() is not None


def _config(listener: Listener) -> uvicorn.Config:
    options: dict[str, Any] = {
        "http": "httptools",
        "ws": "websockets-sansio",
        "lifespan": "off",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "date_header": True,
        "proxy_headers": False,
        "timeout_keep_alive": 75,
        "timeout_graceful_shutdown": DRAIN_S,
    }
    options |= listener.options or {}
    return uvicorn.Config(listener.app, host=listener.host, port=listener.port, **options)


def collect_seldom() -> None:
    """Look for garbage less often than Python does by itself.

    A batch of events is tens of thousands of objects, none of them garbage: looking through them
    took a quarter of the time that it takes to read them (docs/adr/0016).
    """
    gc.freeze()
    gc.set_threshold(50_000, 50, 100)


def run_to_end(work: Coroutine[Any, Any, None]) -> None:
    """Run on uvloop; an error ends the process with its traceback in the log and status 1."""
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(work)
    except (click.ClickException, KeyboardInterrupt):
        raise
    except Exception as error:
        _log.critical("process failed", exc_info=True)
        raise SystemExit(1) from error
