"""What happens because time has passed: bookings that nobody came to, and those that are over."""

import asyncio
import logging
from typing import Final

from bookings.service import attendance
from common.db import UNAVAILABLE, Database, is_unavailable

_log = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 1.0
AT_ONCE: Final = 200


async def release_overdue(database: Database) -> None:
    """Release and complete bookings until cancelled; an outage of the database is waited out.

    Several replicas may run: each takes rows that no other holds. The clock is the database's.
    """
    while True:
        released = 0
        try:
            async with database.sessions.begin() as session:
                released = await attendance.release_overdue(session, AT_ONCE)
        except UNAVAILABLE as error:
            if not is_unavailable(error):
                raise
            _log.warning("database away", extra={"reason": str(error)})
        if released < AT_ONCE:
            await asyncio.sleep(LOOK_EVERY_S)
