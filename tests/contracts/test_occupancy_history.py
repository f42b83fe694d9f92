"""Document 002 (`occupancy`): headcounts, logs, hours, days, months, alerts, the facility."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaProducer
from edges import Edge, live, watch
from making import make_camera, make_location, make_room
from running_system import eventually

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


async def read(client: httpx.AsyncClient, path: str) -> Any:
    reply = await client.get(f"/api/occupancy{path}")
    assert reply.status_code == 200, reply.text
    return reply.json()


def refused(reply: httpx.Response, status: int, detail: str) -> None:
    assert (reply.status_code, reply.json()) == (status, {"detail": detail})


async def cross(
    client: httpx.AsyncClient, edge: Edge, steps: list[tuple[datetime, str, str]], first: int = 1
) -> None:
    """Let people cross, each at a time, in a direction, as a track; waits until it is counted."""
    before = await live(client, edge)
    counted = before["total_entries"] + before["total_exits"] + len(steps)
    await edge.send(
        [
            edge.crossing(number, direction, crossed_at=at, track_id=track)
            for number, (at, direction, track) in enumerate(steps, first)
        ]
    )
    await eventually(
        lambda: live(client, edge),
        lambda seen: seen["total_entries"] + seen["total_exits"] == counted,
    )


def midday(days_ago: int) -> datetime:
    """Noon of a day in the past, in UTC, which is these rooms' zone."""
    today = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    return today - days_ago * DAY


class TestHeadcount:
    """«Manually Calibrate Occupancy»"""

    async def test_it_sets_the_count_and_leaves_the_totals(
        self, admin: httpx.AsyncClient, producer: AIOKafkaProducer
    ) -> None:
        edge = await watch(admin, producer)
        now = datetime.now(UTC)
        await cross(admin, edge, [(now - MINUTE, "entry", f"t{n}") for n in range(3)])

        body = {"occupancy_value": 50, "notes": "Manual headcount performed at 10:30"}
        reply = await admin.post(f"/api/occupancy/cameras/{edge.camera_id}/calibrate", json=body)

        assert reply.status_code == 200
        assert reply.json().pop("timestamp").endswith("Z")
        shown = {"status": "success", "camera_id": edge.camera_id, "occupancy_set_to": 50}
        assert shown.items() <= reply.json().items()
        seen = await live(admin, edge)
        assert (seen["current_occupancy"], seen["total_entries"]) == (50, 3)
        [row] = [
            row
            for row in await read(admin, f"/cameras/{edge.camera_id}/logs")
            if row.get("is_manual_calibration")
        ]
        assert (row["net_occupancy"], row["entry_count"], row["exit_count"]) == (50, 0, 0)

    async def test_counting_goes_on_from_it(
        self, admin: httpx.AsyncClient, producer: AIOKafkaProducer
    ) -> None:
        edge = await watch(admin, producer)
        path = f"/api/occupancy/cameras/{edge.camera_id}/calibrate"
        await admin.post(path, json={"occupancy_value": 10})

        await cross(admin, edge, [(datetime.now(UTC), "exit", "t1")])

        assert (await live(admin, edge))["current_occupancy"] == 9

    @pytest.mark.parametrize("value", [-1, 1.5, "many", True, None, 10**9])
    async def test_what_is_no_number_of_people_is_400(
        self, admin: httpx.AsyncClient, value: object
    ) -> None:
        camera = await make_camera(admin)

        path = f"/api/occupancy/cameras/{camera['id']}/calibrate"
        reply = await admin.post(path, json={"occupancy_value": value})

        assert reply.status_code == 400
        assert "occupancy_value" in reply.json()["detail"]

    async def test_an_unknown_camera_is_404(self, admin: httpx.AsyncClient) -> None:
        reply = await admin.post(
            "/api/occupancy/cameras/999999/calibrate", json={"occupancy_value": 1}
        )

        refused(reply, 404, "Camera 999999 not found")


