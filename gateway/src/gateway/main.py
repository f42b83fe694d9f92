"""Puts the gateway together and runs it."""

import base64
import gc
import secrets
from collections import Counter
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import click
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from common.app import Operations, create_api
from common.db import Database
from common.events import USERS
from common.identity import Identity, Signer
from common.log import set_up_logging
from common.process import (
    Listener,
    environment_help,
    load_settings,
    migrate_schema,
    run_to_end,
    serve,
)
from common.relay import Relay
from common.schema import Schema
from common.tracing import set_up_tracing
from common.websocket_protocol import WebSocketProtocol
from gateway import routes
from gateway.accounts import api, commands, nextauth, panels, users
from gateway.accounts.csrf import CsrfTokens
from gateway.accounts.repository import Accounts
from gateway.accounts.tables import VERSIONS, metadata, outbox
from gateway.auth import Authenticator, FindIdentity
from gateway.editions import Edition
from gateway.http_protocol import BoundedHttpProtocol
from gateway.limits import SlidingWindows
from gateway.pages import Pages
from gateway.proxy import Proxy
from gateway.room_directory import RoomDirectory
from gateway.settings import Settings
from gateway.shared import RedeemTicket, Shared
from gateway.sites import Sites
from gateway.upstream import MOST_CONNECTIONS, MOST_STREAMS, Upstream
from gateway.web import APP, web_pages
from gateway.websocket import LARGEST_MESSAGE_BYTES, WebSocketProxy

SCHEMA: Final = Schema(metadata, VERSIONS, published=[USERS])
_HTTP_OPTIONS: Final = {
    "http": BoundedHttpProtocol,
    "ws": WebSocketProtocol,
    "ws_max_size": LARGEST_MESSAGE_BYTES,
    "ws_per_message_deflate": False,
    "date_header": True,
}


