"""Document 003 (`university`): requests, bookings, override, notifications, audit, on port 3000."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from making import booking_of, iso, make_location, make_room, request_of, soon
from running_system import System

HOUR = timedelta(hours=1)
TAKEN = "Room is already booked for this time period"


@pytest.fixture
async def admin3(system: System) -> AsyncIterator[httpx.AsyncClient]:
    """An admin at the university edition."""
    async with system.client("ADMIN", university=True) as client:
        yield client


@pytest.fixture
async def student3(system: System) -> AsyncIterator[httpx.AsyncClient]:
    async with system.client("STUDENT", university=True) as client:
        yield client


@pytest.fixture
async def faculty3(system: System) -> AsyncIterator[httpx.AsyncClient]:
    async with system.client("FACULTY", university=True) as client:
        yield client


@pytest.fixture
async def anyone3(system: System) -> AsyncIterator[httpx.AsyncClient]:
    async with system.client(university=True) as client:
        yield client


async def requested(client: httpx.AsyncClient, body: dict[str, Any]) -> dict[str, Any]:
    reply = await client.post("/api/requests", json=body)
    assert reply.status_code == 201, reply.text
    made: dict[str, Any] = reply.json()["data"]
    return made


async def decide(client: httpx.AsyncClient, request_id: str, status: str, **more: Any) -> Any:
    body = {"status": status, "reason": "After review", **more}
    return await client.patch(f"/api/requests/{request_id}", json=body)


async def approved(client: httpx.AsyncClient, request_id: str, **more: Any) -> dict[str, Any]:
    reply = await decide(client, request_id, "APPROVED", **more)
    assert reply.status_code == 200, reply.text
    data: dict[str, Any] = reply.json()["data"]
    return data


def refused(reply: httpx.Response, status: int, error: str) -> None:
    assert reply.status_code == status, reply.text
    answer = reply.json()
    assert (answer["success"], answer["error"], answer["statusCode"]) == (False, error, status)


def fields_of(reply: httpx.Response) -> dict[str, str]:
    refused(reply, 400, "Validation failed")
    fields: dict[str, str] = reply.json()["fields"]
    return fields


async def me(client: httpx.AsyncClient) -> dict[str, Any]:
    who: dict[str, Any] = (await client.get("/api/auth/me")).json()["data"]
    return who


class TestCreateRequest:
    async def test_it_waits_for_a_decision(
        self, student3: httpx.AsyncClient, admin: httpx.AsyncClient
    ) -> None:
        room, start = await make_room(admin), soon()
        who = await me(student3)

        made = await requested(student3, request_of(room, start))

        assert made["id"].startswith("c")
        assert made["status"] == "PENDING"
        assert (made["startAt"], made["endAt"]) == (iso(start), iso(start + HOUR))
        assert made["userId"] == who["id"]
        assert made["purpose"] == "Team meeting"
        assert made["room"]["name"] == room["name"]
        assert made["user"]["email"] == who["email"]

    async def test_the_documents_example_of_validation_errors(
        self, student3: httpx.AsyncClient
    ) -> None:
        reply = await student3.post(
            "/api/requests",
            json={"roomId": "1", "startAt": iso(soon(-60)), "endAt": iso(soon(-120))},
        )

        assert fields_of(reply) == {
            "startAt": "Start time must be in the future",
            "endAt": "End time must be after start time",
            "purpose": "Purpose is required",
        }

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"roomId": None}, "roomId"),
            ({"roomId": ["1"]}, "roomId"),
            ({"roomId": "x" * 65}, "roomId"),
            ({"startAt": "soon"}, "startAt"),
            ({"startAt": 5}, "startAt"),
            ({"startAt": "2030-01-01T10:00:00"}, "startAt"),
            ({"endAt": "9999-12-31T00:00:00Z"}, "endAt"),
            ({"purpose": ""}, "purpose"),
            ({"purpose": "\u0000 \u200b".replace("\u200b", "")}, "purpose"),
            ({"purpose": "x" * 501}, "purpose"),
            ({"purpose": {"a": 1}}, "purpose"),
            ({"recurrenceRule": "RRULE:FREQ=DAILY"}, "recurrenceRule"),
            ({"status": "APPROVED"}, "status"),
            ({"userId": "c0"}, "userId"),
        ],
        ids=str,
    )
    async def test_wrong_fields_are_named_and_nothing_is_stored(
        self,
        student3: httpx.AsyncClient,
        admin: httpx.AsyncClient,
        change: dict[str, Any],
        field: str,
    ) -> None:
        room = await make_room(admin)
        before = (await student3.get("/api/requests?mine=true")).json()["data"]["pagination"]

        reply = await student3.post("/api/requests", json={**request_of(room, soon()), **change})

        assert reply.status_code == 400
        assert list(reply.json()["fields"]) == [field]
        after = (await student3.get("/api/requests?mine=true")).json()["data"]["pagination"]
        assert after["total"] == before["total"]

    async def test_refusals_in_the_documents_order(
        self, student3: httpx.AsyncClient, admin: httpx.AsyncClient, admin3: httpx.AsyncClient
    ) -> None:
        nowhere = await student3.post("/api/requests", json=request_of({"id": "x"}, soon()))
        refused(nowhere, 404, "Room not found")
        room = await make_room(admin)
        body = request_of(room, soon())
        for changes, status, error in (
            ({"isActive": False, "isLocked": True}, 400, "Room is not active"),
            ({"isActive": True}, 400, "Room is currently locked"),
            (
                {"isLocked": False, "restrictedRoles": ["FACULTY"]},
                403,
                "You do not have permission to book this room",
            ),
        ):
            reply = await admin3.put(f"/api/admin/rooms/{room['id']}", json=changes)
            assert reply.status_code == 200, reply.text
            await until_answered(student3, body, status, error)
        await admin3.put(f"/api/admin/rooms/{room['id']}", json={"restrictedRoles": None})
        await admin.post("/api/bookings", json=booking_of(room, soon()))
        await until_answered(student3, body, 409, TAKEN)

    async def test_a_request_does_not_hold_the_room(
        self,
        student3: httpx.AsyncClient,
        faculty3: httpx.AsyncClient,
        admin: httpx.AsyncClient,
    ) -> None:
        room = await make_room(admin)
        body = request_of(room, soon())
        await requested(student3, body)

        await requested(faculty3, body)
        made = await admin.post("/api/bookings", json=booking_of(room, soon()))
        assert made.status_code == 201

    async def test_by_the_rooms_policy_it_does(
        self, student3: httpx.AsyncClient, faculty3: httpx.AsyncClient, admin: httpx.AsyncClient
    ) -> None:
        room = await make_room(admin)
        policy = await admin.put(
            f"/api/booking-policies/{room['id']}/", json={"pending_holds": True}
        )
        assert policy.status_code == 200, policy.text
        body = request_of(room, soon())
        first = await requested(student3, body)

        refused(await faculty3.post("/api/requests", json=body), 409, TAKEN)
        await student3.post(f"/api/requests/{first['id']}/cancel")
        await requested(faculty3, body)

    async def test_who_is_not_signed_in_gets_401(self, anyone3: httpx.AsyncClient) -> None:
        reply = await anyone3.post("/api/requests", json={})

        assert (reply.status_code, reply.json()["success"]) == (401, False)

    async def test_a_series_reports_what_it_skips(
        self, student3: httpx.AsyncClient, admin: httpx.AsyncClient
    ) -> None:
        room, start = await make_room(admin), soon(24 * 60)
        taken = start + timedelta(days=1)
        await admin.post("/api/bookings", json=booking_of(room, taken))

        made = await requested(
            student3, {**request_of(room, start), "recurrenceRule": "FREQ=DAILY;COUNT=3"}
        )

        assert len(made["series"]["requests"]) == 2
        assert made["series"]["skipped"] == [
            {"startAt": iso(taken), "endAt": iso(taken + HOUR), "reason": TAKEN}
        ]


async def until_answered(
    client: httpx.AsyncClient, body: dict[str, Any], status: int, error: str
) -> None:
    """Ask until the room's change has come: at most a second behind."""
    async with asyncio.timeout(5):
        while True:
            reply = await client.post("/api/requests", json=body)
            if reply.status_code == status and reply.json()["error"] == error:
                return
            if reply.status_code == 201:
                await client.post(f"/api/requests/{reply.json()['data']['id']}/cancel")
            await asyncio.sleep(0.05)


