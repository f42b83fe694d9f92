"""A network between a browser and the gateway that a test can cut."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class Network:
    """Passes connections on from a port of its own, as long as it is whole.

    Args:
        to_port: where the gateway answers, on this host.
        without_websockets: whether handshakes are cut off, as some proxies do.
    """

    def __init__(self, to_port: int, *, without_websockets: bool) -> None:
        self._to_port = to_port
        self._without_websockets = without_websockets
        self._is_whole = True
        self._open: set[asyncio.StreamWriter] = set()
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cut(self) -> None:
        """End what is connected, and refuse what comes."""
        self._is_whole = False
        for writer in self._open:
            writer.transport.abort()

    def mend(self) -> None:
        self._is_whole = True

    async def pass_on(
        self, from_browser: asyncio.StreamReader, to_browser: asyncio.StreamWriter
    ) -> None:
        if not self._is_whole:
            to_browser.transport.abort()
            return
        with suppress(ConnectionError):
            first = await from_browser.read(65536)
            if self._without_websockets and b"\r\nUpgrade: websocket" in first:
                to_browser.transport.abort()
                return
            from_gateway, to_gateway = await asyncio.open_connection("127.0.0.1", self._to_port)
            self._open |= {to_browser, to_gateway}
            try:
                to_gateway.write(first)
                await asyncio.gather(
                    _copy(from_browser, to_gateway), _copy(from_gateway, to_browser)
                )
            finally:
                self._open -= {to_browser, to_gateway}


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def network_to(port: int, *, without_websockets: bool = False) -> AsyncIterator[Network]:
    """Open a network to a port of this host."""
    network = Network(port, without_websockets=without_websockets)
    server = await asyncio.start_server(network.pass_on, "127.0.0.1", 0)
    network.port = server.sockets[0].getsockname()[1]
    try:
        yield network
    finally:
        network.cut()
        server.close()
