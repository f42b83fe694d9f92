"""The cookies of Auth.js, which keep a browser signed in.

`authjs.session-token` holds the opaque token that other clients send as Bearer (Auth.js calls this
the strategy «database»): there is nothing to read in it, and it ends when its session does.
NextAuth 4 called it `next-auth.session-token`. Over https a name has a prefix, for which browsers
refuse the cookie from a page that is not https, or from a neighbouring host.
"""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

_SESSION: Final = "authjs.session-token"
_CSRF: Final = "authjs.csrf-token"
# The best guarded one first: another cannot take its place.
SESSION_NAMES: Final = (
    "__Secure-authjs.session-token",
    "__Secure-next-auth.session-token",
    "authjs.session-token",
    "next-auth.session-token",
)
_RAW_NAMES: Final = tuple(name.encode() for name in SESSION_NAMES)
# Other applications of the same host have cookies of these names; theirs are left alone.
_TOKEN: Final = re.compile(rb"ata_[A-Za-z0-9_-]{43}").fullmatch


def session_tokens(headers: Iterable[tuple[bytes, bytes]]) -> list[bytes]:
    """List the session tokens among a request's cookies, at most one a name."""
    found: dict[bytes, bytes] = {}
    for header, value in headers:
        if header != b"cookie":
            continue
        for pair in value.split(b";"):
            name, _, content = pair.strip().partition(b"=")
            if name in _RAW_NAMES and name not in found and _TOKEN(content):
                found[name] = content
    return list(dict.fromkeys(found[name] for name in _RAW_NAMES if name in found))


def csrf_name(*, secure: bool) -> str:
    """Name the cookie of the CSRF token; over https no other one is read."""
    return f"__Host-{_CSRF}" if secure else _CSRF


def keep_session(
    response: Response, request: Request, token: str, *, expires_at: datetime, secure: bool
) -> None:
    """Sign a browser in; what it had under the other names goes."""
    name = f"__Secure-{_SESSION}" if secure else _SESSION
    forget_sessions(response, request, but=name)
    response.set_cookie(
        name, token, expires=expires_at, secure=secure, httponly=True, samesite="lax"
    )


def forget_sessions(response: Response, request: Request, *, but: str = "") -> None:
    """Take away every session cookie of ours that the browser sent."""
    for name in SESSION_NAMES:
        content = request.cookies.get(name, "").encode("latin1", "replace")
        if name != but and _TOKEN(content):
            response.delete_cookie(
                name, secure=name.startswith("__Secure-"), httponly=True, samesite="lax"
            )


def keep_csrf(response: Response, value: str, *, secure: bool) -> None:
    """Give a browser its half of a CSRF token, until it is closed."""
    response.set_cookie(
        csrf_name(secure=secure), value, secure=secure, httponly=True, samesite="lax"
    )
