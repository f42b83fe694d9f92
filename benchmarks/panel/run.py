"""One change to a thousand panels, against a raw writer of the same prebuilt frame.

A panel process (`panel api`) with its Postgres, and a bare asyncio server that writes a frame to
every connection when it is told to; the same clients connect to one, then to the other, round by
round. A change is made in the database, as the consumer makes one, and what is measured is

    delivered   messages a second from the first panel that is told to the last, of the raw writer's
    last panel  milliseconds from the commit until the last of the panels is told
    memory      KiB of the process for each connection
    unread      the same panels' p99, when one tenth of all never reads, to what it is otherwise
    floods      median and p99 of panels behind a gateway, beside each flood of `floods`, to what
                they are without

    uv run python -m benchmarks.panel.run [--panels 1000] [--rounds 3] [--changes 20]

Exits with 1 when a figure is past its limit.
"""

import argparse
import asyncio
import base64
import hashlib
import secrets
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import asyncpg
import uvloop
from benchmarks.ground import BIN, prepared, process_settings, sign_in, until_answering
from benchmarks.panel.floods import FLOODS, LETS_GO_AFTER_S, PATH, client_frame

from common.contracts import Contract
from common.identity import HEADER, Identity, Role, Signer
from common.testing.servers import free_port
from gateway.main import SCHEMA as ACCOUNTS
from panel.tables import SCHEMA

LEAST = 0.5
MOST_LAST_MS = 1000.0
MOST_KIB = 40.0
MOST_UNREAD = 1.1
MOST_FLOODED = 1.1
ONE_IN = 10
BEHIND_GATEWAY = 200
MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
FILL = """
INSERT INTO panel.rooms VALUES
    (1, 'cbench', 1, 'Aula', 'Main Building', 'Asia/Tehran', 1, 40, true);
INSERT INTO panel.meetings VALUES ('m', 1, 1, 'A talk', 'Ann', 'ann@example.test',
    now() - interval '1 minute', now() + interval '3 hours', 5, now(), NULL, true);
INSERT INTO panel.changes VALUES (1, clock_timestamp());
INSERT INTO panel.heard VALUES (0, now(), now() + interval '1 day');
"""
CHANGE = """
WITH changed AS (UPDATE panel.meetings SET title = $1)
UPDATE panel.changes SET changed_at = clock_timestamp()
"""


# --- the raw writer -----------------------------------------------------------------------------


class RawSocket(asyncio.Protocol):
    """Shakes hands, and is written to."""

    everybody: set["RawSocket"] = set()  # noqa: RUF012 - of the process
    frame = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.head = b""

    def connection_lost(self, _: Exception | None) -> None:
        self.everybody.discard(self)

    def data_received(self, data: bytes) -> None:
        self.head += data
        if b"\r\n\r\n" not in self.head:
            return
        lines = dict(line.split(b": ", 1) for line in self.head.split(b"\r\n") if b": " in line)
        if b"sec-websocket-key" not in lines:
            # Told to write: the body of the request is the frame.
            for socket in self.everybody:
                socket.transport.write(self.frame)
            self.transport.write(b"HTTP/1.1 204 No Content\r\n\r\n")
            self.head = b""
            return
        accept = base64.b64encode(hashlib.sha1(lines[b"sec-websocket-key"] + MAGIC).digest())  # noqa: S324 - as RFC 6455 has it
        self.transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
            b"sec-websocket-accept: %b\r\n\r\n" % accept
        )
        self.everybody.add(self)
        self.head = b""


async def serve_raw(port: int, frame: bytes) -> None:
    RawSocket.frame = frame
    loop = asyncio.get_running_loop()
    server = await loop.create_server(RawSocket, "127.0.0.1", port, backlog=2048)
    await server.serve_forever()


# --- panels -------------------------------------------------------------------------------------