class TestHistory:
    """«Historical Data»"""

    async def test_logs_have_a_row_a_minute_with_a_change(
        self, admin: httpx.AsyncClient, producer: AIOKafkaProducer
    ) -> None:
        edge = await watch(admin, producer)
        at = (datetime.now(UTC) - 20 * MINUTE).replace(second=0, microsecond=0)
        steps = [(at + timedelta(seconds=n), "entry", f"t{n}") for n in range(3)]
        steps += [(at + MINUTE, "exit", "t0"), (at + MINUTE, "exit", "t1")]
        await cross(admin, edge, steps)

        rows = await read(admin, f"/cameras/{edge.camera_id}/logs?hours=1")

        first, second = rows[:2]
        assert {key: first[key] for key in first if key != "id"} == {
            "camera_id": edge.camera_id,
            "entry_count": 3,
            "exit_count": 0,
            "net_occupancy": 3,
            "timestamp": f"{at:%Y-%m-%dT%H:%M:%S}.000Z",
            "tracked_persons": 3,
        }
        assert (second["exit_count"], second["net_occupancy"]) == (2, 1)
        quiet = rows[2:]
        assert 3 <= len(quiet) <= 4
        assert {row["net_occupancy"] for row in quiet} == {1}
        assert all(int(row["timestamp"][14:16]) % 5 == 0 for row in quiet)
        assert len({row["id"] for row in rows}) == len(rows)

    async def test_hours_days_and_months_of_hand_computed_crossings(
        self, admin: httpx.AsyncClient, producer: AIOKafkaProducer
    ) -> None:
        edge = await watch(admin, producer)
        noon = midday(2)
        # 12:00 two come, 12:30 two more, 12:45 one leaves; 13:30 everybody leaves.
        steps = [(noon, "entry", "a"), (noon, "entry", "b")]
        steps += [(noon + 30 * MINUTE, "entry", "c"), (noon + 30 * MINUTE, "entry", "d")]
        steps += [(noon + 45 * MINUTE, "exit", "a")]
        steps += [(noon + 90 * MINUTE, "exit", track) for track in "bcd"]
        await cross(admin, edge, steps)

        hourly = await read(admin, f"/cameras/{edge.camera_id}/hourly?days=3")
        daily = await read(admin, f"/cameras/{edge.camera_id}/daily?days=3")
        monthly = await read(admin, f"/cameras/{edge.camera_id}/monthly?months=2")

        assert hourly[:3] == [
            {
                "hour": f"{noon:%Y-%m-%d} 12:00",
                "camera_id": edge.camera_id,
                "entries": 4,
                "exits": 1,
                "avg_occupancy": 2.75,
                "peak_occupancy": 4,
                "unique_persons": 4,
            },
            {
                "hour": f"{noon:%Y-%m-%d} 13:00",
                "camera_id": edge.camera_id,
                "entries": 0,
                "exits": 3,
                "avg_occupancy": 1.5,
                "peak_occupancy": 3,
                "unique_persons": 3,
            },
            {
                "hour": f"{noon:%Y-%m-%d} 14:00",
                "camera_id": edge.camera_id,
                "entries": 0,
                "exits": 0,
                "avg_occupancy": 0.0,
                "peak_occupancy": 0,
                "unique_persons": 0,
            },
        ]
        sums = ["camera_id", "entries", "exits"]
        assert list(hourly[0]) == [
            "hour",
            *sums,
            "avg_occupancy",
            "peak_occupancy",
            "unique_persons",
        ]
        assert list(daily[0]) == [
            "date",
            *sums,
            "avg_occupancy",
            "peak_occupancy",
            "peak_hour",
            "unique_persons",
        ]
        assert list(monthly[0]) == [
            "period",
            *sums,
            "avg_daily_occupancy",
            "peak_occupancy",
            "unique_persons",
        ]
        assert [day["date"] for day in daily] == [f"{midday(ago):%Y-%m-%d}" for ago in range(3)]
        # The history begins at noon: 4.25 hours of people in twelve.
        assert daily[-1] == {
            "date": f"{noon:%Y-%m-%d}",
            "camera_id": edge.camera_id,
            "entries": 4,
            "exits": 4,
            "avg_occupancy": 0.35,
            "peak_occupancy": 4,
            "peak_hour": 12,
            "unique_persons": 4,
        }
        of_month = next(one for one in monthly if one["period"] == f"{noon:%Y-%m}")
        assert {**of_month, "avg_daily_occupancy": None} == {
            "period": f"{noon:%Y-%m}",
            "camera_id": edge.camera_id,
            "entries": 4,
            "exits": 4,
            "avg_daily_occupancy": None,
            "peak_occupancy": 4,
            "unique_persons": 4,
        }

    async def test_a_crossing_of_days_ago_lands_in_its_own_hour(
        self, admin: httpx.AsyncClient, producer: AIOKafkaProducer
    ) -> None:
        edge = await watch(admin, producer)
        await cross(admin, edge, [(midday(1), "entry", "a")])
        await cross(admin, edge, [(midday(3), "entry", "b")], first=2)

        hourly = await read(admin, f"/cameras/{edge.camera_id}/hourly")

        by_hour = {one["hour"]: one for one in hourly}
        assert by_hour[f"{midday(3):%Y-%m-%d} 12:00"]["entries"] == 1
        assert by_hour[f"{midday(2):%Y-%m-%d} 12:00"]["avg_occupancy"] == 1
        assert by_hour[f"{midday(1):%Y-%m-%d} 12:00"]["peak_occupancy"] == 2

    async def test_days_are_those_of_the_rooms_building(
        self, admin: httpx.AsyncClient, producer: AIOKafkaProducer
    ) -> None:
        location = await make_location(admin, timezone="Asia/Tehran")
        room = await make_room(admin, location=location["id"])
        edge = await watch(admin, producer, room_id=room["id"])
        # 21:00 in UTC is half past midnight of the next day in Tehran.
        at = midday(2) + 9 * HOUR
        await cross(admin, edge, [(at, "entry", "a")])

        async def oldest() -> tuple[Any, ...]:
            hour = (await read(admin, f"/cameras/{edge.camera_id}/hourly"))[0]
            day = (await read(admin, f"/cameras/{edge.camera_id}/daily"))[-1]
            return hour["hour"], hour["entries"], day["date"], day["unique_persons"]

        # The room's event may come after the crossing; then its hours and days are added up anew.
        date = f"{at + DAY:%Y-%m-%d}"
        await eventually(oldest, lambda shown: shown == (f"{date} 00:00", 1, date, 1))

    @pytest.mark.parametrize(
        ("path", "query"),
        [
            ("logs", "hours=0"),
            ("logs", "hours=745"),
            ("logs", "hours=x"),
            ("hourly", "days=0"),
            ("hourly", "days=367"),
            ("daily", "days=-1"),
            ("monthly", "months=121"),
        ],
    )
    async def test_wrong_lengths_are_400(
        self, admin: httpx.AsyncClient, path: str, query: str
    ) -> None:
        camera = await make_camera(admin)

        reply = await admin.get(f"/api/occupancy/cameras/{camera['id']}/{path}?{query}")

        assert reply.status_code == 400
        assert query.partition("=")[0] in reply.json()["detail"]

    @pytest.mark.parametrize("path", ["logs", "hourly", "daily", "monthly"])
    async def test_an_unknown_camera_is_404(self, anyone: httpx.AsyncClient, path: str) -> None:
        reply = await anyone.get(f"/api/occupancy/cameras/999999/{path}")

        refused(reply, 404, "Camera 999999 not found")

    @pytest.mark.parametrize("path", ["hourly", "daily", "monthly"])
    async def test_a_camera_that_has_seen_nobody_has_none(
        self, admin: httpx.AsyncClient, path: str
    ) -> None:
        camera = await make_camera(admin)

        assert await read(admin, f"/cameras/{camera['id']}/{path}") == []


