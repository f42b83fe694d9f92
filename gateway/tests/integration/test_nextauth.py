"""Signing in as the client library of Auth.js does it, versions 4 and 5, and without a script."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from browser import VERSIONS, Browser, Outcome, open_browser, outcome
from running_gateway import PASSWORD, Running, StartGateway

from common.identity import Role

CALLBACK = "/api/auth/callback/credentials"
EMAIL = "student@example.test"
TOKEN = "a" * 64
either = pytest.mark.parametrize("version", VERSIONS)


async def credentials(browser: Browser, **more: Any) -> dict[str, Any]:
    return {"csrfToken": await browser.csrf(), "email": EMAIL, "password": PASSWORD, **more}


# --- as the library does it ---------------------------------------------------------------------


@either
async def test_the_library_signs_in_is_told_who_that_is_and_signs_out(
    running: Running, version: int
) -> None:
    async with open_browser(running.url, version=version) as browser:
        assert not await browser.session()
        came = await browser.sign_in(EMAIL, PASSWORD, callbackUrl="/rooms?day=1#now")
        session = await browser.session()
        left = await browser.sign_out()

        assert came == Outcome(
            ok=True, status=200, error=None, url=f"{running.url}/rooms?day=1#now"
        )
        assert session is not None
        assert session.keys() == {"user", "expires"}
        assert session["user"].pop("id").startswith("c")
        assert session["user"] == {
            "name": "Student",
            "email": EMAIL,
            "role": "STUDENT",
            "department": None,
        }
        expires = datetime.fromisoformat(session["expires"])
        assert session["expires"].endswith("Z")
        assert abs(expires - datetime.now(UTC) - timedelta(days=30)) < timedelta(minutes=1)
        assert left == Outcome(ok=True, status=200, error=None, url=f"{running.url}/")
        assert not await browser.session()
        assert "authjs.session-token" not in browser.cookies


@either
async def test_the_library_is_told_that_a_password_is_wrong(running: Running, version: int) -> None:
    async with open_browser(running.url, version=version) as browser:
        came = await browser.sign_in(EMAIL, "not the password")

        assert came == Outcome(ok=False, status=401, error="CredentialsSignin", url=None)
        assert browser.cookies.keys() == {"authjs.csrf-token"}
        assert not await browser.session()


async def test_signed_out_the_session_is_null_which_no_version_takes_for_one(
    browser: Browser,
) -> None:
    reply = await browser.fetch("GET", "/api/auth/session")

    # Version 5 asks whether the answer is true, which {} is; version 4 makes null of either.
    assert (reply.status_code, reply.content) == (200, b"null")


async def test_the_one_provider_is_credentials(browser: Browser, running: Running) -> None:
    reply = await browser.fetch("GET", "/api/auth/providers")

    assert reply.json() == {
        "credentials": {
            "id": "credentials",
            "name": "Credentials",
            "type": "credentials",
            "signinUrl": f"{running.url}/api/auth/signin?provider=credentials",
            "callbackUrl": f"{running.url}{CALLBACK}",
        }
    }


async def test_addresses_have_the_host_by_which_the_browser_came(running: Running) -> None:
    async with open_browser(running.university_url, headers={"host": "rooms.test"}) as browser:
        reply = await browser.fetch("GET", "/api/auth/providers")

        assert reply.json()["credentials"]["callbackUrl"] == f"http://rooms.test{CALLBACK}"


@pytest.mark.parametrize("host", ["", "a b", "a/b", "evil@rooms.test", "a\\b", "x" * 300, "[::1"])
async def test_without_a_host_that_is_one_there_is_no_address(browser: Browser, host: str) -> None:
    reply = await browser.fetch("GET", "/api/auth/providers", headers={"host": host})

    assert reply.status_code == 400


async def test_a_user_name_will_do_and_json_too(browser: Browser) -> None:
    form = {"csrfToken": await browser.csrf(), "username": "staff", "password": PASSWORD}

    reply = await browser.fetch("POST", CALLBACK, json={**form, "json": True, "redirect": False})

    session = await browser.session()
    assert outcome(reply).ok
    assert session is not None
    assert session["user"]["role"] == "STAFF"


async def test_an_update_of_the_session_changes_nothing_and_tells_it(browser: Browser) -> None:
    await browser.sign_in(EMAIL, PASSWORD)
    before = await browser.session()
    data = {"user": {"role": "ADMIN", "id": "x"}, "expires": "9999-01-01T00:00:00Z"}

    body = {"csrfToken": await browser.csrf(), "data": data}
    reply = await browser.fetch("POST", "/api/auth/session", json=body)
    without = await browser.fetch("POST", "/api/auth/session", json={"data": data})

    assert (reply.status_code, reply.json()) == (200, before)
    assert without.status_code == 403
    assert await browser.session() == before


async def test_other_clients_may_ask_for_their_session_too(running: Running) -> None:
    user = await running.client.get("/api/auth/session", headers=await running.authorization())
    wrong = await running.client.get("/api/auth/session", headers={"authorization": "Bearer ata_x"})

    assert user.json()["user"]["role"] == "ADMIN"
    assert wrong.status_code == 401


async def test_what_the_browser_had_before_is_worth_nothing_after_it_signed_in_again(
    browser: Browser,
) -> None:
    await browser.sign_in(EMAIL, PASSWORD)
    first = browser.cookies["authjs.session-token"]
    await browser.sign_in("faculty@example.test", PASSWORD)
    second = browser.cookies["authjs.session-token"]

    browser.cookies["authjs.session-token"] = first
    old = await browser.session()
    browser.cookies["authjs.session-token"] = second
    new = await browser.session()

    assert first != second
    assert old is None
    assert new is not None
    assert new["user"]["role"] == "FACULTY"


async def test_signing_in_with_a_cookie_leaves_the_sessions_of_other_clients_alone(
    running: Running, browser: Browser
) -> None:
    headers = await running.authorization(EMAIL)
    token = (await browser.fetch("GET", "/api/auth/csrf", headers=headers)).json()["csrfToken"]
    form = {"csrfToken": token, "email": EMAIL, "password": PASSWORD, "json": "true"}

    came = await browser.fetch("POST", CALLBACK, data=form, headers=headers)

    assert outcome(came).ok
    assert (await running.client.get("/api/auth/me", headers=headers)).status_code == 200


async def test_a_cookie_whose_session_has_ended_is_taken_away(browser: Browser) -> None:
    await browser.sign_in(EMAIL, PASSWORD)
    ended = browser.cookies["authjs.session-token"]
    await browser.sign_out()
    browser.cookies = {
        "authjs.session-token": ended,
        "__Secure-next-auth.session-token": ended,
        "next-auth.session-token": "eyJhbGciOiJkaXIifQ..another.applications.session",
    }

    assert await browser.session() is None

    assert browser.cookies.keys() == {"next-auth.session-token"}


# --- cookies ------------------------------------------------------------------------------------


async def test_by_http_the_cookies_have_plain_names_and_are_hidden_from_scripts(
    browser: Browser,
) -> None:
    await browser.sign_in(EMAIL, PASSWORD)

    assert browser.morsels.keys() == {"authjs.session-token", "authjs.csrf-token"}
    for morsel in browser.morsels.values():
        assert (morsel["httponly"], morsel["samesite"], morsel["path"]) == (True, "lax", "/")
        assert (morsel["secure"], morsel["domain"]) == ("", "")
        assert len(morsel.OutputString()) < 4096
    expires = browser.morsels["authjs.session-token"]["expires"]
    gone = datetime.strptime(expires, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)
    assert abs(gone - datetime.now(UTC) - timedelta(days=30)) < timedelta(minutes=1)
    assert browser.morsels["authjs.csrf-token"]["expires"] == ""


async def test_by_https_the_cookies_have_names_that_browsers_guard(
    start_gateway: StartGateway,
) -> None:
    running = await start_gateway(trusted_proxies=1)
    await running.add_account(Role.STUDENT)
    proxy = {"host": "rooms.test", "x-forwarded-proto": "https", "x-forwarded-for": "1.1.1.1"}

    async with open_browser(running.url, origin="https://rooms.test", headers=proxy) as browser:
        came = await browser.sign_in(EMAIL, PASSWORD)
        assert await browser.session()
        signed_in = set(browser.cookies)
        attributes = {
            (morsel["secure"], morsel["httponly"], morsel["samesite"], morsel["path"])
            for morsel in browser.morsels.values()
        }
        left = await browser.sign_out()

    assert came.url == left.url == "https://rooms.test/"
    assert signed_in == {"__Secure-authjs.session-token", "__Host-authjs.csrf-token"}
    assert attributes == {(True, True, "lax", "/")}
    assert browser.morsels["__Secure-authjs.session-token"]["secure"] is True
    assert browser.cookies.keys() == {"__Host-authjs.csrf-token"}


async def test_a_client_that_claims_https_itself_is_not_believed(running: Running) -> None:
    async with open_browser(running.url, headers={"x-forwarded-proto": "https"}) as browser:
        came = await browser.sign_in(EMAIL, PASSWORD)

        assert came.url == f"{running.url}/"
        assert "authjs.session-token" in browser.cookies


async def test_by_https_a_csrf_cookie_without_the_guarded_name_is_not_read(
    start_gateway: StartGateway,
) -> None:
    running = await start_gateway(trusted_proxies=1)
    proxy = {"host": "rooms.test", "x-forwarded-proto": "https"}

    async with open_browser(running.url, origin="https://rooms.test", headers=proxy) as browser:
        form = await credentials(browser, json="true")
        planted = browser.cookies.pop("__Host-authjs.csrf-token")
        browser.cookies["authjs.csrf-token"] = planted
        reply = await browser.fetch("POST", CALLBACK, data=form)

    assert outcome(reply).error == "MissingCSRF"


# --- where the browser goes ---------------------------------------------------------------------

ELSEWHERE = [
    "https://evil.test",
    "https://evil.test/",
    "//evil.test",
    "///evil.test",
    "/\\evil.test",
    "\\/evil.test",
    "\\\\evil.test",
    "/\t/evil.test",
    "/\n/evil.test",
    "\t//evil.test",
    " //evil.test",
    "https:evil.test",
    "https:/evil.test",
    "javascript:alert(1)",
    "data:text/html,x",
    "evil.test",
    "{origin}.evil.test/",
    "{origin}@evil.test/",
    "{origin}:8/",
    "{origin}//evil.test",
    "{origin}/\\evil.test",
    "{origin}\\@evil.test",
    "/\x00",
    "/\x7f",
    "/\u2028/",
    "/\r\nset-cookie: a=b",
]


@pytest.mark.parametrize("callback_url", ELSEWHERE, ids=ascii)
async def test_no_address_of_a_foreign_site_is_gone_to(
    running: Running, browser: Browser, callback_url: str
) -> None:
    address = callback_url.replace("{origin}", running.url)
    form = await credentials(browser, callbackUrl=address)

    signed_in = await browser.fetch("POST", CALLBACK, data=form)
    out = {"csrfToken": await browser.csrf(), "callbackUrl": address}
    signed_out = await browser.fetch("POST", "/api/auth/signout", json={**out, "json": True})
    page = await browser.fetch("GET", "/api/auth/signin", params={"callbackUrl": address})

    assert signed_in.status_code == 302
    assert signed_in.headers["location"] == f"{running.url}/"
    assert signed_out.json() == {"url": f"{running.url}/"}
    assert f'name="callbackUrl" value="{running.url}/"' in page.text


@pytest.mark.parametrize(
    ("callback_url", "path"),
    [
        ("/", "/"),
        ("", "/"),
        ("/rooms/1?day=2026-01-01&x=%20y#z", "/rooms/1?day=2026-01-01&x=%20y#z"),
        ("{origin}", "/"),
        ("{origin}/rooms", "/rooms"),
        ("/\u0627\u062a\u0627\u0642", "/%D8%A7%D8%AA%D8%A7%D9%82"),
        ('/a b"<>', "/a%20b%22%3C%3E"),
        ("/a//b", "/a//b"),
        ("/@evil.test", "/@evil.test"),
    ],
)
async def test_an_address_of_ours_is_gone_to(
    running: Running, browser: Browser, callback_url: str, path: str
) -> None:
    address = callback_url.replace("{origin}", running.url)
    form = await credentials(browser, callbackUrl=address)

    reply = await browser.fetch("POST", CALLBACK, data=form)

    assert (reply.status_code, reply.headers["location"]) == (302, running.url + path)


# --- without a script ---------------------------------------------------------------------------


def form_of(page: str) -> tuple[str, dict[str, str]]:
    action = re.findall(r'<form method="post" action="([^"]+)"', page)
    return action[0], dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))


async def test_a_page_signs_in_and_another_one_out(running: Running, browser: Browser) -> None:
    page = await browser.fetch("GET", "/api/auth/signin?callbackUrl=/rooms")
    action, form = form_of(page.text)
    came = await browser.fetch("POST", action, data={**form, "email": EMAIL, "password": PASSWORD})
    session = await browser.session()
    page = await browser.fetch("GET", "/api/auth/signout")
    action, form = form_of(page.text)
    left = await browser.fetch("POST", action, data=form)

    assert page.headers["content-type"].startswith("text/html")
    assert (came.status_code, came.headers["location"]) == (302, f"{running.url}/rooms")
    assert session
    assert (left.status_code, left.headers["location"]) == (302, f"{running.url}/")
    assert not await browser.session()


async def test_a_wrong_password_leads_back_to_the_page_which_says_so(
    running: Running, browser: Browser
) -> None:
    form = await credentials(browser, password="wrong", callbackUrl="/rooms")

    reply = await browser.fetch("POST", CALLBACK, data=form)
    error = await browser.fetch("GET", reply.headers["location"])
    page = await browser.fetch("GET", error.headers["location"])

    assert (reply.status_code, error.status_code, page.status_code) == (302, 302, 200)
    query = parse_qs(urlsplit(error.headers["location"]).query)
    assert query == {"error": ["CredentialsSignin"], "callbackUrl": [f"{running.url}/rooms"]}
    assert "The account or the password is wrong." in page.text
    assert form_of(page.text)[1]["callbackUrl"] == f"{running.url}/rooms"


async def test_pages_repeat_nothing_of_their_address_but_where_to_go(browser: Browser) -> None:
    evil = '"><script>alert(1)</script>'

    pages = [
        await browser.fetch("GET", path, params={"error": evil, "callbackUrl": f"/{evil}"})
        for path in ("/api/auth/signin", "/api/auth/signout")
    ]
    error = await browser.fetch("GET", "/api/auth/error", params={"error": evil})

    for page in pages:
        assert page.status_code == 200
        assert "<script" not in page.text
        assert "alert(1)</" not in page.text
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "form-action 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        # A form from a page of «no-referrer» has the Origin «null», and would be refused.
        assert page.headers.get_list("referrer-policy") == ["same-origin"]
        assert page.headers.get_list("cache-control") == ["no-store"]
    assert error.headers["location"].endswith("/api/auth/signin?error=Default")


# --- the token ----------------------------------------------------------------------------------


async def test_a_browser_keeps_its_token_as_long_as_its_session(browser: Browser) -> None:
    first, again = await browser.csrf(), await browser.csrf()
    await browser.sign_in(EMAIL, PASSWORD)
    signed_in = await browser.csrf()

    assert first == again
    assert first != signed_in
    assert re.fullmatch(r"[0-9a-f]{64}", first)
    assert re.fullmatch(r"[0-9a-f]{64}\|[0-9a-f]{64}", browser.cookies["authjs.csrf-token"])


@pytest.mark.parametrize(
    "token", [None, "", TOKEN, "x", "undefined", "\u0660" * 64, "a" * 64 + "|" + "b" * 64]
)
@pytest.mark.parametrize("path", [CALLBACK, "/api/auth/signout"])
async def test_without_the_browsers_own_token_nothing_happens(
    browser: Browser, path: str, token: str | None
) -> None:
    await browser.sign_in(EMAIL, PASSWORD)
    await browser.csrf()
    form = {"callbackUrl": "/"}
    if path == CALLBACK:
        form |= {"email": "admin@example.test", "password": PASSWORD}
    if token is not None:
        form["csrfToken"] = token

    returned = await browser.fetch("POST", path, data={**form, "json": "true"})
    sent_on = await browser.fetch("POST", path, data=form)

    assert outcome(returned) == Outcome(ok=False, status=403, error="MissingCSRF", url=None)
    assert sent_on.status_code == 302
    assert "error=MissingCSRF" in sent_on.headers["location"]
    session = await browser.session()
    assert session is not None
    assert session["user"]["email"] == EMAIL


async def test_the_token_of_another_browser_is_worth_nothing(
    running: Running, browser: Browser
) -> None:
    async with open_browser(running.url) as attacker:
        await attacker.sign_in("staff@example.test", PASSWORD)
        token = await attacker.csrf()
        planted = attacker.cookies["authjs.csrf-token"]
    await browser.sign_in(EMAIL, PASSWORD)
    await browser.csrf()

    only_form = await browser.post("/api/auth/signout", csrfToken=token)
    browser.cookies["authjs.csrf-token"] = planted
    form = {"csrfToken": token, "json": "true"}
    both_halves = await browser.fetch("POST", "/api/auth/signout", data=form)

    assert (outcome(only_form).error, outcome(both_halves).error) == ("MissingCSRF",) * 2
    assert await browser.session()


async def test_a_token_without_its_cookie_is_worth_nothing(browser: Browser) -> None:
    form = await credentials(browser, json="true")
    browser.cookies.clear()

    assert outcome(await browser.fetch("POST", CALLBACK, data=form)).error == "MissingCSRF"


# --- bad input ----------------------------------------------------------------------------------

FORM = {"email": EMAIL, "password": PASSWORD, "json": True}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"password": None}, "password"),
        ({"password": ""}, "password"),
        ({"password": 1}, "password"),
        ({"password": ["x"]}, "password"),
        ({"password": "x" * 1025}, "password"),
        ({"email": None}, "email"),
        ({"email": ""}, "email"),
        ({"email": "\x00\x1f \u202e"}, "email"),
        ({"email": 1}, "email"),
        ({"email": {"$ne": ""}}, "email"),
        ({"email": "x" * 321}, "email"),
        ({"username": ""}, "username"),
        ({"username": []}, "username"),
        ({"username": "x" * 321}, "username"),
        ({"csrfToken": 1}, "csrfToken"),
        ({"csrfToken": ["x"]}, "csrfToken"),
        ({"csrfToken": "x" * 201}, "csrfToken"),
        ({"callbackUrl": 1}, "callbackUrl"),
        ({"callbackUrl": ["/"]}, "callbackUrl"),
        ({"callbackUrl": "/" + "x" * 2048}, "callbackUrl"),
        ({"json": "perhaps"}, "json"),
        ({"json": [True]}, "json"),
        ({"redirect": "perhaps"}, "redirect"),
        ({"redirect": {}}, "redirect"),
        ({"role": "ADMIN"}, "role"),
        ({"is_active": True}, "is_active"),
        ({"returned": True}, "returned"),
        ({"csrf_token": TOKEN}, "csrf_token"),
        ({"__proto__": {}}, "__proto__"),
    ],
    ids=lambda value: ascii(value)[:60],
)
async def test_a_wrong_field_is_named(
    browser: Browser, changes: dict[str, Any], field: str
) -> None:
    body = {**FORM, "csrfToken": await browser.csrf(), **changes}
    if changes == {"email": None}:
        del body["email"]

    reply = await browser.fetch("POST", CALLBACK, json=body)

    assert reply.status_code == 400
    answer = reply.json()
    assert answer.keys() == {"success", "error", "fields", "statusCode"}
    assert (answer["success"], answer["statusCode"]) == (False, 400)
    assert answer["fields"].keys() == {field}
    assert browser.cookies.keys() == {"authjs.csrf-token"}


async def test_control_characters_around_an_address_are_left_out(browser: Browser) -> None:
    came = await browser.sign_in(f"\u200e\x00 {EMAIL}\x07 ".replace("\u200e", ""), PASSWORD)

    assert came.ok


@pytest.mark.parametrize("password", ["\x00", "\ud7ff", "\U0001f600" * 100, "\u202e", " "])
async def test_a_password_of_any_characters_is_only_wrong(browser: Browser, password: str) -> None:
    assert (await browser.sign_in(EMAIL, password)).error == "CredentialsSignin"


JSON, FORM_TYPE = "application/json", "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        (JSON, b""),
        (JSON, b"{"),
        (JSON, b"[]"),
        (JSON, b"null"),
        (JSON, b'"x"'),
        (JSON, b"\xff"),
        (JSON, b"[" * 4000),
        (JSON, b'{"a":' * 1000),
        (JSON, b'{"email": "\\ud800", "password": "x"}'),
        (JSON, b'{"password": NaN}'),
        (FORM_TYPE, b""),
        (FORM_TYPE, b"="),
        (FORM_TYPE, b"email=a&email=b&password=x"),
        (FORM_TYPE, b"email=%ff&password=x"),
        (FORM_TYPE, b"email=\xff&password=x"),
        (FORM_TYPE + "; charset=utf-16", b"e\x00m\x00"),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\n--x--"),
        ("text/plain", b'{"email":"a","password":"b"}'),
        ("", b"email=a&password=b"),
        ("application/json-patch+json", b"{}"),
    ],
)
@pytest.mark.parametrize("path", [CALLBACK, "/api/auth/signout", "/api/auth/session"])
async def test_a_body_that_is_no_form_is_refused(
    browser: Browser, path: str, media_type: str, body: bytes
) -> None:
    headers = {"content-type": media_type or None}

    reply = await browser.fetch("POST", path, content=body, headers=headers)

    # A form of no fields is one, which only lacks its token.
    empty = path != CALLBACK and media_type == FORM_TYPE and body == b""
    assert reply.status_code in ({302, 403} if empty else {400})
    assert "authjs.session-token" not in browser.cookies


async def test_a_form_of_many_fields_is_refused_without_a_look_at_them(browser: Browser) -> None:
    form = {f"a{number}": "b" for number in range(21)}

    reply = await browser.fetch("POST", CALLBACK, data=form)

    assert reply.status_code == 400
    assert "fields" not in reply.json()


async def test_a_form_that_is_too_large_is_not_read(browser: Browser) -> None:
    reply = await browser.fetch("POST", CALLBACK, data={"email": "x" * 10_000})

    assert (reply.status_code, reply.json()["statusCode"]) == (413, 413)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", CALLBACK),
        ("PUT", CALLBACK),
        ("DELETE", "/api/auth/session"),
        ("POST", "/api/auth/csrf"),
        ("POST", "/api/auth/providers"),
        ("POST", "/api/auth/signin"),
        ("PATCH", "/api/auth/signout"),
    ],
)
async def test_a_method_that_is_none_is_405_in_the_documents_shape(
    browser: Browser, method: str, path: str
) -> None:
    reply = await browser.fetch(method, path)

    assert reply.status_code == 405
    assert reply.json().keys() == {"success", "error", "statusCode"}


@pytest.mark.parametrize(
    "path", [f"{CALLBACK}/", "/api/auth/callback", "/api/auth/callback/github", "/api/auth/_log"]
)
async def test_what_auth_js_has_besides_is_not_here(browser: Browser, path: str) -> None:
    assert (await browser.fetch("POST", path)).status_code == 404


# --- too often ----------------------------------------------------------------------------------


async def test_attempts_count_together_with_those_through_the_other_contracts(
    running: Running, browser: Browser
) -> None:
    wrong = {"password": "wrong", "email": EMAIL}
    for _ in range(4):
        await browser.sign_in(EMAIL, "wrong")
        await running.client.post("/api/auth/login", json=wrong)
    for _ in range(2):
        await running.client.post("/api/users/login/", json=wrong)

    form = await credentials(browser, json="true")
    reply = await browser.fetch("POST", CALLBACK, data=form)

    assert reply.status_code == 429
    assert reply.json() == {
        "success": False,
        "error": "Too many requests. Please try again later.",
        "statusCode": 429,
    }
    assert 0 < int(reply.headers["retry-after"]) <= 61
    assert reply.headers.get_list("x-ratelimit-limit") == ["10"]
    assert reply.headers.get_list("x-ratelimit-remaining") == ["0"]
    assert len(reply.headers.get_list("x-ratelimit-reset")) == 1
