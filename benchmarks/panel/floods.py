"""Hostile clients of a gateway's WebSockets, a process of their own.

Each comes from an address of its own, so many a second, shakes hands, says what it says, and reads
until it is let go, for 5 s at most. Prints ten times a second how many have come.

    uv run python -m benchmarks.panel.floods talk 8000 TOKEN
"""

import asyncio
import base64
import secrets
import sys
from contextlib import suppress
from dataclasses import dataclass

import uvloop

PATH = "/api/panel/rooms/1/ws"
LETS_GO_AFTER_S = 5


def client_frame(opcode: int, payload: bytes) -> bytes:
    """Write a frame of a client: masked with zeros (RFC 6455, 5.2)."""
    size = len(payload)
    if size < 126:
        length = bytes([0x80 | size])
    elif size < 65536:
        length = b"\xfe" + size.to_bytes(2, "big")
    else:
        length = b"\xff" + size.to_bytes(8, "big")
    return bytes([0x80 | opcode]) + length + bytes(4) + payload


@dataclass(frozen=True)
class Flood:
    """So many connections a second, by what they show, and what each says."""

    per_s: int
    query: str
    says: bytes = b""


FLOODS = {
    "connects": Flood(200, "?token=wrong"),
    "silence": Flood(200, ""),
    "giants": Flood(20, "?token={token}", client_frame(1, b"x" * 1_000_000)),
    "pings": Flood(20, "?token={token}", client_frame(9, secrets.token_bytes(100)) * 500),
    "talk": Flood(10, "?token={token}", client_frame(1, b'{"type": "ping"}') * 500),
}


async def attack(flood: Flood, port: int, token: str) -> None:
    """Be one of them."""
    key = base64.b64encode(secrets.token_bytes(16)).decode()
    head = (
        f"GET {PATH}{flood.query.format(token=token)} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n"
        "upgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-version: 13\r\n"
        f"sec-websocket-key: {key}\r\n\r\n"
    )
    address = ".".join(str(part) for part in (127, *secrets.token_bytes(2), 1))
    with suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
        async with asyncio.timeout(LETS_GO_AFTER_S):
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", port, local_addr=(address, 0)
            )
            try:
                writer.write(head.encode())
                await reader.readuntil(b"\r\n\r\n")
                writer.write(flood.says)
                while await reader.read(65536):
                    pass
            finally:
                writer.transport.abort()


async def strike(flood: Flood, port: int, token: str) -> None:
    """Come until this is ended."""
    loop = asyncio.get_running_loop()
    began, come = loop.time(), 0
    async with asyncio.TaskGroup() as group:
        while True:
            group.create_task(attack(flood, port, token))
            come += 1
            if come % (flood.per_s // 10) == 0:
                print(come, flush=True)
            await asyncio.sleep(max(0.0, began + come / flood.per_s - loop.time()))


if __name__ == "__main__":
    name, port, token = sys.argv[1:]
    uvloop.run(strike(FLOODS[name], int(port), token))