class TestAlerts:
    """«Alerts»"""

    async def test_capacity_is_warned_of_exceeded_and_clear_again(
        self, admin: httpx.AsyncClient, producer: AIOKafkaProducer
    ) -> None:
        edge = await watch(admin, producer, max_occupancy=10)

        async def alerts_at(people: int) -> list[str]:
            path = f"/api/occupancy/cameras/{edge.camera_id}/calibrate"
            await admin.post(path, json={"occupancy_value": people})
            found = await read(admin, f"/alerts?camera_id={edge.camera_id}")
            return sorted(alert["alert_type"] for alert in found)

        both = ["capacity_exceeded", "capacity_warning"]
        assert await alerts_at(8) == []
        assert await alerts_at(9) == ["capacity_warning"]
        assert await alerts_at(8) == ["capacity_warning"]
        assert await alerts_at(11) == both
        assert await alerts_at(10) == both
        assert await alerts_at(9) == ["capacity_warning"]
        assert await alerts_at(7) == []

    async def test_crossings_raise_one_of_a_type(
        self, admin: httpx.AsyncClient, producer: AIOKafkaProducer
    ) -> None:
        edge = await watch(admin, producer, max_occupancy=2)
        now = datetime.now(UTC)
        await cross(admin, edge, [(now, "entry", f"t{n}") for n in range(3)])
        await cross(admin, edge, [(now, "entry", f"t{n}") for n in range(3, 5)], first=4)

        found = await read(admin, f"/alerts?camera_id={edge.camera_id}")

        [alert] = [one for one in found if one["alert_type"] == "capacity_exceeded"]
        assert len(found) == 2
        assert alert["camera_id"] == edge.camera_id
        assert alert["is_resolved"] is False
        people = alert["current_occupancy"]
        assert alert["message"] == f"Occupancy ({people}) exceeds capacity (2)"
        assert alert["timestamp"].endswith("Z")
        assert alert in await read(admin, "/alerts")

    async def test_more_exits_than_entries_raise_negative_count(
        self, admin: httpx.AsyncClient, producer: AIOKafkaProducer
    ) -> None:
        edge = await watch(admin, producer)
        now = datetime.now(UTC)
        await cross(admin, edge, [(now, "exit", "a"), (now, "exit", "b")])
        path = f"/alerts?camera_id={edge.camera_id}"

        [alert] = await read(admin, path)
        assert (alert["alert_type"], alert["current_occupancy"]) == ("negative_count", 0)

        # The residual is kept: two have to come before nobody is missing.
        await cross(admin, edge, [(now, "entry", "c")], first=3)
        assert len(await read(admin, path)) == 1
        await cross(admin, edge, [(now, "entry", "d")], first=4)
        assert await read(admin, path) == []

    async def test_resolving_it_twice_is_200_and_it_stays_silent_while_its_cause_lasts(
        self, admin: httpx.AsyncClient, producer: AIOKafkaProducer
    ) -> None:
        edge = await watch(admin, producer)
        await cross(admin, edge, [(datetime.now(UTC), "exit", "a")])
        path = f"/alerts?camera_id={edge.camera_id}"
        [alert] = await read(admin, path)

        resolve = f"/api/occupancy/alerts/{alert['id']}/resolve"
        first, again = [await admin.put(resolve) for _ in range(2)]

        assert (first.status_code, again.status_code) == (200, 200)
        assert first.json() == again.json()
        assert first.json()["status"] == "success"
        assert first.json()["alert_id"] == alert["id"]
        await cross(admin, edge, [(datetime.now(UTC), "exit", "b")], first=2)
        assert await read(admin, path) == []

    async def test_an_unknown_one_is_404(self, admin: httpx.AsyncClient) -> None:
        refused(
            await admin.put("/api/occupancy/alerts/999999/resolve"), 404, "Alert 999999 not found"
        )


