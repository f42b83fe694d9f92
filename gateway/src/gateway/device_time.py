"""When a panel that was cut off says that something was done: signed with its own token.

    X-Device-Time: 2026-11-22T09:58:00Z;<hex>

where ``hex`` is HMAC-SHA256 with the token as the key, over method, path and time, each parted from
the next by one space. The time is the server's, as the panel has counted it on since it last heard.
"""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Final

from common.errors import Invalid, Unauthorized

HEADER: Final = b"x-device-time"
# A panel is away for a day at most; what is older is nobody's check-in any more.
OLDEST: Final = timedelta(days=1)
AHEAD: Final = timedelta(minutes=1)


def acted_at(value: bytes, token: bytes, method: str, path: bytes) -> datetime:
    """Return when a panel says that it was done, aware.

    Raises:
        Invalid: it is no time, or none that can be believed.
        Unauthorized: the signature is not the token's.
    """
    said, _, signature = value.partition(b";")
    signed = b" ".join([method.encode(), path, said])
    expected = hmac.new(token, signed, hashlib.sha256).hexdigest().encode()
    if not hmac.compare_digest(signature.strip().lower(), expected):
        raise Unauthorized("X-Device-Time is not signed with this panel's token.")
    try:
        moment = datetime.fromisoformat(said.decode("ascii"))
    except ValueError as error:
        raise Invalid("X-Device-Time is no ISO 8601 time.") from error
    if moment.tzinfo is None:
        raise Invalid("X-Device-Time needs a time zone.")
    now = datetime.now(UTC)
    if not now - OLDEST <= moment <= now + AHEAD:
        raise Invalid("X-Device-Time is more than a day ago, or still to come.")
    return moment
