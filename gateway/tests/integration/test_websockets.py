"""WebSockets pass through; a refusal arrives as a close code that a browser's script can read.

They end with the session that opened them: statements 11 and 20 of the security list.
"""

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
from running_gateway import Running
from running_system import eventually
from starlette.types import Message
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from common.contracts import Contract
from common.identity import Role, Signer, Verifier
from common.websocket_protocol import WebSocketProtocol
from gateway.accounts import service
from gateway.editions import Edition
from gateway.routes import ANYONE, SIGNED_IN, Route
from gateway.websocket import WebSocketProxy

PATHS = {
    "/api/echo/{}/ws": SIGNED_IN,
    "/api/open/ws": ANYONE,
    "/api/staffroom/ws": SIGNED_IN - {Role.STUDENT},
}


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
    echo_service = EchoService()
    async with serve(
        echo_service.handle,
        "127.0.0.1",
        0,
        subprotocols=[Subprotocol("v1")],
        select_subprotocol=lambda _, offered: offered[0] if offered else None,
    ) as server:
        echo_service.server = server
        running.gateway.shared.upstreams["rooms"].port = server.sockets[0].getsockname()[1]
        for path, read in PATHS.items():
            running.gateway.shared.routes._add(
                Route(
                    path=path,
                    service="rooms",
                    contract=Contract.CIRCLE_TIME,
                    read=read,
                    write=SIGNED_IN,
                )
            )
        yield echo_service


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


async def test_who_was_refused_leaves_nothing_to_the_garbage_collector(running: Running) -> None:
    """It would hold up everybody while it frees what thousands have left."""

    async def left() -> int:
        kinds = WebSocketProtocol | ServerProtocol
        return sum(isinstance(one, kinds) for one in gc.get_objects())

    gc.collect()
    gc.disable()
    try:
        for _ in range(5):
            async with connect(address(running, "/api/echo/7/ws?token=wrong")) as socket:
                assert await left() > 0
                await closed_with(socket)
        await eventually(left, lambda seen: seen == 0, 5)
    finally:
        gc.enable()


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


async def test_the_services_close_code_reaches_a_client_that_goes_on_talking(
    running: Running, echo: EchoService
) -> None:
    """What it says is too late, and comes before the news that stand in its line."""
    said = iter(["hello", "close", "and another thing"])
    talked, told = asyncio.Event(), []

    async def receive() -> Message:
        if not echo.connections:
            return {"type": "websocket.connect"}
        if (text := next(said, None)) is None:
            await asyncio.Future()
        if text == "and another thing":
            await echo.connections[0].wait_closed()
            talked.set()
        return {"type": "websocket.receive", "text": text}

    async def send(message: Message) -> None:
        told.append(message)
        if message["type"] == "websocket.send":
            await talked.wait()

    scope = {
        "type": "websocket",
        "scheme": "ws",
        "path": "/api/open/ws",
        "raw_path": b"/api/open/ws",
        "query_string": b"",
        "headers": [],
        "client": ("127.0.0.1", 1),
        "subprotocols": [],
    }
    async with asyncio.timeout(10):
        await WebSocketProxy(running.gateway.shared, Edition.CIRCLE_TIME)(scope, receive, send)

    assert [message["type"] for message in told] == [
        "websocket.accept",
        "websocket.send",
        "websocket.close",
    ]
    assert told[-1]["code"] == 4321


