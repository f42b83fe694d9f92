"""Without a key that seals secrets no stream is taken; with another one none is told."""

from typing import Any

import click
import httpx
import pytest

from common.contracts import Contract
from common.identity import Identity, Role, Signer
from common.ids import new_cuid
from common.process import load_settings
from common.testing.plugin import CloneDatabase, TestDatabase
from common.testing.servers import NO_TLS
from occupancy.main import build
from occupancy.settings import Settings
from occupancy.tables import SCHEMA

OLD = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
NEW = "HwECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
STREAM = "rtsp://viewer:canary@camera.example/1"
ADMIN = Identity(kind="user", id="u", role=Role.ADMIN, name="Ada", email="a@b.c")
EDGE = Identity(kind="edge", id="d", name="lobby-1")


@pytest.fixture
async def ask(clone_database: CloneDatabase, signer: Signer) -> Any:
    """Asks a service that has certain keys, on a database of this test."""

    async def ask_one(
        database: TestDatabase, caller: Identity, method: str, path: str, keys: str, **more: Any
    ) -> httpx.Response:
        parts = build(
            Settings(
                port=0,
                database_url=database.url,
                ATRIUM_IDENTITY_PUBLIC_KEYS=signer.public_key,
                secrets_key=keys,
            )
        )
        path = f"/api/occupancy/{path}"
        signed = signer.sign(
            caller, service="occupancy", contract=Contract.OCCUPANCY, method=method, path=path
        )
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(parts.app), base_url="http://occupancy", verify=NO_TLS
        ) as client:
            headers = {"atrium-identity": signed}
            reply = await client.request(method, path, headers=headers, **more)
        await parts.close()
        return reply

    async with clone_database(SCHEMA) as database:
        yield lambda *given, **more: ask_one(database, *given, **more)


def camera(**changes: Any) -> dict[str, Any]:
    body = {"camera_id": new_cuid(), "camera_name": "Gate", "edge_id": "lobby-1", **changes}
    return {"json": body}


CONFIGURATION = (EDGE, "GET", "edges/lobby-1/configuration")


async def test_without_a_key_no_stream_is_taken_and_who_sends_one_hears_what_to_set(
    ask: Any,
) -> None:
    refused = await ask(ADMIN, "POST", "cameras", "", **camera(stream_url=STREAM))
    without = await ask(ADMIN, "POST", "cameras", "", **camera())
    path = f"cameras/{without.json()['id']}"
    forgotten = await ask(ADMIN, "PUT", path, "", json={"stream_url": None})

    assert refused.status_code == 503
    assert "OCCUPANCY_SECRETS_KEY" in refused.json()["detail"]
    assert (without.status_code, forgotten.status_code) == (201, 200)
    told = (await ask(*CONFIGURATION, "")).json()
    # What was refused was not made.
    assert [(one["id"], one["stream_url"]) for one in told["cameras"]] == [
        (without.json()["id"], None)
    ]


async def test_a_key_can_be_replaced_and_a_lost_one_is_said(ask: Any) -> None:
    made = await ask(ADMIN, "POST", "cameras", OLD, **camera(stream_url=STREAM))

    told = [await ask(*CONFIGURATION, keys) for keys in (OLD, f"{NEW},{OLD}", NEW, "")]

    assert made.status_code == 201
    assert [reply.status_code for reply in told] == [200, 200, 503, 503]
    assert [reply.json()["cameras"][0]["stream_url"] for reply in told[:2]] == [STREAM] * 2
    assert "OCCUPANCY_SECRETS_KEY" in told[2].json()["detail"]
    assert "canary" not in told[2].text + told[3].text
    path = f"cameras/{made.json()['id']}"
    await ask(ADMIN, "PUT", path, NEW, json={"stream_url": STREAM})
    assert (await ask(*CONFIGURATION, NEW)).status_code == 200


@pytest.mark.parametrize("key", ["short", "Y2FuYXJ5", "not base64!"])
def test_what_is_no_key_is_said_at_the_start_and_not_repeated(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed = {"PORT": "0", "DATABASE_URL": "postgresql://x", "SECRETS_KEY": key}
    for name, value in needed.items():
        monkeypatch.setenv(f"OCCUPANCY_{name}", value)
    monkeypatch.setenv("ATRIUM_IDENTITY_PUBLIC_KEYS", "x")

    with pytest.raises(click.ClickException) as refused:
        load_settings(Settings)

    assert "OCCUPANCY_SECRETS_KEY" in refused.value.message
    assert "32 bytes in base64" in refused.value.message
    assert key not in refused.value.message
