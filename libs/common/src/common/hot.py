"""Connections for statements that were measured to be hot, each a transaction of its own.

SQLAlchemy's pool hands out a connection and takes it back in 60 µs of CPU, which is half of what a
statement costs on it; this takes 2 (docs/adr/0013).
"""

import asyncio
from collections.abc import Awaitable, Mapping
from typing import Any, Final, TypeVar

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

T = TypeVar("T")
_PATIENCE_S: Final = 5.0


class HotConnections:
    """At most so many of the driver's own connections, each opened when it is first needed.

    Args:
        size: how many statements run at once; more wait for 5 s.
        connect: keyword arguments for ``asyncpg.connect``.
    """

    def __init__(self, size: int, connect: Mapping[str, Any]) -> None:
        self._connect = connect
        self._slots = asyncio.Semaphore(size)
        self._free: list[asyncpg.Connection[Any]] = []

    async def fetch(self, statement: str, values: tuple[object, ...]) -> Mapping[str, Any] | None:
        """Run a statement and commit it; returns its first row.

        Raises:
            DBAPIError: as SQLAlchemy would, of what the driver raises.
            PoolTimeout: every connection was busy for too long.
            OSError: the server can't be reached.
        """
        await self._take_slot()
        try:
            connection = self._pop() or await self.connect()
            try:
                # Of a caller who is cancelled meanwhile, the driver ends the statement.
                return await fetch_row(connection, statement, values)
            except DBAPIError as error:
                if error.connection_invalidated:
                    connection.terminate()
                raise
            finally:
                self._free.append(connection)
        finally:
            self._slots.release()

    async def close(self) -> None:
        """Close the connections that are not in use."""
        while connection := self._pop():
            await connection.close(timeout=_PATIENCE_S)

    async def _take_slot(self) -> None:
        if not self._slots.locked():
            await self._slots.acquire()
            return
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await self._slots.acquire()
        except TimeoutError as error:
            raise PoolTimeout("no connection was free for a statement") from error

    async def connect(self) -> "asyncpg.Connection[Any]":
        """Open a connection of the caller's own, besides those that are counted here.

        Raises:
            DBAPIError: as SQLAlchemy would, of what the driver raises.
            OSError: the server can't be reached.
        """
        try:
            return await asyncpg.connect(**self._connect)
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise DBAPIError("connect", None, error) from error
        except asyncpg.InternalClientError as error:
            # The server closed the connection as it was being opened.
            raise DBAPIError("connect", None, error, connection_invalidated=True) from error

    def _pop(self) -> "asyncpg.Connection[Any] | None":
        while self._free:
            connection = self._free.pop()
            # One that a restarted server has closed is of no use.
            if not connection.is_closed():
                return connection
        return None


async def fetch_row(
    connection: "asyncpg.Connection[Any]", statement: str, values: tuple[object, ...]
) -> Mapping[str, Any] | None:
    """Run a statement on a connection of the driver; returns its first row.

    Raises:
        DBAPIError: as SQLAlchemy would, of what the driver raises.
    """
    return await _told_as_sqlalchemy(connection, statement, connection.fetchrow(statement, *values))


async def fetch_rows(
    connection: "asyncpg.Connection[Any]", statement: str, values: tuple[object, ...]
) -> list[Mapping[str, Any]]:
    """Run a statement on a connection of the driver; returns its rows.

    Raises:
        DBAPIError: as SQLAlchemy would, of what the driver raises.
    """
    return await _told_as_sqlalchemy(connection, statement, connection.fetch(statement, *values))


async def _told_as_sqlalchemy(
    connection: "asyncpg.Connection[Any]", statement: str, work: Awaitable[T]
) -> T:
    try:
        return await work
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        # asyncpg's own error is what it makes of a connection that ends under it.
        closed = connection.is_closed() or isinstance(error, asyncpg.InternalClientError)
        raise DBAPIError(statement, None, error, connection_invalidated=closed) from error
