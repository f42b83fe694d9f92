"""What has no end: events for who asks for them, WebSockets.

A caller has so many of them, each for as long as the token is good that was shown for it.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Final

from common.db import UNAVAILABLE, is_unavailable
from common.errors import TooManyRequests
from common.tasks import end
from gateway.auth import Principal
from gateway.shared import Shared

# While the database is away, whoever is in stays in, and is asked about so often.
ASK_AGAIN_S: Final = 0.5


@contextmanager
def stream_of(shared: Shared, caller: str, most: int, what: str) -> Iterator[None]:
    """Let a caller have so many of what has no end, and no more.

    Raises:
        TooManyRequests: they have them.
    """
    open_ones, key = shared.open_streams, (what, caller)
    if open_ones[key] >= most:
        raise TooManyRequests(
            f"{most} {what} are open; close one first.", headers={"retry-after": "5"}
        )
    open_ones[key] += 1
    try:
        yield
    finally:
        open_ones[key] -= 1
        if not open_ones[key]:
            del open_ones[key]


async def while_admitted(
    passing: Coroutine[Any, Any, None],
    shared: Shared,
    digest: bytes | None,
    principal: Principal,
    admit: Callable[[Principal], None],
) -> None:
    """Let something go on for as long as its caller may have it.

    Args:
        digest: of the token that they showed; None: they need none.
        admit: raises AppError for whom it does not let in.

    Raises:
        AppError: they may not have it any more.
    """
    if digest is None:
        await passing
        return
    passed = asyncio.create_task(passing)
    watch = asyncio.create_task(_until_refused(shared, digest, principal, admit))
    try:
        await asyncio.wait({passed, watch}, return_when=asyncio.FIRST_COMPLETED)
        first = passed if passed.done() else watch
    finally:
        await end(passed, watch)
    await first


async def _until_refused(
    shared: Shared, digest: bytes, principal: Principal, admit: Callable[[Principal], None]
) -> None:
    """Look again who is calling whenever what is known of them has grown old."""
    while True:
        await asyncio.sleep(max(0, principal.known_until - time.monotonic()))
        try:
            # That was no guess, and is none now.
            known = shared.authenticator.remembered(digest)
            principal = known or await shared.authenticator.look_up(digest)
            admit(principal)
        except UNAVAILABLE as error:
            if not is_unavailable(error):
                raise
            await asyncio.sleep(ASK_AGAIN_S)
