"""Tells whether a page of ours, or of a foreign site, made a browser send a request.

Browsers attach cookies by themselves, so a cookie says who the browser belongs to, and not who
wrote the page. That is said by `Sec-Fetch-Site`, and where a browser leaves it out (old ones, and
all of them over plain http) by `Origin` or `Referer`. No page can forge any of them.
"""

from collections.abc import Mapping
from typing import Final

from common.errors import Forbidden

Headers = Mapping[bytes, bytes]
_FOREIGN: Final = "This request comes from another site."


class Sites:
    """Knows our own pages.

    Args:
        origins: of other sites whose pages count as ours, lower case.
    """

    def __init__(self, origins: frozenset[bytes]) -> None:
        self._origins = origins

    def check(self, headers: Headers, *, secure: bool) -> None:
        """Let only what a page of ours sent through; use where a cookie signs in.

        Args:
            headers: of the request.
            secure: whether it came by https.

        Raises:
            Forbidden: a foreign page sent it, or nothing says which.
        """
        if not self._ours(headers, secure=secure):
            raise Forbidden(_FOREIGN)

    def check_if_told(self, headers: Headers, *, secure: bool) -> None:
        """Likewise, but let through what comes from no page; use where nobody is signed in yet.

        Raises:
            Forbidden: a foreign page sent it.
        """
        if self._ours(headers, secure=secure) is False:
            raise Forbidden(_FOREIGN)

    def is_ours(self, origin: bytes, headers: Headers, *, secure: bool) -> bool:
        """Tell whether an Origin is the address that was called, or one that is listed."""
        if origin in self._origins:
            return True
        scheme, _, host = origin.partition(b"://")
        # Without https we do not know whether a proxy before us has it.
        schemes = {b"https"} if secure else {b"https", b"http"}
        return scheme in schemes and host != b"" and host == headers.get(b"host")

    def _ours(self, headers: Headers, *, secure: bool) -> bool | None:
        origin = headers.get(b"origin")
        site = headers.get(b"sec-fetch-site")
        if site is not None:
            listed = site == b"same-site" and origin in self._origins
            return listed or site in {b"same-origin", b"none"}
        if origin is None:
            referer = headers.get(b"referer")
            if referer is None:
                return None
            origin = _origin_of(referer)
        return self.is_ours(origin, headers, secure=secure)


def _origin_of(referer: bytes) -> bytes:
    scheme, _, rest = referer.partition(b"://")
    for end in (b"/", b"?", b"#"):
        rest = rest.partition(end)[0]
    return scheme + b"://" + rest
