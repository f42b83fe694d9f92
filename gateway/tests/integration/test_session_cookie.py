"""The session cookie signs in wherever the Bearer token does, and writes only from our own pages.

Statements 15 and 16 of the security list.
"""

import asyncio
import time
from typing import Any

import pytest
from browser import Browser, open_browser
from running_gateway import PASSWORD, Running, StartGateway

from common.contracts import Contract
from common.identity import Role, Signer, Verifier
from gateway.accounts import service
from gateway.cookies import SESSION_NAMES

EMAIL = "admin@example.test"
DIRECTORY, OCCUPANCY = {"detail"}, {"detail"}
CIRCLE_TIME = {"success", "message", "code"}
UNIVERSITY = {"success", "error", "statusCode"}


@pytest.fixture
async def token(browser: Browser) -> str:
    """The session of an admin's browser, whose cookie it no longer has."""
    assert (await browser.sign_in(EMAIL, PASSWORD)).ok
    token = browser.cookies["authjs.session-token"]
    browser.cookies.clear()
    return token


# --- reading ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SESSION_NAMES)
async def test_each_form_of_the_cookie_signs_in(browser: Browser, token: str, name: str) -> None:
    browser.cookies[name] = token

    reply = await browser.fetch("GET", "/api/auth/me")

    assert reply.json()["data"]["email"] == EMAIL


@pytest.mark.parametrize(
    ("path", "service", "contract"),
    [
        ("/api/rooms", "rooms", Contract.CIRCLE_TIME),
        ("/api/rooms/", "rooms", Contract.DIRECTORY),
        ("/api/bookings", "bookings", Contract.UNIVERSITY),
        ("/api/admin/rooms", "rooms", Contract.UNIVERSITY),
        ("/api/occupancy/cameras", "occupancy", Contract.OCCUPANCY),
    ],
)
async def test_services_are_told_who_it_is_and_see_no_cookie(
    running: Running,
    browser: Browser,
    token: str,
    signer: Signer,
    path: str,
    service: str,
    contract: Contract,
) -> None:
    browser.cookies = {"a": "b", "next-auth.session-token": token}

    reply = await browser.fetch("GET", path)

    assert reply.status_code == 200
    [seen] = getattr(running, service).seen
    assert token.encode() not in seen.head
    assert "cookie" not in seen.headers
    call = Verifier(service, signer.public_key).verify(
        seen.headers["atrium-identity"], method="GET", path=path
    )
    assert (call.identity.email, call.identity.role) == (EMAIL, Role.ADMIN)
    assert call.contract is contract


async def test_the_first_cookie_that_is_somebodys_counts(
    running: Running, browser: Browser, token: str
) -> None:
    other = (await running.sign_in("student@example.test"))["token"]
    ended = f"ata_{'0' * 43}"

    async def who(**cookies: str) -> str | None:
        browser.cookies = {name.replace("_s", "-s"): it for name, it in cookies.items()}
        reply = await browser.fetch("GET", "/api/auth/session")
        return reply.json() and reply.json()["user"]["role"]

    secure, plain, older = "__Secure-authjs.session-token", SESSION_NAMES[2], SESSION_NAMES[3]
    assert await who(**{plain: token, older: other}) == "ADMIN"
    assert await who(**{older: token, plain: other}) == "STUDENT"
    assert await who(**{plain: token, secure: other}) == "STUDENT"
    assert await who(**{secure: ended, plain: token}) == "ADMIN"
    assert await who(**{secure: "garbage", plain: ended, older: token}) == "ADMIN"
    assert await who(**{secure: ended, plain: ended}) is None


async def test_an_authorization_header_wins(running: Running, browser: Browser, token: str) -> None:
    browser.cookies["authjs.session-token"] = token
    student = await running.authorization("student@example.test")

    me = await browser.fetch("GET", "/api/auth/me", headers=student)
    wrong = await browser.fetch("GET", "/api/rooms/", headers={"authorization": "Bearer x"})

    assert me.json()["data"]["email"] == "student@example.test"
    assert wrong.status_code == 401


async def test_a_cookie_that_is_nobodys_is_no_refusal_where_anybody_may_read(
    running: Running, browser: Browser
) -> None:
    browser.cookies["authjs.session-token"] = f"ata_{'0' * 43}"

    public = await browser.fetch("GET", "/api/rooms/")
    private = await browser.fetch("GET", "/api/rooms")

    assert (public.status_code, private.status_code) == (200, 401)
    assert private.json().keys() == CIRCLE_TIME


