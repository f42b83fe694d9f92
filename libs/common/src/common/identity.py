"""Who is calling: signed by the gateway, verified by every service, trusted from nowhere else.

A compact JWT (EdDSA, 60 s) in the header ``atrium-identity``. It is bound to one service, one
method and one path, and names the contract under which the gateway let the call in.

Of JWT we write one form and read no other: there is one algorithm, and the first part of a token is
compared, not interpreted. PyJWT reads all of it twice and in Python (docs/adr/0007).
"""

import hashlib
import time
from base64 import b64decode, b64encode, urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Literal

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from common.contracts import Contract
from common.errors import Unauthorized

HEADER: Final = b"atrium-identity"
LIFETIME_S: Final = 60
MOST_VERIFIED: Final = 10_000
_ISSUER: Final = "atrium-gateway"
_CLOCK_SKEW_S: Final = 5
_FOREIGN: Final = "This service is reached through the gateway only."


class Role(StrEnum):
    """What a person may do; the contracts of `circle_time` show `admin` or `user`."""

    ADMIN = "ADMIN"
    FACULTY = "FACULTY"
    STUDENT = "STUDENT"
    STAFF = "STAFF"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The caller of a request.

    Args:
        kind: nobody in particular, a signed-in person, a door panel or a camera host.
        id: of the user or the device; None for anybody.
        role: of a person.
        name, email: of a person; the device's name.
        room_id: of a panel that hangs at one room's door, its integer id.
        acted_at: when a panel that was cut off says, signed, that this was done, aware.
    """

    kind: Literal["anonymous", "user", "panel", "edge"]
    id: str | None = None
    role: Role | None = None
    name: str | None = None
    email: str | None = None
    room_id: int | None = None
    acted_at: datetime | None = None


ANONYMOUS: Final = Identity(kind="anonymous")


@dataclass(frozen=True, slots=True)
class Call:
    """What a verified token allows: this caller, under this contract."""

    identity: Identity
    contract: Contract


def key_id(key: Ed25519PublicKey) -> str:
    """Name a key by its first 64 bits of SHA-256, so that keys can be rotated."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]


class Signer:
    """Signs identities for the gateway.

    Args:
        key: base64 of the raw Ed25519 private key.
    """

    def __init__(self, key: str) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(b64decode(key))
        self._first_part = _first_part(self._key.public_key())

    @property
    def public_key(self) -> str:
        """What services verify with: base64 of the raw key."""
        return b64encode(self._key.public_key().public_bytes_raw()).decode()

    def sign(
        self, identity: Identity, *, service: str, contract: Contract, method: str, path: str
    ) -> str:
        """Sign for one call; the token is good for 60 s from now."""
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": _ISSUER,
            "aud": service,
            "nbf": now - _CLOCK_SKEW_S,
            "exp": now + LIFETIME_S,
            "knd": identity.kind,
            "ctr": contract.value,
            "mth": method,
            "pth": path,
        }
        if identity.kind != "anonymous":
            claims |= {
                "sub": identity.id,
                "rol": identity.role,
                "nam": identity.name,
                "eml": identity.email,
                "rom": identity.room_id,
                "act": identity.acted_at,
            }
        signed = self._first_part + b"." + _encoded(msgspec.json.encode(claims))
        return (signed + b"." + _encoded(self._key.sign(signed))).decode()


class Verifier:
    """Verifies identities for one service.

    Args:
        service: the audience that a token must name.
        public_keys: base64 of raw Ed25519 keys, comma-separated; the old one stays listed for as
            long as its tokens live when keys are rotated.
    """

    def __init__(self, service: str, public_keys: str) -> None:
        self._service = service
        keys = map(_public_key, public_keys.split(","))
        self._keys = {_first_part(key): key for key in keys}
        # The gateway signs once for calls alike within half a minute.
        self._verified: dict[str, tuple[_Claims, Call]] = {}

    def verify(self, token: str, *, method: str, path: str) -> Call:
        """Tell who is calling.

        Raises:
            Unauthorized: no, expired, foreign or forged identity, or one for another call.
        """
        claims, call = self._verified.get(token) or self._verify(token)
        if not claims.nbf - _CLOCK_SKEW_S <= time.time() < claims.exp + _CLOCK_SKEW_S:
            self._verified.pop(token, None)
            raise Unauthorized(_FOREIGN)
        if (claims.mth, claims.pth) != (method, path):
            raise Unauthorized("The signed identity is for another request.")
        return call

    def _verify(self, token: str) -> "tuple[_Claims, Call]":
        """Verify what does not change with time: who signed, and for which service."""
        try:
            signed, _, signature = token.encode("ascii").rpartition(b".")
            first_part, _, claimed = signed.partition(b".")
            self._keys[first_part].verify(_decoded(signature), signed)
            claims = msgspec.json.decode(_decoded(claimed), type=_Claims)
        except (ValueError, KeyError, InvalidSignature) as error:
            raise Unauthorized(_FOREIGN) from error
        if (claims.iss, claims.aud) != (_ISSUER, self._service):
            raise Unauthorized(_FOREIGN)
        identity = Identity(
            kind=claims.knd,
            id=claims.sub,
            role=claims.rol,
            name=claims.nam,
            email=claims.eml,
            room_id=claims.rom,
            acted_at=claims.act,
        )
        if len(self._verified) >= MOST_VERIFIED:
            self._verified.clear()
        verified = self._verified[token] = claims, Call(identity, claims.ctr)
        return verified


class _Claims(msgspec.Struct, kw_only=True):
    """What a token says; the names are JWT's and ours."""

    iss: str
    aud: str
    nbf: int
    exp: int
    knd: Literal["anonymous", "user", "panel", "edge"]
    ctr: Contract
    mth: str
    pth: str
    sub: str | None = None
    rol: Role | None = None
    nam: str | None = None
    eml: str | None = None
    rom: int | None = None
    act: datetime | None = None


def _public_key(encoded: str) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(b64decode(encoded.strip()))


def _first_part(key: Ed25519PublicKey) -> bytes:
    return _encoded(f'{{"alg":"EdDSA","kid":"{key_id(key)}","typ":"JWT"}}'.encode())


def _encoded(raw: bytes) -> bytes:
    return urlsafe_b64encode(raw).rstrip(b"=")


def _decoded(part: bytes) -> bytes:
    return urlsafe_b64decode(part + b"=" * (-len(part) % 4))