class TestListRequests:
    async def test_newest_first_mine_and_by_status(
        self,
        student3: httpx.AsyncClient,
        faculty3: httpx.AsyncClient,
        admin: httpx.AsyncClient,
        admin3: httpx.AsyncClient,
    ) -> None:
        room = await make_room(admin)
        first = await requested(student3, request_of(room, soon(60)))
        second = await requested(student3, request_of(room, soon(180)))
        other = await requested(faculty3, request_of(room, soon(300)))
        await decide(admin3, first["id"], "REJECTED")

        mine = (await student3.get("/api/requests?mine=true")).json()["data"]
        rejected = (await student3.get("/api/requests?mine=true&status=REJECTED")).json()["data"]
        pending = (await admin3.get("/api/requests?status=PENDING")).json()["data"]

        assert [one["id"] for one in mine["data"][:2]] == [second["id"], first["id"]]
        assert rejected["data"][0]["id"] == first["id"]
        assert rejected["data"][0]["reason"] == "After review"
        assert [one["id"] for one in pending["data"][:2]] == [other["id"], second["id"]]
        assert mine["pagination"]["page"] == 1

    async def test_what_others_wait_for_is_for_admins(self, student3: httpx.AsyncClient) -> None:
        reply = await student3.get("/api/requests?status=PENDING")

        assert reply.status_code == 403
        everybody = (await student3.get("/api/requests?limit=100")).json()["data"]["data"]
        who = await me(student3)
        others = [one for one in everybody if one["userId"] != who["id"]]
        assert all(one["status"] != "PENDING" for one in others)

    @pytest.mark.parametrize(
        ("query", "page", "limit"),
        [("", 1, 20), ("limit=500", 1, 100), ("limit=0&page=0", 1, 1), ("page=x&limit=y", 1, 20)],
    )
    async def test_page_and_limit_are_clamped(
        self, student3: httpx.AsyncClient, query: str, page: int, limit: int
    ) -> None:
        reply = await student3.get(f"/api/requests?mine=true&{query}")

        pagination = reply.json()["data"]["pagination"]
        assert (pagination["page"], pagination["limit"]) == (page, limit)
        assert set(pagination) == {
            "total",
            "page",
            "limit",
            "totalPages",
            "hasNext",
            "hasPrev",
        }

    async def test_an_unknown_status_is_400(self, admin3: httpx.AsyncClient) -> None:
        reply = await admin3.get("/api/requests?status=LATER")

        assert "status" in fields_of(reply)