async def test_a_devices_token_in_a_cookie_opens_nothing(
    running: Running, browser: Browser
) -> None:
    async with running.gateway.database.sessions.begin() as session:
        device = await service.add_device(session, "panel", "door", replace=False)
    refresh = (await running.sign_in())["refresh"]

    for token in (device, refresh):
        browser.cookies["authjs.session-token"] = token
        assert (await browser.fetch("GET", "/api/auth/me")).status_code == 401


@pytest.mark.parametrize(
    "cookie",
    [
        "authjs.session-token=" + "x" * 10_000,
        "authjs.session-token=ata_" + "x" * 10_000,
        "a=" + "x" * 10_000 + "; authjs.session-token={token}",
        "; ".join(f"c{number}={number}" for number in range(1_500))
        + "; authjs.session-token={token}",
        "; ".join(["authjs.session-token=x"] * 700) + "; authjs.session-token={token}",
        ";" * 10_000 + "authjs.session-token={token}",
        "=" * 10_000,
        "authjs.session-token",
        '"authjs.session-token={token}',
    ],
    ids=lambda cookie: cookie[:30],
)
async def test_large_and_many_cookies_are_read_or_passed_over(
    browser: Browser, token: str, cookie: str
) -> None:
    headers = {"cookie": cookie.replace("{token}", token)}

    public = await browser.fetch("GET", "/api/rooms/", headers=headers)
    private = await browser.fetch("GET", "/api/auth/me", headers=headers)

    signed_in = "{token}" in cookie and not cookie.startswith('"')
    assert (public.status_code, private.status_code) == (200, 200 if signed_in else 401)


async def test_cookies_that_are_too_much_for_a_head_are_431(browser: Browser, token: str) -> None:
    headers = {"cookie": "a=" + "x" * 40_000 + f"; authjs.session-token={token}"}

    assert (await browser.fetch("GET", "/api/rooms/", headers=headers)).status_code == 431


async def test_a_browser_that_shows_an_ended_session_for_ever_does_not_use_up_its_guesses(
    running: Running, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.callers.LOOK_UPS_A_MINUTE", 3)
    browser.cookies["authjs.session-token"] = f"ata_{'0' * 43}"

    ended = [(await browser.fetch("GET", "/api/rooms/")).status_code for _ in range(10)]
    guessed = []
    for number in range(1, 6):
        browser.cookies["authjs.session-token"] = f"ata_{number:043}"
        guessed.append((await browser.fetch("GET", "/api/rooms/")).status_code)

    assert ended == [200] * 10
    assert guessed == [200, 200, 429, 429, 429]


async def test_good_tokens_of_many_behind_one_address_are_no_guesses(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.callers.LOOK_UPS_A_MINUTE", 3)

    for _ in range(6):
        headers = await running.authorization()
        assert (await running.client.get("/api/auth/me", headers=headers)).status_code == 200


# --- writing ------------------------------------------------------------------------------------

# Of a whole table of cases, what each kind of header says; the table is in unit/test_sites.py.
FOREIGN: list[dict[str, str | None]] = [
    {"origin": "https://evil.test"},
    {"origin": "null"},
    {"origin": None},
    {"origin": None, "referer": "https://evil.test/"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
]
WRITES = [
    ("POST", "/api/rooms/", 8000, DIRECTORY),
    ("PATCH", "/api/rooms/1/", 8000, DIRECTORY),
    ("POST", "/api/occupancy/cameras", 8000, OCCUPANCY),
    ("DELETE", "/api/occupancy/cameras/1", 3000, OCCUPANCY),
    ("POST", "/api/bookings", 8000, CIRCLE_TIME),
    ("POST", "/api/bookings", 3000, CIRCLE_TIME),
    ("DELETE", "/api/bookings/1", 8000, CIRCLE_TIME),
    ("POST", "/api/requests", 8000, UNIVERSITY),
    ("PATCH", "/api/requests/1", 3000, UNIVERSITY),
    ("PUT", "/api/admin/rooms/1", 3000, UNIVERSITY),
    ("POST", "/api/rooms", 3000, UNIVERSITY),
    ("POST", "/api/auth/logout", 8000, CIRCLE_TIME),
    ("POST", "/api/auth/refresh", 8000, CIRCLE_TIME),
    ("POST", "/api/auth/signout", 8000, UNIVERSITY),
    ("POST", "/api/auth/callback/credentials", 3000, UNIVERSITY),
]


@pytest.mark.parametrize(
    ("method", "path", "edition", "shape"),
    WRITES,
    ids=[f"{method} {path} {edition}" for method, path, edition, _ in WRITES],
)
async def test_a_write_with_a_cookie_from_a_foreign_page_is_403_in_the_routes_shape(
    running: Running,
    browser: Browser,
    token: str,
    method: str,
    path: str,
    edition: int,
    shape: set[str],
) -> None:
    browser.cookies["authjs.session-token"] = token
    url = (running.url if edition == 8000 else running.university_url) + path

    for headers in FOREIGN:
        reply = await browser.fetch(method, url, headers=headers, json={})

        assert reply.status_code == 403, headers
        assert reply.json().keys() == shape
    services = (
        running.rooms,
        running.bookings,
        running.panel,
        running.analytics,
        running.occupancy,
    )
    assert [service.seen for service in services] == [[]] * len(services)
    assert await browser.session()


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "{url}"},
        {"origin": None, "referer": "{url}/page"},
        {"origin": None, "sec-fetch-site": "same-origin"},
        {"origin": None, "sec-fetch-site": "none"},
    ],
    ids=str,
)
async def test_a_write_with_a_cookie_from_a_page_of_ours_arrives(
    running: Running, browser: Browser, token: str, headers: dict[str, str | None]
) -> None:
    browser.cookies["authjs.session-token"] = token
    said = {name: it and it.replace("{url}", running.url) for name, it in headers.items()}

    reply = await browser.fetch("POST", "/api/requests", headers=said, json={})

    assert reply.status_code == 200
    assert len(running.bookings.seen) == 1


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_read_with_a_cookie_may_come_from_anywhere(
    browser: Browser, token: str, method: str
) -> None:
    browser.cookies["authjs.session-token"] = token
    headers = {"sec-fetch-site": "cross-site", "origin": "https://evil.test"}

    reply = await browser.fetch(method, "/api/rooms", headers=headers)

    assert reply.status_code == 200
    assert "access-control-allow-origin" not in reply.headers