class Panel(asyncio.Protocol):
    """A client that notes when it was told something, and how much."""

    def __init__(self, wave: "Wave", head: bytes, *, reads: bool) -> None:
        self._wave = wave
        self._head = head
        self._reads = reads
        self._buffer = b""
        self._is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(self._head)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._is_open:
            head, end, self._buffer = self._buffer.partition(b"\r\n\r\n")
            if not end:
                self._buffer = head
                return
            assert b" 101 " in head, head
            self._is_open = True
            if not self._reads:
                self.transport.pause_reading()
            self._wave.opened()
        while (length := frame_length(self._buffer)) and len(self._buffer) >= length:
            told, self._buffer = self._buffer[:length], self._buffer[length:]
            if told[0] == 0x89:  # a ping: whoever does not answer is let go
                self.transport.write(client_frame(0xA, told[2:]))
            else:
                self._wave.told(told)


def frame_length(data: bytes) -> int:
    """Return how long the frame is that begins with some bytes; 0: that is not known yet."""
    if len(data) < 2:
        return 0
    short = data[1] & 127
    if short < 126:
        return 2 + short
    width = 2 if short == 126 else 8
    return 2 + width + int.from_bytes(data[2 : 2 + width], "big") if len(data) > 1 + width else 0


class Wave:
    """Counts how many panels are open, and when each that reads was told."""

    def __init__(self) -> None:
        self.open = 0
        self.times: list[float] = []
        self.frame = b""

    def opened(self) -> None:
        self.open += 1

    def told(self, frame: bytes) -> None:
        if frame[0] == 0x81:  # a text
            self.times.append(time.perf_counter())
            self.frame = frame

    async def until(self, count: int) -> None:
        async with asyncio.timeout(30):
            while len(self.times) < count:  # noqa: ASYNC110 - an event would cost each message
                await asyncio.sleep(0.002)


@dataclass(frozen=True)
class Stand:
    service_port: int
    service_pid: int
    raw_port: int
    gateway_port: int
    superuser_url: str
    signer: Signer
    token: str

    def head(self, port: int) -> bytes:
        """Write a handshake; the services know callers by the gateway's word, that by a token."""
        who = Identity(kind="user", id="bench", role=Role.ADMIN, name="Bench")
        contract = Contract.CIRCLE_TIME
        signed = self.signer.sign(who, service="panel", contract=contract, method="GET", path=PATH)
        shown = f"{HEADER.decode()}: {signed}"
        if port == self.gateway_port:
            shown = f"authorization: Bearer {self.token}"
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        return (
            f"GET {PATH} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nupgrade: websocket\r\n"
            f"connection: Upgrade\r\nsec-websocket-key: {key}\r\nsec-websocket-version: 13\r\n"
            f"{shown}\r\n\r\n"
        ).encode()


async def connect(
    stand: Stand, port: int, panels: int, wave: Wave, *, unread: bool
) -> list[asyncio.Transport]:
    """Open panels, a few at a time; one in ten of them never reads if that is wanted."""
    loop, transports = asyncio.get_running_loop(), []
    for number in range(panels):
        reads = not unread or number % ONE_IN != 0
        transport, _ = await loop.create_connection(
            partial(Panel, wave, stand.head(port), reads=reads), "127.0.0.1", port
        )
        transports.append(transport)
    async with asyncio.timeout(30):
        while wave.open < panels:  # noqa: ASYNC110 - likewise
            await asyncio.sleep(0.01)
    return transports


def resident_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS:")).split()[1])


@dataclass(frozen=True)
class Figures:
    """Of one server, one round: messages a second; ms from the change to each panel."""

    rate: float
    delays_ms: Sequence[float]
    kib: float

    def quantile(self, share: float) -> float:
        ordered = sorted(self.delays_ms)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


async def measure(
    stand: Stand, panels: int, changes: int, *, raw: bool, unread: bool = False
) -> Figures:
    port = stand.raw_port if raw else stand.service_port
    wave = Wave()
    before = resident_kib(stand.service_pid)
    transports = await connect(stand, port, panels, wave, unread=unread)
    reading = panels - len(range(0, panels, ONE_IN)) if unread else panels
    if not raw:
        await wave.until(reading)  # everything, at first
    kib = (resident_kib(stand.service_pid) - before) / panels
    async with changing(stand, raw=raw) as change:
        rates, delays = await tell(wave, reading, changes, change)
    for transport in transports:
        transport.abort()
    await asyncio.sleep(0.5)
    return Figures(statistics.median(rates), delays, kib)


