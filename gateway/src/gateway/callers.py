"""Who is calling: by which address, by which scheme, with whose token."""

import time
from dataclasses import dataclass
from typing import Final

from starlette.types import Scope

from common.errors import Unauthorized
from gateway.auth import Principal, digest_of
from gateway.cookies import session_tokens
from gateway.hygiene import client_address, client_scheme, rate_key
from gateway.limits import too_many
from gateway.shared import Shared

LOOK_UPS_A_MINUTE: Final = 1200


@dataclass(frozen=True, slots=True)
class SignedInBrowser:
    """The caller behind a session cookie."""

    principal: Principal
    token: bytes


def client_of(shared: Shared, scope: Scope) -> str:
    """Return the address of the client."""
    peer = scope["client"][0] if scope["client"] else ""
    trusted = shared.trusted_proxies
    if not trusted:
        return str(peer)
    entries = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
    return client_address(peer, entries, trusted)


def scheme_of(shared: Shared, scope: Scope) -> str:
    """Tell whether the client came by http or https."""
    trusted = shared.trusted_proxies
    if not trusted:
        return str(scope["scheme"])
    entries = [value for name, value in scope["headers"] if name == b"x-forwarded-proto"]
    return client_scheme(scope["scheme"], entries, trusted)


async def authenticate(shared: Shared, digest: bytes, client: str) -> Principal:
    """Tell who shows a token.

    Args:
        digest: of the token.

    Raises:
        Unauthorized: it is nobody's, or not any more.
        TooManyRequests: the client has shown too many that were nobody's.
    """
    known = shared.authenticator.remembered(digest)
    if known is not None:
        return known
    # Guessing tokens must not cost us a query each; of good ones a campus behind one address has
    # many.
    key = ("look-up", rate_key(client))
    guesses = shared.windows.take(key, LOOK_UPS_A_MINUTE, time.time())
    if guesses.retry_after_s:
        raise too_many(guesses)
    is_guess = False
    try:
        return await shared.authenticator.look_up(digest)
    except Unauthorized:
        is_guess = True
        raise
    finally:
        # If it is good, or nobody was told whether it is, that was no guess.
        if not is_guess:
            shared.windows.give_back(key)


async def authenticate_by_cookie(
    shared: Shared, scope: Scope, client: str
) -> SignedInBrowser | None:
    """Tell whose browser this is; None if its session has ended, or there never was one.

    An ended session is no refusal: browsers show it as long as they have it.
    """
    for token in session_tokens(scope["headers"]):
        try:
            return SignedInBrowser(await authenticate(shared, digest_of(token), client), token)
        except Unauthorized:
            continue
    return None
