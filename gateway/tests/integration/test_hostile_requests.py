"""Statements 24 to 31 of the security list: what nobody may smuggle in or wear us out with."""

import asyncio
import time

import pytest
from raw_http import send_raw, status_of
from running_gateway import Running, StartGateway

from common.contracts import Contract
from common.identity import Signer, Verifier
from gateway.http_protocol import HEAD_WITHIN_S
from gateway.hygiene import FORWARDED

IDENTITY_HEADERS = [
    "atrium-identity: forged",
    "Atrium-Identity: forged",
    "ATRIUM_IDENTITY: forged",
    "atrium.identity: forged",
    "X-User-Id: forged",
    "X_User_Id: forged",
    "X.User.Id: forged",
    "X-User-Role: forged",
    "X_Authenticated_User: forged",
    "X.Authenticated.User: forged",
    "X-Forwarded-User: forged",
    "X-Forwarded-For: forged",
    "X-Forwarded-Host: forged",
    "X-Forwarded-Proto: forged",
    "X-Real-IP: forged",
    "Forwarded: forged",
    "X-Original-URL: forged",
    "X-Rewrite-URL: forged",
    "Proxy-Authorization: forged",
    "Cookie: authjs.session-token=forged",
]
OURS = {
    "host",
    "atrium-identity",
    "x-request-id",
    "x-forwarded-host",
    "x-forwarded-proto",
    "content-length",
    "transfer-encoding",
}


@pytest.mark.parametrize("header", IDENTITY_HEADERS)
async def test_a_header_that_claims_an_identity_reaches_no_service(
    running: Running, signer: Signer, header: str
) -> None:
    request = f"GET /api/rooms/ HTTP/1.1\r\nHost: a.test\r\n{header}\r\n\r\n"

    answer = await send_raw(running.port, request.encode())

    assert status_of(answer) == 200
    [seen] = running.rooms.seen
    assert b"forged" not in seen.head
    assert seen.headers.keys() <= OURS
    call = Verifier("rooms", signer.public_key).verify(
        seen.headers["atrium-identity"], method="GET", path="/api/rooms/"
    )
    assert call.identity.kind == "anonymous"
    assert call.contract is Contract.DIRECTORY


@pytest.mark.parametrize(
    "listed", ["atrium-identity", "Atrium-Identity, close", "x-request-id, content-length, host"]
)
async def test_the_connection_header_cannot_strip_what_we_add(
    running: Running, listed: str
) -> None:
    request = f"GET /api/rooms/ HTTP/1.1\r\nHost: a.test\r\nConnection: {listed}\r\n\r\n"

    await send_raw(running.port, request.encode())

    [seen] = running.rooms.seen
    assert {"atrium-identity", "x-request-id", "host"} <= seen.headers.keys()
    assert "connection" not in seen.headers


async def test_credentials_stay_at_the_gateway(running: Running) -> None:
    headers = await running.authorization()

    await running.client.get("/api/rooms/", headers={**headers, "cookie": "a=b"})

    [seen] = running.rooms.seen
    assert headers["authorization"].split()[1] not in seen.head.decode()
    assert {"authorization", "cookie"}.isdisjoint(seen.headers)


HOSTILE_PATHS = [
    "//api/rooms/",
    "/api//rooms/",
    "/api/./rooms/",
    "/api/../api/rooms/",
    "/api/occupancy/../rooms/",
    "/api/occupancy/..",
    "/api/occupancy/.",
    "/api/occupancy/%2e%2e/rooms/",
    "/api/occupancy/%2E%2E/rooms/",
    "/api/occupancy/.%2e/rooms/",
    "/api/occupancy%2fcameras",
    "/api/occupancy/x%2f..%2f..%2frooms/",
    "/api/occupancy/%5c..%5crooms",
    "/api/occupancy/..\\rooms",
    "/api/occupancy/;x=1/cameras",
    "/api/occupancy/cameras;jsessionid=1",
    "/api/occupancy/..;/rooms/",
    "/api/occupancy/cameras%00",
    "/api/occupancy/cameras%0d%0aX-User-Id:1",
    "/api/occupancy/%252e%252e/rooms/",
    "/api/occupancy/cam\u00e9ra",
    "http://evil.test/api/rooms/../occupancy/x",
    "/healthz",
    "/metrics",
    "/openapi/directory",
]


@pytest.mark.parametrize("path", HOSTILE_PATHS)
async def test_a_path_that_could_be_read_in_two_ways_reaches_no_service(
    running: Running, path: str
) -> None:
    request = f"GET {path} HTTP/1.1\r\nHost: a.test\r\n\r\n"

    answer = await send_raw(running.port, request.encode("latin1"))

    assert status_of(answer) in {400, 404}
    assert running.rooms.seen == running.occupancy.seen == []


