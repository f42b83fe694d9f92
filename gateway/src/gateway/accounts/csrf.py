"""CSRF tokens as Auth.js has them: half in a cookie, half in the form, held together by our key.

The cookie reads `token|signature`; the form repeats the token, which no foreign page can read.
The signature is bound to the session, so that a token from one's own browser, planted in another
one as a cookie by a neighbouring host, is worth nothing there.
"""

import hmac
import re
import secrets
from base64 import b64decode
from typing import Final

_TOKEN: Final = re.compile(r"[0-9a-f]{64}").fullmatch


class CsrfTokens:
    """Makes and verifies tokens.

    Args:
        identity_key: base64; the key of this purpose is derived from it, so that all gateways of
            an installation know each other's tokens.
    """

    def __init__(self, identity_key: str) -> None:
        self._key = hmac.digest(b64decode(identity_key), b"atrium gateway: csrf", "sha256")

    def cookie(self, session: bytes) -> str:
        """Make a new token for a session (b"" before there is one), as its cookie reads."""
        token = secrets.token_hex(32)
        return f"{token}|{self._signature(token, session)}"

    def token(self, cookie: str, session: bytes) -> str | None:
        """Return the token of a cookie, if we gave it to this session."""
        token, _, signature = cookie.partition("|")
        if not _TOKEN(token) or not signature.isascii():
            return None
        right = hmac.compare_digest(signature, self._signature(token, session))
        return token if right else None

    def _signature(self, token: str, session: bytes) -> str:
        return hmac.digest(self._key, token.encode() + session, "sha256").hex()


def same(one: str | None, other: str | None) -> bool:
    """Tell whether both are there and alike, without telling how far they are alike."""
    return (
        one is not None and other is not None and hmac.compare_digest(one.encode(), other.encode())
    )
