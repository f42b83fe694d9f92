"""What is promised of sessions: statements 8 to 12 of the security list."""

import asyncio
import base64
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from browser import Browser, open_browser
from running_gateway import PASSWORD, Running, StartGateway
from sqlalchemy import update

from gateway.accounts import service
from gateway.accounts.tables import sessions

EMAIL = "student@example.test"


# --- 8: whether an account exists is not told ---------------------------------------------------


async def test_8_an_unknown_a_disabled_and_a_known_account_answer_a_wrong_password_alike(
    running: Running, browser: Browser
) -> None:
    async with running.gateway.database.sessions.begin() as session:
        await service.change_user(session, "staff", is_active=False)
    accounts = {
        EMAIL: "not the password",
        "nobody@example.test": "not the password",
        "staff@example.test": PASSWORD,
    }
    csrf = await browser.csrf()
    answers: dict[str, set[Any]] = {email: set() for email in accounts}
    seconds: dict[str, list[float]] = {email: [] for email in accounts}

    for _ in range(9):
        for email, password in accounts.items():
            form = {"csrfToken": csrf, "email": email, "password": password, "json": "true"}
            began = time.perf_counter()
            reply = await browser.fetch("POST", "/api/auth/callback/credentials", data=form)
            seconds[email].append(time.perf_counter() - began)
            answers[email].add((reply.status_code, reply.content, frozenset(reply.headers)))

    [alike] = {frozenset(each) for each in answers.values()}
    assert [status for status, *_ in alike] == [401]
    # Each at its fastest, which a busy machine does not change; without a password's hash it would
    # be a tenth.
    fastest, *_, slowest = sorted(min(each) for each in seconds.values())
    assert fastest > 0.5 * slowest


# --- 9: guessing is slow, and locks nobody out --------------------------------------------------


async def test_9_attempts_are_limited_for_an_account_and_for_an_address(
    start_gateway: StartGateway,
) -> None:
    running = await start_gateway(trusted_proxies=1, sign_in_limit=15)

    async def attempts(count: int, *, email: str, address: str) -> list[int]:
        async with open_browser(running.url, headers={"x-forwarded-for": address}) as browser:
            form = {"csrfToken": await browser.csrf(), "password": "x", "json": "true"}
            path = "/api/auth/callback/credentials"
            return [
                (await browser.fetch("POST", path, data={**form, "email": email})).status_code
                for _ in range(count)
            ]

    one = await attempts(12, email="a@b.c", address="1.1.1.1")
    other = await attempts(6, email="d@e.f", address="1.1.1.1")
    by_many = [
        status
        for number in range(2, 13)
        for status in await attempts(9, email="a@b.c", address=f"2.2.2.{number}")
    ]

    assert one == [401] * 10 + [429] * 2
    assert other == [401] * 3 + [429] * 3
    assert by_many == [401] * 90 + [429] * 9


async def test_9_an_attacker_does_not_lock_the_owner_out(start_gateway: StartGateway) -> None:
    running = await start_gateway(trusted_proxies=1)
    await running.authorization_of_a_new("student")

    async with open_browser(running.url, headers={"x-forwarded-for": "6.6.6.6"}) as attacker:
        for _ in range(10):
            await attacker.sign_in(EMAIL, "guess")
        refused = await attacker.post("/api/auth/callback/credentials", email=EMAIL, password="x")
    async with open_browser(running.url, headers={"x-forwarded-for": "1.1.1.1"}) as owner:
        came = await owner.sign_in(EMAIL, PASSWORD)

    assert refused.status_code == 429
    assert came.ok


# --- 10: tokens cannot be guessed, and every sign-in makes a new one ----------------------------


async def test_10_a_session_is_named_by_256_random_bits(running: Running) -> None:
    tokens = [(await running.sign_in())["token"] for _ in range(8)]

    raw = [base64.urlsafe_b64decode(token.removeprefix("ata_") + "=") for token in tokens]
    assert {len(each) for each in raw} == {32}
    assert len(set(raw)) == 8
    # No byte of them is fixed or counts up.
    assert all(len({each[index] for each in raw}) > 2 for index in range(32))


async def test_10_a_session_that_was_planted_is_not_the_one_signed_in_to(
    running: Running, browser: Browser
) -> None:
    planted = (await running.sign_in("faculty@example.test"))["token"]
    browser.cookies["authjs.session-token"] = planted

    await browser.sign_in(EMAIL, PASSWORD)

    assert browser.cookies["authjs.session-token"] != planted
    headers = {"authorization": f"Bearer {planted}"}
    assert (await running.client.get("/api/auth/me", headers=headers)).status_code == 401


