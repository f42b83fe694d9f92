"""WebSockets pass through; a refusal arrives as a close code that a browser's script can read."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from running_gateway import Running
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from common.contracts import Contract
from common.identity import Signer, Verifier
from gateway.routes import ANYONE, SIGNED_IN, Route


class EchoService:
    """Says back what it is told; closes with 4321 when told to."""

    def __init__(self) -> None:
        self.connections: list[ServerConnection] = []
        self.server: Server | None = None

    async def handle(self, connection: ServerConnection) -> None:
        self.connections.append(connection)
        async for message in connection:
            if message == "close":
                await connection.close(4321, "as you wish")
                return
            await connection.send(message)


@pytest.fixture
async def echo(running: Running) -> AsyncIterator[EchoService]:
    service = EchoService()
    async with serve(
        service.handle,
        "127.0.0.1",
        0,
        subprotocols=[Subprotocol("v1")],
        select_subprotocol=lambda _, offered: offered[0] if offered else None,
    ) as server:
        service.server = server
        running.gateway.shared.upstreams["rooms"].port = server.sockets[0].getsockname()[1]
        for path, read in (("/api/echo/{}/ws", SIGNED_IN), ("/api/open/ws", ANYONE)):
            running.gateway.shared.routes._add(
                Route(
                    path=path,
                    service="rooms",
                    contract=Contract.CIRCLE_TIME,
                    read=read,
                    write=SIGNED_IN,
                )
            )
        yield service


def address(running: Running, path: str) -> str:
    return f"ws://127.0.0.1:{running.port}{path}"


async def closed_with(socket: ClientConnection) -> int:
    with pytest.raises(ConnectionClosed) as closed:
        await asyncio.wait_for(socket.recv(), 5)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


async def test_messages_pass_both_ways_with_a_signed_identity(
    running: Running, echo: EchoService, signer: Signer
) -> None:
    headers = await running.authorization()
    url = address(running, "/api/echo/7/ws?version=3")

    async with connect(url, additional_headers=headers, subprotocols=[Subprotocol("v1")]) as socket:
        await socket.send("text")
        await socket.send(b"\x00bytes")
        answers = [await socket.recv(), await socket.recv()]

    assert answers == ["text", b"\x00bytes"]
    assert socket.subprotocol == "v1"
    [seen] = echo.connections
    assert seen.request is not None
    assert seen.request.path == "/api/echo/7/ws?version=3"
    call = Verifier("rooms", signer.public_key).verify(
        seen.request.headers["atrium-identity"], method="GET", path="/api/echo/7/ws"
    )
    assert call.identity.email == "admin@example.test"


async def test_a_token_in_the_query_signs_in_and_goes_no_further(
    running: Running, echo: EchoService
) -> None:
    token = (await running.sign_in())["token"]

    async with connect(address(running, f"/api/echo/7/ws?token={token}&a=1")) as socket:
        await socket.send("hello")
        assert await socket.recv() == "hello"

    [seen] = echo.connections
    assert seen.request is not None
    assert seen.request.path == "/api/echo/7/ws?a=1"
    assert token not in str(seen.request.headers)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/api/echo/7/ws", 4001),
        ("/api/echo/7/ws?token=wrong", 4001),
        ("/api/nothing/ws", 4004),
        ("/api/echo/%2e%2e/ws", 4004),
    ],
)
async def test_a_refusal_is_a_close_code(
    running: Running, echo: EchoService, path: str, code: int
) -> None:
    async with connect(address(running, path)) as socket:
        assert await closed_with(socket) == code

    assert echo.connections == []


async def test_a_script_of_a_foreign_site_is_refused(running: Running, echo: EchoService) -> None:
    url = address(running, "/api/open/ws")

    async with connect(url, additional_headers={"origin": "https://evil.test"}) as socket:
        assert await closed_with(socket) == 4003
    own = {"origin": f"http://127.0.0.1:{running.port}"}
    async with connect(url, additional_headers=own) as socket:
        await socket.send("x")
        assert await socket.recv() == "x"


async def test_the_services_close_code_reaches_the_client(
    running: Running, echo: EchoService
) -> None:
    async with connect(address(running, "/api/open/ws")) as socket:
        await socket.send("close")

        assert await closed_with(socket) == 4321


async def test_a_client_that_leaves_is_gone_for_the_service(
    running: Running, echo: EchoService
) -> None:
    async with connect(address(running, "/api/open/ws")) as socket:
        await socket.send("x")
        await socket.recv()
        await socket.close(4000)

    await asyncio.wait_for(echo.connections[0].wait_closed(), 5)
    assert echo.connections[0].close_code == 4000


async def test_a_service_that_is_away_means_try_again_later(
    running: Running, echo: EchoService
) -> None:
    running.gateway.shared.upstreams["rooms"].port = 9

    async with connect(address(running, "/api/open/ws")) as socket:
        assert await closed_with(socket) == 1013


async def test_a_message_over_64_kib_closes_the_connection(
    running: Running, echo: EchoService
) -> None:
    async with connect(address(running, "/api/open/ws")) as socket:
        await socket.send("x" * 70_000)

        assert await closed_with(socket) == 1009