GET = b"GET /api/rooms/ HTTP/1.1\r\nHost: a.test\r\n"
POST = b"POST /api/auth/login HTTP/1.1\r\nHost: a.test\r\nContent-Type: application/json\r\n"
SMUGGLED = b"GET /api/occupancy/smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n"
FRAMINGS = {
    "both lengths": POST + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nX",
    "chunked, then a length": POST
    + b"Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\nX",
    "two lengths": POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nX",
    "two equal lengths": POST + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\nX",
    "a list of lengths": POST + b"Content-Length: 1, 1\r\n\r\nX",
    "a signed length": POST + b"Content-Length: +1\r\n\r\nX",
    "a negative length": POST + b"Content-Length: -1\r\n\r\nX",
    "an underscore in the length": POST + b"Content-Length: 0_1\r\n\r\nX",
    "a hexadecimal length": POST + b"Content-Length: 0x1\r\n\r\nX",
    "an endless length": POST + b"Content-Length: 99999999999999999999999\r\n\r\nX",
    "an unknown coding": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a space before the colon": POST + b"Content-Length : 1\r\n\r\nX",
    "chunked twice": POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "chunked, then identity": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "a tab before chunked": POST + b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    "a chunk size that is none": POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
    "a negative chunk": POST + b"Transfer-Encoding: chunked\r\n\r\n-1\r\nx\r\n0\r\n\r\n",
    "a chunk with 0x": POST + b"Transfer-Encoding: chunked\r\n\r\n0x1\r\nx\r\n0\r\n\r\n",
    "an endless chunk size": POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 40 + b"\r\n",
    "a chunk longer than it says": POST
    + b"Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n",
    "a folded header": GET + b"X-A: 1\r\n Content-Length: 5\r\n\r\n",
    "a bare line feed in a header": GET + b"X-A: 1\nContent-Length: 5\r\n\r\n",
    "a bare carriage return": GET + b"X-A: 1\rContent-Length: 5\r\n\r\n",
    "NUL in a header": GET + b"X-A: a\x00b\r\n\r\n",
    "NUL in a name": GET + b"X\x00A: b\r\n\r\n",
    "a name with a space": GET + b"X A: b\r\n\r\n",
    "no name": GET + b": b\r\n\r\n",
    "an unknown version": b"GET /api/rooms/ HTTP/9.9\r\nHost: a.test\r\n\r\n",
    "no version": b"GET /api/rooms/\r\n\r\n",
    "a garbled version": b"GET /api/rooms/ HTTP/1.1abc\r\nHost: a.test\r\n\r\n",
    "an unknown method": b"BREW /api/rooms/ HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "CONNECT": b"CONNECT evil.test:443 HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "TRACE": b"TRACE /api/rooms/ HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "not HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
}


@pytest.mark.parametrize("name", FRAMINGS)
async def test_a_second_request_cannot_be_smuggled_in_a_first(running: Running, name: str) -> None:
    answer = await send_raw(running.port, FRAMINGS[name] + SMUGGLED, wait_s=2)

    smuggled = [seen for seen in running.occupancy.seen if seen.target.endswith("smuggled")]
    # What was behind a whole request is a request of its own, and is answered as one.
    answers = answer.count(b"HTTP/1.1 ")
    assert len(smuggled) <= max(0, answers - 1)
    assert status_of(answer) != 200 or len(running.rooms.seen) <= 1
    assert status_of(answer) < 500


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        (GET + b"X-A: " + b"a" * 40_000 + b"\r\n\r\n", 431),
        (GET + b"".join(b"X-%d: 1\r\n" % number for number in range(150)) + b"\r\n", 431),
        (GET + b"X-A: " + b"a" * 4_000_000, 431),
        (b"GET /" + b"a" * 4_000_000, 414),
        (GET.replace(b"/ HTTP", b"/?" + b"a=1&" * 150 + b" HTTP") + b"\r\n", 400),
        (POST + b"Content-Length: 1000000\r\n\r\n", 413),
        (
            POST
            + b"Transfer-Encoding: chunked\r\n\r\n"
            + b"2000\r\n"
            + b"x" * 8192
            + b"\r\n"
            + b"2000\r\n"
            + b"x" * 8192
            + b"\r\n",
            413,
        ),
    ],
    ids=["URL", "header", "headers", "endless header", "endless URL", "query", "body", "chunks"],
)
async def test_what_is_too_much_is_refused_before_it_is_kept(
    running: Running, request_bytes: bytes, status: int
) -> None:
    answer = await send_raw(running.port, request_bytes)

    # An endless line is cut off by its bytes, often before its sender looks for an answer.
    endless = len(request_bytes) > 1_000_000
    assert status_of(answer) in ({0, 414, 431} if endless else {status})
    assert running.rooms.seen == []


async def test_a_client_that_sends_its_head_byte_by_byte_is_dropped(running: Running) -> None:
    began = time.monotonic()

    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    writer.write(b"GET /api/rooms/ HTTP/1.1\r\n")
    dripping = asyncio.create_task(_drip(writer))
    rest = await asyncio.wait_for(reader.read(), HEAD_WITHIN_S + 3)
    dripping.cancel()

    assert rest == b""
    assert time.monotonic() - began < HEAD_WITHIN_S + 2
    writer.close()


async def _drip(writer: asyncio.StreamWriter) -> None:
    while not writer.is_closing():
        writer.write(b"X")
        await asyncio.sleep(0.2)


async def test_a_connection_that_says_nothing_is_dropped(running: Running) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)

    assert await asyncio.wait_for(reader.read(), HEAD_WITHIN_S + 3) == b""
    writer.close()


async def test_spoofed_addresses_do_not_open_new_limits(start_gateway: StartGateway) -> None:
    running = await start_gateway(read_limit=5, trusted_proxies=1)

    statuses = []
    for number in range(8):
        spoofed = {"x-forwarded-for": f"10.0.0.{number}, 8.8.8.8"}
        statuses.append((await running.client.get("/api/rooms/", headers=spoofed)).status_code)

    assert statuses == [200] * 5 + [429] * 3


async def test_an_address_that_no_proxy_of_ours_vouches_for_is_not_believed(
    start_gateway: StartGateway,
) -> None:
    running = await start_gateway(read_limit=5)

    statuses = []
    for number in range(8):
        spoofed = {"x-forwarded-for": f"10.0.0.{number}"}
        statuses.append((await running.client.get("/api/rooms/", headers=spoofed)).status_code)

    assert statuses == [200] * 5 + [429] * 3


def test_no_header_that_is_forwarded_can_name_a_caller() -> None:
    assert not any(
        word in name
        for name in FORWARDED
        for word in (b"user-id", b"auth", b"cookie", b"forwarded", b"real", b"identity")
    )
