"""A service answers nobody but the gateway."""

import base64
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from common.identity import ANONYMOUS, Signer


async def test_a_call_with_a_signed_identity_is_answered(service: Any) -> None:
    async with service.client() as client:
        reply = await client.get(service.path, headers=service.sign(ANONYMOUS))

    assert reply.status_code == 200


async def test_a_call_without_a_signed_identity_is_401(service: Any) -> None:
    async with service.client() as client:
        for headers in ({}, {"atrium-identity": ""}, {"atrium-identity": "x"}, {"x-user-id": "1"}):
            reply = await client.get(service.path, headers=headers)

            assert reply.status_code == 401
            assert reply.json()["success"] is False


@pytest.mark.parametrize(
    "changes",
    [
        {"service": "accounts"},
        {"method": "POST"},
        {"path": "/api/other"},
    ],
    ids=str,
)
async def test_an_identity_for_another_call_is_401(service: Any, changes: dict[str, str]) -> None:
    async with service.client() as client:
        reply = await client.get(service.path, headers=service.sign(ANONYMOUS, **changes))

    assert reply.status_code == 401


async def test_an_expired_identity_is_401(service: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    real = time.time
    with monkeypatch.context() as past:
        past.setattr("common.identity.time.time", lambda: real() - 70)
        old = service.sign(ANONYMOUS)

    async with service.client() as client:
        reply = await client.get(service.path, headers=old)

    assert reply.status_code == 401


async def test_an_identity_signed_by_a_stranger_is_401(service: Any) -> None:
    stranger = Ed25519PrivateKey.generate()
    strangers = Signer(base64.b64encode(stranger.private_bytes_raw()).decode())
    good = service.sign(ANONYMOUS)["atrium-identity"]
    claims = jwt.decode(good, options={"verify_signature": False})
    headers = {"kid": jwt.get_unverified_header(good)["kid"]}
    forged = [
        strangers.sign(
            ANONYMOUS,
            service=service.name,
            contract=service.contract,
            method="GET",
            path=service.path,
        ),
        jwt.encode(claims, stranger, algorithm="EdDSA", headers=headers),
        jwt.encode(claims, None, algorithm="none", headers=headers),
    ]

    async with service.client() as client:
        for token in forged:
            reply = await client.get(service.path, headers={"atrium-identity": token})

            assert reply.status_code == 401


async def test_an_unknown_path_is_401_too(service: Any) -> None:
    async with service.client() as client:
        for path in ("/", "/docs", "/openapi.json", f"/openapi/{service.contract}", "/x"):
            assert (await client.get(path)).status_code == 401


async def test_health_needs_no_identity(service: Any) -> None:
    async with service.client() as client:
        healthy = await client.get("/healthz")
        ready = await client.get("/readyz")
        metrics = await client.get("/metrics")

    assert (healthy.status_code, ready.status_code) == (200, 200)
    assert "http_request_seconds" in metrics.text


async def test_a_service_describes_each_of_its_contracts(service: Any) -> None:
    path = f"/openapi/{service.contract}"

    async with service.client() as client:
        reply = await client.get(path, headers=service.sign(ANONYMOUS, path=path))

    assert reply.status_code == 200
    assert service.described_path in reply.json()["paths"]
