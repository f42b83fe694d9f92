"""Asks services what the gateway itself wants to know; nothing that is hot."""

from typing import Final

import httpx

from common.identity import HEADER
from gateway.auth import Authenticator, Principal
from gateway.routes import Route
from gateway.upstream import Upstream

WITHIN_S: Final = 5.0


async def ask(
    upstream: Upstream, authenticator: Authenticator, principal: Principal, route: Route
) -> httpx.Response:
    """Send a GET to the path of a route, as somebody.

    Raises:
        httpx.HTTPError: the service does not answer.
    """
    identity = authenticator.sign(principal, route, "GET", route.path.encode())
    async with httpx.AsyncClient(timeout=WITHIN_S) as client:
        return await client.get(
            f"http://{upstream.host}:{upstream.port}{route.path}",
            headers={HEADER.decode(): identity.decode()},
        )
