"""The rules that administrators set: policies, quotas, blackouts, holidays, through the gateway."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from making import booking_of, iso, make_location, make_room, soon


async def write_policy(admin: httpx.AsyncClient, room: dict[str, Any], **policy: Any) -> None:
    reply = await admin.put(f"/api/booking-policies/{room['id']}/", json=policy)
    assert reply.status_code == 200, reply.text


async def refused_by(client: httpx.AsyncClient, body: dict[str, Any], rule: str) -> None:
    reply = await client.post("/api/bookings", json=body)
    assert reply.status_code == 409, reply.text
    assert reply.json()["message"].endswith(f"(rule: {rule})")


async def accepted(client: httpx.AsyncClient, body: dict[str, Any]) -> dict[str, Any]:
    reply = await client.post("/api/bookings", json=body)
    assert reply.status_code == 201, reply.text
    made: dict[str, Any] = reply.json()["data"]
    return made


class TestPolicies:
    async def test_length_and_horizon(self, admin: httpx.AsyncClient) -> None:
        room = await make_room(admin)
        await accepted(admin, booking_of(room, soon(10_000)))  # its event has come
        await write_policy(admin, room, min_minutes=30, max_minutes=60, horizon_days=2)

        await refused_by(admin, booking_of(room, soon(), 29), "min_minutes")
        await refused_by(admin, booking_of(room, soon(), 61), "max_minutes")
        await refused_by(admin, booking_of(room, soon(2 * 24 * 60 + 2)), "horizon_days")
        await accepted(admin, booking_of(room, soon(), 60))

    async def test_buffers_keep_a_room_free_before_and_after(
        self, admin: httpx.AsyncClient
    ) -> None:
        room = await make_room(admin)
        await accepted(admin, booking_of(room, soon(10_000)))
        await write_policy(admin, room, buffer_before=10, buffer_after=20)
        await accepted(admin, booking_of(room, soon(600)))

        # 20 minutes of the one before, then 10 of the one after.
        for minutes in (60, 89, -89):
            reply = await admin.post("/api/bookings", json=booking_of(room, soon(600 + minutes)))
            assert reply.status_code == 409, reply.text
        await accepted(admin, booking_of(room, soon(690)))
        await accepted(admin, booking_of(room, soon(510)))

    async def test_without_a_check_in_window_nobody_has_to(self, admin: httpx.AsyncClient) -> None:
        room = await make_room(admin)
        await accepted(admin, booking_of(room, soon(10_000)))
        await write_policy(admin, room, checkin_closes=None)

        made = await accepted(admin, booking_of(room, soon(1)))
        reply = await admin.post(f"/api/bookings/{made['id']}/checkin")

        assert reply.status_code == 200

    async def test_they_are_listed_shown_and_deleted(self, admin: httpx.AsyncClient) -> None:
        room = await make_room(admin)
        await accepted(admin, booking_of(room, soon()))
        path = f"/api/booking-policies/{room['id']}/"
        default = (await admin.get(path)).json()
        assert default == {
            "room": room["id"],
            "buffer_before": 0,
            "buffer_after": 0,
            "pending_holds": False,
            "checkin_opens": 15,
            "checkin_closes": 15,
            "checkin_exempt_over": None,
            "horizon_days": None,
            "min_minutes": None,
            "max_minutes": None,
        }

        await write_policy(admin, room, max_minutes=60)

        assert (await admin.get(path)).json() == {**default, "max_minutes": 60}
        assert (await admin.delete(path)).status_code == 204
        assert (await admin.get(path)).json() == default
        assert (await admin.delete(path)).status_code == 404

    @pytest.mark.parametrize(
        ("policy", "field"),
        [
            ({"buffer_before": -1}, "buffer_before"),
            ({"buffer_after": 100_000}, "buffer_after"),
            ({"max_minutes": 0}, "max_minutes"),
            ({"max_minutes": True}, "max_minutes"),
            ({"min_minutes": 60, "max_minutes": 30}, "max_minutes"),
            ({"horizon_days": "soon"}, "horizon_days"),
            ({"pending_holds": "perhaps"}, "pending_holds"),
            ({"checkin_closes": 0}, "checkin_closes"),
            ({"room": 1}, "room"),
        ],
        ids=str,
    )
    async def test_wrong_ones_are_400_by_field(
        self, admin: httpx.AsyncClient, policy: dict[str, Any], field: str
    ) -> None:
        reply = await admin.put("/api/booking-policies/0/", json=policy)

        assert (reply.status_code, list(reply.json())) == (400, [field])

    async def test_they_are_for_admins(
        self, anyone: httpx.AsyncClient, faculty: httpx.AsyncClient
    ) -> None:
        for path in ("/api/booking-policies/", "/api/booking-quotas/"):
            assert (await anyone.get(path)).status_code == 401
            assert (await faculty.get(path)).status_code == 403
            assert (await faculty.post(path, json={})).status_code == 403


class TestQuotas:
    @pytest.fixture
    async def quota(self, admin: httpx.AsyncClient) -> AsyncIterator[None]:
        """At most two bookings a day for staff."""
        body = {"role": "STAFF", "period": "day", "most_bookings": 2}
        reply = await admin.post("/api/booking-quotas/", json=body)
        assert reply.status_code == 201, reply.text
        yield
        await admin.delete(f"/api/booking-quotas/{reply.json()['id']}/")

    @pytest.mark.usefixtures("quota")
    async def test_it_is_kept_by_day_and_a_series_counts_in_each(
        self, admin: httpx.AsyncClient, staff: httpx.AsyncClient
    ) -> None:
        room = await make_room(admin)
        start = (datetime.now(UTC) + timedelta(days=40)).replace(hour=8, minute=0, second=0)
        start = start.replace(microsecond=0)
        first = await accepted(staff, booking_of(room, start))
        await accepted(staff, booking_of(room, start + timedelta(hours=2)))

        third = booking_of(room, start + timedelta(hours=4))
        await refused_by(staff, third, "quota STAFF day")
        await refused_by(
            staff, {**third, "recurrenceRule": "FREQ=DAILY;COUNT=2"}, "quota STAFF day"
        )
        next_day = booking_of(room, start + timedelta(days=1))
        await accepted(staff, {**next_day, "recurrenceRule": "FREQ=DAILY;COUNT=3"})
        await staff.delete(f"/api/bookings/{first['id']}")
        await accepted(staff, third)

    @pytest.mark.usefixtures("quota")
    async def test_the_same_twice_is_refused(self, admin: httpx.AsyncClient) -> None:
        body = {"role": "STAFF", "period": "day", "most_minutes": 2}
        assert (await admin.post("/api/booking-quotas/", json=body)).status_code == 400

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"role": "STAFF", "period": "day"},
            {"role": "STAFF", "period": "year", "most_bookings": 1},
            {"role": "KING", "period": "day", "most_bookings": 1},
            {"role": "STAFF", "period": "day", "most_bookings": -1},
            {"role": "STAFF", "period": "day", "most_bookings": 1, "id": 5},
        ],
        ids=str,
    )
    async def test_wrong_ones_are_400(self, admin: httpx.AsyncClient, body: dict[str, Any]) -> None:
        reply = await admin.post("/api/booking-quotas/", json=body)

        assert reply.status_code == 400, reply.text


class TestBlackoutsAndHolidays:
    async def test_a_blackout_of_a_room(self, admin: httpx.AsyncClient) -> None:
        room, other = await make_room(admin), await make_room(admin)
        start = soon(600)
        body = {
            "room": room["id"],
            "start_at": iso(start),
            "end_at": iso(start + timedelta(hours=2)),
            "reason": "Painting",
        }
        reply = await admin.post("/api/blackouts/", json=body)
        assert reply.status_code == 201, reply.text
        made = reply.json()
        assert made == {"id": made["id"], **body}

        await refused_by(admin, booking_of(room, start + timedelta(hours=1)), "blackout")
        await accepted(admin, booking_of(room, start + timedelta(hours=2)))
        await accepted(admin, booking_of(other, start))
        assert (await admin.delete(f"/api/blackouts/{made['id']}/")).status_code == 204
        await accepted(admin, booking_of(room, start))

    async def test_a_holiday_is_a_day_of_the_rooms_building(self, admin: httpx.AsyncClient) -> None:
        location = await make_location(admin, timezone="Asia/Tehran")
        room = await make_room(admin, location=location["id"])
        reply = await admin.post("/api/holidays/", json={"date": "2031-03-21", "name": "Nowruz"})
        assert reply.status_code == 201, reply.text
        midnight = datetime(2031, 3, 20, 20, 30, tzinfo=UTC)

        await refused_by(admin, booking_of(room, midnight + timedelta(hours=3)), "holiday")
        skipping = await accepted(
            admin,
            {
                **booking_of(room, midnight - timedelta(hours=4)),
                "recurrenceRule": "FREQ=DAILY;COUNT=3",
            },
        )
        assert len(skipping["series"]["bookings"]) == 2
        assert skipping["series"]["skipped"][0]["reason"].endswith("(rule: holiday)")
        await admin.delete(f"/api/holidays/{reply.json()['id']}/")

    async def test_anyone_reads_and_admins_write(
        self, anyone: httpx.AsyncClient, faculty: httpx.AsyncClient
    ) -> None:
        for path in ("/api/blackouts/", "/api/holidays/"):
            page = (await anyone.get(path)).json()
            assert set(page) == {"count", "next", "previous", "results"}
            assert (await anyone.post(path, json={})).status_code == 401
            assert (await faculty.post(path, json={})).status_code == 403

    @pytest.mark.parametrize(
        ("path", "body", "field"),
        [
            ("/api/holidays/", {"name": "x"}, "date"),
            ("/api/holidays/", {"date": "2030-02-30", "name": "x"}, "date"),
            ("/api/holidays/", {"date": "0001-01-01", "name": "x"}, "date"),
            ("/api/holidays/", {"date": "2030-02-03", "name": ""}, "name"),
            (
                "/api/blackouts/",
                {"start_at": "x", "end_at": iso(soon()), "reason": "x"},
                "start_at",
            ),
            (
                "/api/blackouts/",
                {"start_at": iso(soon()), "end_at": iso(soon()), "reason": "x"},
                "end_at",
            ),
            (
                "/api/blackouts/",
                {"room": "x", "start_at": iso(soon()), "end_at": iso(soon(90)), "reason": "x"},
                "room",
            ),
            (
                "/api/blackouts/",
                {"start_at": iso(soon()), "end_at": iso(soon(90)), "reason": "x" * 201},
                "reason",
            ),
        ],
        ids=str,
    )
    async def test_wrong_ones_are_400_by_field(
        self, admin: httpx.AsyncClient, path: str, body: dict[str, Any], field: str
    ) -> None:
        reply = await admin.post(path, json=body)

        assert (reply.status_code, list(reply.json())) == (400, [field])

    async def test_unknown_ones_are_404(self, anyone: httpx.AsyncClient) -> None:
        for path in ("/api/blackouts/0/", "/api/holidays/x/", "/api/holidays/99999999999/"):
            assert (await anyone.get(path)).status_code == 404
