"""A browser as far as sign-in goes: it keeps cookies, says what page it is on, and calls as the
client library of Auth.js does, in the manner of version 4 or 5."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from http.cookies import Morsel, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from common.testing.servers import NO_TLS

VERSIONS = (4, 5)


@dataclass
class Outcome:
    """What the library tells its page of a sign-in."""

    ok: bool
    status: int
    error: str | None
    url: str | None


@dataclass
class Browser:
    """One that stands on a page of ``origin``.

    Args:
        headers: sent with every request, as a proxy before the gateway would add them.
        cookies: by name; also those that a test puts there.
        morsels: cookies with their attributes, as they last came.
    """

    http: httpx.AsyncClient
    origin: str
    version: int = 5
    headers: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)
    morsels: dict[str, Morsel[str]] = field(default_factory=dict)

    async def fetch(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Send a request as a script of the page does; ``headers`` given win, None leaves out."""
        headers: dict[str, str | None] = {**self.headers}
        if self.cookies:
            headers["cookie"] = "; ".join(f"{name}={it}" for name, it in self.cookies.items())
        if method != "GET":
            headers["origin"] = self.origin
        headers |= more.pop("headers", {})
        sent = {name: value for name, value in headers.items() if value is not None}
        reply = await self.http.request(method, path, headers=sent, **more)
        for line in reply.headers.get_list("set-cookie"):
            self._keep(line)
        return reply

    def _keep(self, line: str) -> None:
        [(name, morsel)] = SimpleCookie(line).items()
        self.morsels[name] = morsel
        if morsel["max-age"] == "0":
            self.cookies.pop(name, None)
        else:
            self.cookies[name] = morsel.value

    # --- as the library does it ---

    async def csrf(self) -> str:
        reply = await self.fetch("GET", "/api/auth/csrf")
        token: str = reply.raise_for_status().json()["csrfToken"]
        return token

    async def session(self) -> dict[str, Any] | None:
        """Return what the page is told; what is true there means signed in."""
        headers = {"content-type": "application/json"} if self.version == 5 else {}
        reply = await self.fetch("GET", "/api/auth/session", headers=headers)
        data: dict[str, Any] | None = reply.raise_for_status().json()
        if self.version == 4:
            # Its Object.keys(null) raises, which it catches and takes for null.
            return data or None
        return data

    async def post(self, path: str, **form: str) -> httpx.Response:
        """Send a form as the library does: with the token, and asking for an address."""
        form = {"callbackUrl": f"{self.origin}/", "csrfToken": await self.csrf(), **form}
        headers = {"x-auth-return-redirect": "1"} if self.version == 5 else {}
        if self.version == 4:
            form["json"] = "true"
        return await self.fetch("POST", path, data=form, headers=headers)

    async def sign_in(self, email: str, password: str, **more: str) -> Outcome:
        providers = (await self.fetch("GET", "/api/auth/providers")).raise_for_status().json()
        assert providers["credentials"]["type"] == "credentials"
        form = {"email": email, "password": password, "redirect": "false", **more}
        reply = await self.post("/api/auth/callback/credentials", **form)
        return outcome(reply)

    async def sign_out(self, **more: str) -> Outcome:
        return outcome(await self.post("/api/auth/signout", **more))


def outcome(reply: httpx.Response) -> Outcome:
    url = reply.json()["url"]
    parts = urlsplit(url)
    # The library parses it without a base.
    assert parts.scheme
    assert parts.netloc
    [error] = parse_qs(parts.query).get("error", [None])
    return Outcome(reply.is_success, reply.status_code, error, None if error else url)


@asynccontextmanager
async def open_browser(base_url: str, **more: Any) -> AsyncIterator[Browser]:
    """Open a browser on our own page, unless another ``origin`` is given."""
    no_jar = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
    async with httpx.AsyncClient(
        base_url=base_url, cookies=no_jar, timeout=30, verify=NO_TLS
    ) as http:
        yield Browser(http, **{"origin": base_url, **more})
