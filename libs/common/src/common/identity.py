"""Who is calling: signed by the gateway, verified by every service, trusted from nowhere else.

A compact JWT (EdDSA, 60 s) in the header ``atrium-identity``. It is bound to one service, one
method and one path, and names the contract under which the gateway let the call in.
"""

import hashlib
import time
from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Literal

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from common.contracts import Contract
from common.errors import Unauthorized

HEADER: Final = b"atrium-identity"
LIFETIME_S: Final = 60
_ISSUER: Final = "atrium-gateway"
_CLOCK_SKEW_S: Final = 5


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
    """

    kind: Literal["anonymous", "user", "panel", "edge"]
    id: str | None = None
    role: Role | None = None
    name: str | None = None
    email: str | None = None


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
        self._headers = {"kid": key_id(self._key.public_key())}

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
            }
        return jwt.encode(claims, self._key, algorithm="EdDSA", headers=self._headers)


class Verifier:
    """Verifies identities for one service.

    Args:
        service: the audience that a token must name.
        public_keys: base64 of raw Ed25519 keys, comma-separated; the old one stays listed for as
            long as its tokens live when keys are rotated.
    """

    def __init__(self, service: str, public_keys: str) -> None:
        self._service = service
        self._keys = dict(_named(public_keys.split(",")))

    def verify(self, token: str, *, method: str, path: str) -> Call:
        """Tell who is calling.

        Raises:
            Unauthorized: no, expired, foreign or forged identity, or one for another call.
        """
        try:
            key = self._keys[jwt.get_unverified_header(token)["kid"]]
            claims = jwt.decode(
                token,
                key,
                algorithms=["EdDSA"],
                audience=self._service,
                issuer=_ISSUER,
                leeway=_CLOCK_SKEW_S,
                options={"require": ["exp", "nbf", "aud", "iss"]},
            )
        except (jwt.InvalidTokenError, KeyError) as error:
            raise Unauthorized("This service is reached through the gateway only.") from error
        if (claims["mth"], claims["pth"]) != (method, path):
            raise Unauthorized("The signed identity is for another request.")
        return Call(_identity(claims), Contract(claims["ctr"]))


def _named(keys: Iterable[str]) -> Iterable[tuple[str, Ed25519PublicKey]]:
    for encoded in keys:
        key = Ed25519PublicKey.from_public_bytes(b64decode(encoded.strip()))
        yield key_id(key), key


def _identity(claims: dict[str, Any]) -> Identity:
    role = claims.get("rol")
    return Identity(
        kind=claims["knd"],
        id=claims.get("sub"),
        role=Role(role) if role is not None else None,
        name=claims.get("nam"),
        email=claims.get("eml"),
    )
