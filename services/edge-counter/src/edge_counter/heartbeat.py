"""Tells every ten seconds how each camera does: what is wrong is seen before counts are missed.

A heartbeat has no worth once there is a newer one: nothing is kept for a Kafka that is away. It has
a producer of its own, so that what befalls it never touches the crossings.
"""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError
from prometheus_client import Gauge

from common.events import HEARTBEATS, HeartbeatV1
from common.topics import ensure_topics
from edge_counter.health import Health
from edge_counter.picture import DARK_AFTER_S, FROZEN_AFTER_S, Verdict
from edge_counter.spool import Spool
from edge_counter.vitals import Vitals

Picture = Verdict | Literal["none"]

_log = logging.getLogger(__name__)

EVERY_S: Final = 10.0
# Under it people are missed: at 2.5 a second one crossing in ten (README).
LEAST_PER_S: Final = 5.0

TOO_SLOW: Final = Gauge(
    "edge_too_slow", "1 while fewer pictures are processed than counting needs.", ["camera"]
)
PROCESSED_PER_S: Final = Gauge(
    "edge_processed_per_second", "Pictures in which people were looked for.", ["camera"]
)
GOOD: Final = Gauge("edge_picture_good", "1 while the camera sees its door.", ["camera"])

_SEND_WITHIN_S: Final = 5.0
_GOODBYE_S: Final = 0.5
_LONGEST_REASON: Final = 300
_SLIGHTLY: Final = 1.1  # more pictures that came than were processed: no matter of rounding

_WRONG: Final[Mapping[Verdict, str]] = {
    "frozen": f"the picture has not changed at all for {FROZEN_AFTER_S:.0f} s",
    "dark": f"nothing is seen for {DARK_AFTER_S:.0f} s: no light, or the lens is covered",
    "moved": "the view is not what it was: put the camera back, or draw its lines anew",
}


@dataclass(slots=True)
class Pulse:
    """Turns what is known of one camera into its next heartbeat.

    Args:
        vitals: of the camera.
        silent_after_s: without a picture for so long, none come.
        at_s: monotonic; of the last heartbeat.
    """

    vitals: Vitals
    silent_after_s: float
    at_s: float
    _came: int = 0
    _processed: int = 0

    def next(
        self,
        now_s: float,
        *,
        edge_id: str,
        camera_id: int,
        sent_at: datetime,
        started_at: datetime,
        spool_depth: int,
        dropped: int,
        also: Sequence[str] = (),
    ) -> HeartbeatV1:
        """Return the next one; `also` is wrong with more than this camera."""
        vitals, since_s = self.vitals, max(now_s - self.at_s, 0.001)
        came_per_s = (vitals.came - self._came) / since_s
        processed_per_s = (vitals.processed - self._processed) / since_s
        is_open = vitals.open_since_s is not None and vitals.open_since_s <= self.at_s
        self.at_s, self._came, self._processed = now_s, vitals.came, vitals.processed
        slowest_s, vitals.slowest_s = vitals.slowest_s, 0.0
        age_s = None if vitals.came_at_s is None else max(0.0, now_s - vitals.came_at_s)
        picture, reasons = self._picture(age_s)
        reasons += also
        is_slow = (
            is_open
            and vitals.is_stream
            and picture != "none"
            and processed_per_s < LEAST_PER_S
            and came_per_s > _SLIGHTLY * processed_per_s
        )
        if is_slow:
            reasons.append(
                f"only {processed_per_s:.1f} of {came_per_s:.1f} pictures a second are processed:"
                f" under {LEAST_PER_S:.0f} people are missed"
            )
        TOO_SLOW.labels(vitals.code).set(is_slow)
        PROCESSED_PER_S.labels(vitals.code).set(processed_per_s)
        GOOD.labels(vitals.code).set(picture == "good")
        return HeartbeatV1(
            edge_id=edge_id,
            camera_id=camera_id,
            sent_at=sent_at,
            started_at=started_at,
            picture=picture,
            reason="; ".join(reasons)[:_LONGEST_REASON] or None,
            picture_age_s=age_s,
            pictures_per_s=came_per_s,
            processed_per_s=processed_per_s,
            lag_s=slowest_s,
            spool_depth=spool_depth,
            dropped=dropped,
        )

    def _picture(self, age_s: float | None) -> tuple[Picture, list[str]]:
        """Return what the pictures are like, and what is wrong with this camera."""
        reasons = self.vitals.told()
        if age_s is None or age_s > self.silent_after_s:
            if self.vitals.is_finished:
                reasons.append("the recording is counted to its end")
            elif not reasons:
                reasons.append("no picture yet" if age_s is None else f"none for {age_s:.0f} s")
            return "none", reasons
        verdict = self.vitals.watch.verdict
        return verdict, [*([_WRONG[verdict]] if verdict != "good" else []), *reasons]

    def hide(self) -> None:
        """End the camera's metrics."""
        for gauge in (TOO_SLOW, PROCESSED_PER_S, GOOD):
            gauge.remove(self.vitals.code)


