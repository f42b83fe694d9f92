"""Signing in and out, and how soon it takes effect."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from running_gateway import PASSWORD, Running

from common.identity import Role
from gateway.accounts import service


async def test_sign_in_returns_token_and_user_as_the_document_says(running: Running) -> None:
    body = {"email": "admin@example.test", "password": PASSWORD}

    reply = await running.client.post("/api/auth/login", json=body)

    assert reply.status_code == 200
    answer = reply.json()
    assert answer["success"] is True
    assert answer["data"].keys() == {"token", "access", "refresh", "user"}
    user = answer["data"]["user"]
    assert user.pop("id").startswith("c")
    assert user == {
        "name": "Admin",
        "email": "admin@example.test",
        "role": "admin",
        "department": None,
    }
    assert reply.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, ["email: This field is required.", "password: This field is required."]),
        ({"email": "a@b.c"}, ["password: This field is required."]),
        ({"email": "", "password": "x"}, ["email: This field may not be blank."]),
        ({"email": 1, "password": "x"}, ["email: Not a valid string."]),
        ({"email": None, "password": "x"}, ["email: This field may not be null."]),
        ({"email": "a", "password": "x", "role": "ADMIN"}, ["role: Unknown field."]),
        (
            {"email": "x" * 400, "password": "x"},
            ["email: Ensure this field has no more than 320 characters."],
        ),
    ],
    ids=str,
)
async def test_malformed_sign_in_names_its_fields(
    running: Running, body: dict[str, object], errors: list[str]
) -> None:
    reply = await running.client.post("/api/auth/login", json=body)

    assert reply.status_code == 400
    assert reply.json() == {
        "success": False,
        "message": "Validation failed",
        "code": "validation_error",
        "errors": errors,
    }


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'"x"', b"null", b"\xff", b"[" * 4000])
async def test_a_body_that_is_no_json_object_is_400(running: Running, raw: bytes) -> None:
    headers = {"content-type": "application/json"}

    reply = await running.client.post("/api/auth/login", content=raw, headers=headers)

    assert reply.status_code == 400
    assert reply.json()["code"] == "validation_error"


async def test_a_body_that_grows_too_large_is_413(running: Running) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(200):
            yield b"x" * 1024
            await asyncio.sleep(0)

    reply = await running.client.post("/api/auth/login", content=endless())

    assert reply.status_code == 413


async def test_an_unknown_account_and_a_wrong_password_look_the_same(running: Running) -> None:
    async def attempt(email: str) -> tuple[int, bytes, float]:
        began = time.process_time()
        body = {"email": email, "password": "not the password"}
        reply = await running.client.post("/api/auth/login", json=body)
        return reply.status_code, reply.content, time.process_time() - began

    known, unknown = [], []
    for _ in range(9):
        known.append(await attempt("admin@example.test"))
        unknown.append(await attempt("nobody@example.test"))

    assert {(status, body) for status, body, _ in known + unknown} == {
        (401, b'{"success":false,"message":"Invalid credentials","code":"unauthorized"}')
    }
    # By what this process has computed, which a busy machine does not change.
    faster, slower = sorted(min(s for *_, s in each) for each in (known, unknown))
    assert faster > 0.5 * slower


async def test_directory_clients_sign_in_with_name_or_address(running: Running) -> None:
    for body in ({"username": "admin"}, {"username": "ADMIN@example.test"}, {"email": "admin"}):
        reply = await running.client.post("/api/users/login/", json={**body, "password": PASSWORD})

        assert reply.status_code == 200
        assert reply.json().keys() == {"refresh", "access"}
    wrong = await running.client.post("/api/users/login/", json={"username": "a", "password": "b"})
    missing = await running.client.post("/api/users/login/", json={"password": "b"})

    assert (wrong.status_code, wrong.json()) == (401, {"detail": "Invalid credentials"})
    assert missing.json() == {"username": ["This field is required."]}


async def test_me_is_who_signed_in(running: Running) -> None:
    headers = await running.authorization("student@example.test")

    reply = await running.client.get("/api/auth/me", headers=headers)
    nobody = await running.client.get("/api/auth/me")

    assert reply.json()["data"]["email"] == "student@example.test"
    assert reply.json()["data"]["role"] == "user"
    assert (nobody.status_code, nobody.json()["code"]) == (401, "unauthorized")


@pytest.mark.parametrize(
    "authorization", ["Bearer wrong", "Bearer", "Basic YTpi", "ata_x", "Bearer a b", ""]
)
async def test_a_token_that_is_none_is_401_everywhere(running: Running, authorization: str) -> None:
    headers = {"authorization": authorization}

    private = await running.client.get("/api/auth/me", headers=headers)
    public = await running.client.get("/api/rooms/", headers=headers)

    assert private.status_code == public.status_code == 401
    assert public.json().keys() == {"detail"}
    assert running.rooms.seen == []


async def test_sign_out_ends_the_session(running: Running) -> None:
    headers = await running.authorization()

    out = await running.client.post("/api/auth/logout", headers=headers)
    after = await running.client.get("/api/auth/me", headers=headers)

    assert out.json() == {"success": True, "data": {"loggedOut": True}}
    assert after.status_code == 401


async def test_refreshing_replaces_both_tokens(running: Running) -> None:
    first = await running.sign_in()

    reply = await running.client.post("/api/auth/refresh", json={"refresh": first["refresh"]})
    second = reply.json()["data"]
    me = await running.client.get(
        "/api/auth/me", headers={"authorization": f"Bearer {second['token']}"}
    )

    assert len({first["token"], first["refresh"], second["token"], second["refresh"]}) == 4
    assert me.status_code == 200


async def test_a_refresh_token_that_is_used_twice_ends_the_session(running: Running) -> None:
    first = await running.sign_in()
    body = {"refresh": first["refresh"]}
    second = (await running.client.post("/api/auth/refresh", json=body)).json()["data"]

    again = await running.client.post("/api/auth/refresh", json=body)
    thief_or_owner = await running.client.post(
        "/api/auth/refresh", json={"refresh": second["refresh"]}
    )

    assert (again.status_code, thief_or_owner.status_code) == (401, 401)


async def test_disabling_an_account_ends_its_sessions_within_5_s(running: Running) -> None:
    headers = await running.authorization("student@example.test")
    assert (await running.client.get("/api/auth/me", headers=headers)).status_code == 200

    async with running.gateway.database.sessions.begin() as session:
        await service.change_user(session, "student", is_active=False)
    began = time.monotonic()
    while (await running.client.get("/api/auth/me", headers=headers)).status_code == 200:
        await asyncio.sleep(0.1)

    assert time.monotonic() - began < 5
    body = {"email": "student@example.test", "password": PASSWORD}
    assert (await running.client.post("/api/auth/login", json=body)).status_code == 401


async def test_a_role_that_is_taken_away_is_gone_within_5_s(running: Running) -> None:
    headers = await running.authorization("staff@example.test")
    make = {"headers": headers, "json": {"name": "x"}}
    assert (await running.client.post("/api/locations/", **make)).status_code == 200

    async with running.gateway.database.sessions.begin() as session:
        await service.change_user(session, "staff", role=Role.STUDENT)
    began = time.monotonic()
    while (await running.client.post("/api/locations/", **make)).status_code == 200:
        await asyncio.sleep(0.1)

    assert time.monotonic() - began < 5


async def test_a_new_password_ends_all_sessions(running: Running) -> None:
    refresh = (await running.sign_in("faculty@example.test"))["refresh"]

    async with running.gateway.database.sessions.begin() as session:
        await service.set_password(session, "faculty", "another good password")

    assert (
        await running.client.post("/api/auth/refresh", json={"refresh": refresh})
    ).status_code == 401


async def test_a_device_token_opens_no_user_route(running: Running) -> None:
    async with running.gateway.database.sessions.begin() as session:
        token = await service.add_device(session, "edge", "lobby", replace=False)
    headers = {"authorization": f"Bearer {token}"}

    me = await running.client.get("/api/auth/me", headers=headers)
    room = await running.client.post("/api/rooms/", headers=headers, json={})
    line = await running.client.post("/api/occupancy/lines", headers=headers, json={})
    cameras = await running.client.get("/api/occupancy/cameras", headers=headers)

    assert (me.status_code, room.status_code, line.status_code) == (403, 403, 403)
    assert cameras.status_code == 200
    assert running.rooms.seen == []


async def test_a_revoked_device_is_refused_within_5_s(running: Running) -> None:
    async with running.gateway.database.sessions.begin() as session:
        token = await service.add_device(session, "edge", "lobby", replace=False)
    headers = {"authorization": f"Bearer {token}"}
    assert (await running.client.get("/api/occupancy/x", headers=headers)).status_code == 200

    async with running.gateway.database.sessions.begin() as session:
        await service.add_device(session, "edge", "lobby", replace=True)
    began = time.monotonic()
    while (await running.client.get("/api/occupancy/x", headers=headers)).status_code == 200:
        await asyncio.sleep(0.1)

    assert time.monotonic() - began < 5


async def test_no_password_hash_or_token_stands_in_the_clear(running: Running) -> None:
    tokens = await running.sign_in()

    async with running.gateway.database.sessions() as session:
        connection = await session.connection()
        rows = await connection.exec_driver_sql(
            "SELECT u.*, s.* FROM accounts.users u, accounts.sessions s"
        )
        stored = repr(rows.all())

    assert tokens["token"] not in stored
    assert tokens["refresh"] not in stored
    assert PASSWORD not in stored
    assert "$argon2id$" in stored
