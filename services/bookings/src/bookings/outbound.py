"""Sends a message to an address that somebody else has chosen, without going where it must not.

Who has a name is asked when the connection is opened, each address is checked, and the connection
goes to the very address that was checked: a name that answers differently a moment later changes
nothing (DNS rebinding). Redirects are not followed, proxies of the environment not used.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

import certifi
import httpcore

from bookings.webhook import KEPT_ANSWER_BYTES, Network, WrongUrl, check_url, may_be_called

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

CONNECT_WITHIN_S: Final = 5.0
_ANSWER_WITHIN_S: Final = 2.0


class NotSent(Exception):
    """Nobody has taken the message; the message of this says why, without the address."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver answered.

    Args:
        beginning: of the body; the rest is not read.
    """

    status: int
    retry_after: str | None
    beginning: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Where messages may go.

    Args:
        allow_http: also without TLS.
        networks: allowed although they are not of the public internet.
    """

    allow_http: bool = False
    networks: tuple[Network, ...] = ()

    def check(self, url: str) -> None:
        """Check an address as far as that goes without asking who has its name.

        Raises:
            WrongUrl
        """
        check_url(url, allow_http=self.allow_http, networks=self.networks)


class _AddressRefused(httpcore.ConnectError):
    """The name belongs to an address to which nothing is sent."""


class _CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Opens connections to addresses that were checked, and to no others."""

    def __init__(self, reach: Reach, resolve: Resolve) -> None:
        self._reach = reach
        self._resolve = resolve
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            addresses = [ip_address(each) for each in await self._resolve(host, port)]
        except (OSError, ValueError) as error:
            raise httpcore.ConnectError("the name is not known") from error
        if not addresses:
            raise httpcore.ConnectError("the name is not known")
        # One that is not allowed spoils all of them: an honest receiver has none.
        if not all(may_be_called(each, self._reach.networks) for each in addresses):
            raise _AddressRefused("its address is not one of the public internet")
        failed: Exception | None = None
        for address in addresses:
            try:
                return await self._network.connect_tcp(
                    str(address), port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise httpcore.ConnectError("nobody answers there") from failed

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Outbound:
    """Posts messages.

    Args:
        reach: where they may go.
        deadline_s: of an attempt, from asking for the name to the status of the answer.
        resolve: tells which addresses have a name; tests put another in its place.
    """

    def __init__(self, reach: Reach, *, deadline_s: float, resolve: Resolve | None = None) -> None:
        self._reach = reach
        self._deadline_s = deadline_s
        context = ssl.create_default_context(cafile=certifi.where())
        context.load_default_certs()
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context,
            max_connections=256,
            keepalive_expiry=5.0,
            network_backend=_CheckedNetwork(reach, resolve or _ask),
        )

    async def aclose(self) -> None:
        """Close what is open."""
        await self._pool.aclose()

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send a message.

        Raises:
            NotSent: there was no answer in time, or nothing may be sent there.
        """
        try:
            self._reach.check(url)
            async with asyncio.timeout(self._deadline_s):
                return await self._post(url, headers, body)
        except TimeoutError as error:
            raise NotSent(f"no answer within {self._deadline_s:g} s") from error
        except WrongUrl as error:
            raise NotSent(str(error)) from error
        except (httpcore.NetworkError, httpcore.TimeoutException) as error:
            raise NotSent(_why(error)) from error
        except (httpcore.ProtocolError, httpcore.UnsupportedProtocol) as error:
            raise NotSent("what answers there does not speak HTTP") from error

    async def _post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        parts = urlsplit(url)
        # Put together from what was checked, so that nobody reads the address in another way.
        target = httpcore.URL(
            scheme=parts.scheme,
            host=parts.hostname or "",
            port=parts.port,
            target=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
        )
        sent = [*headers.items(), ("accept-encoding", "identity")]
        extensions = {"timeout": {"connect": CONNECT_WITHIN_S}}
        async with self._pool.stream(
            "POST", target, headers=sent, content=body, extensions=extensions
        ) as response:
            received = {name.lower(): value for name, value in response.headers}
            retry_after = received.get(b"retry-after")
            return Answer(
                status=response.status,
                retry_after=retry_after.decode("latin1") if retry_after else None,
                beginning=await _beginning(response),
            )


async def _beginning(response: httpcore.Response) -> bytes:
    """Read a little of a body; one that does not come is not waited for."""
    beginning = b""
    try:
        async with asyncio.timeout(_ANSWER_WITHIN_S):
            async for part in response.aiter_stream():
                beginning += part[:KEPT_ANSWER_BYTES]
                if len(beginning) >= KEPT_ANSWER_BYTES:
                    break
    except (TimeoutError, httpcore.NetworkError, httpcore.ProtocolError):
        return beginning[:KEPT_ANSWER_BYTES]
    return beginning[:KEPT_ANSWER_BYTES]


def _why(error: Exception) -> str:
    reason: BaseException | None = error
    while reason is not None:
        if isinstance(reason, ssl.SSLError):
            return "its certificate is not one that we trust, or TLS failed"
        reason = reason.__cause__ or reason.__context__
    return str(error) or "the connection broke"


async def _ask(host: str, port: int) -> Sequence[str]:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