class Gateway:
    """The gateway's parts, put together from its settings."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        url = settings.database_url.get_secret_value()
        self.database = Database.connect(url, schema="accounts", pool=settings.database_pool)
        signer = Signer(settings.identity_key.get_secret_value())
        authenticator = Authenticator(_find(self.database, settings), signer)
        routers = [
            api.circle_time,
            api.directory,
            nextauth.university,
            users.university,
            panels.circle_time,
            panels.university,
        ]
        accounts = create_api("accounts", version="1", routers=routers)
        accounts.state.database = self.database
        accounts.state.settings = settings
        accounts.state.authenticator = authenticator
        accounts.state.windows = windows = SlidingWindows()
        accounts.state.sites = sites = Sites(frozenset(_names(settings.cors_origins)))
        accounts.state.csrf = CsrfTokens(settings.identity_key.get_secret_value())
        table = routes.table(settings)
        self.shared = Shared(
            routes=routes.RouteMap(table),
            upstreams=_upstreams(settings),
            streams=_upstreams(settings, most=MOST_STREAMS),
            open_streams=Counter(),
            accounts=accounts,
            authenticator=authenticator,
            redeem=_redeem(self.database),
            windows=windows,
            sites=sites,
            limits={
                routes.Rate.READ: settings.read_limit,
                routes.Rate.WRITE: settings.write_limit,
                routes.Rate.REQUEST: settings.request_limit,
                routes.Rate.ADMIN: settings.admin_limit,
                routes.Rate.SIGN_IN: settings.sign_in_limit,
            },
            trusted_proxies=settings.trusted_proxies,
            university_hosts=frozenset(_names(settings.university_hosts)),
        )
        rooms = RoomDirectory(self.shared.upstreams["rooms"], authenticator)
        accounts.state.find_room = rooms.find
        web = web_pages(settings.web_dir) if settings.web_dir else {}
        pages = Pages(
            table,
            self.shared.upstreams,
            accounts,
            authenticator,
            documented=settings.documented,
            has_app=APP in web,
        )
        self._pages = {**pages.by_path(), **web}
        self.operations = Operations(accounts, {"database": self.database.check}, accounts)

    def listeners(self) -> list[Listener]:
        """List the ports: one for each edition, and one for health and metrics."""
        settings = self.settings
        public = {
            Edition.CIRCLE_TIME: settings.port,
            Edition.UNIVERSITY: settings.university_port,
        }
        listeners = [
            Listener(self._edition(edition), settings.host, port, _HTTP_OPTIONS)
            for edition, port in public.items()
        ]
        # Sign-in is not to be had here: nothing but health and metrics.
        self.operations.serves_routes = False
        here = Listener(self.operations, settings.operations_host, settings.operations_port)
        return [*listeners, here]

    async def relay(self) -> None:
        """Send the outbox of `accounts`."""
        await Relay(self.database.engine, outbox, kafka=self.settings.kafka).run()

    async def close(self) -> None:
        """Let go of connections."""
        for upstream in (*self.shared.upstreams.values(), *self.shared.streams.values()):
            upstream.close()
        await self.database.close()

    def _edition(self, edition: Edition) -> ASGIApp:
        origins = [name.decode() for name in _names(self.settings.cors_origins)]
        websockets = WebSocketProxy(self.shared, edition)
        proxy: ASGIApp = Proxy(self.shared, edition, pages=self._pages, websockets=websockets)
        if not origins:
            return proxy
        return CORSMiddleware(
            proxy,
            allow_origins=origins,
            # Only a site next to ours has cookies of ours: they are SameSite=Lax.
            allow_credentials=True,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=[
                "authorization",
                "content-type",
                "idempotency-key",
                "if-none-match",
                "x-auth-return-redirect",
            ],
            expose_headers=[
                "etag",
                "retry-after",
                "x-ratelimit-limit",
                "x-ratelimit-remaining",
                "x-ratelimit-reset",
                "x-request-id",
            ],
        )


def _names(listed: str) -> list[bytes]:
    return [name.strip().lower().encode() for name in listed.split(",") if name.strip()]


def _find(database: Database, settings: Settings) -> FindIdentity:
    async def find(token: bytes) -> Identity | None:
        async with database.sessions.begin() as session:
            return await Accounts(session).identify(token, idle=settings.session_idle)

    return find


def _redeem(database: Database) -> RedeemTicket:
    async def redeem(ticket: bytes) -> bytes | None:
        async with database.sessions.begin() as session:
            return await Accounts(session).redeem_ticket(ticket)

    return redeem


def _upstreams(settings: Settings, most: int = MOST_CONNECTIONS) -> Mapping[str, Upstream]:
    addresses = {
        "rooms": settings.rooms_url,
        "bookings": settings.bookings_url,
        "panel": settings.panel_url,
        "analytics": settings.analytics_url,
        "occupancy": settings.occupancy_url,
    }
    return {name: _upstream(name, url, most) for name, url in addresses.items()}


def _upstream(name: str, url: str, most: int) -> Upstream:
    parts = urlsplit(url)
    if parts.scheme != "http" or parts.hostname is None or parts.port is None:
        raise click.ClickException(f"GATEWAY_{name.upper()}_URL must be http://host:port")
    return Upstream(name, parts.hostname, parts.port, most)


@click.group()
def main() -> None:
    """The gateway of Atrium: routing, sign-in and limits.

    Settings are read from environment variables that begin with GATEWAY_; `gateway run --help`
    names them.
    """


main.add_command(commands.users)
main.add_command(commands.devices)


@main.command()
def migrate() -> None:
    """Bring the schema `accounts` and its topic up to date, then end."""
    settings = load_settings(Settings)
    set_up_logging("gateway", level=settings.log_level, style=settings.log_style)
    run_to_end(migrate_schema(SCHEMA, settings))


@main.command(help="Answer the public ports." + environment_help(Settings))
@click.option("--migrate", "migrate_first", is_flag=True, help="Migrate first.")
def run(*, migrate_first: bool) -> None:
    settings = load_settings(Settings)
    set_up_logging("gateway", level=settings.log_level, style=settings.log_style)
    set_up_tracing("gateway")

    async def run_gateway() -> None:
        if migrate_first:
            await migrate_schema(SCHEMA, settings)
        gateway = Gateway(settings)
        # What stays to the end is not looked through at every look for garbage: clients wait.
        gc.freeze()
        try:
            await serve(
                gateway.listeners(), workers=[gateway.relay], drain=gateway.operations.drain
            )
        finally:
            await gateway.close()

    run_to_end(run_gateway())


@main.command("new-key")
def new_key() -> None:
    """Print a new key for GATEWAY_IDENTITY_KEY, and its public part for the services."""
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    click.echo(f"GATEWAY_IDENTITY_KEY={key}")
    click.echo(f"ATRIUM_IDENTITY_PUBLIC_KEYS={Signer(key).public_key}")


if __name__ == "__main__":
    main()