async def test_a_client_that_does_not_read_is_let_go(
    running: Running, echo: EchoService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.websocket.TAKEN_WITHIN_S", 0.3)
    async with connect(address(running, "/api/open/ws"), max_queue=1) as socket:
        await socket.send("hello")
        await socket.recv()
        [service] = echo.connections

        async def say_more_than_buffers_hold() -> None:
            while True:
                await service.send("x" * 60_000)

        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(say_more_than_buffers_hold(), 20)
        assert closed.value.rcvd is not None
        # What was on the way is there to be read, if not the close behind it.
        with suppress(ConnectionClosed):
            async with asyncio.timeout(10):
                async for _ in socket:
                    pass
        assert socket.close_code in {1006, 1013}


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


async def test_a_browser_connects_with_its_cookie_from_a_page_of_ours(
    running: Running, echo: EchoService, signer: Signer
) -> None:
    token = (await running.sign_in())["token"]
    headers = {"cookie": f"authjs.session-token={token}", "origin": running.url}

    async with connect(address(running, "/api/echo/7/ws"), additional_headers=headers) as socket:
        await socket.send("hello")
        assert await socket.recv() == "hello"

    [seen] = echo.connections
    assert seen.request is not None
    assert token not in str(seen.request.headers)
    call = Verifier("rooms", signer.public_key).verify(
        seen.request.headers["atrium-identity"], method="GET", path="/api/echo/7/ws"
    )
    assert call.identity.email == "admin@example.test"


@pytest.mark.parametrize("path", ["/api/echo/7/ws", "/api/open/ws"])
@pytest.mark.parametrize("origin", [None, "null", "https://evil.test", "http://127.0.0.1"])
async def test_a_cookie_connects_nobody_from_a_foreign_page_or_from_none(
    running: Running, echo: EchoService, path: str, origin: str | None
) -> None:
    token = (await running.sign_in())["token"]
    headers = {"cookie": f"authjs.session-token={token}"}
    if origin is not None:
        headers["origin"] = origin

    async with connect(address(running, path), additional_headers=headers) as socket:
        assert await closed_with(socket) == 4003

    assert echo.connections == []


async def test_a_cookie_whose_session_has_ended_connects_nobody(
    running: Running, echo: EchoService
) -> None:
    headers = {"cookie": f"authjs.session-token=ata_{'0' * 43}", "origin": running.url}

    async with connect(address(running, "/api/echo/7/ws"), additional_headers=headers) as socket:
        assert await closed_with(socket) == 4001


async def test_guesses_by_websocket_are_counted_with_the_others(
    running: Running, echo: EchoService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.callers.LOOK_UPS_A_MINUTE", 2)

    codes = []
    for number in range(3):
        url = address(running, f"/api/echo/7/ws?token={number}")
        async with connect(url) as socket:
            codes.append(await closed_with(socket))

    assert codes == [4001, 4001, 1013]


async def sign_out(running: Running, token: str) -> None:
    headers = {"authorization": f"Bearer {token}"}
    assert (await running.client.post("/api/auth/logout", headers=headers)).status_code == 200


async def change_password(running: Running, _: str) -> None:
    async with running.gateway.database.sessions.begin() as session:
        await service.set_password(session, "faculty", "another good password")


async def disable(running: Running, _: str) -> None:
    async with running.gateway.database.sessions.begin() as session:
        await service.change_user(session, "faculty", is_active=False)


async def take_role_away(running: Running, _: str) -> None:
    async with running.gateway.database.sessions.begin() as session:
        await service.change_user(session, "faculty", role=Role.STUDENT)


@pytest.mark.parametrize(
    ("change", "code"),
    [(sign_out, 4001), (change_password, 4001), (disable, 4001), (take_role_away, 4003)],
    ids=lambda it: getattr(it, "__name__", it),
)
@pytest.mark.parametrize("by", ["header", "query", "cookie"])
async def test_a_connection_ends_within_5_s_of_what_ends_its_leave(
    running: Running, echo: EchoService, change: Any, code: int, by: str
) -> None:
    faculty = (await running.sign_in("faculty@example.test"))["token"]
    query = f"?token={faculty}" if by == "query" else ""
    headers = {
        "header": {"authorization": f"Bearer {faculty}"},
        "query": {},
        "cookie": {"cookie": f"authjs.session-token={faculty}", "origin": running.url},
    }[by]
    url = address(running, "/api/staffroom/ws" + query)

    async with connect(url, additional_headers=headers) as socket:
        await socket.send("hello")
        await socket.recv()
        await change(running, faculty)
        began = time.monotonic()

        assert await closed_with(socket) == code

    assert time.monotonic() - began < 5
    await asyncio.wait_for(echo.connections[0].wait_closed(), 5)


async def test_other_connections_outlive_many_looks_at_who_has_them(
    running: Running, echo: EchoService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.auth.REMEMBER_S", 0.05)
    monkeypatch.setattr("gateway.callers.LOOK_UPS_A_MINUTE", 2)
    headers = await running.authorization()

    async with (
        connect(address(running, "/api/echo/7/ws"), additional_headers=headers) as mine,
        connect(address(running, "/api/open/ws")) as nobodys,
    ):
        for socket in (mine, nobodys) * 5:
            await asyncio.sleep(0.05)
            await socket.send("still here")
            assert await socket.recv() == "still here"
