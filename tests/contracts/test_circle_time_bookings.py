"""Document 004 (`circle_time`), section 3: bookings, through the gateway."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from answers import refused
from making import booking_of, iso, make_location, make_room, soon

DAY = timedelta(days=1)


async def booked(client: httpx.AsyncClient, body: dict[str, Any]) -> dict[str, Any]:
    reply = await client.post("/api/bookings", json=body)
    assert reply.status_code == 201, reply.text
    made: dict[str, Any] = reply.json()["data"]
    return made


async def day_of(client: httpx.AsyncClient, room: dict[str, Any], day: str) -> list[Any]:
    reply = await client.get(f"/api/rooms/{room['id']}/bookings", params={"date": day})
    assert reply.status_code == 200, reply.text
    listed: list[Any] = reply.json()["data"]
    return listed


class TestCreate:
    async def test_it_answers_with_the_booking(
        self, student: httpx.AsyncClient, admin: httpx.AsyncClient
    ) -> None:
        room = await make_room(admin)
        me = (await student.get("/api/auth/me")).json()["data"]
        start = soon()

        reply = await student.post(
            "/api/bookings", json={**booking_of(room, start), "description": " Bring cake "}
        )

        assert reply.status_code == 201
        answer = reply.json()
        made = answer["data"]
        assert answer["success"] is True
        assert made.pop("id").startswith("c")
        assert made.pop("roomId").startswith("c")
        assert made == {
            "roomName": room["name"],
            "title": "Planning",
            "description": "Bring cake",
            "organizer": {name: me[name] for name in ("id", "name", "email")},
            "attendees": [],
            "startTime": iso(start),
            "endTime": iso(start + timedelta(hours=1)),
            "status": "confirmed",
            "checkedIn": False,
            "checkedInAt": None,
        }

    async def test_a_room_made_a_moment_ago_can_be_booked_by_either_id(
        self, admin: httpx.AsyncClient
    ) -> None:
        room = await make_room(admin)
        first = await booked(admin, booking_of(room, soon()))

        second = await booked(admin, {**booking_of(room, soon(120)), "roomId": first["roomId"]})

        assert second["roomId"] == first["roomId"]

    async def test_attendees_are_shown(
        self, admin: httpx.AsyncClient, student: httpx.AsyncClient
    ) -> None:
        room = await make_room(admin)
        me = (await student.get("/api/auth/me")).json()["data"]

        made = await booked(admin, {**booking_of(room, soon()), "attendeeIds": [me["id"]]})

        assert made["attendees"] == [{name: me[name] for name in ("id", "name", "email")}]

    async def test_unknown_attendees_are_refused(self, admin: httpx.AsyncClient) -> None:
        room = await make_room(admin)

        reply = await admin.post(
            "/api/bookings", json={**booking_of(room, soon()), "attendeeIds": ["nobody"]}
        )

        refused(reply, 400, "validation_error")
        assert reply.json()["errors"] == ["attendeeIds: Unknown attendees: nobody."]

    @pytest.mark.parametrize("name", ["roomId", "title", "startTime", "endTime"])
    async def test_missing_fields_are_400(self, admin: httpx.AsyncClient, name: str) -> None:
        body = booking_of({"id": 1}, soon())
        del body[name]

        reply = await admin.post("/api/bookings", json=body)

        refused(reply, 400, "validation_error")
        assert reply.json()["errors"] == [f"{name}: This field is required."]

    @pytest.mark.parametrize(
        "change",
        [
            {"title": ""},
            {"title": "\x00\x07"},
            {"title": "x" * 256},
            {"title": 7},
            {"description": 7},
            {"description": "x" * 5001},
            {"startTime": "tomorrow"},
            {"startTime": 1_800_000_000},
            {"startTime": "2030-01-01T09:00:00"},
            {"startTime": "0001-01-01T00:00:00Z"},
            {"endTime": "9999-12-31T23:59:59Z"},
            {"endTime": None},
            {"attendeeIds": "all"},
            {"attendeeIds": [None]},
            {"attendeeIds": ["x"] * 501},
            {"recurrenceRule": "FREQ=SECONDLY;COUNT=3"},
            {"recurrenceRule": "FREQ=DAILY"},
            {"recurrenceRule": "FREQ=DAILY;COUNT=100000"},
            {"recurrenceRule": "FREQ=DAILY;COUNT=2;UNTIL=20300101"},
            {"recurrenceRule": 7},
            {"status": "completed"},
            {"organizer": {"id": "somebody"}},
        ],
        ids=str,
    )
    async def test_wrong_fields_are_400_and_nothing_is_stored(
        self, admin: httpx.AsyncClient, change: dict[str, Any]
    ) -> None:
        room = await make_room(admin)
        start = soon()

        reply = await admin.post("/api/bookings", json={**booking_of(room, start), **change})

        refused(reply, 400, "validation_error")
        assert reply.json()["errors"]
        assert await day_of(admin, room, f"{start:%Y-%m-%d}") == []

    @pytest.mark.parametrize("minutes", [0, -30])
    async def test_an_end_that_is_not_after_the_start_is_400(
        self, admin: httpx.AsyncClient, minutes: int
    ) -> None:
        room = await make_room(admin)

        reply = await admin.post("/api/bookings", json=booking_of(room, soon(), minutes))

        refused(reply, 400, "validation_error")
        assert reply.json()["errors"] == ["endTime: End time must be after start time"]

    async def test_a_start_in_the_past_is_taken_up_to_the_check_in_window_ago(
        self, admin: httpx.AsyncClient
    ) -> None:
        room = await make_room(admin)
        late = await admin.post("/api/bookings", json=booking_of(room, soon(-17)))
        refused(late, 400, "validation_error")

        await booked(admin, booking_of(room, soon(-13)))

    async def test_who_is_not_signed_in_gets_401(self, anyone: httpx.AsyncClient) -> None:
        reply = await anyone.post("/api/bookings", json=booking_of({"id": 1}, soon()))

        refused(reply, 401, "unauthorized")

    @pytest.mark.parametrize("room_id", ["nowhere", "0", "2147483648", "c" + "0" * 24, "-1"])
    async def test_an_unknown_room_is_404(self, admin: httpx.AsyncClient, room_id: str) -> None:
        reply = await admin.post("/api/bookings", json=booking_of({"id": room_id}, soon()))

        refused(reply, 404, "not_found")

    async def test_an_overlap_is_409(
        self, admin: httpx.AsyncClient, student: httpx.AsyncClient
    ) -> None:
        room = await make_room(admin)
        start = soon()
        await booked(admin, booking_of(room, start))

        for offset, minutes in ((0, 60), (-30, 60), (30, 60), (15, 15), (-30, 120)):
            body = booking_of(room, start + timedelta(minutes=offset), minutes)
            message = refused(await student.post("/api/bookings", json=body), 409, "conflict")
            assert message == "Room is already booked for the requested time slot."

    async def test_periods_that_touch_do_not_overlap(self, admin: httpx.AsyncClient) -> None:
        room = await make_room(admin)
        await booked(admin, booking_of(room, soon(60)))

        await booked(admin, booking_of(room, soon(120)))
        await booked(admin, booking_of(room, soon(0)))

    async def test_a_room_in_maintenance_is_409(self, admin: httpx.AsyncClient) -> None:
        room = await make_room(admin, is_active=False)

        reply = await admin.post("/api/bookings", json=booking_of(room, soon()))

        refused(reply, 409, "conflict")

    async def test_of_many_at_once_one_wins(self, admin: httpx.AsyncClient) -> None:
        room = await make_room(admin)
        body = booking_of(room, soon())
        await admin.get("/api/auth/me")

        replies = await asyncio.gather(*(admin.post("/api/bookings", json=body) for _ in range(16)))

        assert sorted(reply.status_code for reply in replies) == [201, *[409] * 15]


class TestIdempotencyKey:
    async def test_the_same_again_gets_the_first_answer(self, admin: httpx.AsyncClient) -> None:
        room = await make_room(admin)
        body, key = booking_of(room, soon()), {"idempotency-key": room["name"]}
        first = await admin.post("/api/bookings", json=body, headers=key)

        again = await admin.post("/api/bookings", json=body, headers=key)

        assert (again.status_code, again.json()) == (201, first.json())
        assert again.headers["idempotency-replayed"] == "true"
        assert "idempotency-replayed" not in first.headers

    async def test_the_same_at_the_same_time_books_once(self, admin: httpx.AsyncClient) -> None:
        room = await make_room(admin)
        body, key = booking_of(room, soon()), {"idempotency-key": room["name"]}

        replies = await asyncio.gather(
            *(admin.post("/api/bookings", json=body, headers=key) for _ in range(8))
        )

        assert {reply.status_code for reply in replies} == {201}
        assert len({reply.json()["data"]["id"] for reply in replies}) == 1

    async def test_a_refusal_stays_one(self, admin: httpx.AsyncClient) -> None:
        room = await make_room(admin)
        body = booking_of(room, soon())
        made = await booked(admin, body)
        key = {"idempotency-key": room["name"]}
        refused(await admin.post("/api/bookings", json=body, headers=key), 409, "conflict")
        await admin.delete(f"/api/bookings/{made['id']}")

        again = await admin.post("/api/bookings", json=body, headers=key)

        refused(again, 409, "conflict")

    async def test_a_room_that_is_about_to_come_is_waited_for_by_any_number(
        self, admin: httpx.AsyncClient
    ) -> None:
        location = (await make_location(admin))["id"]
        number = (await make_room(admin, location=location))["id"] + 1
        body = booking_of({"id": str(number)}, soon())
        keys = ({"idempotency-key": f"room {number} of {n}"} for n in range(20))

        # More than the service has connections for requests.
        booking = asyncio.gather(
            *(admin.post("/api/bookings", json=body, headers=key) for key in keys)
        )
        await asyncio.sleep(0.2)
        assert (await make_room(admin, location=location))["id"] == number

        statuses = sorted(reply.status_code for reply in await booking)
        assert statuses == [201, *[409] * 19]

    async def test_another_body_is_422(self, admin: httpx.AsyncClient) -> None:
        room = await make_room(admin)
        key = {"idempotency-key": room["name"]}
        await admin.post("/api/bookings", json=booking_of(room, soon()), headers=key)

        other = await admin.post("/api/bookings", json=booking_of(room, soon(180)), headers=key)

        refused(other, 422, "idempotency_mismatch")

    async def test_the_key_of_somebody_else_means_nothing(
        self, admin: httpx.AsyncClient, student: httpx.AsyncClient
    ) -> None:
        room = await make_room(admin)
        key = {"idempotency-key": room["name"]}
        await admin.post("/api/bookings", json=booking_of(room, soon()), headers=key)

        reply = await student.post("/api/bookings", json=booking_of(room, soon(180)), headers=key)

        assert reply.status_code == 201

    async def test_an_unreadable_key_is_400(self, admin: httpx.AsyncClient) -> None:
        reply = await admin.post("/api/bookings", json={}, headers={"idempotency-key": "k" * 256})

        refused(reply, 400, "validation_error")


class TestDay:
    async def test_it_lists_what_starts_on_the_local_day_by_start(
        self, admin: httpx.AsyncClient
    ) -> None:
        tehran = await make_location(admin, timezone="Asia/Tehran")
        room = await make_room(admin, location=tehran["id"])
        # Midnight in Tehran is 20:30 UTC of the day before.
        day = (datetime.now(UTC) + 3 * DAY).replace(hour=20, minute=30, second=0, microsecond=0)
        for offset in (-30, 24 * 60 - 30, 0, 24 * 60):
            await booked(admin, booking_of(room, day + timedelta(minutes=offset), 30))

        listed = await day_of(admin, room, f"{day + DAY:%Y-%m-%d}")

        assert [one["startTime"] for one in listed] == [
            iso(day),
            iso(day + timedelta(minutes=24 * 60 - 30)),
        ]

    async def test_cancelled_ones_are_left_out(self, admin: httpx.AsyncClient) -> None:
        room = await make_room(admin)
        start = soon(24 * 60)
        made = await booked(admin, booking_of(room, start))
        await admin.delete(f"/api/bookings/{made['id']}")

        assert await day_of(admin, room, f"{start:%Y-%m-%d}") == []

    @pytest.mark.parametrize("day", [None, "", "today", "2026-13-01", "20260101", "0001-01-01"])
    async def test_a_missing_or_wrong_date_is_400(
        self, admin: httpx.AsyncClient, day: str | None
    ) -> None:
        room = await make_room(admin)

        reply = await admin.get(
            f"/api/rooms/{room['id']}/bookings", params={"date": day} if day is not None else {}
        )

        refused(reply, 400, "validation_error")

    async def test_401_and_404(self, anyone: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
        refused(await anyone.get("/api/rooms/1/bookings?date=2026-01-01"), 401, "unauthorized")
        refused(await admin.get("/api/rooms/x/bookings?date=2026-01-01"), 404, "not_found")

    async def test_who_polls_gets_304(self, admin: httpx.AsyncClient) -> None:
        room = await make_room(admin)
        path = f"/api/rooms/{room['id']}/bookings?date=2030-01-01"
        etag = (await admin.get(path)).headers["etag"]

        assert (await admin.get(path, headers={"if-none-match": etag})).status_code == 304
        await booked(admin, booking_of(room, datetime(2030, 1, 1, 9, tzinfo=UTC)))
        assert (await admin.get(path, headers={"if-none-match": etag})).status_code == 200


class TestCancel:
    async def test_the_organizer_cancels_and_the_room_is_free(
        self, student: httpx.AsyncClient, admin: httpx.AsyncClient
    ) -> None:
        room = await make_room(admin)
        body = booking_of(room, soon())
        made = await booked(student, body)

        reply = await student.delete(f"/api/bookings/{made['id']}")

        assert (reply.status_code, reply.json()) == (
            200,
            {"success": True, "data": {"cancelled": True}},
        )
        await booked(admin, body)

    async def test_an_admin_may_and_others_may_not(
        self,
        student: httpx.AsyncClient,
        faculty: httpx.AsyncClient,
        admin: httpx.AsyncClient,
        anyone: httpx.AsyncClient,
    ) -> None:
        room = await make_room(admin)
        made = await booked(student, booking_of(room, soon()))
        path = f"/api/bookings/{made['id']}"

        refused(await anyone.delete(path), 401, "unauthorized")
        refused(await faculty.delete(path), 403, "forbidden")
        assert (await admin.delete(path)).status_code == 200
        refused(await admin.delete(path), 409, "conflict")

    async def test_an_unknown_booking_is_404(self, admin: httpx.AsyncClient) -> None:
        for booking_id in ("x", "c" + "0" * 24, "1"):
            refused(await admin.delete(f"/api/bookings/{booking_id}"), 404, "not_found")


class TestCheckInAndEnd:
    async def test_check_in_then_end_frees_the_room(self, admin: httpx.AsyncClient) -> None:
        room = await make_room(admin)
        made = await booked(admin, booking_of(room, soon(-1), 60))
        path = f"/api/bookings/{made['id']}"

        arrived = await admin.post(f"{path}/checkin")

        assert arrived.status_code == 200
        data = arrived.json()["data"]
        assert data["checkedIn"] is True
        at = datetime.fromisoformat(data["checkedInAt"])
        assert abs(at - datetime.now(UTC)) < timedelta(seconds=30)
        message = refused(await admin.post(f"{path}/checkin"), 409, "conflict")
        assert message == "Already checked in"

        ended = await admin.post(f"{path}/end")

        assert ended.status_code == 200
        assert ended.json()["data"] in (
            {"ended": True, "freedMinutes": minutes} for minutes in (57, 58, 59)
        )
        refused(await admin.post(f"{path}/end"), 409, "conflict")
        refused(await admin.delete(path), 409, "conflict")
        await booked(admin, booking_of(room, soon(2), 30))

    async def test_it_is_too_early(self, admin: httpx.AsyncClient) -> None:
        room = await make_room(admin)
        made = await booked(admin, booking_of(room, soon(20)))

        reply = await admin.post(f"/api/bookings/{made['id']}/checkin")

        assert refused(reply, 409, "conflict") == "Check-in has not opened yet"

    async def test_a_quarter_before_is_not(
        self, admin: httpx.AsyncClient, student: httpx.AsyncClient
    ) -> None:
        room = await make_room(admin)
        made = await booked(admin, booking_of(room, soon(14)))

        # Anyone who is signed in may say that somebody has come.
        reply = await student.post(f"/api/bookings/{made['id']}/checkin")

        assert reply.status_code == 200

    async def test_a_cancelled_booking_cannot_be_checked_in_to(
        self, admin: httpx.AsyncClient
    ) -> None:
        room = await make_room(admin)
        made = await booked(admin, booking_of(room, soon(1)))
        await admin.delete(f"/api/bookings/{made['id']}")

        refused(await admin.post(f"/api/bookings/{made['id']}/checkin"), 409, "conflict")

    async def test_what_nobody_checked_in_to_cannot_be_ended(
        self, admin: httpx.AsyncClient
    ) -> None:
        room = await make_room(admin)
        made = await booked(admin, booking_of(room, soon(1)))

        refused(await admin.post(f"/api/bookings/{made['id']}/end"), 409, "conflict")

    async def test_strangers_cannot_end_it(
        self, admin: httpx.AsyncClient, student: httpx.AsyncClient
    ) -> None:
        room = await make_room(admin)
        made = await booked(admin, booking_of(room, soon(1)))
        await admin.post(f"/api/bookings/{made['id']}/checkin")

        refused(await student.post(f"/api/bookings/{made['id']}/end"), 403, "forbidden")

    async def test_401_and_404(self, anyone: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
        for action in ("checkin", "end"):
            refused(await anyone.post(f"/api/bookings/x/{action}"), 401, "unauthorized")
            refused(await admin.post(f"/api/bookings/x/{action}"), 404, "not_found")

    async def test_nobody_comes_and_the_room_is_released(self, admin: httpx.AsyncClient) -> None:
        room = await make_room(admin)
        # The window of a short meeting closes with the meeting.
        start = datetime.now(UTC) - timedelta(minutes=10)
        made = await booked(admin, booking_of(room, start, 10 + 3 / 60))
        closes = datetime.fromisoformat(made["endTime"])
        status = "confirmed"
        while status == "confirmed":
            assert datetime.now(UTC) < closes + timedelta(seconds=5)
            await asyncio.sleep(0.1)
            [listed] = await day_of(admin, room, made["startTime"][:10])
            status = listed["status"]

        assert status == "no_show"
        reply = await admin.post(f"/api/bookings/{made['id']}/checkin")
        assert refused(reply, 409, "conflict") == "Check-in window has expired"
        audit = await admin.get("/api/admin/audit", params={"targetId": made["id"]})
        released, created = audit.json()["data"]["data"]
        assert (created["actionType"], released["actionType"]) == (
            "BOOKING_CREATED",
            "BOOKING_RELEASED",
        )
        assert released["actorUserId"] is None
        assert released["reason"].startswith("Nobody checked in by")


class TestMove:
    async def test_another_time(self, admin: httpx.AsyncClient) -> None:
        room = await make_room(admin)
        start = soon()
        made = await booked(admin, booking_of(room, start))
        half_an_hour_later = {
            "startTime": iso(start + timedelta(minutes=30)),
            "endTime": iso(start + timedelta(minutes=90)),
        }

        reply = await admin.patch(f"/api/bookings/{made['id']}", json=half_an_hour_later)

        assert reply.status_code == 200
        assert reply.json()["data"] == {**made, **half_an_hour_later}
        await booked(admin, booking_of(room, start, 30))

    async def test_a_time_that_is_taken_is_409_and_nothing_moves(
        self, admin: httpx.AsyncClient
    ) -> None:
        room, start = await make_room(admin), soon()
        made = await booked(admin, booking_of(room, start))
        other = await booked(admin, booking_of(room, start + timedelta(hours=2)))

        reply = await admin.patch(
            f"/api/bookings/{made['id']}",
            json={"startTime": other["startTime"], "endTime": other["endTime"]},
        )

        refused(reply, 409, "conflict")
        first, *_ = await day_of(admin, room, f"{start:%Y-%m-%d}")
        assert first["startTime"] == iso(start)

    async def test_another_room(self, admin: httpx.AsyncClient) -> None:
        room, other = await make_room(admin), await make_room(admin)
        body = booking_of(room, soon())
        made = await booked(admin, body)

        reply = await admin.patch(f"/api/bookings/{made['id']}", json={"roomId": other["id"]})

        assert reply.json()["data"]["roomName"] == other["name"]
        await booked(admin, body)

    async def test_only_the_organizer_or_an_admin(
        self, admin: httpx.AsyncClient, student: httpx.AsyncClient
    ) -> None:
        room = await make_room(admin)
        made = await booked(admin, booking_of(room, soon()))

        reply = await student.patch(f"/api/bookings/{made['id']}", json={"title": "Mine"})

        refused(reply, 403, "forbidden")


class TestSeries:
    async def test_each_occurrence_is_a_booking_and_skipped_dates_are_told(
        self, admin: httpx.AsyncClient
    ) -> None:
        room, start = await make_room(admin), soon(24 * 60)
        await booked(admin, booking_of(room, start + DAY, 30))

        made = await booked(
            admin, {**booking_of(room, start), "recurrenceRule": "FREQ=DAILY;COUNT=3"}
        )

        series = made["series"]
        assert [one["startTime"] for one in series["bookings"]] == [
            iso(start),
            iso(start + 2 * DAY),
        ]
        assert series["skipped"] == [
            {
                "startTime": iso(start + DAY),
                "endTime": iso(start + DAY + timedelta(hours=1)),
                "reason": "Room is already booked for the requested time slot.",
            }
        ]

    @pytest.mark.parametrize(
        ("scope", "left"), [("this", [0, 2, 3]), ("following", [0]), ("all", [])]
    )
    async def test_cancelling_one_this_and_later_or_all(
        self, admin: httpx.AsyncClient, scope: str, left: list[int]
    ) -> None:
        room, start = await make_room(admin), soon(24 * 60)
        made = await booked(
            admin, {**booking_of(room, start), "recurrenceRule": "FREQ=DAILY;COUNT=4"}
        )
        second = made["series"]["bookings"][1]["id"]

        reply = await admin.delete(f"/api/bookings/{second}", params={"scope": scope})

        assert reply.status_code == 200
        days = [await day_of(admin, room, f"{start + index * DAY:%Y-%m-%d}") for index in range(4)]
        assert [index for index, day in enumerate(days) if day] == left

    async def test_when_every_date_is_taken_it_is_409(self, admin: httpx.AsyncClient) -> None:
        room, start = await make_room(admin), soon(24 * 60)
        body = {**booking_of(room, start), "recurrenceRule": "FREQ=DAILY;COUNT=2"}
        await booked(admin, body)

        refused(await admin.post("/api/bookings", json=body), 409, "conflict")
