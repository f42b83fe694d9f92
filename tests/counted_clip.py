"""The demo's clip, played once, and what must have come of it at the end."""

from typing import Any

import httpx
from faults import records_on
from running_system import System, eventually

from common.events import CROSSINGS
from edge_counter.assets import assets, find

# Marked by hand, frame by frame, on line A of the clip; the demo's line makes leftwards an entry.
ENTRIES, EXITS = 18, 15
CLIP_S = 79.5
MISSING = any(find(assets()[name]) is None for name in ("vtest", "yolox-nano"))
WHY_MISSING = "the clip or the model is not here; set ATRIUM_ASSETS_DIR"


async def counted(system: System) -> int:
    """Read how many crossings the facility has; -1 while something in between is away."""
    shown = await _facility(system)
    return -1 if shown is None else sum(shown)


async def _facility(system: System) -> tuple[int, int] | None:
    try:
        async with httpx.AsyncClient() as client:
            reply = await client.get(f"{system.base_url}/api/occupancy/facility/live", timeout=5)
    except httpx.TransportError:
        return None
    if reply.status_code != 200:
        return None
    shown = reply.json()
    return shown["total_entries_all_cameras"], shown["total_exits_all_cameras"]


async def crossings_on_topic(system: System) -> list[Any]:
    """Read every crossing on the topic, as often as it stands there."""
    records = await records_on(system.kafka, CROSSINGS.name)
    return [CROSSINGS.decode(record.value).data for record in records]


async def assert_counted_exactly(system: System, within_s: float) -> int:
    """Wait for the clip's end; returns how many crossings came more than once."""

    async def output() -> str:
        return system.output.read_text()

    await eventually(output, lambda said: "this file is counted" in said, within_s)
    await eventually(lambda: counted(system), lambda seen: seen >= ENTRIES + EXITS, within_s=60)
    on_topic = await crossings_on_topic(system)

    assert await _facility(system) == (ENTRIES, EXITS)
    distinct = {(one.edge_id, one.camera_id, one.sequence): one for one in on_topic}
    assert sorted(sequence for *_, sequence in distinct) == list(range(1, ENTRIES + EXITS + 1))
    # What came twice came with the same content.
    assert {repr(one) for one in on_topic} == {repr(one) for one in distinct.values()}
    return len(on_topic) - len(distinct)
