"""What answers say to browsers: statements 17 to 19 of the security list; 15 and 16 are in
test_nextauth, test_session_cookie and unit/test_sites."""

from typing import Any

import httpx
import pytest
from browser import Browser, open_browser
from running_gateway import PASSWORD, Running, StartGateway

from gateway.routes import ACCOUNTS, table

EMAIL = "student@example.test"

# --- 17: reading changes nothing ----------------------------------------------------------------


async def test_17_no_get_signs_in_or_out_or_sends_a_service_a_write(
    running: Running, browser: Browser
) -> None:
    await browser.sign_in(EMAIL, PASSWORD)
    csrf = await browser.csrf()
    form = {"csrfToken": csrf, "email": "admin@example.test", "password": PASSWORD, "json": "true"}
    routes = table(running.gateway.settings)
    paths = {route.path.replace("{}", "1").replace("**", "x") for route in routes}

    for path in sorted(paths):
        for method in ("GET", "HEAD"):
            await browser.fetch(method, path, params={**form, "_method": "DELETE"})
            override = {"x-http-method-override": "DELETE", "x-method-override": "POST"}
            await browser.fetch(method, path, headers=override)

    services = (
        running.rooms,
        running.bookings,
        running.panel,
        running.analytics,
        running.occupancy,
    )
    verbs = {seen.head.split(b" ")[0] for service in services for seen in service.seen}
    assert verbs == {b"GET", b"HEAD"}
    session = await browser.session()
    assert session is not None
    assert session["user"]["email"] == EMAIL
    own = {route.path for route in routes if route.service == ACCOUNTS}
    assert {"/api/auth/signout", "/api/auth/callback/credentials"} <= own


# --- 18: who may call from another site is a list -----------------------------------------------

PREFLIGHT = {
    "access-control-request-method": "POST",
    "access-control-request-headers": "content-type,x-auth-return-redirect",
}


async def test_18_only_listed_sites_get_leave_to_call_and_none_is_reflected(
    start_gateway: StartGateway,
) -> None:
    running = await start_gateway(cors_origins="https://app.test, https://Two.test")

    async def leave(origin: str, method: str = "OPTIONS") -> httpx.Headers:
        headers = {**PREFLIGHT, "origin": origin}
        path = "/api/auth/callback/credentials"
        return (await running.client.request(method, path, headers=headers)).headers

    for origin in ("https://app.test", "https://two.test"):
        allowed = await leave(origin)
        assert allowed["access-control-allow-origin"] == origin
        assert "x-auth-return-redirect" in allowed["access-control-allow-headers"]
        assert "*" not in allowed.values()
        assert "Origin" in allowed["vary"]
        assert "retry-after" in (await leave(origin, "GET"))["access-control-expose-headers"]
    for origin in (
        "https://evil.test",
        "http://app.test",
        "https://app.test:444",
        "https://app.test.evil.test",
        "https://evil-app.test",
        "null",
        "*",
        "",
    ):
        for method in ("OPTIONS", "GET", "POST"):
            assert "access-control-allow-origin" not in await leave(origin, method)


async def test_18_without_a_list_no_site_gets_leave(running: Running) -> None:
    for method in ("OPTIONS", "GET", "POST"):
        headers = {**PREFLIGHT, "origin": running.url}
        reply = await running.client.request(method, "/api/rooms/", headers=headers)

        assert not [name for name in reply.headers if name.startswith("access-control-")]


# --- 19: headers --------------------------------------------------------------------------------

ANSWERS = [
    ("GET", "/api/rooms/", 200),  # a service's
    ("GET", "/api/auth/me", 401),  # refused
    ("GET", "/api/nothing", 404),
    ("OPTIONS", "/api/rooms/", 405),
    ("POST", "/api/auth/login", 400),
    ("GET", "/api/auth/session", 200),  # our own
    ("GET", "/api/auth/csrf", 200),
    ("GET", "/api/auth/signin", 200),
    ("GET", "/api/auth/error", 302),
    ("GET", "/", 200),  # pages
    ("GET", "/docs", 200),
    ("GET", "/docs/start.js", 200),
]


@pytest.mark.parametrize(("method", "path", "status"), ANSWERS)
async def test_19_every_answer_has_its_security_headers_once(
    running: Running, method: str, path: str, status: int
) -> None:
    reply = await running.client.request(method, path)

    assert reply.status_code == status
    assert reply.headers.get_list("x-content-type-options") == ["nosniff"]
    assert reply.headers.get_list("referrer-policy") in (["no-referrer"], ["same-origin"])
    [policy] = reply.headers.get_list("content-security-policy")
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "strict-transport-security" not in reply.headers
    assert "server" not in reply.headers


@pytest.mark.parametrize(("method", "path", "status"), ANSWERS)
async def test_19_by_https_every_answer_asks_for_https_from_now_on(
    start_gateway: StartGateway, method: str, path: str, status: int
) -> None:
    running = await start_gateway(trusted_proxies=1)

    reply = await running.client.request(method, path, headers={"x-forwarded-proto": "https"})

    assert reply.status_code == status
    assert reply.headers.get_list("strict-transport-security") == ["max-age=31536000"]


async def test_19_no_private_answer_is_kept(running: Running, browser: Browser) -> None:
    await browser.sign_in(EMAIL, PASSWORD)

    for path in ("/api/auth/session", "/api/auth/csrf", "/api/auth/me", "/api/rooms", "/api/nope"):
        reply = await browser.fetch("GET", path)

        assert reply.headers.get_list("cache-control") == ["no-store"], path


async def test_services_are_told_by_which_scheme_the_client_came(
    start_gateway: StartGateway,
) -> None:
    running = await start_gateway(trusted_proxies=1)

    async def told(**headers: Any) -> str:
        async with open_browser(running.url, headers=headers) as browser:
            await browser.fetch("GET", "/api/rooms/")
        return running.rooms.seen[-1].headers["x-forwarded-proto"]

    assert await told(**{"x-forwarded-proto": "https"}) == "https"
    assert await told(**{"x-forwarded-proto": "https, http"}) == "http"
    assert await told() == "http"
