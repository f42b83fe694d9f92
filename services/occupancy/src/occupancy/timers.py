"""What happens by itself: levels that somebody wants anew, and nightly resets."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, time
from typing import Final

from common.db import UNAVAILABLE, AsyncSession, Database, is_unavailable
from occupancy.repository.history import History
from occupancy.service import history

_log = logging.getLogger(__name__)
LOOK_EVERY_S: Final = 1.0
RESET_EVERY_S: Final = 10.0


async def rebuild_on_request(database: Database, zone: str) -> None:
    """Add levels up anew, in turn, until cancelled.

    What was taken and not done, because a process was killed, is still there for the next.
    """

    async def rebuild(session: AsyncSession) -> bool:
        taken = await History(session).next_rebuild()
        if taken is not None:
            await history.rebuild(session, *taken, zone)
        return taken is not None

    while True:
        if not await _patiently(database, rebuild):
            await asyncio.sleep(LOOK_EVERY_S)


async def reset_nightly(database: Database, at: time, zone: str) -> None:
    """Empty every area at a local time of day until cancelled; what was missed is made up for."""

    async def reset(session: AsyncSession) -> bool:
        return bool(await history.reset(session, at, datetime.now(UTC), zone))

    while True:
        await _patiently(database, reset)
        await asyncio.sleep(RESET_EVERY_S)


async def _patiently(database: Database, work: Callable[[AsyncSession], Awaitable[bool]]) -> bool:
    """Work in a transaction; an outage of the database is waited out."""
    try:
        async with database.sessions.begin() as session:
            return await work(session)
    except UNAVAILABLE as error:
        if not is_unavailable(error):
            raise
        _log.warning("database away", extra={"reason": str(error)})
        return False
