"""CUIDs: ids that sort by the time they were made and do not say how many there are.

``c`` + 8 digits of base-36 milliseconds + 4 of a counter + 4 of a fingerprint of this process
+ 8 random: 25 characters.
"""

import itertools
import os
import re
import secrets
import socket
import time
import zlib
from typing import Final

_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_PAIRS: Final = [first + second for first in _DIGITS for second in _DIGITS]
_BLOCK: Final = 36**4
_CUID: Final = re.compile(r"c[0-9a-z]{24}")


def _base36_4(value: int) -> str:
    high, low = divmod(value, 1296)
    return _PAIRS[high] + _PAIRS[low]


def _base36_8(value: int) -> str:
    high, low = divmod(value, _BLOCK)
    return _base36_4(high) + _base36_4(low)


_fingerprint = _base36_4(zlib.crc32(f"{socket.gethostname()}/{os.getpid()}".encode()) % _BLOCK)
_counter = itertools.count(secrets.randbelow(_BLOCK))


def new_cuid() -> str:
    """Make an id; later ones sort after earlier ones of other milliseconds."""
    return (
        "c"
        + _base36_8(time.time_ns() // 1_000_000)
        + _base36_4(next(_counter) % _BLOCK)
        + _fingerprint
        + _base36_8(secrets.randbelow(36**8))
    )


def is_cuid(text: str) -> bool:
    """Tell whether a text has the form of a CUID."""
    return _CUID.fullmatch(text) is not None


def age_of_cuid(cuid: str) -> float:
    """Return how many seconds ago a CUID was made, by the clock of whoever made it."""
    return time.time() - int(cuid[1:9], 36) / 1000
