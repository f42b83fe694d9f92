"""What is wrong with a camera, by the heartbeats of its edges. No I/O, no framework.

One heartbeat proves little: somebody walks close past the lens, a machine is busy for a moment. So
a cause holds when two heartbeats in a row show it, and is gone when two in a row do not.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

Picture = Literal["good", "none", "frozen", "dark", "moved"]

# Under so many pictures a second, people who run are missed; the second number clears it.
FEWEST_PROCESSED: Final = (5.0, 5.5)
# Crossings that wait: more than the first and growing; over at or below the second.
MOST_WAITING: Final = (10_000, 9_000)
MOST_CLOCK_OFF: Final = timedelta(seconds=60)
# What took longer on its way says nothing about the clock.
_ON_TIME: Final = timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """How a camera does, as its edge-counter sees it; `common.events.HeartbeatV1` has the units.

    Args:
        sent_at, started_at: by the clock of the edge, timezone-aware.
        arrived_at: by the clock of Kafka's broker, timezone-aware.
        partition: of the topic, on which it came.
        reason: what is wrong, for a person, without any password.
    """

    camera_id: int
    edge_id: str
    partition: int
    arrived_at: datetime
    sent_at: datetime
    started_at: datetime
    picture: Picture
    reason: str | None
    picture_age_s: float | None
    pictures_per_s: float
    processed_per_s: float
    lag_s: float
    spool_depth: int
    dropped: int

    @property
    def clock_off(self) -> timedelta:
        """How far the clock of the edge is ahead of the broker's."""
        return self.sent_at - self.arrived_at


@dataclass(frozen=True, slots=True)
class EdgeState:
    """What is known of a camera from one of its edges.

    Args:
        last: its last heartbeat.
        found: what that one shows.
        held: what two in a row have shown, and no two since have not.
        is_silent: nothing was heard of it for too long.
    """

    last: Heartbeat
    found: frozenset[str] = frozenset()
    held: frozenset[str] = frozenset()
    is_silent: bool = False

    @property
    def causes(self) -> frozenset[str]:
        """What is wrong; of an edge that is silent nothing else is known."""
        return frozenset({"silent"}) if self.is_silent else self.held


def after(known: EdgeState | None, heartbeat: Heartbeat) -> EdgeState:
    """Return what is known of a camera after a further heartbeat of the same edge.

    One that comes again, or is older, says nothing new.
    """
    if known is not None and (
        heartbeat == known.last or heartbeat.arrived_at < known.last.arrived_at
    ):
        return known
    if known is None or known.is_silent:
        return EdgeState(heartbeat, frozenset(_found(heartbeat, None, frozenset())))
    found = frozenset(_found(heartbeat, known.last, known.held))
    held = (found & known.found) | (known.held & (found | known.found))
    return EdgeState(heartbeat, found, held)


def _found(now: Heartbeat, before: Heartbeat | None, held: frozenset[str]) -> Iterable[str]:
    if now.picture != "good":
        yield now.picture
    fewest = FEWEST_PROCESSED["slow" in held]
    if now.processed_per_s < fewest and now.pictures_per_s > now.processed_per_s + 1:
        yield "slow"
    if before is not None:
        on_its_way = (now.arrived_at - before.arrived_at) - (now.sent_at - before.sent_at)
        # Heartbeats that waited somewhere come in a heap, and are old without a wrong clock.
        is_on_time = abs(on_its_way) <= _ON_TIME and now.lag_s <= _ON_TIME.total_seconds()
        if abs(now.clock_off) > MOST_CLOCK_OFF and is_on_time:
            yield "clock"
    most, few = MOST_WAITING
    is_growing = before is not None and now.spool_depth > max(most, before.spool_depth)
    if is_growing or ("waiting" in held and now.spool_depth > few):
        yield "waiting"


_LOOK: Final = {
    "silent": "nothing was heard of it since {at} UTC. Look whether its machine is on, edge-counter"
    " runs on it, and it reaches Kafka",
    "none": "no pictures come from the camera. Look at its power, its network, its address and"
    " its password",
    "frozen": "the picture stands still. Start the camera anew",
    "dark": "nothing is seen in the picture. Look at the light, and at what covers the lens",
    "moved": "the camera looks elsewhere than when it began. Turn it back, or draw its lines anew",
    "slow": "people are looked for in {processed:.1f} of {pictures:.1f} pictures a second, and"
    " under 5 some are missed. Give its machine more CPU or fewer cameras",
    "clock": "its clock is {off:.0f} s {side}, and crossings are dated by it. Set it by NTP",
    "waiting": "{waiting} crossings wait there to be sent, and more come. Look at its way to Kafka",
}


def causes_of(states: Iterable[EdgeState]) -> frozenset[str]:
    """Name what is wrong with a camera, each with the edge that says so."""
    return frozenset(f"{one.last.edge_id} {cause}" for one in states for cause in one.causes)


def message(states: Iterable[EdgeState]) -> str:
    """Say what is wrong with a camera, edge by edge, and what to look at."""
    return "; ".join(
        f"{state.last.edge_id}: {_sentence(state.last, cause)}"
        for state in sorted(states, key=lambda one: one.last.edge_id)
        for cause in _LOOK
        if cause in state.causes
    )


def _sentence(last: Heartbeat, cause: str) -> str:
    off = last.clock_off.total_seconds()
    values: Mapping[str, object] = {
        "at": f"{last.arrived_at.astimezone(UTC):%Y-%m-%d %H:%M:%S}",
        "processed": last.processed_per_s,
        "pictures": last.pictures_per_s,
        "off": abs(off),
        "side": "ahead" if off > 0 else "behind",
        "waiting": last.spool_depth,
    }
    said = _LOOK[cause].format_map(values)
    return f"{said} ({last.reason})" if last.reason and cause == last.picture else said
