"""Alerts that the counts themselves raise, and clear again."""

from collections.abc import Collection
from datetime import datetime
from typing import Final

from common.db import AsyncSession
from common.errors import NotFound
from common.fields import LARGEST_ID
from occupancy.domain import Reading
from occupancy.repository.alerts import Alerts
from occupancy.repository.counts import Counts

# Percent of the capacity: raised above the first, over at or below the second.
WARNING: Final = (80, 70)
EXCEEDED: Final = (100, 90)


async def judge(session: AsyncSession, camera_ids: Collection[int]) -> None:
    """Raise and clear the alerts of cameras by how many people are there now."""
    alerts = Alerts(session)
    raised = await alerts.running(camera_ids)
    for reading in await Counts(session).readings(camera_ids):
        for alert_type, (is_on, message) in _findings(reading, raised).items():
            was_on = (reading.camera_id, alert_type) in raised
            if is_on and not was_on:
                await alerts.add(reading.camera_id, alert_type, reading.people, message)
            elif was_on and not is_on:
                await alerts.end(reading.camera_id, alert_type)


def _findings(reading: Reading, raised: Collection[tuple[int, str]]) -> dict[str, tuple[bool, str]]:
    """Return for each type of alert whether it holds, and what it says."""
    people, capacity = reading.people, reading.capacity
    negative = "More people left than had come: {} of them were missed on the way in"
    found = {"negative_count": (reading.net < 0, negative.format(-reading.net))}
    for alert_type, (above, clear), says in (
        ("capacity_warning", WARNING, "Occupancy ({}) exceeds 80% of capacity ({})"),
        ("capacity_exceeded", EXCEEDED, "Occupancy ({}) exceeds capacity ({})"),
    ):
        limit = clear if (reading.camera_id, alert_type) in raised else above
        is_on = capacity is not None and people * 100 > limit * capacity
        found[alert_type] = (is_on, says.format(people, capacity))
    return found


async def resolve(session: AsyncSession, alert_id: int) -> datetime:
    """Mark an alert as resolved; returns since when it is.

    Raises:
        NotFound: there is none of this id.
    """
    known = 0 < alert_id <= LARGEST_ID
    resolved_at = await Alerts(session).resolve(alert_id) if known else None
    if resolved_at is None:
        raise NotFound(f"Alert {alert_id} not found")
    return resolved_at