Change = Callable[[int], Awaitable[float]]


@asynccontextmanager
async def changing(stand: Stand, *, raw: bool) -> AsyncIterator[Change]:
    """Give what makes the panels be told; it returns the moment from which that counts."""
    server: asyncpg.Connection[Any] = await asyncpg.connect(stand.superuser_url)

    async def change(number: int) -> float:
        await server.execute(CHANGE, f"Talk {number:03} {secrets.token_hex(4)}")
        return time.perf_counter()

    async def change_raw(_: int) -> float:
        reader, writer = await asyncio.open_connection("127.0.0.1", stand.raw_port)
        began = time.perf_counter()
        writer.write(b"POST / HTTP/1.1\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        writer.close()
        return began

    yield change_raw if raw else change
    await server.close()


async def tell(
    wave: Wave, reading: int, changes: int, change: Change
) -> tuple[list[float], list[float]]:
    """Make changes; returns messages a second of each, and ms to each panel of all."""
    rates, delays = [], []
    for number in range(changes):
        await asyncio.sleep(0.15)  # panels are told ten times a second at most
        wave.times.clear()
        began = await change(number)
        await wave.until(reading)
        rates.append((reading - 1) / (max(wave.times) - min(wave.times)))
        delays += [(moment - began) * 1e3 for moment in wave.times]
    return rates, delays


# --- beside floods ------------------------------------------------------------------------------


@contextmanager
def flooded(stand: Stand, name: str) -> Iterator[None]:
    """Let hostile clients come, and say how many have."""
    command = [sys.executable, "-m", "benchmarks.panel.floods", name]
    with subprocess.Popen(
        [*command, str(stand.gateway_port), stand.token], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        first, began = int(process.stdout.readline()), time.monotonic()
        try:
            yield
        finally:
            process.kill()
            last, took_s = process.stdout.readlines()[-1], time.monotonic() - began
    print(f"    {name}: {(int(last) - first) / took_s:.0f} came a second")


async def measure_beside(stand: Stand, changes: int) -> dict[str, tuple[Figures, Figures]]:
    """Tell panels behind the gateway of changes, in peace and then beside a flood, one by one."""
    wave, figures = Wave(), {}
    transports = await connect(stand, stand.gateway_port, BEHIND_GATEWAY, wave, unread=False)
    await wave.until(BEHIND_GATEWAY)
    async with changing(stand, raw=False) as change:
        for name in FLOODS:
            _, in_peace = await tell(wave, BEHIND_GATEWAY, changes, change)
            with flooded(stand, name):
                _, beside = await tell(wave, BEHIND_GATEWAY, changes, change)
            figures[name] = Figures(0.0, in_peace, 0.0), Figures(0.0, beside, 0.0)
            await asyncio.sleep(LETS_GO_AFTER_S)
    for transport in transports:
        transport.abort()
    return figures


async def run(stand: Stand, options: argparse.Namespace) -> bool:
    shares, lasts, unread, kib = [], [], [], 0.0
    medians: dict[str, list[float]] = {name: [] for name in FLOODS}
    p99s: dict[str, list[float]] = {name: [] for name in FLOODS}
    for number in range(1, options.rounds + 1):
        raw = await measure(stand, options.panels, options.changes, raw=True)
        ours = await measure(stand, options.panels, options.changes, raw=False)
        deaf = await measure(stand, options.panels, options.changes, raw=False, unread=True)
        shares.append(ours.rate / raw.rate)
        lasts.append(ours.quantile(1))
        unread.append(deaf.quantile(0.99) / ours.quantile(0.99))
        kib = kib or ours.kib
        print(
            f"round {number}: panel {ours.rate:,.0f}/s, raw {raw.rate:,.0f}/s = {shares[-1]:.2f};"
            f" told after {ours.quantile(0.5):.0f} ms, p99 {ours.quantile(0.99):.0f},"
            f" last {lasts[-1]:.0f}; with a tenth unread p99 {deaf.quantile(0.99):.0f}"
        )
        for name, (peace, beside) in (await measure_beside(stand, options.changes)).items():
            medians[name].append(beside.quantile(0.5) / peace.quantile(0.5))
            p99s[name].append(beside.quantile(0.99) / peace.quantile(0.99))
            print(
                f"    beside {name}: told after {beside.quantile(0.5):.0f} ms,"
                f" p99 {beside.quantile(0.99):.0f}; in peace {peace.quantile(0.5):.0f},"
                f" p99 {peace.quantile(0.99):.0f}"
            )
    share, last, ratio = (statistics.median(figures) for figures in (shares, lasts, unread))
    print(f"delivered/raw writer: {share:.2f} (at least {LEAST})")
    print(f"the last of {options.panels} panels: {last:.0f} ms (at most {MOST_LAST_MS:.0f})")
    print(f"memory: {kib:.0f} KiB a connection (at most {MOST_KIB:.0f})")
    print(f"p99 beside a tenth that does not read: {ratio:.2f} (at most {MOST_UNREAD})")
    unmoved = True
    for name in FLOODS:
        median, p99 = statistics.median(medians[name]), statistics.median(p99s[name])
        print(f"beside {name}: median {median:.2f}, p99 {p99:.2f} (at most {MOST_FLOODED})")
        unmoved &= median <= MOST_FLOODED and p99 <= MOST_FLOODED
    quick = share >= LEAST and last <= MOST_LAST_MS
    return quick and unmoved and kib <= MOST_KIB and ratio <= MOST_UNREAD


async def fill(url: str) -> None:
    server: asyncpg.Connection[Any] = await asyncpg.connect(url)
    await server.execute(FILL)
    await server.close()


async def first_frame(stand: Stand) -> bytes:
    wave = Wave()
    [transport] = await connect(stand, stand.service_port, 1, wave, unread=False)
    await wave.until(1)
    transport.abort()
    return wave.frame


@contextmanager
def bench_stand() -> Iterator[Stand]:
    """Start Postgres, a panel process and the raw writer; end them again."""
    with prepared(ACCOUNTS, SCHEMA) as ground:
        superuser_url = ground.postgres.url("bench")
        asyncio.run(fill(superuser_url))
        port, raw_port = free_port(), free_port()
        key = base64.b64encode(secrets.token_bytes(32)).decode()
        signer = Signer(key)
        environment = {
            **process_settings(ground),
            "GATEWAY_IDENTITY_KEY": key,
            "PANEL_PORT": str(port),
            "PANEL_DATABASE_URL": ground.address("panel"),
            "GATEWAY_PANEL_URL": f"http://127.0.0.1:{port}",
            "ATRIUM_IDENTITY_PUBLIC_KEYS": signer.public_key,
        }
        pid = ground.start([str(BIN / "panel"), "api"], environment)
        until_answering(f"http://127.0.0.1:{port}/healthz")
        gateway, _ = ground.start_gateway(environment)
        token, _ = sign_in(ground, gateway, environment)
        time.sleep(2)  # until it has read what it shows
        gateway_port = int(gateway.rpartition(":")[2])
        stand = Stand(port, pid, raw_port, gateway_port, superuser_url, signer, token)
        first = ground.folder / "frame"
        first.write_bytes(asyncio.run(first_frame(stand)))
        serve = ["-m", "benchmarks.panel.run", "--serve-raw", str(raw_port), str(first)]
        ground.start([sys.executable, *serve])
        until_answering(f"http://127.0.0.1:{raw_port}/")
        yield stand


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure how panels are told of changes.")
    parser.add_argument("--panels", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--changes", type=int, default=20, help="a round")
    parser.add_argument("--serve-raw", nargs=2, metavar=("PORT", "FRAME"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve_raw:
        frame = Path(options.serve_raw[1]).read_bytes()
        uvloop.run(serve_raw(int(options.serve_raw[0]), frame))
        return 0
    with bench_stand() as stand:
        return 0 if uvloop.run(run(stand, options)) else 1


if __name__ == "__main__":
    sys.exit(main())
