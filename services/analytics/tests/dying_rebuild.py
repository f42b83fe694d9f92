"""`analytics rebuild` that kills itself with -9 at a point, in small steps."""

import os
import signal
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from analytics import rebuild
from analytics.main import main
from analytics.repository import anew
from analytics.repository.facts import Facts

LAST: Final = "never"
# After it was done so many times; what it did is committed by then, or not yet.
POINTS: Final[dict[str, tuple[Any, str, int]]] = {
    "rooms are taken, not committed": (Facts, "take_rooms", 1),
    "bookings are kept, not committed": (Facts, "keep_bookings", 2),
    "a batch is committed": (rebuild, "_store", 4),
    "bookings are carried over": (rebuild, "_carry_over", 1),
    "bookings are sorted": (anew, "index_bookings", 1),
    "some rooms are counted, not committed": (Facts, "count_rooms", 2),
    "some rooms are counted": (rebuild, "_count_some", 2),
    "all rooms are counted": (rebuild, "_count", 1),
    "bookings are taken, not committed": (Facts, "take_bookings", 1),
    "tables are swapped, not committed": (anew, "swap", 1),
    LAST: (anew, "prepare", 99),
}


def end_after(owner: Any, name: str, times: int) -> None:
    """Make a function kill its process when it has run so many times."""
    work: Callable[..., Any] = getattr(owner, name)
    left = times

    @wraps(work)
    async def fatal(*args: Any, **options: Any) -> Any:
        nonlocal left
        done = await work(*args, **options)
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return done

    setattr(owner, name, fatal)


if __name__ == "__main__":
    rebuild._AT_ONCE = 40  # type: ignore[misc]
    rebuild._COUNTED_AT_ONCE = 20  # type: ignore[misc]
    end_after(*POINTS[sys.argv[1]])
    main(["rebuild"])
