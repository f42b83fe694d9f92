"""What stands on a topic by mistake, and what somebody puts there on purpose."""

import json
from collections.abc import Iterator
from typing import Any

MANY_BYTES = 900_000
# But not before it is compressed, which is all that a broker looks at.
MORE_THAN_KAFKA_TAKES = 5_000_000


def changed(event: bytes, **changes: Any) -> bytes:
    """Change the data of an event."""
    whole = json.loads(event)
    whole["data"] |= changes
    return json.dumps(whole).encode()


def poison(good: bytes) -> Iterator[bytes]:
    """Give messages that nobody can take, each for a reason of its own.

    Args:
        good: a crossing, of which they are made.
    """
    whole = json.loads(good)
    yield b""
    yield b"not JSON"
    yield b"[]"
    yield good[:-40]
    yield b"\xff\xfe" + good
    yield b"[" * 100_000
    yield b'{"data":' * 200 + b"1" + b"}" * 200
    yield json.dumps({**whole, "type": "edge.crossing.v2"}).encode()
    yield json.dumps({**whole, "specversion": "2.0"}).encode()
    yield changed(good, direction="sideways")
    yield changed(good, sequence=2**63 - 1)
    yield changed(good, sequence=2**64)
    yield changed(good, sequence=0)
    yield changed(good, camera_id="1")
    yield changed(good, crossed_at="2026-11-21T10:00:00")
    yield changed(good, track_id="a\0b")
    yield changed(good, track_id="t").replace(b'"t"', rb'"\ud800"')
    yield changed(good, edge_id="a/b")
    yield changed(good, track_id="x" * MANY_BYTES)
    yield changed(good, track_id="x" * MORE_THAN_KAFKA_TAKES)
    yield changed(good, line_id=2**31 - 1)
    yield changed(good, camera_id=2**31 - 1)