class TestDecide:
    async def test_approving_makes_the_booking(
        self, student3: httpx.AsyncClient, admin: httpx.AsyncClient, admin3: httpx.AsyncClient
    ) -> None:
        room = await make_room(admin)
        made = await requested(student3, request_of(room, soon()))

        data = await approved(admin3, made["id"])

        assert data["request"]["status"] == "APPROVED"
        assert data["booking"]["isOverride"] is False
        assert data["booking"]["roomId"] == made["roomId"]
        assert data["booking"]["request"]["status"] == "APPROVED"
        again = await admin.post("/api/bookings", json=booking_of(room, soon()))
        assert again.status_code == 409

    async def test_rejecting_makes_none(
        self, student3: httpx.AsyncClient, admin: httpx.AsyncClient, admin3: httpx.AsyncClient
    ) -> None:
        made = await requested(student3, request_of(await make_room(admin), soon()))

        reply = await decide(admin3, made["id"], "REJECTED")

        assert set(reply.json()["data"]) == {"request"}
        assert reply.json()["data"]["request"]["status"] == "REJECTED"
        refused(
            await decide(admin3, made["id"], "APPROVED"),
            400,
            "Only pending requests can be modified",
        )

    async def test_with_changed_times(
        self, student3: httpx.AsyncClient, admin: httpx.AsyncClient, admin3: httpx.AsyncClient
    ) -> None:
        room, start = await make_room(admin), soon(600)
        made = await requested(student3, request_of(room, start))
        times = {"startAt": iso(start + HOUR), "endAt": iso(start + 2 * HOUR)}

        data = await approved(admin3, made["id"], **times)

        assert {name: data["booking"][name] for name in times} == times
        notes = (await student3.get("/api/notifications?limit=2")).json()["data"]["notifications"]
        assert {note["type"] for note in notes} == {"REQUEST_APPROVED", "REQUEST_MODIFIED"}

    async def test_a_room_taken_meanwhile_is_409(
        self, student3: httpx.AsyncClient, admin: httpx.AsyncClient, admin3: httpx.AsyncClient
    ) -> None:
        room = await make_room(admin)
        made = await requested(student3, request_of(room, soon()))
        await admin.post("/api/bookings", json=booking_of(room, soon()))

        refused(
            await decide(admin3, made["id"], "APPROVED"),
            409,
            "Cannot approve: Room is already booked for this time period."
            " Use override booking instead.",
        )
        still = (await student3.get("/api/requests?mine=true")).json()["data"]["data"][0]
        assert still["status"] == "PENDING"

    async def test_of_many_approvals_at_once_one_wins(
        self, student3: httpx.AsyncClient, admin: httpx.AsyncClient, admin3: httpx.AsyncClient
    ) -> None:
        room = await make_room(admin)
        made = [await requested(student3, request_of(room, soon())) for _ in range(6)]

        replies = await asyncio.gather(*(decide(admin3, one["id"], "APPROVED") for one in made))

        assert sorted(reply.status_code for reply in replies) == [200, *[409] * 5]

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"status": "APPROVED"},
            {"status": "LATER", "reason": "x"},
            {"status": "APPROVED", "reason": ""},
            {"status": "APPROVED", "reason": "x" * 1001},
            {"status": "APPROVED", "reason": "x", "startAt": "soon"},
            {"status": "APPROVED", "reason": "x", "endAt": "2020-01-01T00:00:00Z"},
            {"status": "APPROVED", "reason": "x", "roomId": "1"},
        ],
        ids=str,
    )
    async def test_wrong_bodies_are_400(
        self,
        student3: httpx.AsyncClient,
        admin: httpx.AsyncClient,
        admin3: httpx.AsyncClient,
        body: dict[str, Any],
    ) -> None:
        made = await requested(student3, request_of(await make_room(admin), soon()))

        reply = await admin3.patch(f"/api/requests/{made['id']}", json=body)

        assert fields_of(reply)

    async def test_it_is_for_admins_and_unknown_ones_are_404(
        self, student3: httpx.AsyncClient, admin3: httpx.AsyncClient, anyone3: httpx.AsyncClient
    ) -> None:
        body = {"status": "APPROVED", "reason": "x"}
        assert (await anyone3.patch("/api/requests/x", json=body)).status_code == 401
        assert (await student3.patch("/api/requests/x", json=body)).status_code == 403
        for request_id in ("x", "1", "c" + "0" * 24):
            reply = await admin3.patch(f"/api/requests/{request_id}", json=body)
            refused(reply, 404, "Booking request not found")


