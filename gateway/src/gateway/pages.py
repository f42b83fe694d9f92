"""What the gateway says of itself: ``/``, the merged OpenAPI of each contract, its pages."""

import html
from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import Any, Final

import httpx
import orjson
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from common.app import JsonResponse, contract_openapi
from common.contracts import Contract
from common.errors import Unavailable
from gateway.asking import ask
from gateway.auth import Authenticator
from gateway.routes import ACCOUNTS, ANYONE, Route, contracts_of
from gateway.upstream import Upstream
from gateway.web import APP

_SWAGGER: Final = files("fastapi_offline") / "static"
_ASSETS: Final = {
    "/docs/swagger-ui.css": ("swagger-ui.css", "text/css"),
    "/docs/swagger-ui-bundle.js": ("swagger-ui-bundle.js", "text/javascript"),
}
_DOCS_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'"
)
_DOCS_PAGE: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Atrium API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/docs/swagger-ui.css">
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</html>
"""
_DOCS_SCRIPT: Final = """const contracts = %s;
let shown = new URLSearchParams(location.search).get("contract");
if (!contracts.includes(shown)) shown = contracts[0];
const bar = document.createElement("nav");
for (const contract of contracts) {
  const link = document.createElement("a");
  link.href = "/docs?contract=" + contract;
  link.textContent = contract;
  link.style.cssText = "margin: 1em; font: 16px sans-serif";
  if (contract === shown) link.style.fontWeight = "bold";
  bar.append(link);
}
document.body.prepend(bar);
SwaggerUIBundle({ url: "/openapi/" + shown + ".json", dom_id: "#swagger-ui" });
"""
_HOME_PAGE: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Atrium</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<h1>Atrium</h1>
<p>Books rooms, shows them at the door, counts who is really there.</p>
%s<ul>%s</ul>
</html>
"""
_APP_LINK: Final = f'<p><a href="{APP}">Open the web app</a></p>\n'


class Pages:
    """Answers the addresses that are no route of the table.

    Args:
        routes: the table.
        upstreams: where the services describe themselves.
        accounts: the gateway's own application, which is one of them.
        authenticator: signs the questions.
        documented: whether the documentation is served.
        has_app: whether the web app is served.
    """

    def __init__(
        self,
        routes: Iterable[Route],
        upstreams: Mapping[str, Upstream],
        accounts: FastAPI,
        authenticator: Authenticator,
        *,
        documented: bool,
        has_app: bool,
    ) -> None:
        self._contracts = dict(contracts_of(routes))
        self._upstreams = upstreams
        self._accounts = accounts
        self._authenticator = authenticator
        self._documented = documented
        self._app = {"app": APP} if has_app else {}

    def by_path(self) -> dict[str, ASGIApp]:
        """List the pages."""
        pages: dict[str, ASGIApp] = {"/": self._home}
        if not self._documented:
            return pages
        names = orjson.dumps(sorted(self._contracts)).decode()
        policy = {"content-security-policy": _DOCS_POLICY}
        pages["/docs"] = Response(_DOCS_PAGE, headers=policy, media_type="text/html")
        pages["/docs/start.js"] = Response(_DOCS_SCRIPT % names, media_type="text/javascript")
        for path, (name, media_type) in _ASSETS.items():
            asset = (_SWAGGER / name).read_bytes()
            headers = {"cache-control": "public, max-age=86400"}
            pages[path] = Response(asset, headers=headers, media_type=media_type)
        for contract in self._contracts:
            pages[f"/openapi/{contract}.json"] = self._description_page(contract)
        return pages

    async def _home(self, scope: Scope, receive: Receive, send: Send) -> None:
        links = {"documentation": "/docs"} if self._documented else {}
        contracts: dict[str, str] = {
            contract.value: f"/openapi/{contract}.json"
            for contract in self._contracts
            if self._documented
        }
        answer: Response
        if "text/html" in Request(scope).headers.get("accept", ""):
            entries = {**links, **contracts}.items()
            rows = [f'<li><a href="{html.escape(to)}">{name}</a></li>' for name, to in entries]
            app = _APP_LINK if self._app else ""
            answer = Response(_HOME_PAGE % (app, "".join(rows)), media_type="text/html")
        else:
            answer = JsonResponse(
                {"product": "Atrium", **self._app, **links, "contracts": contracts}
            )
        await answer(scope, receive, send)

    def _description_page(self, contract: Contract) -> ASGIApp:
        async def page(scope: Scope, receive: Receive, send: Send) -> None:
            await JsonResponse(await self._description(contract))(scope, receive, send)

        return page

    async def _description(self, contract: Contract) -> dict[str, Any]:
        """Merge what the services of a contract say of themselves."""
        merged: dict[str, Any] = {
            "openapi": "3.1.0",
            "info": {"title": f"Atrium: {contract}", "version": self._accounts.version},
            "paths": {},
            "components": {"schemas": {}},
        }
        for service in sorted(self._contracts[contract]):
            if service == ACCOUNTS:
                part = contract_openapi(self._accounts, contract)
            else:
                part = await self._ask(service, contract)
            merged["paths"] |= part["paths"]
            merged["components"]["schemas"] |= part.get("components", {}).get("schemas", {})
        return merged

    async def _ask(self, service: str, contract: Contract) -> dict[str, Any]:
        path = f"/openapi/{contract}"
        route = Route(path=path, service=service, contract=contract, read=ANYONE, write=ANYONE)
        anonymous = self._authenticator.anonymous
        try:
            reply = await ask(self._upstreams[service], self._authenticator, anonymous, route)
            described: dict[str, Any] = reply.raise_for_status().json()
        except httpx.HTTPError as error:
            raise Unavailable(f"{service} cannot be described now") from error
        return described
