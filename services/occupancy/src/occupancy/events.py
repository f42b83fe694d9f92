"""What the service does with the events that it takes."""

from collections.abc import Sequence

from common.consumer import Refused, Subscription
from common.db import AsyncSession
from common.errors import NotFound
from common.events import CROSSINGS, CloudEvent, CrossingV1
from occupancy import service
from occupancy.domain import Crossing


async def on_crossings(
    session: AsyncSession, events: Sequence[CloudEvent[CrossingV1]]
) -> list[Refused[CrossingV1]]:
    """Count crossings; those of cameras and lines that do not exist are refused."""
    crossings = {_crossing(event.data): event for event in events}
    unknown = await service.count_crossings(session, list(crossings))
    return [Refused(crossings[crossing], NotFound(reason)) for crossing, reason in unknown.items()]


def _crossing(data: CrossingV1) -> Crossing:
    return Crossing(
        camera_id=data.camera_id,
        edge_id=data.edge_id,
        sequence=data.sequence,
        line_id=data.line_id,
        direction=data.direction,
        track_id=data.track_id,
        confidence=data.confidence,
        crossed_at=data.crossed_at,
    )


# The key of a crossing is its claim; it may come from another team's counter, whose event ids we
# know nothing of.
SUBSCRIPTIONS = [Subscription(CROSSINGS, on_crossings, claims=False)]