class TestCancelRequest:
    async def test_the_owner_cancels(
        self, student3: httpx.AsyncClient, faculty3: httpx.AsyncClient, admin: httpx.AsyncClient
    ) -> None:
        made = await requested(student3, request_of(await make_room(admin), soon()))
        path = f"/api/requests/{made['id']}/cancel"

        refused(await faculty3.post(path), 403, "You can only cancel your own requests")
        reply = await student3.post(path)

        assert reply.status_code == 200
        assert reply.json()["data"]["status"] == "CANCELLED"
        refused(await student3.post(path), 400, "Only pending requests can be cancelled")
        refused(await student3.post("/api/requests/x/cancel"), 404, "Booking request not found")


class TestBookings:
    async def test_by_start_with_any_overlap(
        self, admin3: httpx.AsyncClient, admin: httpx.AsyncClient
    ) -> None:
        room, start = await make_room(admin), soon(24 * 60)
        for offset in (4, 0, 2):
            await admin.post("/api/bookings", json=booking_of(room, start + offset * HOUR))
        within = {
            "roomId": room["id"],
            "from": iso(start + HOUR / 2),
            "to": iso(start + 2.5 * HOUR),
        }

        reply = await admin3.get("/api/bookings", params=within)

        listed = reply.json()["data"]["data"]
        assert [one["startAt"] for one in listed] == [iso(start), iso(start + 2 * HOUR)]
        assert listed[0]["isOverride"] is False
        assert listed[0]["request"] is None
        assert listed[0]["purpose"] == "Planning"
        assert listed[0]["room"]["name"] == room["name"]

    async def test_wrong_times_are_400(self, admin3: httpx.AsyncClient) -> None:
        for name in ("from", "to"):
            reply = await admin3.get("/api/bookings", params={name: "soon"})
            assert reply.json()["fields"].keys() == {name}

    async def test_who_is_not_signed_in_gets_401(self, anyone3: httpx.AsyncClient) -> None:
        assert (await anyone3.get("/api/bookings")).status_code == 401


