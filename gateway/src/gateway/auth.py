"""Tells who is calling from the token that they show."""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from common.errors import Unauthorized
from common.identity import ANONYMOUS, LIFETIME_S, Identity, Signer
from gateway.routes import Route

# A revoked token is refused this long after at the latest.
REMEMBER_S: Final = 4.0
MOST_REMEMBERED: Final = 50_000
MOST_UNKNOWN: Final = 10_000
MOST_SIGNED: Final = 1_000
SIGN_AHEAD_S: Final = LIFETIME_S / 2
_NOBODYS: Final = "Invalid or expired token"

FindIdentity = Callable[[bytes], Awaitable[Identity | None]]


@dataclass(slots=True)
class Principal:
    """A caller, and what was signed for them lately."""

    identity: Identity
    known_until: float = float("inf")
    signed: dict[tuple[str, str, str, bytes], tuple[bytes, float]] = field(default_factory=dict)


class Authenticator:
    """Looks tokens up, and remembers what it found for less than 5 s.

    Args:
        find: looks up the identity behind the SHA-256 of a token; None for an unknown one.
        signer: signs what services are told.
    """

    def __init__(self, find: FindIdentity, signer: Signer) -> None:
        self._find = find
        self._signer = signer
        self._known: dict[bytes, Principal] = {}
        self._unknown: dict[bytes, float] = {}
        self._asking: dict[bytes, asyncio.Task[Principal]] = {}
        self._anonymous = Principal(ANONYMOUS)

    @property
    def anonymous(self) -> Principal:
        """Who shows no token."""
        return self._anonymous

    def remembered(self, digest: bytes) -> Principal | None:
        """Return who a token belongs to, if that is known without asking.

        Args:
            digest: of the token.

        Raises:
            Unauthorized: it is known to be nobody's. A browser shows an ended one again and again.
        """
        now = time.monotonic()
        principal = self._known.get(digest)
        if principal is not None and principal.known_until >= now:
            return principal
        if self._unknown.get(digest, 0) >= now:
            raise Unauthorized(_NOBODYS)
        return None

    async def look_up(self, digest: bytes) -> Principal:
        """Ask who a token belongs to; those who ask at the same time ask once.

        Args:
            digest: of the token.

        Raises:
            Unauthorized: nobody, any more.
        """
        asking = self._asking.get(digest)
        if asking is None:
            asking = self._asking[digest] = asyncio.create_task(self._ask(digest))
            asking.add_done_callback(lambda done: self._asked(digest, done))
        # Whoever gives up waiting does not give up for the others.
        return await asyncio.shield(asking)

    async def _ask(self, digest: bytes) -> Principal:
        identity = await self._find(digest)
        if identity is None:
            self._known.pop(digest, None)
            if len(self._unknown) >= MOST_UNKNOWN:
                self._unknown.clear()
            self._unknown[digest] = time.monotonic() + REMEMBER_S
            raise Unauthorized(_NOBODYS)
        if len(self._known) >= MOST_REMEMBERED:
            self._known.clear()
        principal = Principal(identity, time.monotonic() + REMEMBER_S)
        self._known[digest] = principal
        return principal

    def _asked(self, digest: bytes, done: "asyncio.Task[Principal]") -> None:
        del self._asking[digest]
        if not done.cancelled():
            done.exception()  # somebody has had it, or everybody has gone

    def forget(self, token: bytes) -> None:
        """Ask again at the token's next use, because it was revoked here."""
        self._known.pop(digest_of(token), None)

    def sign(self, principal: Principal, route: Route, method: str, path: bytes) -> bytes:
        """Return the signed identity for a call; for half a minute, the same for calls alike."""
        contract = route.contract_of(method)
        key = (route.service, contract.value, method, path)
        now = time.monotonic()
        signed = principal.signed.get(key)
        if signed is not None and signed[1] > now:
            return signed[0]
        token = self._signer.sign(
            principal.identity,
            service=route.service,
            contract=contract,
            method=method,
            path=path.decode("latin1"),
        ).encode()
        if len(principal.signed) >= MOST_SIGNED:
            principal.signed.clear()
        principal.signed[key] = (token, now + SIGN_AHEAD_S)
        return token


def digest_of(token: bytes) -> bytes:
    """Return what is stored and remembered of a token."""
    return hashlib.sha256(token).digest()


def bearer_token(authorization: bytes) -> bytes:
    """Take the token out of an Authorization header.

    Raises:
        Unauthorized: it is of another scheme.
    """
    scheme, _, token = authorization.partition(b" ")
    if scheme.lower() != b"bearer" or not token.strip():
        raise Unauthorized("Expected an Authorization header of the form: Bearer <token>")
    return token.strip()
