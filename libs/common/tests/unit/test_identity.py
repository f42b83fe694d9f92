"""A signed identity is good for one service, one method, one path and one minute."""

import base64
import json
import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from common.contracts import Contract
from common.errors import Unauthorized
from common.identity import ANONYMOUS, Identity, Role, Signer, Verifier

ADMIN = Identity(kind="user", id="c1", role=Role.ADMIN, name="Ada", email="ada@example.test")


@pytest.fixture(scope="module")
def verifier(signer: Signer) -> Verifier:
    return Verifier("rooms", signer.public_key)


def signed(signer: Signer, identity: Identity = ADMIN, service: str = "rooms") -> str:
    return signer.sign(
        identity, service=service, contract=Contract.DIRECTORY, method="GET", path="/api/rooms/"
    )


@pytest.mark.parametrize(
    "identity", [ADMIN, ANONYMOUS, Identity(kind="edge", id="c2", name="lobby")], ids=str
)
def test_who_was_signed_is_who_is_read(
    signer: Signer, verifier: Verifier, identity: Identity
) -> None:
    call = verifier.verify(signed(signer, identity), method="GET", path="/api/rooms/")

    assert (call.identity, call.contract) == (identity, Contract.DIRECTORY)


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/api/rooms/"), ("GET", "/api/rooms/1/"), ("GET", "/api/rooms")]
)
def test_it_is_no_good_for_another_call(
    signer: Signer, verifier: Verifier, method: str, path: str
) -> None:
    with pytest.raises(Unauthorized):
        verifier.verify(signed(signer), method=method, path=path)


def test_it_is_no_good_for_another_service(signer: Signer, verifier: Verifier) -> None:
    with pytest.raises(Unauthorized):
        verifier.verify(signed(signer, service="bookings"), method="GET", path="/api/rooms/")


def test_it_ends_after_a_minute(
    signer: Signer, verifier: Verifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = time.time
    with monkeypatch.context() as earlier:
        earlier.setattr("common.identity.time.time", lambda: real() - 70)
        token = signed(signer)

    with pytest.raises(Unauthorized):
        verifier.verify(token, method="GET", path="/api/rooms/")


def claims_of(token: str) -> dict[str, object]:
    payload = token.split(".")[1]
    padded = payload + "=" * (-len(payload) % 4)
    claims: dict[str, object] = json.loads(base64.urlsafe_b64decode(padded))
    return claims


def test_a_token_of_another_kind_or_key_is_refused(signer: Signer, verifier: Verifier) -> None:
    token = signed(signer)
    headers = jwt.get_unverified_header(token)
    kid = {"kid": headers["kid"]}
    claims = claims_of(token)
    stranger = Ed25519PrivateKey.generate()
    head, payload, signature = token.split(".")
    raised = base64.urlsafe_b64encode(json.dumps({**claims, "rol": "ADMIN"}).encode()).decode()
    forged = [
        "",
        "x",
        "a.b.c",
        jwt.encode(claims, None, algorithm="none", headers=kid),
        jwt.encode(claims, signer.public_key * 2, algorithm="HS256", headers=kid),
        jwt.encode(claims, stranger, algorithm="EdDSA", headers=kid),
        jwt.encode(claims, stranger, algorithm="EdDSA", headers={"kid": "0" * 16}),
        jwt.encode(claims, stranger, algorithm="EdDSA", headers={"jku": "http://evil.test"}),
        f"{head}.{raised.rstrip('=')}.{signature}",
        f"{head}.{payload}.{signature[:-4]}AAAA",
        f"{head}.{payload}.",
    ]

    for attempt in forged:
        with pytest.raises(Unauthorized):
            verifier.verify(attempt, method="GET", path="/api/rooms/")


@pytest.mark.parametrize("bound", ["exp", "nbf", "aud", "iss"])
def test_a_token_that_leaves_out_a_bound_is_refused(
    signer: Signer, verifier: Verifier, bound: str
) -> None:
    token = signed(signer)
    claims = {name: value for name, value in claims_of(token).items() if name != bound}
    kid = {"kid": jwt.get_unverified_header(token)["kid"]}
    endless = jwt.encode(claims, signer._key, algorithm="EdDSA", headers=kid)

    with pytest.raises(Unauthorized):
        verifier.verify(endless, method="GET", path="/api/rooms/")


def test_keys_can_be_rotated(signer: Signer) -> None:
    new = Signer(base64.b64encode(Ed25519PrivateKey.generate().private_bytes_raw()).decode())
    both = Verifier("rooms", f"{signer.public_key}, {new.public_key}")

    for one in (signer, new):
        assert both.verify(signed(one), method="GET", path="/api/rooms/").identity == ADMIN