class TestOverride:
    async def test_it_takes_the_place_of_whatever_is_there(
        self,
        student3: httpx.AsyncClient,
        admin: httpx.AsyncClient,
        admin3: httpx.AsyncClient,
        student: httpx.AsyncClient,
    ) -> None:
        room, start = await make_room(admin), soon()
        displaced = await student.post("/api/bookings", json=booking_of(room, start))
        boss = await me(admin3)
        body = {
            **request_of(room, start + HOUR / 2),
            "userId": boss["id"],
            "reason": "Fire drill",
        }

        reply = await admin3.post("/api/bookings/override", json=body)

        assert reply.status_code == 201, reply.text
        made = reply.json()["data"]
        assert (made["isOverride"], made["userId"]) == (True, boss["id"])
        listed = (await admin3.get("/api/bookings", params={"roomId": room["id"]})).json()["data"][
            "data"
        ]
        assert [(one["isOverride"], one["overriddenBy"]) for one in listed] == [
            (False, made["id"]),
            (True, None),
        ]
        note = (await student3.get("/api/notifications")).json()["data"]["notifications"][0]
        assert note["type"] == "BOOKING_OVERRIDDEN"
        assert note["metadata"]["reason"] == "Fire drill"
        assert note["metadata"]["requestId"] == displaced.json()["data"]["id"]
        audit = await admin3.get(
            "/api/admin/audit", params={"targetId": note["metadata"]["requestId"]}
        )
        assert audit.json()["data"]["data"][0]["actionType"] == "BOOKING_OVERRIDDEN"
        # Later ones are refused under it, and it can itself be overridden.
        later = await student3.post("/api/requests", json=request_of(room, start + HOUR))
        refused(later, 409, TAKEN)
        over = await admin3.post("/api/bookings/override", json=body)
        assert over.status_code == 201

    async def test_it_is_for_admins(
        self, student3: httpx.AsyncClient, anyone3: httpx.AsyncClient
    ) -> None:
        assert (await student3.post("/api/bookings/override", json={})).status_code == 403
        assert (await anyone3.post("/api/bookings/override", json={})).status_code == 401

    async def test_unknown_rooms_and_users_are_404(
        self, admin: httpx.AsyncClient, admin3: httpx.AsyncClient
    ) -> None:
        room, boss = await make_room(admin), await me(admin3)
        body = {**request_of(room, soon()), "userId": boss["id"], "reason": "x"}

        refused(
            await admin3.post("/api/bookings/override", json={**body, "roomId": "x"}),
            404,
            "Room not found",
        )
        refused(
            await admin3.post("/api/bookings/override", json={**body, "userId": "x"}),
            404,
            "User not found",
        )


