"""What must be true of bookings, whatever was done to them."""

import asyncpg

from common.testing.plugin import TestDatabase

OVERLAPS = """
    SELECT count(*) FROM bookings.bookings a JOIN bookings.bookings b
        ON a.room_id = b.room_id AND a.id < b.id AND a.held && b.held
    WHERE a.overridden_by IS NULL AND b.overridden_by IS NULL
        AND a.status IN ('confirmed', 'completed') AND b.status IN ('confirmed', 'completed')
"""
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
UNTOLD = """
    SELECT count(*) FROM bookings.bookings b
    LEFT JOIN (
        SELECT convert_from(payload, 'UTF8')::jsonb -> 'data' ->> 'id' AS id, count(*) AS told
        FROM bookings.outbox GROUP BY 1
    ) events ON events.id = b.id
    WHERE events.told IS DISTINCT FROM b.version
"""


async def assert_sound(database: TestDatabase) -> None:
    """No two hold a room at one time, nobody deadlocked, and each change was told."""
    server = await asyncpg.connect(database.superuser_url)
    try:
        await server.execute("SELECT pg_stat_force_next_flush()")
        assert await server.fetchval(OVERLAPS) == 0
        assert await server.fetchval(DEADLOCKS) == 0
        assert await server.fetchval(UNTOLD) == 0
    finally:
        await server.close()
