"""The board of live counts, and the streams that are told from it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import asyncpg

from common.db import Database
from common.tasks import end
from doors import add_camera
from occupancy.live import Board


@asynccontextmanager
async def following(database: Database) -> AsyncIterator[Board]:
    board = Board(database)
    task = asyncio.create_task(board.run())
    try:
        async with asyncio.timeout(10):
            while board.facility is None:
                await asyncio.sleep(0.01)
        yield board
    finally:
        board.close()
        await end(task)


async def told(stream: AsyncIterator[bytes], wanted: bytes) -> bytes:
    """Read a stream until something was said."""
    text = b""
    async with asyncio.timeout(10):
        async for part in stream:
            text += part
            if wanted in text:
                break
    return text


async def test_a_facility_without_cameras_is_told_of(database: Database) -> None:
    async with following(database) as board, aclosing(board.stream("")) as stream:
        assert b'"cameras_active":0' in await told(stream, b"event: facility")


async def test_nothing_is_shown_from_memory_while_the_database_is_away(database: Database) -> None:
    door = await add_camera(database, None)
    async with following(database) as board:
        assert board.camera(door[0]) is not None
        async with database.sessions() as session:
            driver = await (await session.connection()).get_raw_connection()
            parameters = driver.driver_connection._params
            address = driver.driver_connection._addr
        server = await asyncpg.connect(
            host=address[0],
            port=address[1],
            user=parameters.user,
            password=parameters.password,
            database=parameters.database,
        )
        # As a restart of the server does to each connection of ours.
        await server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND usename = current_user"
            " AND (query LIKE 'LISTEN%' OR query = 'SELECT 1')"
        )
        await server.close()
        async with asyncio.timeout(10):
            while board.camera(door[0]) is not None:
                await asyncio.sleep(0.005)
            while board.camera(door[0]) is None:
                await asyncio.sleep(0.005)
