"""What a webhook is told, how it is signed, and when it is tried again. Pure.

Signatures are those of Standard Webhooks: HMAC-SHA256 over ``id.timestamp.body``, so that a body
cannot be taken for another message, nor an old one for a new one.
"""

import hashlib
import hmac
import random
from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final
from urllib.parse import urlsplit

SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - what a secret begins with
SECRET_BYTES: Final = 32
LONGEST_URL: Final = 2000
KEPT_ANSWER_BYTES: Final = 200
TRIED_FOR: Final = timedelta(days=3)
OFF_AFTER: Final = timedelta(days=5)
_LONGEST_PAUSE_S: Final = 6 * 3600.0
_LONGEST_RETRY_AFTER_S: Final = 24 * 3600.0

# What has been done with a booking, as the audit calls it, and as a webhook asks for it.
EVENT_OF: Final[Mapping[str, str]] = {
    "BOOKING_CREATED": "booking.created",
    "OVERRIDE_CREATED": "booking.created",
    "REQUEST_SUBMITTED": "booking.requested",
    "REQUEST_APPROVED": "booking.approved",
    "REQUEST_REJECTED": "booking.rejected",
    "REQUEST_CANCELLED": "booking.cancelled",
    "BOOKING_CHANGED": "booking.changed",
    "BOOKING_CANCELLED": "booking.cancelled",
    "BOOKING_CHECKED_IN": "booking.checked_in",
    "BOOKING_ENDED": "booking.ended",
    "BOOKING_COMPLETED": "booking.completed",
    "BOOKING_RELEASED": "booking.released",
    "BOOKING_OVERRIDDEN": "booking.displaced",
}
EVENTS: Final = frozenset(EVENT_OF.values())

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_GLOBAL_V6: Final = IPv6Network("2000::/3")
# Addresses that carry an IPv4 address, and lead to it through a gateway: 6to4 and NAT64.
_TUNNELS: Final = (IPv6Network("2002::/16"), IPv6Network("64:ff9b::/96"))


# --- addresses ------------------------------------------------------------------------------------


class WrongUrl(ValueError):
    """An address that no webhook can have; the message says why."""


def check_url(url: str, *, allow_http: bool, networks: tuple[Network, ...]) -> None:
    """Check the address of a webhook as far as that goes without asking who has the name.

    Raises:
        WrongUrl
    """
    if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable():
        raise WrongUrl(f"Use at most {LONGEST_URL} printable ASCII characters.")
    if " " in url or "\\" in url:
        raise WrongUrl("It has a space or a backslash.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise WrongUrl("It is not an address.") from error
    if parts.scheme not in ({"https", "http"} if allow_http else {"https"}):
        raise WrongUrl("It must begin with https://.")
    if parts.username is not None or parts.password is not None:
        raise WrongUrl("It must not hold a user name or a password.")
    if not parts.hostname or port == 0:
        raise WrongUrl("It is not an address.")
    if parts.fragment:
        raise WrongUrl("It must not have a fragment.")
    try:
        literal = ip_address(parts.hostname)
    except ValueError:
        return
    if not may_be_called(literal, networks):
        raise WrongUrl("Its address is not one of the public internet.")


def networks_of(text: str) -> tuple[Network, ...]:
    """Read networks in CIDR form, comma-separated.

    Raises:
        ValueError: one of them is none.
    """
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


def may_be_called(address: Address, networks: tuple[Network, ...]) -> bool:
    """Tell whether an address is one of the public internet, or of a network that is allowed.

    An IPv4 address that is written as IPv6 is judged as what it is.
    """
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if any(address in network for network in networks):
        return True
    if isinstance(address, IPv6Address) and (
        address not in _GLOBAL_V6 or any(address in tunnel for tunnel in _TUNNELS)
    ):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


# --- signatures -----------------------------------------------------------------------------------


def secret_text(secret: bytes) -> str:
    """Write a secret as it is shown, once."""
    return SECRET_PREFIX + b64encode(secret).decode()


def signature(secret: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """Sign a message.

    Args:
        secret: the bytes, not their text.
        timestamp: seconds since 1970.
    """
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()


def secret_bytes(text: str) -> bytes:
    """Read a secret as it was shown."""
    return b64decode(text.removeprefix(SECRET_PREFIX))


# --- trying again ---------------------------------------------------------------------------------


def pause_s(attempts: int, *, first_s: float, retry_after_s: float | None = None) -> float:
    """Return how long to wait after so many failed attempts: three times as long each time.

    Half of it is chance, so that what failed together does not come back together.

    Args:
        first_s: the longest pause after the first attempt.
        retry_after_s: what the receiver has asked for; it is waited for at least that long, but
            no longer than a day.
    """
    grown = first_s * 3.0 ** min(attempts - 1, 40)
    pause = min(grown, _LONGEST_PAUSE_S) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter
    return max(pause, min(retry_after_s or 0.0, _LONGEST_RETRY_AFTER_S))


def retry_after_s(header: str | None, now: datetime) -> float | None:
    """Read a Retry-After header, seconds or a date; None if there is none that can be read."""
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - now).total_seconds())


def shown_answer(answer: bytes) -> str:
    """Keep the beginning of what a receiver answered, as plain text."""
    text = answer[:KEPT_ANSWER_BYTES].decode(errors="replace")
    return "".join(one if one.isprintable() else " " for one in text).strip()
