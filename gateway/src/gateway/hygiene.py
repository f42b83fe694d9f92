"""What of a request may pass to a service: known headers, plain paths, nothing else.

Headers are let through by name. So whatever a client calls `X-User-Id`, `X_User_Id` or
`Connection: atrium-identity`, no service ever sees it: there is nothing to strip.
"""

import re
from typing import Final

from common.errors import Invalid

# What services read. Credentials are not among them: services are told who is calling.
FORWARDED: Final = frozenset(
    {
        b"accept",
        b"accept-language",
        b"content-type",
        b"idempotency-key",
        b"if-match",
        b"if-none-match",
        b"last-event-id",
        b"traceparent",
        b"tracestate",
        b"user-agent",
    }
)
# What is between us and the service, or is ours to say.
NOT_RETURNED: Final = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"server",
        b"date",
        b"x-request-id",
    }
)
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
MOST_PARAMETERS: Final = 100

# Ids and names of our own paths need no more than this. Percent-encoding, dot segments, empty
# segments, parameters (;) and backslashes can only be an attempt to be read in two ways.
_PLAIN_PATH: Final = re.compile(rb"(?:/(?!\.\.?(?:/|$))[A-Za-z0-9._~-]+)*/?").fullmatch
HOST: Final = re.compile(
    rb"[A-Za-z0-9.-]{1,253}(?::[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](?::[0-9]{1,5})?"
)
_PLAIN_QUERY: Final = re.compile(rb"[\x21-\x7e]*").fullmatch


def check_target(path: bytes, query: bytes) -> None:
    """Refuse a path or query that two programs could read in two ways.

    Raises:
        Invalid: it holds more than plain segments, or more than 100 parameters.
    """
    if _PLAIN_PATH(path) is None or not path.startswith(b"/"):
        raise Invalid("The path holds characters or segments that no address of this API has.")
    if query and (_PLAIN_QUERY(query) is None or query.count(b"&") >= MOST_PARAMETERS):
        raise Invalid(f"The query is malformed or has more than {MOST_PARAMETERS} parameters.")


def client_address(peer: str, forwarded_for: list[bytes], trusted_proxies: int) -> str:
    """Tell whose address a request comes from.

    Args:
        peer: the other end of the connection.
        forwarded_for: values of the X-Forwarded-For headers, in order.
        trusted_proxies: how many of our own proxies are before us; each has appended one entry,
            so that only so many entries from the right are true.
    """
    if not trusted_proxies:
        return peer
    entries = [part.strip() for part in b",".join(forwarded_for).split(b",") if part.strip()]
    if len(entries) < trusted_proxies:
        return peer
    return entries[-trusted_proxies].decode("latin1")


def client_scheme(scheme: str, forwarded_proto: list[bytes], trusted_proxies: int) -> str:
    """Tell whether the client came by http or https.

    Args:
        scheme: of the connection to us.
        forwarded_proto: values of the X-Forwarded-Proto headers, in order.
        trusted_proxies: how many of our own proxies are before us. They append an entry each, or
            the first of them writes the only one.
    """
    if not trusted_proxies:
        return scheme
    entries = [part.strip() for part in b",".join(forwarded_proto).split(b",") if part.strip()]
    if not entries:
        return scheme
    return "https" if entries[-trusted_proxies:][0].lower() == b"https" else "http"


def rate_key(address: str) -> str:
    """Count an IPv6 network (/64) as one client: one customer has all of it."""
    return ":".join(address.split(":")[:4]) if address.count(":") > 3 else address