class TestNotifications:
    async def test_list_read_and_read_all(
        self, student3: httpx.AsyncClient, admin: httpx.AsyncClient, admin3: httpx.AsyncClient
    ) -> None:
        await student3.post("/api/notifications/read-all")
        room = await make_room(admin)
        made = await requested(student3, request_of(room, soon()))
        await decide(admin3, made["id"], "REJECTED")

        data = (await student3.get("/api/notifications?unread=true&limit=1")).json()["data"]

        assert data["unreadCount"] == 2
        assert data["pagination"]["total"] == 2
        [note] = data["notifications"]
        assert note["type"] == "REQUEST_REJECTED"
        assert note["read"] is False
        assert note["metadata"] == {
            "requestId": made["id"],
            "roomName": room["name"],
            "timezone": "UTC",
            "startAt": made["startAt"],
            "endAt": made["endAt"],
            "reason": "After review",
        }

        read = await student3.post(f"/api/notifications/{note['id']}/read")

        assert read.json()["data"] == {**note, "read": True}
        assert (await student3.get("/api/notifications")).json()["data"]["unreadCount"] == 1
        everything = await student3.post("/api/notifications/read-all")
        assert everything.json() == {"success": True}
        assert (await student3.get("/api/notifications")).json()["data"]["unreadCount"] == 0

    async def test_anothers_is_403_and_an_unknown_one_404(
        self, student3: httpx.AsyncClient, admin: httpx.AsyncClient, faculty3: httpx.AsyncClient
    ) -> None:
        await requested(student3, request_of(await make_room(admin), soon()))
        data = (await student3.get("/api/notifications?limit=1")).json()["data"]
        [note] = data["notifications"]

        other = await faculty3.post(f"/api/notifications/{note['id']}/read")
        unknown = await faculty3.post("/api/notifications/x/read")

        assert (other.status_code, unknown.status_code) == (403, 404)

    async def test_admins_are_told_of_requests(
        self, student3: httpx.AsyncClient, admin: httpx.AsyncClient, admin3: httpx.AsyncClient
    ) -> None:
        made = await requested(student3, request_of(await make_room(admin), soon()))

        notes = (await admin3.get("/api/notifications?limit=1")).json()["data"]["notifications"]

        assert notes[0]["type"] == "REQUEST_SUBMITTED"
        assert notes[0]["metadata"]["requestId"] == made["id"]


class TestAudit:
    async def test_newest_first_with_filters(
        self, student3: httpx.AsyncClient, admin: httpx.AsyncClient, admin3: httpx.AsyncClient
    ) -> None:
        made = await requested(student3, request_of(await make_room(admin), soon()))
        await approved(admin3, made["id"])
        boss = await me(admin3)

        reply = await admin3.get("/api/admin/audit", params={"actorUserId": boss["id"]})

        data = reply.json()["data"]
        assert data["pagination"]["limit"] == 100
        newest = data["data"][0]
        assert newest.pop("id").startswith("c")
        assert datetime.now(UTC) - datetime.fromisoformat(newest.pop("createdAt")) < HOUR
        actor = newest.pop("actor")
        assert actor["email"] == boss["email"]
        assert newest == {
            "actorUserId": boss["id"],
            "actionType": "REQUEST_APPROVED",
            "targetType": "BOOKING_REQUEST",
            "targetId": made["id"],
            "reason": "After review",
        }
        for name, value in (
            ("actionType", "REQUEST_SUBMITTED"),
            ("targetType", "BOOKING_REQUEST"),
        ):
            found = await admin3.get("/api/admin/audit", params={name: value})
            assert {one[name] for one in found.json()["data"]["data"]} == {value}

    async def test_a_filter_of_control_characters_finds_nothing(
        self, admin3: httpx.AsyncClient
    ) -> None:
        reply = await admin3.get("/api/admin/audit", params={"actionType": "x\x00y"})

        assert (reply.status_code, reply.json()["data"]["data"]) == (200, [])

    async def test_it_is_for_admins(self, student3: httpx.AsyncClient) -> None:
        assert (await student3.get("/api/admin/audit")).status_code == 403


