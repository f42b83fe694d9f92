"""What happens by itself: levels added up anew, nightly resets, and looks for what is wrong."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, time
from typing import Final

from common.consumer import Consumer
from common.db import UNAVAILABLE, AsyncSession, Database, is_unavailable
from common.events import CROSSINGS, HEARTBEATS
from occupancy.history import months_before
from occupancy.repository.history import History
from occupancy.service import anomalies, equipment, history

_log = logging.getLogger(__name__)
LOOK_EVERY_S: Final = 1.0
RESET_EVERY_S: Final = 10.0
SILENCE_EVERY_S: Final = 2.0
FORGET_EVERY_S: Final = 3600.0


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


async def forget_old(database: Database, keep_months: int) -> None:
    """Forget single crossings of months that are over for long, until cancelled."""

    async def forget(session: AsyncSession) -> bool:
        month = months_before(datetime.now(UTC), keep_months)
        for part in await History(session).keep_since(month):
            _log.info("crossings forgotten", extra={"part": part})
        return True

    while True:
        await _patiently(database, forget)
        await asyncio.sleep(FORGET_EVERY_S)


async def look_for_silence(database: Database, consumer: Consumer, after_s: float) -> None:
    """Raise alerts for edges of which nothing was heard for too long, until cancelled.

    Only of partitions that this process has heard to their ends all that time: what comes late
    because Kafka, the database or we were away is not taken for silence.
    """

    async def look(session: AsyncSession) -> bool:
        partitions = consumer.up_to_date(HEARTBEATS, for_s=after_s)
        await equipment.look_for_silence(session, partitions, after_s)
        return True

    while True:
        await _patiently(database, look)
        await asyncio.sleep(SILENCE_EVERY_S)


async def look_for_anomalies(
    database: Database, consumer: Consumer, zone: str, every_s: float
) -> None:
    """Compare the last hours with those of the weeks before, until cancelled.

    Whatever crossing comes late changes what is found the next time. After an outage we wait for
    those that come at once.
    """

    async def look(session: AsyncSession) -> bool:
        if consumer.up_to_date(CROSSINGS, for_s=every_s):
            await anomalies.look(session, datetime.now(UTC), zone)
        return True

    while True:
        await _patiently(database, look)
        await asyncio.sleep(every_s)


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
