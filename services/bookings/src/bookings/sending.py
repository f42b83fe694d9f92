"""Sends to webhooks what bookings have left for them. Any number of replicas may."""

import asyncio
import logging
import time
from collections.abc import Sequence
from itertools import groupby
from typing import Final

from prometheus_client import Counter

from bookings.outbound import Answer, NotSent, Outbound
from bookings.repository.outward import Attempt, Deliveries
from bookings.service import webhooks
from bookings.service.webhooks import Outcome
from bookings.webhook import TRIED_FOR
from common.db import UNAVAILABLE, Database, is_unavailable
from common.sealing import CannotOpen, Seal

_log = logging.getLogger(__name__)
_attempts = Counter("webhook_attempts", "Attempts at delivering to a webhook.", ["outcome"])

LOOK_EVERY_S: Final = 0.5
AT_ONCE: Final = 16
# Whoever wants to replay older ones has the topic.
KEEP: Final = TRIED_FOR * 10
_PURGE_EVERY_S: Final = 3600.0
_WRITERS: Final = 2


class Sender:
    """Claims deliveries, sends them, writes what became of them; at least once.

    A claim is good for a minute: what a killed process has taken is sent by another after that.
    Each webhook has a batch of its own under way, so a slow one holds up nobody else.

    Args:
        first_retry_s: the longest pause after the first failure.
    """

    def __init__(
        self, database: Database, seal: Seal, outbound: Outbound, *, first_retry_s: float
    ) -> None:
        self._database = database
        self._seal = seal
        self._outbound = outbound
        self._first_retry_s = first_retry_s
        self._busy: set[str] = set()
        self._done = asyncio.Event()
        # Requests need the pool's connections too.
        self._writing = asyncio.Semaphore(_WRITERS)

    async def run(self) -> None:
        """Send until cancelled; an outage of the database is waited out."""
        purge_at = 0.0
        try:
            async with asyncio.TaskGroup() as group:
                while True:
                    try:
                        if time.monotonic() >= purge_at:
                            await self._purge()
                            purge_at = time.monotonic() + _PURGE_EVERY_S
                        for batch in await self._claim():
                            self._busy.add(batch[0].webhook_id)
                            group.create_task(self._send_all(batch))
                    except UNAVAILABLE as error:
                        _wait_out(error)
                    await self._pause()
        finally:
            await self._outbound.aclose()

    async def _pause(self) -> None:
        self._done.clear()
        try:
            async with asyncio.timeout(LOOK_EVERY_S):
                await self._done.wait()
        except TimeoutError:
            return

    async def _purge(self) -> None:
        async with self._database.sessions.begin() as session:
            await Deliveries(session).purge(KEEP)

    async def _claim(self) -> list[list[Attempt]]:
        async with self._database.sessions.begin() as session:
            claimed = await Deliveries(session).claim(sorted(self._busy), AT_ONCE)
        by_webhook = sorted(claimed, key=lambda one: one.webhook_id)
        return [list(batch) for _, batch in groupby(by_webhook, key=lambda one: one.webhook_id)]

    async def _send_all(self, batch: Sequence[Attempt]) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for attempt in batch:
                    group.create_task(self._send(attempt))
        finally:
            self._busy.discard(batch[0].webhook_id)
            self._done.set()

    async def _send(self, attempt: Attempt) -> None:
        outcome = Outcome.of(await self._post(attempt))
        _attempts.labels("taken" if outcome.taken else "failed").inc()
        if not outcome.taken:
            _log.info(
                "webhook not taken",
                extra={
                    "webhook": attempt.webhook_id,
                    "delivery": attempt.id,
                    "attempts": attempt.attempts,
                    "status": outcome.status,
                },
            )
        try:
            async with self._writing, self._database.sessions.begin() as session:
                await webhooks.settle(session, attempt, outcome, first_retry_s=self._first_retry_s)
        except UNAVAILABLE as error:
            # The claim runs out, and it is sent again.
            _wait_out(error)

    async def _post(self, attempt: Attempt) -> Answer | NotSent:
        try:
            secret = self._seal.open(attempt.secret, of=attempt.webhook_id)
        except CannotOpen:
            return NotSent("its secret was sealed under another BOOKINGS_SECRETS_KEY")
        try:
            headers = webhooks.headers_of(attempt, secret)
            return await self._outbound.post(attempt.url, headers, attempt.body)
        except NotSent as error:
            return error


def _wait_out(error: Exception) -> None:
    if not is_unavailable(error):
        raise error
    _log.warning("database away", extra={"reason": str(error)})
