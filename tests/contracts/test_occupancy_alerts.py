"""Document 002 (`occupancy`), «Alerts»: of equipment and of unusual hours, and what is told."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from edges import Edge, watch
from making import make_camera
from running_system import System, eventually

from common.events import ALERTS, CAMERAS, HEARTBEATS, AlertV1, CameraV1, Topic

Watch = Callable[..., Awaitable[Edge]]


@pytest.fixture
async def watched(admin: httpx.AsyncClient, producer: AIOKafkaProducer) -> AsyncIterator[Watch]:
    """Makes cameras with an edge; they are out of use afterwards, and raise nothing any more."""
    made = []

    async def watch_one(**camera: Any) -> Edge:
        made.append(await watch(admin, producer, **camera))
        return made[-1]

    yield watch_one
    for edge in made:
        await admin.put(f"/api/occupancy/cameras/{edge.camera_id}", json={"is_active": False})


async def alerts_of(client: httpx.AsyncClient, edge: Edge) -> list[dict[str, Any]]:
    reply = await client.get(f"/api/occupancy/alerts?camera_id={edge.camera_id}")
    assert reply.status_code == 200, reply.text
    found: list[dict[str, Any]] = reply.json()
    return found


async def until(client: httpx.AsyncClient, edge: Edge, count: int) -> list[dict[str, Any]]:
    """Wait until a camera has so many alerts."""
    found: list[dict[str, Any]] = await eventually(
        lambda: alerts_of(client, edge), lambda seen: len(seen) == count
    )
    return found


@asynccontextmanager
async def reader(system: System, topic: Topic[Any]) -> AsyncIterator[Callable[[int], Any]]:
    """Gives a way to read what is told of a camera, from the beginning of a topic."""
    consumer = AIOKafkaConsumer(
        topic.name, bootstrap_servers=system.kafka, auto_offset_reset="earliest"
    )
    await consumer.start()
    seen: list[Any] = []

    async def read(camera_id: int) -> list[Any]:
        for records in (await consumer.getmany(timeout_ms=200)).values():
            for record in records:
                assert record.value is not None
                event = topic.decode(record.value)
                data = event.data
                assert record.key == str(getattr(data, topic.key)).encode()
                assert (event.source, event.id) == ("occupancy", f"{data.id}/{data.version}")
                seen.append(data)
        name = "id" if topic is CAMERAS else "camera_id"
        return [one for one in seen if getattr(one, name) == camera_id]

    try:
        yield read
    finally:
        await consumer.stop()


class TestEquipment:
    """`equipment_failure`: the picture, the pace, the clock, what waits, and silence."""

    @pytest.mark.parametrize(
        ("wrong", "said"),
        [
            (
                {"picture": "none", "reason": "cannot open rtsp://viewer:canary@camera/1"},
                "its password (cannot open rtsp://[redacted]@camera/1)",
            ),
            ({"picture": "frozen"}, "the picture stands still"),
            ({"picture": "dark"}, "nothing is seen"),
            ({"picture": "moved"}, "the camera looks elsewhere"),
            ({"pictures_per_s": 25.0, "processed_per_s": 3.0}, "3.0 of 25.0 pictures"),
        ],
        ids=str,
    )
    async def test_what_heartbeats_say_raises_one_alert_that_clears_itself(
        self, admin: httpx.AsyncClient, watched: Watch, wrong: dict[str, Any], said: str
    ) -> None:
        edge = await watched()
        await edge.beat()
        await edge.beat(2, **wrong)
        [alert] = await until(admin, edge, 1)
        await edge.beat(1, **wrong)
        await edge.beat()
        await edge.beat(1, **wrong)
        [still] = await alerts_of(admin, edge)

        await edge.beat(2)
        await until(admin, edge, 0)

        assert alert["alert_type"] == "equipment_failure"
        assert alert["message"].startswith(f"{edge.edge_id}: ")
        assert said in alert["message"]
        assert (alert["current_occupancy"], alert["is_resolved"]) == (0, False)
        assert still == alert

    async def test_a_clock_that_is_off_and_crossings_that_wait(
        self, admin: httpx.AsyncClient, watched: Watch
    ) -> None:
        ahead, behind = await watched(), await watched()
        for number in range(3):
            sent_at = datetime.now(UTC) + timedelta(seconds=90)
            await ahead.beat(sent_at=sent_at, started_at=sent_at)
            await behind.beat(spool_depth=10_001 + number)

        [clock], [waiting] = await until(admin, ahead, 1), await until(admin, behind, 1)

        assert "s ahead" in clock["message"]
        assert "10003 crossings wait" in waiting["message"]
        assert clock["causes"] == [f"{ahead.edge_id} clock"]
        assert waiting["causes"] == [f"{behind.edge_id} waiting"]
        await ahead.beat(3)
        await behind.beat(2)
        await until(admin, ahead, 0)
        await until(admin, behind, 0)

    async def test_an_edge_that_falls_silent_and_one_that_never_spoke(
        self, admin: httpx.AsyncClient, watched: Watch
    ) -> None:
        silent, lively, foreign = [await watched() for _ in range(3)]
        await silent.beat()
        await foreign.send([foreign.crossing(1)])

        async def look() -> list[dict[str, Any]]:
            await lively.beat()
            return await alerts_of(admin, silent)

        [alert] = await eventually(look, lambda seen: len(seen) == 1)

        assert alert["message"].startswith(f"{silent.edge_id}: nothing was heard of it since 20")
        assert await alerts_of(admin, lively) == []
        assert await alerts_of(admin, foreign) == []
        await silent.beat()
        await until(admin, silent, 0)

    async def test_of_two_edges_the_message_names_the_one_that_has_the_trouble(
        self, admin: httpx.AsyncClient, watched: Watch
    ) -> None:
        first = await watched()
        second = Edge(first._producer, first.camera_id, first.line_id)
        await first.beat()
        await second.beat(2, picture="dark")
        [alert] = await until(admin, first, 1)
        resolved = await admin.put(f"/api/occupancy/alerts/{alert['id']}/resolve")
        await until(admin, first, 0)

        # What joins it is news, although the alert was resolved.
        await first.beat(2, picture="moved")
        [again] = await until(admin, first, 1)

        assert resolved.status_code == 200
        assert first.edge_id not in alert["message"]
        assert again["id"] == alert["id"]
        assert f"{first.edge_id}: the camera looks elsewhere" in again["message"]
        assert f"{second.edge_id}: nothing is seen" in again["message"]

    async def test_a_camera_that_is_out_of_use_has_none_and_begins_anew_when_it_is_back(
        self, admin: httpx.AsyncClient, watched: Watch
    ) -> None:
        edge = await watched(max_occupancy=1)
        path = f"/api/occupancy/cameras/{edge.camera_id}"
        await admin.post(f"{path}/calibrate", json={"occupancy_value": 5})
        await edge.beat(2, picture="dark")
        await until(admin, edge, 3)

        await admin.put(path, json={"is_active": False})
        out_of_use = await alerts_of(admin, edge)
        await edge.beat(2, picture="dark")
        await admin.post(f"{path}/calibrate", json={"occupancy_value": 6})
        await edge.beat()
        still = await alerts_of(admin, edge)
        await admin.put(path, json={"is_active": True})

        assert out_of_use == still == []
        found = {one["alert_type"] for one in await alerts_of(admin, edge)}
        assert found == {"capacity_warning", "capacity_exceeded"}

    async def test_a_heartbeat_of_an_unknown_camera_is_a_dead_letter(
        self, system: System, producer: AIOKafkaProducer
    ) -> None:
        edge = Edge(producer, 2_000_000_000, 1)
        await edge.beat()
        consumer = AIOKafkaConsumer(
            f"{HEARTBEATS.name}.dlq", bootstrap_servers=system.kafka, auto_offset_reset="earliest"
        )
        await consumer.start()

        async def parked() -> list[dict[str, bytes]]:
            found = (await consumer.getmany(timeout_ms=200)).values()
            return [
                dict(record.headers)
                for records in found
                for record in records
                if edge.edge_id.encode() in (record.value or b"")
            ]

        [headers] = await eventually(parked, lambda seen: len(seen) == 1)
        await consumer.stop()

        assert headers["reason"] == b"Camera 2000000000 not found"


HOUR, WEEK = timedelta(hours=1), timedelta(days=7)


class TestUnusualHours:
    """`anomaly_detected`: against the same hour of the weeks before."""

    async def come(self, edge: Edge, first: int, moments: list[datetime]) -> int:
        """Let people come and go again; returns the next number."""
        told = []
        for at in moments:
            track = f"t{first}"
            told.append(edge.crossing(first, "entry", crossed_at=at, track_id=track))
            gone = at + timedelta(milliseconds=1)
            told.append(edge.crossing(first + 1, "exit", crossed_at=gone, track_id=track))
            first += 2
        await edge.send(told)
        return first

    @staticmethod
    def one_by_one(now: datetime, people: int) -> list[datetime]:
        return [now + timedelta(milliseconds=2 * number) for number in range(people)]

    @staticmethod
    def weeks(now: datetime, people: int) -> list[datetime]:
        """When people came in each of the weeks before, in the last hour and the one that runs.

        Both: one may become the other while a test runs.
        """
        last = now.replace(minute=0, second=0, microsecond=0) - HOUR
        return [
            last + hour * HOUR - week * WEEK + timedelta(seconds=second)
            for week in range(1, 9)
            for hour in range(2)
            for second in range(people)
        ]

    async def test_a_crowd_is_seen_while_its_hour_runs(
        self, admin: httpx.AsyncClient, watched: Watch
    ) -> None:
        edge, now = await watched(), datetime.now(UTC)
        number = await self.come(edge, 1, self.weeks(now, 3))
        assert await alerts_of(admin, edge) == []

        number = await self.come(edge, number, self.one_by_one(now, 40))
        [alert] = await until(admin, edge, 1)
        await self.come(edge, number, self.one_by_one(now, 10))

        assert (alert["alert_type"], alert["causes"]) == ("anomaly_detected", ["crowd"])
        said = f"on the last 8 {now:%A}s at that hour 3 were usual (3 to 3)"
        assert re.fullmatch(rf"\d\d entries since {now:%H}:00; {re.escape(said)}", alert["message"])
        assert [one["id"] for one in await alerts_of(admin, edge)] == [alert["id"]]

    async def test_nobody_where_some_are_usual_is_seen_until_they_are_counted_late(
        self, admin: httpx.AsyncClient, watched: Watch
    ) -> None:
        edge, now = await watched(), datetime.now(UTC)
        last = now.replace(minute=0, second=0, microsecond=0) - HOUR
        number = await self.come(edge, 1, self.weeks(now, 20))

        [alert] = await until(admin, edge, 1)

        assert alert["message"].startswith("No entries from ")
        assert alert["causes"] == ["quiet"]
        # It may be raised when some of the weeks are not counted yet.
        assert re.search(r"\b20 were usual \(\d+ to 20\)\. Look whether", alert["message"])
        both = [last + timedelta(seconds=second) for second in range(20)]
        await self.come(edge, number, [*both, *self.one_by_one(now, 20)])
        await until(admin, edge, 0)


class TestTold:
    """`occupancy.alert.v1` and `occupancy.camera.v1`."""

    async def test_an_alert_is_told_when_it_is_raised_resolved_and_over(
        self, system: System, admin: httpx.AsyncClient, watched: Watch
    ) -> None:
        edge = await watched(max_occupancy=10)
        path = f"/api/occupancy/cameras/{edge.camera_id}/calibrate"
        await admin.post(path, json={"occupancy_value": 9})
        [alert] = await until(admin, edge, 1)
        resolve = f"/api/occupancy/alerts/{alert['id']}/resolve"
        assert (await admin.put(resolve)).json() == (await admin.put(resolve)).json()
        await admin.post(path, json={"occupancy_value": 1})

        async with reader(system, ALERTS) as read:
            told: list[AlertV1] = await eventually(
                lambda: read(edge.camera_id), lambda seen: len(seen) == 3
            )

        raised, resolved, over = told
        assert [one.version for one in told] == [1, 2, 3]
        assert {one.id for one in told} == {alert["id"]}
        assert (raised.alert_type, raised.message) == (alert["alert_type"], alert["message"])
        assert (raised.current_occupancy, raised.resolved_at, raised.over_at) == (9, None, None)
        assert resolved.resolved_at is not None
        assert resolved.over_at is None
        assert over.resolved_at == resolved.resolved_at
        assert over.over_at is not None
        assert over.over_at >= resolved.resolved_at >= raised.raised_at

    async def test_a_camera_is_told_when_it_is_made_and_whenever_it_changes(
        self, system: System, admin: httpx.AsyncClient
    ) -> None:
        camera = await make_camera(admin, max_occupancy=5, location="Main Gate", room_id=3)
        path = f"/api/occupancy/cameras/{camera['id']}"
        await admin.put(path, json={"camera_name": "Main"})
        await admin.put(path, json={"is_active": False})

        async with reader(system, CAMERAS) as read:
            told: list[CameraV1] = await eventually(
                lambda: read(camera["id"]), lambda seen: len(seen) == 3
            )

        made = CameraV1(
            id=camera["id"],
            version=1,
            camera_id=camera["camera_id"],
            camera_name="Gate",
            location="Main Gate",
            camera_type="bidirectional",
            room_id=3,
            max_occupancy=5,
            is_active=True,
        )
        assert told[0] == made
        assert [one.version for one in told] == [1, 2, 3]
        assert [one.camera_name for one in told] == ["Gate", "Main", "Main"]
        assert [one.is_active for one in told] == [True, True, False]
