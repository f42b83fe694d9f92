"""Keeps in memory what Postgres has, by reading again what it says has changed.

A trigger says it (`NOTIFY`, with the transaction that changes the rows), with an integer id as the
payload; what is changed together is read together.
"""

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import asyncpg
from sqlalchemy.exc import DBAPIError

from common.db import UNAVAILABLE, Database, is_unavailable

_log = logging.getLogger(__name__)

# What changes within this is read together.
TOGETHER_S: Final = 0.02
# A connection that is dead without a word is noticed this soon.
CHECK_EVERY_S: Final = 1.0
ANSWER_WITHIN_S: Final = 2.0
LONGEST_PAUSE_S: Final = 2.0

Read = Callable[[Sequence[int] | None], Awaitable[None]]


class Follower:
    """Follows a channel of the database.

    Args:
        channel: of the notifications.
        read: reads what has these ids, in ascending order; None: everything. What was read first
            is written down first: one call at a time.
    """

    def __init__(self, database: Database, channel: str, read: Read) -> None:
        self._database = database
        self._channel = channel
        self._read = read
        self._reading = asyncio.Lock()
        # Whether every change reaches us; not while the database does not answer.
        self.is_current = False

    async def catch_up(self) -> None:
        """Read everything that was committed until now."""
        if self.is_current:
            await self._read_in_turn(None)

    async def run(self) -> None:
        """Follow until cancelled; an outage is waited out."""
        for failures in itertools.count():
            try:
                await self._follow()
            except (*UNAVAILABLE, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                if isinstance(error, DBAPIError) and not is_unavailable(error):
                    raise
                extra = {"channel": self._channel, "reason": str(error)}
                _log.warning("what is in memory waits for the database", extra=extra)
            finally:
                self.is_current = False
            await asyncio.sleep(min(LONGEST_PAUSE_S, 0.1 * 2 ** min(failures, 6)))

    async def _follow(self) -> None:
        changed: set[int] = set()
        woken = asyncio.Event()

        def note(*told: object) -> None:
            changed.add(int(str(told[-1])))
            woken.set()

        connection = await self._database.hot.connect()
        try:
            connection.add_termination_listener(lambda _: woken.set())
            await connection.add_listener(self._channel, note)
            await self._read_in_turn(None)
            self.is_current = True
            while not connection.is_closed():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(CHECK_EVERY_S):
                        await woken.wait()
                woken.clear()
                if not changed:
                    await connection.execute("SELECT 1", timeout=ANSWER_WITHIN_S)
                    continue
                await asyncio.sleep(TOGETHER_S)
                wanted = sorted(changed)
                changed.clear()
                await self._read_in_turn(wanted)
        finally:
            connection.terminate()

    async def _read_in_turn(self, ids: Sequence[int] | None) -> None:
        async with self._reading, asyncio.timeout(ANSWER_WITHIN_S):
            await self._read(ids)