class TestFacility:
    """«Facility Statistics», «Trigger Aggregation»"""

    async def test_stats_are_sums_over_the_cameras(self, admin: httpx.AsyncClient) -> None:
        before = await read(admin, "/facility/stats")
        camera = await make_camera(admin, max_occupancy=1000)
        await make_camera(admin, is_active=False)
        path = f"/api/occupancy/cameras/{camera['id']}/calibrate"
        await admin.post(path, json={"occupancy_value": 850})

        after = await read(admin, "/facility/stats")

        grown = {name: after[name] - before[name] for name in after if name != "timestamp"}
        del grown["capacity_utilization"]
        assert grown == {
            "total_cameras": 2,
            "active_cameras": 1,
            "total_persons_in_facility": 850,
            "active_alerts": 1,
        }
        assert 0 < after["capacity_utilization"] <= 100
        assert after["timestamp"].endswith("Z")

    @pytest.mark.parametrize("level", ["hourly", "daily", "monthly"])
    async def test_aggregation_is_accepted(self, admin: httpx.AsyncClient, level: str) -> None:
        body = {"camera_id": None, "aggregation_level": level}

        reply = await admin.post("/api/occupancy/aggregate", json=body)

        assert reply.status_code == 202
        assert (reply.json()["status"], reply.json()["level"]) == ("aggregation_triggered", level)

    async def test_another_level_is_400(self, admin: httpx.AsyncClient) -> None:
        reply = await admin.post("/api/occupancy/aggregate", json={"aggregation_level": "yearly"})

        detail = "Invalid aggregation level. Use: hourly, daily, or monthly"
        refused(reply, 400, detail)

    async def test_an_unknown_camera_is_404(self, admin: httpx.AsyncClient) -> None:
        body = {"camera_id": 999999, "aggregation_level": "daily"}

        reply = await admin.post("/api/occupancy/aggregate", json=body)

        refused(reply, 404, "Camera 999999 not found")
