"""Postgres: one engine a process, one transaction a request or batch. Nothing else commits."""

import re
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Final, TypeVar

import asyncpg
from fastapi import Depends
from sqlalchemy import MetaData, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import Session as SyncSession
from starlette.requests import HTTPConnection

from common.errors import Unavailable
from common.hot import HotConnections, fetch_row, fetch_rows

# Services name the session of their transaction without knowing whose it is.
__all__ = [
    "UNAVAILABLE",
    "AsyncSession",
    "Database",
    "Session",
    "create_engine",
    "fetch_all_hot",
    "fetch_hot",
    "in_transaction",
    "is_unavailable",
    "lend_session",
]

_BEGUN: Final = "begun"
_HOT: Final = "hot"
_LENT: Final = "atrium.session"
_OPENED: Final = "atrium.opened"
T = TypeVar("T")
_SERVER_SETTINGS: Final = {
    "timezone": "UTC",
    # A frozen process must not hold locks that its replacement waits for.
    "idle_in_transaction_session_timeout": "15s",
    "statement_timeout": "30s",
    "lock_timeout": "5s",
}


def create_engine(
    url: str, *, application: str, pool: int = 10, connect: Mapping[str, Any] | None = None
) -> AsyncEngine:
    """Open a pool of connections; ``url`` is an ordinary ``postgresql://`` address.

    Args:
        connect: more keyword arguments for ``asyncpg.connect``.
    """
    engine = create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"),
        pool_size=pool,
        max_overflow=0,
        pool_timeout=5,
        connect_args={**_connect_args(application), **(connect or {})},
    )
    event.listen(engine.sync_engine, "checkout", _refuse_closed)
    return engine


def _connect_args(application: str) -> dict[str, Any]:
    named = {"application_name": application, **_SERVER_SETTINGS}
    return {"timeout": 5, "server_settings": named}


def _refuse_closed(dbapi_connection: Any, *_: object) -> None:  # noqa: ANN401 - the adapter's own
    """Give nobody a connection that a restarted server has closed; the pool opens another.

    A ping would tell the same in three round trips more for each transaction.
    """
    if dbapi_connection.driver_connection.is_closed():
        raise DisconnectionError


def _redirected(tables: MetaData, schema: str) -> type["asyncpg.Connection[Any]"]:
    """Make connections on which statements find the tables of another schema."""
    names = "|".join(sorted(table.name for table in tables.sorted_tables))
    named = re.compile(rf"\b{tables.schema}\.({names})\b")

    @cache
    def redirect(statement: str) -> str:
        return named.sub(rf"{schema}.\1", statement)

    class Redirected(asyncpg.Connection):  # type: ignore[misc]
        """Here, and not where statements are written: some of them are not SQLAlchemy's."""

        async def execute(self, query: str, *args: object, **options: object) -> Any:  # noqa: ANN401
            return await super().execute(redirect(query), *args, **options)

        async def fetch(self, query: str, *args: object, **options: object) -> Any:  # noqa: ANN401
            return await super().fetch(redirect(query), *args, **options)

        async def fetchrow(self, query: str, *args: object, **options: object) -> Any:  # noqa: ANN401
            return await super().fetchrow(redirect(query), *args, **options)

        async def prepare(self, query: str, **options: object) -> Any:  # noqa: ANN401
            return await super().prepare(redirect(query), **options)

    return Redirected


class _Session(SyncSession):
    """A session that knows whether it has run anything."""


def _note_begin(session: SyncSession, *_: object) -> None:
    session.info[_BEGUN] = True


event.listen(_Session, "after_begin", _note_begin)


@dataclass(frozen=True, slots=True)
class Database:
    """A service's own schema, through its own role."""

    schema: str
    engine: AsyncEngine
    sessions: async_sessionmaker[AsyncSession]
    hot: HotConnections

    @classmethod
    def connect(
        cls,
        url: str,
        *,
        schema: str,
        pool: int = 10,
        hot: int = 10,
        tables: MetaData | None = None,
    ) -> "Database":
        """Open nothing yet.

        Args:
            pool: how many connections there may be for transactions.
            hot: how many there may be, besides, for what `fetch_hot` runs outside of one.
            tables: whatever statements do to one of these, they do to its namesake in ``schema``.
        """
        application = f"atrium-{schema}"
        connect = {} if tables is None else {"connection_class": _redirected(tables, schema)}
        engine = create_engine(url, application=application, pool=pool, connect=connect)
        _, address = engine.sync_engine.dialect.create_connect_args(engine.url)
        lean = HotConnections(hot, {**address, **_connect_args(application), **connect})
        maker = async_sessionmaker(
            engine, expire_on_commit=False, sync_session_class=_Session, info={_HOT: lean}
        )
        return cls(schema, engine, maker, lean)

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()
        await self.hot.close()

    async def check(self) -> None:
        """Raise Unavailable while the database does not answer."""
        try:
            async with self.engine.connect() as connection:
                await connection.execute(text("SELECT 1"))
        except UNAVAILABLE as error:
            raise Unavailable("the database does not answer") from error