# --- 11: what ends a session ends it everywhere within 5 s; for WebSockets see test_websockets --


async def test_11_signing_out_ends_the_session_at_once_here_and_within_5_s_at_another_gateway(
    running: Running, browser: Browser, start_gateway: StartGateway
) -> None:
    other = await start_gateway()
    await browser.sign_in(EMAIL, PASSWORD)
    kept = dict(browser.cookies)
    assert (await browser.fetch("GET", f"{other.url}/api/auth/me")).status_code == 200

    await browser.sign_out()
    browser.cookies = kept
    began = time.monotonic()
    here = await browser.fetch("GET", "/api/auth/me")
    while (await browser.fetch("GET", f"{other.url}/api/rooms")).status_code == 200:
        await asyncio.sleep(0.1)

    assert here.status_code == 401
    assert time.monotonic() - began < 5


async def test_11_a_new_password_ends_every_session_within_5_s(
    running: Running, browser: Browser
) -> None:
    headers = await running.authorization(EMAIL)
    await browser.sign_in(EMAIL, PASSWORD)

    async def statuses() -> list[int]:
        return [
            (await running.client.get("/api/rooms", headers=headers)).status_code,
            (await browser.fetch("GET", "/api/rooms")).status_code,
        ]

    assert await statuses() == [200, 200]
    async with running.gateway.database.sessions.begin() as session:
        await service.set_password(session, EMAIL, "another good password")
    began = time.monotonic()
    while await statuses() != [401, 401]:
        await asyncio.sleep(0.1)

    assert time.monotonic() - began < 5


# --- 12: a session ends when it is unused, and however much it is used --------------------------


def unused_for(hours: float) -> dict[str, datetime]:
    return {"last_used_at": datetime.now(UTC) - timedelta(hours=hours)}


def expired_for(hours: float) -> dict[str, datetime]:
    return {"expires_at": datetime.now(UTC) - timedelta(hours=hours)}


@pytest.mark.parametrize(
    ("values", "lives"),
    [
        (lambda: unused_for(23.9), True),
        (lambda: unused_for(24.1), False),
        (lambda: expired_for(-0.01), True),
        (lambda: expired_for(0.01), False),
    ],
    ids=["used today", "unused for a day", "30 days hence", "30 days ago"],
)
async def test_12_a_session_ends_when_unused_or_old(
    running: Running,
    browser: Browser,
    values: Callable[[], dict[str, datetime]],
    lives: bool,  # noqa: FBT001 - a parameter of the cases
) -> None:
    await browser.sign_in(EMAIL, PASSWORD)
    signed_in = await running.sign_in(EMAIL)
    headers = {"authorization": f"Bearer {signed_in['token']}"}
    async with running.gateway.database.sessions.begin() as session:
        await session.execute(update(sessions).values(values()))
    running.gateway.shared.authenticator._known.clear()

    cookie = await browser.fetch("GET", "/api/auth/me")
    bearer = await running.client.get("/api/auth/me", headers=headers)
    told = await browser.session()
    body = {"refresh": signed_in["refresh"]}
    refreshed = await running.client.post("/api/auth/refresh", json=body)

    good = 200 if lives else 401
    assert [cookie.status_code, bearer.status_code, refreshed.status_code] == [good] * 3
    assert (told is not None) == lives


async def test_12_use_is_noted_so_that_a_used_session_goes_on(running: Running) -> None:
    headers = await running.authorization(EMAIL)
    async with running.gateway.database.sessions.begin() as session:
        await session.execute(update(sessions).values(unused_for(23)))
    running.gateway.shared.authenticator._known.clear()

    await running.client.get("/api/auth/me", headers=headers)

    async with running.gateway.database.sessions() as session:
        [used_at] = (await session.execute(sessions.select())).mappings().all()
    assert datetime.now(UTC) - used_at["last_used_at"] < timedelta(minutes=1)


async def test_12_refreshing_does_not_put_off_the_end_of_a_session(running: Running) -> None:
    first = await running.sign_in(EMAIL)
    async with running.gateway.database.sessions() as session:
        [before] = (await session.execute(sessions.select())).mappings().all()

    await running.client.post("/api/auth/refresh", json={"refresh": first["refresh"]})

    async with running.gateway.database.sessions() as session:
        [after] = (await session.execute(sessions.select())).mappings().all()
    assert after["expires_at"] == before["expires_at"]
    assert after["access_sha256"] != before["access_sha256"]
