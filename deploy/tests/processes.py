"""What the code says of each process: its settings, commands, ports, health, schema."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from unittest.mock import patch

import click

import analytics.main
import bookings.main
import edge_counter.health
import edge_counter.main
import edge_counter.settings
import gateway.main
import gateway.settings
import occupancy.main
import panel.main
import rooms.main
from analytics.main import SERVICE as ANALYTICS
from bookings.main import SERVICE as BOOKINGS
from common import app, roles
from common.schema import Schema
from common.settings import ProcessSettings
from occupancy.main import SERVICE as OCCUPANCY
from panel.main import SERVICE as PANEL
from rooms.main import SERVICE as ROOMS

# What libraries and the system read; the tests of these names say where.
LIBRARIES: Final = {"PGSSLMODE", "PGSSLROOTCERT"}


@dataclass(frozen=True, slots=True)
class Process:
    """A process, which has an image of its name.

    Args:
        name: of the process, its image and its Kafka user.
        settings: what it reads from the environment.
        main: its command line.
        ports: the settings that are ports.
        health_port: the one of these where health and metrics are.
        schema: what it owns.
        also_reads: variables that it reads past its settings.
    """

    name: str
    settings: type[ProcessSettings]
    main: click.Group
    ports: tuple[str, ...] = ("port",)
    health_port: str = "port"
    schema: Schema | None = None
    also_reads: frozenset[str] = frozenset()

    def variables(self) -> dict[str, bool]:
        """Return the variables of its settings, True for those that must be set."""
        prefix = self.settings.model_config.get("env_prefix", "")
        return {
            str(field.validation_alias or f"{prefix}{name}").upper(): field.is_required()
            for name, field in self.settings.model_fields.items()
        }

    def answers_health(self, path: str) -> bool:
        """Tell whether something without an identity is answered there."""
        if self.name == "edge-counter":
            health = edge_counter.health.Health()
            return b" 404 " not in edge_counter.health._response(health, path).splitlines()[0]
        return path in app._NO_IDENTITY

    @property
    def consumed(self) -> list[str]:
        return [topic.name for topic in self.schema.consumed] if self.schema else []


PROCESSES: Final = {
    process.name: process
    for process in (
        Process(
            "gateway",
            gateway.settings.Settings,
            gateway.main.main,
            ports=("port", "university_port", "operations_port"),
            health_port="operations_port",
            schema=gateway.main.SCHEMA,
        ),
        Process("rooms", ROOMS.settings, rooms.main.main, schema=ROOMS.schema),
        Process("bookings", BOOKINGS.settings, bookings.main.main, schema=BOOKINGS.schema),
        Process("panel", PANEL.settings, panel.main.main, schema=PANEL.schema),
        Process("analytics", ANALYTICS.settings, analytics.main.main, schema=ANALYTICS.schema),
        Process("occupancy", OCCUPANCY.settings, occupancy.main.main, schema=OCCUPANCY.schema),
        Process(
            "edge-counter",
            edge_counter.settings.Settings,
            edge_counter.main.main,
            also_reads=frozenset({"ATRIUM_ASSETS_DIR", "XDG_CACHE_HOME"}),
        ),
    )
}
# The gateway calls them; in Kubernetes each runs as an API and as a worker.
SERVICES: Final = {
    service.name: service for service in (ROOMS, BOOKINGS, PANEL, ANALYTICS, OCCUPANCY)
}
SCHEMAS: Final = {process.schema.name for process in PROCESSES.values() if process.schema}


def image_process(image: str) -> Process | None:
    """Return whose image it is; None for a server's."""
    name = re.fullmatch(r"atrium/([a-z-]+)(:\S+)?", image)
    return PROCESSES[name[1]] if name else None


def check_command(command: click.Command, arguments: Sequence[str]) -> None:
    """Parse a command line without running it.

    Raises:
        click.UsageError: there is no such command, or it does not take that.
    """
    if isinstance(command, click.Group):
        first, *rest = arguments or [""]
        chosen = command.get_command(click.Context(command), first)
        if chosen is None:
            raise click.UsageError(f"{command.name} has no command {first!r}")
        check_command(chosen, rest)
    else:
        command.make_context(command.name, list(arguments))


def roles_variables(schemas: Sequence[str]) -> set[str]:
    """Return what `python -m common.roles SCHEMA…` reads."""
    check_command(roles.main, schemas)
    passwords = {
        f"{schema.upper()}{owner}_PASSWORD" for schema in schemas for owner in ("", "_OWNER")
    }
    return {"ATRIUM_SUPERUSER_URL", *passwords}


def settings_from(process: Process, environment: Mapping[str, str]) -> ProcessSettings:
    """Read the process's settings as they would be in a container.

    Raises:
        pydantic.ValidationError: a variable is missing or not as the process wants it.
    """
    # Settings read the environment of the process, and this is its whole environment.
    with patch.dict(os.environ, environment, clear=True):
        return process.settings()