# What SQLAlchemy, asyncpg and the network raise when the server is away. A DBAPIError that is
# not among these is a bug.
UNAVAILABLE: Final = (OSError, PoolTimeout, DBAPIError)


def is_unavailable(error: BaseException) -> bool:
    """Tell whether an error means that the database is away, not that we are wrong."""
    if isinstance(error, DBAPIError):
        # asyncpg's own protocol error: the server closed a connection as it was being opened.
        broken = isinstance(getattr(error.orig, "__cause__", None), asyncpg.InternalClientError)
        return broken or error.connection_invalidated or _is_server_going(error.orig)
    return isinstance(error, OSError | PoolTimeout)


def _is_server_going(error: BaseException | None) -> bool:
    # Classes 08, 53 and 57 of SQLSTATE: connection, resources, operator intervention; 25P03 is
    # ours for idling in a transaction, 40 and 55 are races that a retry wins.
    state: str = getattr(error, "sqlstate", None) or ""
    return state[:2] in {"08", "53", "57", "40", "55"} or state == "25P03"


async def fetch_hot(
    session: AsyncSession, statement: str, *values: object
) -> Mapping[str, Any] | None:
    """Run a statement that returns rows on the driver's own connection; returns the first.

    For statements that were measured to be hot: nothing is built or adapted. It is
    part of the session's transaction if the session has run anything; if not, it is a transaction
    of its own, committed when this returns, and must be whole in itself. What SQLAlchemy raises for
    a server that is away is raised here too.
    """
    if not session.info.get(_BEGUN):
        hot: HotConnections = session.info[_HOT]
        return await hot.fetch(statement, values)
    connection = await session.connection()
    driver: asyncpg.Connection[Any] | None = (
        await connection.get_raw_connection()
    ).driver_connection
    assert driver is not None  # noqa: S101 - the pool has just given it
    if not driver.is_in_transaction():
        # SQLAlchemy begins a transaction with the first statement that it runs: let it be this.
        found = (await connection.exec_driver_sql(statement, values)).mappings().first()
        return dict(found) if found is not None else None
    return await fetch_row(driver, statement, values)


async def fetch_all_hot(
    session: AsyncSession, statement: str, *values: object
) -> list[Mapping[str, Any]]:
    """Run a statement on the driver's own connection, in a session's transaction that has begun.

    Returns its rows.
    """
    connection = await session.connection()
    driver: asyncpg.Connection[Any] | None = (
        await connection.get_raw_connection()
    ).driver_connection
    assert driver is not None  # noqa: S101 - the pool has given it
    assert driver.is_in_transaction()  # noqa: S101 - or the statement would commit itself
    return await fetch_rows(driver, statement, values)


def lend_session(connection: HTTPConnection, session: AsyncSession) -> None:
    """Let a request's handler work in a transaction that somebody around it has begun."""
    connection.scope[_LENT] = session


async def _session(connection: HTTPConnection) -> AsyncSession:
    lent: AsyncSession | None = connection.scope.get(_LENT)
    if lent is not None:
        return lent
    database: Database = connection.app.state.database
    session = connection.scope[_LENT] = connection.scope[_OPENED] = database.sessions()
    return session


# The session of a request's transaction, which `in_transaction` ends.
Session = Annotated[AsyncSession, Depends(_session)]


async def in_transaction(connection: HTTPConnection, handle: Awaitable[T]) -> T:
    """Handle a request: commit what its handler did before the answer leaves, or undo it.

    As a generator of FastAPI's, the session would cost a tenth of the CPU of a small request.
    """
    try:
        answer = await handle
        opened: AsyncSession | None = connection.scope.get(_OPENED)
        if opened is not None and opened.in_transaction():
            await opened.commit()
        return answer
    finally:
        opened = connection.scope.get(_OPENED)
        if opened is not None and opened.in_transaction():
            await opened.close()
