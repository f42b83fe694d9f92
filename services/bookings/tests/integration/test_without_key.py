"""Without a key that seals secrets there are no webhooks, and who asks is told what to set."""

from typing import Any

import asyncpg
import httpx
import pytest

from bookings.main import build
from bookings.settings import Settings
from common.contracts import Contract
from common.identity import Identity, Signer
from common.testing.plugin import TestDatabase
from common.testing.servers import NO_TLS

KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


async def ask(
    database: TestDatabase,
    signer: Signer,
    caller: Identity,
    method: str,
    path: str,
    *,
    idempotency_key: str = "",
    **more: Any,
) -> httpx.Response:
    settings = Settings(
        port=0, database_url=database.url, ATRIUM_IDENTITY_PUBLIC_KEYS=signer.public_key, **more
    )
    parts = build(settings)
    signed = signer.sign(
        caller, service="bookings", contract=Contract.CIRCLE_TIME, method=method, path=path
    )
    transport = httpx.ASGITransport(parts.app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://bookings", verify=NO_TLS
    ) as client:
        headers = {"atrium-identity": signed}
        if idempotency_key:
            headers["idempotency-key"] = idempotency_key
        kept: Any = (
            {"url": "https://example.test/"} if path == "/api/webhooks" else {"deliveryIds": [1]}
        )
        content = kept if method == "POST" else {"active": True}
        reply = await client.request(method, path, headers=headers, json=content)
    await parts.close()
    return reply


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/webhooks"),
        ("GET", "/api/webhooks"),
        ("GET", "/api/webhooks/x"),
        ("PATCH", "/api/webhooks/x"),
        ("DELETE", "/api/webhooks/x"),
        ("GET", "/api/webhooks/x/deliveries"),
        ("POST", "/api/webhooks/x/replay"),
    ],
)
async def test_webhooks_answer_503_and_say_what_to_set(
    bookings_database: TestDatabase, signer: Signer, admin: Identity, method: str, path: str
) -> None:
    reply = await ask(bookings_database, signer, admin, method, path)

    assert (reply.status_code, reply.json()["code"]) == (503, "unavailable")
    assert "BOOKINGS_SECRETS_KEY" in reply.json()["message"]


async def test_with_a_key_they_are_made(
    bookings_database: TestDatabase, signer: Signer, admin: Identity
) -> None:
    reply = await ask(bookings_database, signer, admin, "POST", "/api/webhooks", secrets_key=KEY)

    assert reply.status_code == 201
    assert reply.json()["data"]["secret"].startswith("whsec_")


async def test_a_secret_is_not_kept_to_be_repeated(
    bookings_database: TestDatabase, signer: Signer, admin: Identity
) -> None:
    first, again = [
        await ask(
            bookings_database,
            signer,
            admin,
            "POST",
            "/api/webhooks",
            secrets_key=KEY,
            idempotency_key="once",
        )
        for _ in range(2)
    ]

    connection = await asyncpg.connect(bookings_database.url)
    kept = await connection.fetchval("SELECT answer FROM bookings.idempotency_keys")
    await connection.close()
    assert again.json()["data"] == {**first.json()["data"], "secret": None}
    assert first.json()["data"]["secret"].encode() not in kept
