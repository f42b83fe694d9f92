"""What the service does of its own accord."""

import asyncio
import logging
from datetime import timedelta
from typing import Final

from common.consumer import Consumer
from common.db import UNAVAILABLE, Database, is_unavailable
from common.events import BOOKINGS
from panel.repository import Copies

_log = logging.getLogger(__name__)
NOTE_EVERY_S: Final = 1.0


async def note_heard(database: Database, consumer: Consumer, stale_after: timedelta) -> None:
    """Write down, again and again, of which partitions everything is known."""
    while True:
        partitions = consumer.up_to_date(BOOKINGS, for_s=0)
        if partitions:
            try:
                async with database.sessions.begin() as session:
                    await Copies(session).note_heard(partitions, stale_after)
            except UNAVAILABLE as error:
                if not is_unavailable(error):
                    raise
                _log.warning("database away", extra={"reason": str(error)})
        await asyncio.sleep(NOTE_EVERY_S)
