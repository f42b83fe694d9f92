"""What was done stays in the audit, whoever wants it out."""

import asyncpg
import pytest

from common.testing.plugin import TestDatabase


@pytest.mark.parametrize("statement", ["UPDATE {0} SET reason = 'x'", "DELETE FROM {0}"])
@pytest.mark.parametrize("who", ["url", "owner_url", "superuser_url"])
async def test_nobody_changes_or_deletes_an_entry(
    bookings_database: TestDatabase, statement: str, who: str
) -> None:
    connection = await asyncpg.connect(getattr(bookings_database, who))
    await connection.execute(
        "INSERT INTO bookings.audit (id, action_type, target_type, target_id)"
        " VALUES ('a', 'BOOKING_CREATED', 'BOOKING', 'b')"
    )

    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="cannot be changed"):
        await connection.execute(statement.format("bookings.audit"))

    assert await connection.fetchval("SELECT count(*) FROM bookings.audit") == 1
    await connection.close()


async def test_nor_truncates_it(bookings_database: TestDatabase) -> None:
    connection = await asyncpg.connect(bookings_database.owner_url)

    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="cannot be changed"):
        await connection.execute("TRUNCATE bookings.audit")

    await connection.close()
