"""Document 003 (`university`), «Authentication»: NextAuth session cookies, on both listeners."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from browser import VERSIONS, Browser, open_browser
from making import unique
from running_system import PASSWORD, System

from common.ids import new_cuid

EDITIONS = ("base_url", "university_url")
CIRCLE_TIME = {"success", "message", "code"}
UNIVERSITY = {"success", "error", "statusCode"}


@pytest.fixture(params=zip(EDITIONS, VERSIONS, strict=True), ids=str)
async def browser(system: System, request: pytest.FixtureRequest) -> AsyncIterator[Browser]:
    """A browser with either version of the library, each on a page of another listener."""
    edition, version = request.param
    async with open_browser(getattr(system, edition), version=version) as one:
        yield one


def new_account(system: System, role: str) -> str:
    """Make an account of one's own: attempts are counted by account."""
    email = f"{new_cuid()}@example.test"
    system.run(
        *("gateway", "users", "add", email, "--name", role.title(), "--role", role.lower()),
        *("--department", "Physics", "--password-stdin"),
        stdin=f"{PASSWORD}\n",
    )
    return email


def other_listener(system: System, browser: Browser) -> str:
    here = browser.origin
    return system.university_url if here == system.base_url else system.base_url


async def test_a_browser_signs_in_works_in_every_contract_and_signs_out(
    system: System, browser: Browser
) -> None:
    email = new_account(system, "STAFF")

    came = await browser.sign_in(email, PASSWORD, callbackUrl=f"{browser.origin}/rooms")
    session = await browser.session()
    kept = dict(browser.cookies)
    me = await browser.fetch("GET", "/api/auth/me")
    notifications = await browser.fetch("GET", "/api/notifications")
    name = unique("Building")
    made = await browser.fetch("POST", "/api/locations/", json={"name": name})
    # A cookie belongs to a host, and not to its port.
    over_there = await browser.fetch("GET", f"{other_listener(system, browser)}/api/auth/me")
    left = await browser.sign_out()

    assert (came.ok, came.error, came.url) == (True, None, f"{browser.origin}/rooms")
    assert session is not None
    user_id = session["user"].pop("id")
    assert session["user"] == {
        "name": "Staff",
        "email": email,
        "role": "STAFF",
        "department": "Physics",
    }
    assert me.json()["data"]["id"] == over_there.json()["data"]["id"] == user_id
    assert notifications.json()["data"]["notifications"] == []
    assert (made.status_code, made.json()["name"]) == (201, name)
    assert (left.ok, left.url) == (True, f"{browser.origin}/")
    assert not await browser.session()
    browser.cookies = kept
    assert (await browser.fetch("GET", "/api/auth/me")).status_code == 401


async def test_a_wrong_password_is_told_as_the_library_expects_it(
    system: System, browser: Browser
) -> None:
    email = new_account(system, "STUDENT")

    came = await browser.sign_in(email, "not the password")

    assert (came.ok, came.status, came.error) == (False, 401, "CredentialsSignin")
    assert not await browser.session()


async def test_a_session_that_an_operator_ends_is_over_for_the_browser(
    system: System, browser: Browser
) -> None:
    email = new_account(system, "STUDENT")
    await browser.sign_in(email, PASSWORD)

    system.run("gateway", "users", "disable", email)

    assert not await browser.session()
    assert "authjs.session-token" not in browser.cookies


FOREIGN: list[dict[str, str | None]] = [
    {"origin": "https://evil.test"},
    {"origin": None},
    {"sec-fetch-site": "cross-site"},
]


@pytest.mark.parametrize(
    ("method", "path", "shape"),
    [
        ("POST", "/api/locations/", {"detail"}),
        ("POST", "/api/rooms/", {"detail"}),
        ("POST", "/api/occupancy/cameras", {"detail"}),
        ("POST", "/api/bookings", CIRCLE_TIME),
        ("POST", "/api/auth/logout", CIRCLE_TIME),
        ("POST", "/api/requests", UNIVERSITY),
        ("POST", "/api/notifications/read-all", UNIVERSITY),
        ("POST", "/api/auth/signout", UNIVERSITY),
    ],
)
async def test_a_foreign_page_writes_nothing_with_the_browsers_cookie(
    system: System, method: str, path: str, shape: set[str]
) -> None:
    for edition in EDITIONS:
        async with open_browser(getattr(system, edition)) as browser:
            browser.cookies["authjs.session-token"] = system.tokens["ADMIN"]
            for headers in FOREIGN:
                reply = await browser.fetch(method, path, headers=headers, json={})

                assert reply.status_code == 403, (edition, headers)
                assert reply.json().keys() == shape
            assert await browser.session()


async def test_the_description_of_the_contract_has_the_addresses_that_the_library_calls(
    anyone: httpx.AsyncClient,
) -> None:
    described: dict[str, Any] = (await anyone.get("/openapi/university.json")).json()

    methods = {
        path.removeprefix("/api/auth/"): sorted(operations)
        for path, operations in described["paths"].items()
        if path.startswith("/api/auth/")
    }
    assert methods == {
        "csrf": ["get"],
        "providers": ["get"],
        "session": ["get", "post"],
        "callback/credentials": ["post"],
        "signin": ["get"],
        "signout": ["get", "post"],
        "error": ["get"],
    }
    form = described["paths"]["/api/auth/callback/credentials"]["post"]["requestBody"]["content"]
    fields = form["application/x-www-form-urlencoded"]["schema"]["properties"].keys()
    assert {"csrfToken", "email", "username", "password", "callbackUrl", "json"} <= fields
