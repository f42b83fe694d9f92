"""Ends tasks that run until they are cancelled."""

import asyncio
from typing import Any, Final

# Longer than any of our clean-ups takes, each of which a second cancellation would cut short.
AGAIN_AFTER_S: Final = 8.0


async def end(*tasks: "asyncio.Task[Any]", again_after_s: float = AGAIN_AFTER_S) -> list[Any]:
    """Cancel tasks and wait until they have ended; returns the result or error of each.

    A task is cancelled again if it goes on all the same: up to Python 3.11 ``asyncio.wait_for``,
    which the libraries use that we stand on, loses a cancellation that comes with its result.
    """
    running = set(tasks)
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=again_after_s)
    return await asyncio.gather(*tasks, return_exceptions=True)
