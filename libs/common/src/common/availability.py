"""Waiting for Postgres and Kafka."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from typing import Final

from aiokafka.errors import KafkaError

from common.db import UNAVAILABLE, is_unavailable

_log = logging.getLogger(__name__)

DEPENDENCY_WAIT_S: Final = 120.0


async def until_available(attempt: Callable[[], Awaitable[None]]) -> None:
    """Try until what is needed answers; after two minutes let its error out."""
    deadline = time.monotonic() + DEPENDENCY_WAIT_S
    while True:
        try:
            return await attempt()
        except (KafkaError, *UNAVAILABLE) as error:
            away = isinstance(error, KafkaError) or is_unavailable(error)
            if not away or time.monotonic() > deadline:
                raise
            _log.warning("waiting", extra={"reason": str(error) or type(error).__name__})
        await asyncio.sleep(random.uniform(0.2, 0.5))  # noqa: S311 - jitter