class TestDayOfARoom:
    async def test_slots_of_the_local_day_and_bookings(
        self, anyone3: httpx.AsyncClient, admin: httpx.AsyncClient
    ) -> None:
        location = await make_location(admin, timezone="Asia/Tehran")
        room = await make_room(admin, location=location["id"])
        # Tehran is 3:30 ahead: its 15 January begins at 20:30 UTC of the 14th.
        start = datetime(2030, 1, 15, 6, 30, tzinfo=UTC)
        made = (await admin.post("/api/bookings", json=booking_of(room, start))).json()["data"]

        reply = await anyone3.get(
            f"/api/rooms/{room['id']}/availability", params={"date": "2030-01-15"}
        )

        data = reply.json()["data"]
        slots = data["timeSlots"]
        assert (data["date"], data["roomId"], len(slots)) == ("2030-01-15", made["roomId"], 48)
        assert slots[0] == {
            "start": "2030-01-14T20:30:00Z",
            "end": "2030-01-14T21:00:00Z",
            "isAvailable": True,
            "bookingId": None,
            "purpose": None,
        }
        held = [slot for slot in slots if not slot["isAvailable"]]
        assert [slot["start"] for slot in held] == [iso(start), iso(start + HOUR / 2)]
        assert {(slot["bookingId"], slot["purpose"]) for slot in held} == {(made["id"], "Planning")}
        assert data["bookings"] == [
            {
                "id": made["id"],
                "startAt": iso(start),
                "endAt": iso(start + HOUR),
                "purpose": "Planning",
                "user": made["organizer"],
            }
        ]

    @pytest.mark.parametrize(
        ("zone", "day", "slots"),
        [
            ("Europe/Berlin", "2030-03-31", 46),
            ("Europe/Berlin", "2030-10-27", 50),
            ("America/New_York", "2030-03-10", 46),
            ("America/New_York", "2030-11-03", 50),
            ("Asia/Tehran", "2030-03-22", 48),
            ("Australia/Lord_Howe", "2030-10-06", 47),
        ],
    )
    async def test_a_day_on_which_the_clocks_change(
        self,
        anyone3: httpx.AsyncClient,
        admin: httpx.AsyncClient,
        zone: str,
        day: str,
        slots: int,
    ) -> None:
        location = await make_location(admin, timezone=zone)
        room = await make_room(admin, location=location["id"])

        async with asyncio.timeout(5):
            while True:
                reply = await anyone3.get(
                    f"/api/rooms/{room['id']}/availability", params={"date": day}
                )
                if reply.status_code == 200:
                    break

        assert len(reply.json()["data"]["timeSlots"]) == slots

    @pytest.mark.parametrize("query", ["", "?date=", "?date=soon", "?date=2030-02-30"])
    async def test_a_missing_or_wrong_date_is_400(
        self, anyone3: httpx.AsyncClient, query: str
    ) -> None:
        reply = await anyone3.get(f"/api/rooms/1/availability{query}")

        refused(reply, 400, "Date parameter is required (format: YYYY-MM-DD)")

    async def test_an_unknown_room_is_404(self, anyone3: httpx.AsyncClient) -> None:
        reply = await anyone3.get("/api/rooms/x/availability?date=2030-01-01")

        refused(reply, 404, "Room not found")


class TestRateLimits:
    """The limits themselves are the gateway's tests; here, that each class is the document's."""

    async def test_the_headers_are_there(self, student3: httpx.AsyncClient) -> None:
        reply = await student3.post("/api/requests", json={})

        for name in ("limit", "remaining", "reset"):
            assert f"x-ratelimit-{name}" in reply.headers