async def test_a_write_with_a_token_in_its_header_needs_no_page(
    running: Running, browser: Browser, token: str
) -> None:
    browser.cookies["authjs.session-token"] = token
    headers = {**await running.authorization(), "origin": None, "sec-fetch-site": "cross-site"}

    reply = await browser.fetch("POST", "/api/requests", headers=headers, json={})

    assert reply.status_code == 200


async def test_a_listed_site_next_to_ours_may_write_and_one_far_away_may_not(
    start_gateway: StartGateway,
) -> None:
    running = await start_gateway(cors_origins="https://app.test")
    headers: dict[str, str | None] = dict(await running.authorization_of_a_new("admin"))
    token = str(headers["authorization"]).split()[1]

    async with open_browser(running.url, origin="https://app.test") as browser:
        browser.cookies["authjs.session-token"] = token
        statuses = {
            site: (await write(browser, {"sec-fetch-site": site})).status_code
            for site in ("same-site", "cross-site", None)
        }
        reply = await write(browser, {})

    assert statuses == {"same-site": 200, "cross-site": 403, None: 200}
    assert reply.headers["access-control-allow-origin"] == "https://app.test"
    assert reply.headers["access-control-allow-credentials"] == "true"


async def write(browser: Browser, headers: dict[str, str | None]) -> Any:
    return await browser.fetch("POST", "/api/requests", headers=headers, json={})


async def test_nobody_is_signed_in_by_a_form_on_a_foreign_page(
    running: Running, browser: Browser
) -> None:
    form = {"csrfToken": await browser.csrf(), "email": EMAIL, "password": PASSWORD, "json": "1"}
    path = "/api/auth/callback/credentials"

    foreign = [
        await browser.fetch("POST", path, data=form, headers=headers)
        for headers in FOREIGN
        if headers != {"origin": None}
    ]
    by_program = await browser.fetch("POST", path, data=form, headers={"origin": None})

    assert [reply.status_code for reply in foreign] == [403] * len(foreign)
    assert by_program.status_code == 200
    assert "authjs.session-token" in browser.cookies


# --- an end -------------------------------------------------------------------------------------


async def test_the_other_contracts_sign_out_ends_the_cookies_session_too(
    browser: Browser, token: str
) -> None:
    browser.cookies["authjs.session-token"] = token

    reply = await browser.fetch("POST", "/api/auth/logout")

    assert reply.json() == {"success": True, "data": {"loggedOut": True}}
    assert browser.cookies == {}
    browser.cookies["authjs.session-token"] = token
    assert (await browser.fetch("GET", "/api/auth/me")).status_code == 401


async def test_a_browsers_session_that_the_operator_ends_is_over_within_5_s(
    running: Running, browser: Browser
) -> None:
    await browser.sign_in("student@example.test", PASSWORD)
    assert (await browser.fetch("GET", "/api/rooms")).status_code == 200

    async with running.gateway.database.sessions.begin() as session:
        await service.change_user(session, "student", is_active=False)
    began = time.monotonic()
    at_once = await browser.session()
    while (await browser.fetch("GET", "/api/rooms")).status_code == 200:
        await asyncio.sleep(0.1)

    assert at_once is None
    assert time.monotonic() - began < 5