class Heart:
    """Sends the heartbeats of all cameras.

    Args:
        health: has the cameras.
        spool: what waits, and what was given up.
        kafka: bootstrap servers.
        silent_after_s: without a picture for so long, none come.
        every_s: between heartbeats.
    """

    def __init__(
        self,
        health: Health,
        spool: Spool,
        kafka: str,
        *,
        edge_id: str,
        silent_after_s: float,
        every_s: float = EVERY_S,
    ) -> None:
        self._health = health
        self._spool = spool
        self._kafka = kafka
        self._edge_id = edge_id
        self._silent_after_s = silent_after_s
        self._every_s = every_s
        self._started_at = datetime.now(UTC)
        self._began_s = time.monotonic()
        self._pulses: dict[int, Pulse] = {}
        self._wrong: dict[int, str | None] = {}
        self._producer: AIOKafkaProducer | None = None
        self._is_away = False

    async def run(self) -> None:
        """Send for ever. What cannot be sent at once is dropped: a newer one follows."""
        beat_at_s = self._began_s
        try:
            while True:
                beat_at_s = max(beat_at_s + self._every_s, time.monotonic())
                await asyncio.sleep(beat_at_s - time.monotonic())
                beats = self.beats()
                try:
                    async with asyncio.timeout(_SEND_WITHIN_S):
                        await self._send(beats)
                    self._is_away = False
                except (KafkaError, TimeoutError) as error:
                    await self._hang_up()
                    if not self._is_away:
                        reason = str(error) or type(error).__name__
                        _log.warning("heartbeats not sent", extra={"reason": reason})
                    self._is_away = True
        finally:
            await self._hang_up()

    def beats(self) -> list[HeartbeatV1]:
        """Return the next heartbeat of each camera, and log what is news in it."""
        now_s, cameras = time.monotonic(), self._health.cameras.copy()
        for camera_id in set(self._pulses) - set(cameras):
            self._pulses.pop(camera_id).hide()
            self._wrong.pop(camera_id, None)
        beats = []
        for camera_id, vitals in cameras.items():
            pulse = self._pulses.get(camera_id)
            if pulse is None or pulse.vitals is not vitals:
                pulse = self._pulses[camera_id] = Pulse(vitals, self._silent_after_s, self._began_s)
            beat = pulse.next(
                now_s,
                edge_id=self._edge_id,
                camera_id=camera_id,
                sent_at=datetime.now(UTC),
                started_at=self._started_at,
                spool_depth=self._spool.depth(camera_id),
                dropped=self._spool.dropped(camera_id),
                also=self._health.told(),
            )
            self._tell(vitals.code, camera_id, beat)
            beats.append(beat)
        return beats

    def _tell(self, code: str, camera_id: int, beat: HeartbeatV1) -> None:
        """Log what is wrong once, by its kind: figures in it change all the time."""
        kind = beat.picture if beat.picture != "good" else "slow" if beat.reason else None
        if kind != self._wrong.get(camera_id):
            self._wrong[camera_id] = kind
            if kind is None:
                _log.info("camera is well", extra={"camera": code})
            else:
                _log.warning("camera is not well", extra={"camera": code, "reason": beat.reason})

    async def _send(self, beats: list[HeartbeatV1]) -> None:
        if self._producer is None:
            try:
                await ensure_topics(self._kafka, published=[HEARTBEATS])
            except TopicAuthorizationFailedError:
                _log.info("not allowed to make the topic of heartbeats: it must be there")
            self._producer = AIOKafkaProducer(
                bootstrap_servers=self._kafka, request_timeout_ms=int(_SEND_WITHIN_S * 1000)
            )
            await self._producer.start()
        for beat in beats:
            at = beat.sent_at.isoformat(timespec="microseconds")
            event = HEARTBEATS.encode(
                beat,
                event_id=f"{beat.edge_id}/{beat.camera_id}/{at}",
                source=f"edge/{beat.edge_id}",
                subject=f"camera/{beat.camera_id}",
                at=beat.sent_at,
            )
            await self._producer.send(HEARTBEATS.name, event, key=str(beat.camera_id).encode())
        await self._producer.flush()

    async def _hang_up(self) -> None:
        producer, self._producer = self._producer, None
        if producer is None:
            return
        try:
            await asyncio.wait_for(producer.stop(), _GOODBYE_S)
        except (TimeoutError, KafkaError) as error:
            _log.debug("producer not closed cleanly", extra={"reason": type(error).__name__})
