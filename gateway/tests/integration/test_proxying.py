"""Requests and answers pass through: whole, streamed both ways, bounded in time and size."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import pytest
from raw_http import ANSWER, SeenRequest, send_raw, status_of
from running_gateway import Running


async def test_a_request_arrives_as_it_was_sent(running: Running) -> None:
    headers = await running.authorization()
    sent = {
        **headers,
        "accept-language": "fa",
        "if-none-match": '"1"',
        "idempotency-key": "k-1",
        "x-request-id": "trace-me",
    }

    reply = await running.client.post(
        "/api/rooms/?a=1&b=%20%2F&b=", headers=sent, json={"name": "Aula"}
    )

    [seen] = running.rooms.seen
    assert seen.target == "/api/rooms/?a=1&b=%20%2F&b="
    assert seen.body == b'{"name":"Aula"}'
    for name in ("accept-language", "if-none-match", "idempotency-key", "x-request-id"):
        assert seen.headers[name] == sent[name]
    assert seen.headers["x-forwarded-host"] == f"127.0.0.1:{running.port}"
    assert reply.headers["x-request-id"] == "trace-me"


async def test_an_answer_comes_back_as_it_was_given(running: Running) -> None:
    async def answer(_: SeenRequest, writer: asyncio.StreamWriter) -> None:
        writer.write(
            b'HTTP/1.1 409 Conflict\r\ncontent-type: application/json\r\netag: "7"\r\n'
            b"connection: keep-alive\r\nkeep-alive: timeout=5\r\nserver: secret/1.0\r\n"
            b'content-length: 15\r\n\r\n{"detail":"no"}'
        )

    running.rooms.answer = answer

    reply = await running.client.get("/api/rooms/")

    assert (reply.status_code, reply.json()) == (409, {"detail": "no"})
    assert reply.headers["etag"] == '"7"'
    assert "keep-alive" not in reply.headers
    assert "server" not in reply.headers
    assert reply.headers["x-content-type-options"] == "nosniff"


async def test_connections_to_a_service_are_used_again(running: Running) -> None:
    for _ in range(20):
        await running.client.get("/api/rooms/")

    assert len(running.rooms.seen) == 20
    assert running.rooms.connections == 1


async def test_a_read_is_sent_again_when_an_idle_connection_was_closed(running: Running) -> None:
    await running.client.get("/api/rooms/")

    async def close_once(_: SeenRequest, writer: asyncio.StreamWriter) -> None:
        running.rooms.answer = answer_plainly
        writer.transport.abort()

    async def answer_plainly(_: SeenRequest, writer: asyncio.StreamWriter) -> None:
        writer.write(ANSWER)

    running.rooms.answer = close_once
    reply = await running.client.get("/api/rooms/")

    assert reply.status_code == 200
    assert len(running.rooms.seen) == 3


async def test_a_write_is_never_sent_twice(running: Running) -> None:
    headers = await running.authorization()

    async def break_off(_: SeenRequest, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    running.rooms.answer = break_off
    reply = await running.client.post("/api/rooms/", headers=headers, json={})

    assert (reply.status_code, reply.json()) == (
        503,
        {"detail": "Service temporarily unavailable"},
    )
    assert len(running.rooms.seen) == 1


async def test_a_service_that_is_away_is_503_in_the_words_of_its_contract(
    running: Running,
) -> None:
    for service in (running.rooms, running.occupancy):
        service.drop_connections()
    running.gateway.shared.upstreams["rooms"].port = 9
    running.gateway.shared.upstreams["occupancy"].port = 9
    headers = await running.authorization()

    directory = await running.client.get("/api/rooms/")
    occupancy = await running.client.get("/api/occupancy/facility/live")
    circle_time = await running.client.get("/api/rooms", headers=headers)

    assert {directory.status_code, occupancy.status_code, circle_time.status_code} == {503}
    assert directory.json() == {"detail": "Service temporarily unavailable"}
    assert occupancy.json() == {"detail": "Occupancy service not initialized"}
    assert circle_time.json() == {
        "success": False,
        "message": "Service temporarily unavailable",
        "code": "unavailable",
    }
    assert directory.headers["retry-after"] == "1"


async def test_a_service_that_does_not_answer_in_time_is_503(running: Running) -> None:
    async def never(_: SeenRequest, __: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    running.rooms.answer = never
    route = running.gateway.shared.routes.find(b"/api/rooms/", next(iter(_editions())))
    object.__setattr__(route, "deadline_s", 0.3)
    began = time.monotonic()

    reply = await running.client.get("/api/rooms/")

    assert reply.status_code == 503
    assert time.monotonic() - began < 2


def _editions() -> list[object]:
    from gateway.editions import Edition

    return list(Edition)


async def test_an_answer_that_breaks_off_is_not_passed_off_as_whole(running: Running) -> None:
    async def half(_: SeenRequest, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.transport.abort()

    running.rooms.answer = half

    with pytest.raises(httpx.RemoteProtocolError):
        await running.client.get("/api/rooms/")


@pytest.mark.parametrize(
    "garbage", [b"not http\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n", b"\x00" * 50]
)
async def test_an_answer_that_is_no_http_is_503(running: Running, garbage: bytes) -> None:
    async def babble(_: SeenRequest, writer: asyncio.StreamWriter) -> None:
        writer.write(garbage)

    running.rooms.answer = babble

    assert (await running.client.get("/api/rooms/")).status_code == 503


async def test_an_answer_is_passed_on_as_it_comes(running: Running) -> None:
    go_on = asyncio.Event()

    async def in_two_parts(_: SeenRequest, writer: asyncio.StreamWriter) -> None:
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
            b"transfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n"
        )
        await writer.drain()
        await go_on.wait()
        writer.write(b"6\r\nsecond\r\n0\r\n\r\n")

    running.rooms.answer = in_two_parts

    async with running.client.stream("GET", "/api/rooms/") as reply:
        parts = reply.aiter_raw()
        first = await anext(parts)
        go_on.set()
        rest = b"".join([part async for part in parts])

    assert (first, rest) == (b"first", b"second")


async def test_a_client_that_leaves_a_stream_frees_the_service(running: Running) -> None:
    closed = asyncio.Event()

    async def endless(_: SeenRequest, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n")
        try:
            while not writer.is_closing():
                writer.write(b"1\r\nx\r\n")
                await writer.drain()
                await asyncio.sleep(0.02)
        finally:
            closed.set()

    running.rooms.answer = endless

    async with running.client.stream("GET", "/api/rooms/") as reply:
        await anext(reply.aiter_raw())

    await asyncio.wait_for(closed.wait(), 5)


async def test_streams_leave_the_connections_of_everybody_else_free(running: Running) -> None:
    async def endless(request: SeenRequest, writer: asyncio.StreamWriter) -> None:
        if request.target != "/api/occupancy/stream":
            writer.write(ANSWER)
            return
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n")
        await writer.drain()
        await asyncio.sleep(60)

    running.occupancy.answer = endless
    running.gateway.shared.upstreams["occupancy"]._most = 2

    reading = []
    async with AsyncExitStack() as streams:
        for _ in range(3):
            stream = running.client.stream("GET", "/api/occupancy/stream")
            reply = await streams.enter_async_context(stream)
            # One that is let go of is closed.
            reading.append(reply.aiter_raw())
            assert await anext(reading[-1]) == b"x"
        assert (await running.client.get("/api/occupancy/facility/live")).status_code == 200


async def test_a_large_answer_waits_for_its_client_outside_our_memory(running: Running) -> None:
    """64 MB to a client that does not read: the service is held back, nothing piles up."""
    written = 0

    async def large(_: SeenRequest, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (1024 * 65536))
        for _part in range(1024):
            writer.write(b"x" * 65536)
            await writer.drain()
            written += 65536

    running.rooms.answer = large
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port, limit=65536)
    writer.write(b"GET /api/rooms/ HTTP/1.1\r\nHost: a\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    await asyncio.sleep(0.5)

    held_back_at = written
    received = 0
    while received < 1024 * 65536:
        received += len(await reader.read(1 << 20))
    writer.close()

    # What the sockets of both connections buffer, and 256 KiB of ours.
    assert held_back_at < 16 * 1024 * 1024
    assert received == 1024 * 65536


async def test_a_body_is_passed_on_as_it_comes(running: Running) -> None:
    headers = await running.authorization()

    async def parts() -> AsyncIterator[bytes]:
        for number in range(50):
            yield b"%04d" % number
            await asyncio.sleep(0)

    reply = await running.client.post("/api/rooms/", headers=headers, content=parts())

    [seen] = running.rooms.seen
    assert reply.status_code == 200
    assert seen.body == b"".join(b"%04d" % number for number in range(50))


async def test_a_chunked_body_over_its_limit_is_413_and_the_service_is_told_so(
    running: Running,
) -> None:
    headers = await running.authorization()

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(200):
            yield b"x" * 1024
            await asyncio.sleep(0)

    reply = await running.client.post("/api/rooms/", headers=headers, content=endless())

    assert reply.status_code == 413
    assert reply.json() == {"detail": "The request body is larger than 65536 bytes."}
    # The service has seen half a request at most, which is none.
    assert running.rooms.seen == []


async def test_a_declared_body_over_its_limit_is_413_before_it_is_sent(running: Running) -> None:
    headers = await running.authorization()
    token = headers["authorization"]
    head = f"POST /api/rooms/ HTTP/1.1\r\nHost: a\r\nAuthorization: {token}\r\n"

    answer = await send_raw(running.port, head.encode() + b"Content-Length: 70000\r\n\r\n")

    assert status_of(answer) == 413


async def test_a_body_that_stops_costs_its_client_the_connection(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.proxy.BODY_IDLE_S", 0.3)
    headers = await running.authorization()
    head = f"POST /api/rooms/ HTTP/1.1\r\nHost: a\r\nAuthorization: {headers['authorization']}\r\n"

    answer = await send_raw(running.port, head.encode() + b"Content-Length: 10\r\n\r\nhalf")

    assert status_of(answer) == 400
    assert b"connection: close" in answer
    assert running.rooms.seen == []


async def test_head_has_the_answers_headers_and_no_body(running: Running) -> None:
    async def head_only(request: SeenRequest, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n")

    running.rooms.answer = head_only

    reply = await running.client.head("/api/rooms/")

    assert (reply.status_code, reply.content) == (200, b"")
    running.rooms.answer = _plain
    assert (await running.client.get("/api/rooms/")).json() == {}


async def _plain(_: SeenRequest, writer: asyncio.StreamWriter) -> None:
    writer.write(ANSWER)


async def test_many_clients_at_once_get_their_own_answers(running: Running) -> None:
    async def echo(request: SeenRequest, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.001)
        body = request.target.encode()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))

    running.rooms.answer = echo
    targets = [f"/api/rooms/?n={number}" for number in range(400)]

    replies = await asyncio.gather(*(running.client.get(target) for target in targets))

    assert [reply.text for reply in replies] == targets


async def test_pipelined_requests_are_answered_in_order(running: Running) -> None:
    async def echo(request: SeenRequest, writer: asyncio.StreamWriter) -> None:
        body = request.target.encode()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))

    running.rooms.answer = echo
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    for number in range(5):
        writer.write(b"GET /api/rooms/?n=%d HTTP/1.1\r\nHost: a\r\n\r\n" % number)

    bodies = []
    for _ in range(5):
        await reader.readuntil(b"\r\n\r\n")
        bodies.append(await reader.readexactly(15))
    writer.close()

    assert bodies == [b"/api/rooms/?n=%d" % number for number in range(5)]
