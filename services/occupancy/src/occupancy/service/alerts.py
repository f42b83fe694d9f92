"""Alerts: raised, changed and ended by what is found, resolved by people, and told of each time."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from common.db import AsyncSession
from common.errors import NotFound
from common.events import ALERTS, AlertV1
from common.fields import LARGEST_ID
from occupancy.domain import Reading
from occupancy.repository.alerts import Alerts, Key, Values
from occupancy.repository.counts import Counts
from occupancy.tables import outbox

# Percent of the capacity: raised above the first, over at or below the second.
WARNING: Final = (80, 70)
EXCEEDED: Final = (100, 90)


@dataclass(frozen=True, slots=True)
class Finding:
    """Why there is to be an alert.

    Args:
        message: a sentence or two for a person.
        causes: names; one that joins the others is news, also of an alert that was resolved.
    """

    message: str
    causes: frozenset[str] = frozenset()


Running = Mapping[int, Mapping[str, frozenset[str]]]
Wanted = Mapping[Key, Finding | None]


async def judge(session: AsyncSession, camera_ids: Collection[int]) -> None:
    """Raise and clear the alerts of cameras, and others of their rooms, by who is there now."""
    camera_ids = await Counts(session).beside(camera_ids)
    running = await Alerts(session).running(camera_ids)
    wanted: dict[Key, Finding | None] = {}
    people: dict[int, int] = {}
    for reading in await Counts(session).readings(camera_ids):
        camera_id = reading.camera_id
        if camera_id in running:
            people[camera_id] = reading.people
            wanted |= _findings(reading, running[camera_id].keys())
    await _settle(session, running, wanted, people)


async def settle(
    session: AsyncSession,
    alert_type: str,
    findings: Mapping[int, Finding | None],
    *,
    hold: bool = False,
) -> None:
    """Let cameras have an alert of a type, or none, by what was found; inactive ones have none.

    Args:
        hold: for who has nothing of these cameras that whoever puts one out of use waits for.
    """
    if not findings:
        return
    running = await Alerts(session).running(findings.keys(), hold=hold)
    wanted = {(camera_id, alert_type): finding for camera_id, finding in findings.items()}
    raised = {
        camera_id
        for camera_id, finding in findings.items()
        if finding is not None and alert_type not in running.get(camera_id, {})
    }
    readings = await Counts(session).readings(raised) if raised else []
    await _settle(session, running, wanted, {one.camera_id: one.people for one in readings})


async def _settle(
    session: AsyncSession, running: Running, wanted: Wanted, people: Mapping[int, int]
) -> None:
    alerts = Alerts(session)
    raised, ended, told = [], [], []
    for key, finding in sorted(wanted.items(), key=lambda one: one[0]):
        camera_id, alert_type = key
        of_camera = running.get(camera_id)
        if of_camera is None:
            continue
        causes = of_camera.get(alert_type)
        if finding is None:
            ended += [key] if causes is not None else []
        elif causes is None:
            raised.append(
                {
                    "camera_id": camera_id,
                    "alert_type": alert_type,
                    "current_occupancy": people.get(camera_id, 0),
                    "message": finding.message,
                    "causes": sorted(finding.causes),
                }
            )
        elif causes != finding.causes:
            told += await alerts.change(key, finding.message, sorted(finding.causes))
    if ended:
        told += await alerts.end(ended)
    if raised:
        told += await alerts.add(raised)
    await _tell(session, told)


def _findings(reading: Reading, raised: Collection[str]) -> dict[Key, Finding | None]:
    """Return for each type of alert what it says, None if it does not hold."""
    people, capacity = reading.people, reading.capacity
    negative = "More people left than had come: {} of them were missed on the way in"
    found = {"negative_count": (reading.net < 0, negative.format(-reading.net))}
    for alert_type, (above, clear), says in (
        ("capacity_warning", WARNING, "Occupancy ({}) exceeds 80% of capacity ({})"),
        ("capacity_exceeded", EXCEEDED, "Occupancy ({}) exceeds capacity ({})"),
    ):
        limit = clear if alert_type in raised else above
        is_on = capacity is not None and people * 100 > limit * capacity
        found[alert_type] = (is_on, says.format(people, capacity))
    return {
        (reading.camera_id, alert_type): Finding(says) if is_on else None
        for alert_type, (is_on, says) in found.items()
    }


async def end_all(session: AsyncSession, camera_id: int) -> None:
    """Let whatever there was with a camera be over."""
    await _tell(session, await Alerts(session).end_all(camera_id))


async def resolve(session: AsyncSession, alert_id: int) -> datetime:
    """Mark an alert as resolved; returns since when it is.

    Raises:
        NotFound: there is none of this id.
    """
    alerts, known = Alerts(session), 0 < alert_id <= LARGEST_ID
    resolved = await alerts.resolve(alert_id) if known else None
    if resolved is not None:
        await _tell(session, [resolved])
    resolved_at = await alerts.resolved_at(alert_id) if known else None
    if resolved_at is None:
        raise NotFound(f"Alert {alert_id} not found")
    return resolved_at


async def _tell(session: AsyncSession, changed: Sequence[Values]) -> None:
    """Publish alerts as they stand now."""
    names = AlertV1.__struct_fields__
    messages = [
        (
            str(alert["camera_id"]),
            outbox.encode(
                ALERTS,
                AlertV1(**{name: alert[name] for name in names}),
                event_id=f"{alert['id']}/{alert['version']}",
                subject=f"alert/{alert['id']}",
                at=max(
                    alert[name]
                    for name in ("raised_at", "over_at", "resolved_at")
                    if alert[name] is not None
                ),
            ),
        )
        for alert in changed
    ]
    await outbox.put_all(session, ALERTS.name, messages)
