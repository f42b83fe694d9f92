"""Calendar feeds, through the gateway: made by people, fetched by whoever has the address."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from icalendar import Calendar, Event
from making import booking_of, make_location, make_room, request_of, soon
from running_system import PASSWORD, System, eventually

from common.ids import new_cuid

HOUR = timedelta(hours=1)


async def made_feed(client: httpx.AsyncClient, room: dict[str, Any] | None = None) -> Any:
    body = {"room": room["id"]} if room else {}
    reply = await client.post("/api/feeds", json=body)
    assert reply.status_code == 201, reply.text
    return reply.json()["data"]


async def booked(client: httpx.AsyncClient, body: dict[str, Any]) -> Any:
    reply = await client.post("/api/bookings", json=body)
    assert reply.status_code == 201, reply.text
    return reply.json()["data"]


def path_of(feed: dict[str, Any]) -> str:
    return urlsplit(feed["url"]).path


async def events_of(anyone: httpx.AsyncClient, feed: dict[str, Any]) -> dict[str, Event]:
    """Fetch a calendar as a calendar program does: not signed in. Gives events by UID."""
    reply = await anyone.get(path_of(feed))
    assert reply.status_code == 200, reply.text
    calendar = Calendar.from_ical(reply.content)
    events = [one for one in calendar.walk("VEVENT") if isinstance(one, Event)]
    return {str(one["UID"]).removesuffix("@atrium"): one for one in events}


def start_of(event: Event) -> datetime:
    start = event.decoded("dtstart")
    assert isinstance(start, datetime)
    return start


class TestMaking:
    async def test_the_address_is_shown_once(self, student: httpx.AsyncClient) -> None:
        made = await made_feed(student)

        [listed] = [
            one
            for one in (await student.get("/api/feeds")).json()["data"]
            if one["id"] == made["id"]
        ]

        assert made["scope"] == "mine"
        assert made["url"].endswith(".ics")
        assert listed == {**made, "url": None}

    async def test_each_sees_and_revokes_only_their_own(
        self, student: httpx.AsyncClient, faculty: httpx.AsyncClient, anyone: httpx.AsyncClient
    ) -> None:
        made = await made_feed(student)

        others = (await faculty.get("/api/feeds")).json()["data"]
        stolen = await faculty.delete(f"/api/feeds/{made['id']}")

        assert made["id"] not in [one["id"] for one in others]
        assert stolen.status_code == 404
        assert (await anyone.get(path_of(made))).status_code == 200

    async def test_revoked_it_is_worthless_at_once(
        self, student: httpx.AsyncClient, anyone: httpx.AsyncClient
    ) -> None:
        made = await made_feed(student)

        assert (await student.delete(f"/api/feeds/{made['id']}")).status_code == 200

        reply = await anyone.get(path_of(made))
        assert (reply.status_code, reply.json()["code"]) == (404, "not_found")
        assert (await student.delete(f"/api/feeds/{made['id']}")).status_code == 404

    @pytest.mark.parametrize("method", ["GET", "POST"])
    async def test_nobody_makes_one_without_signing_in(
        self, anyone: httpx.AsyncClient, method: str
    ) -> None:
        assert (await anyone.request(method, "/api/feeds")).status_code == 401

    @pytest.mark.parametrize(
        "body", [{"room": "x"}, {"room": 2**31}, {"room": 0}, {"room": "c" + "0" * 24}], ids=str
    )
    async def test_of_an_unknown_room_there_is_none(
        self, student: httpx.AsyncClient, body: dict[str, Any]
    ) -> None:
        assert (await student.post("/api/feeds", json=body)).status_code == 404

    @pytest.mark.parametrize(
        "body", [{"room": []}, {"room": True}, {"rooms": 1}, {"room": ""}, [], "x"], ids=str
    )
    async def test_wrong_bodies_are_400(self, student: httpx.AsyncClient, body: Any) -> None:
        reply = await student.post("/api/feeds", json=body)

        assert (reply.status_code, reply.json()["code"]) == (400, "validation_error")

    async def test_a_repeated_request_makes_one_feed_and_does_not_store_its_address(
        self, student: httpx.AsyncClient
    ) -> None:
        before = len((await student.get("/api/feeds")).json()["data"])
        key = {"idempotency-key": f"feed-{datetime.now(UTC).timestamp()}"}

        first = await student.post("/api/feeds", json={}, headers=key)
        again = await student.post("/api/feeds", json={}, headers=key)

        assert (first.status_code, again.status_code) == (201, 201)
        assert again.json()["data"] == {**first.json()["data"], "url": None}
        assert len((await student.get("/api/feeds")).json()["data"]) == before + 1


class TestFetching:
    @pytest.mark.parametrize(
        "name",
        [
            "x.ics",
            "atf_x.ics",
            "atf_" + "A" * 43 + ".ics",
            "atf_" + "A" * 43,
            "A" * 4000 + ".ics",
            ".ics",
        ],
        ids=lambda name: name[:12],
    )
    async def test_a_wrong_token_is_404_in_the_documents_words(
        self, anyone: httpx.AsyncClient, name: str
    ) -> None:
        reply = await anyone.get(f"/api/calendar/{name}")

        assert reply.status_code == 404
        assert reply.json() == {
            "success": False,
            "message": "Calendar not found",
            "code": "not_found",
        }

    async def test_a_right_token_needs_its_ending(
        self, student: httpx.AsyncClient, anyone: httpx.AsyncClient
    ) -> None:
        feed = await made_feed(student)

        assert (await anyone.get(path_of(feed).removesuffix(".ics"))).status_code == 404

    async def test_it_is_a_calendar_that_only_changes_when_a_booking_does(
        self, admin: httpx.AsyncClient, anyone: httpx.AsyncClient
    ) -> None:
        room = await make_room(admin)
        feed = await made_feed(admin, room)

        first = await anyone.get(path_of(feed))
        known = {"if-none-match": first.headers["etag"]}

        assert first.headers["content-type"] == "text/calendar; charset=utf-8"
        assert first.headers["cache-control"].startswith("private")
        unchanged = await anyone.get(path_of(feed), headers=known)
        assert (unchanged.status_code, unchanged.content) == (304, b"")
        await booked(admin, booking_of(room, soon()))
        assert (await anyone.get(path_of(feed), headers=known)).status_code == 200

    async def test_moved_cancelled_and_displaced_bookings(
        self, admin: httpx.AsyncClient, anyone: httpx.AsyncClient
    ) -> None:
        room, start = await make_room(admin), soon(60)
        feed = await made_feed(admin, room)
        moved, cancelled, displaced = [
            await booked(admin, booking_of(room, start + index * HOUR)) for index in range(3)
        ]
        me = (await admin.get("/api/auth/me")).json()["data"]

        later = booking_of(room, start + 5 * HOUR)
        times = {name: later[name] for name in ("startTime", "endTime")}
        assert (await admin.patch(f"/api/bookings/{moved['id']}", json=times)).status_code == 200
        assert (await admin.delete(f"/api/bookings/{cancelled['id']}")).status_code == 200
        override = {
            **request_of(room, start + 2 * HOUR),
            "userId": me["id"],
            "reason": "Fire drill",
        }
        assert (await admin.post("/api/bookings/override", json=override)).status_code == 201
        events = await events_of(anyone, feed)

        assert len(events) == 4
        assert {
            name: (str(events[one["id"]]["STATUS"]), int(events[one["id"]]["SEQUENCE"]))
            for name, one in (("moved", moved), ("cancelled", cancelled), ("displaced", displaced))
        } == {
            "moved": ("CONFIRMED", 2),
            "cancelled": ("CANCELLED", 2),
            "displaced": ("CANCELLED", 2),
        }
        assert start_of(events[moved["id"]]) == start + 5 * HOUR

    async def test_a_request_is_tentative_until_it_is_decided(
        self, admin: httpx.AsyncClient, student: httpx.AsyncClient, anyone: httpx.AsyncClient
    ) -> None:
        room = await make_room(admin)
        feed = await made_feed(student)
        reply = await student.post("/api/requests", json=request_of(room, soon()))
        request = reply.json()["data"]

        asked = await events_of(anyone, feed)
        decision = {"status": "APPROVED", "reason": "Fine"}
        await admin.patch(f"/api/requests/{request['id']}", json=decision)
        decided = await events_of(anyone, feed)

        assert str(asked[request["id"]]["STATUS"]) == "TENTATIVE"
        assert str(decided[request["id"]]["STATUS"]) == "CONFIRMED"

    async def test_ones_own_are_those_that_one_organises_or_attends(
        self,
        admin: httpx.AsyncClient,
        student: httpx.AsyncClient,
        faculty: httpx.AsyncClient,
        anyone: httpx.AsyncClient,
    ) -> None:
        room = await make_room(admin)
        me = (await student.get("/api/auth/me")).json()["data"]
        feed, of_room = await made_feed(student), await made_feed(student, room)
        secret = {"description": "Between us"}
        organised = await booked(student, {**booking_of(room, soon(60)), **secret})
        attended = await booked(
            faculty, {**booking_of(room, soon(120)), "attendeeIds": [me["id"]], **secret}
        )
        foreign = await booked(faculty, {**booking_of(room, soon(180)), **secret})

        mine = await events_of(anyone, feed)
        all_of_them = await events_of(anyone, of_room)

        assert {organised["id"], attended["id"]} <= set(mine)
        assert foreign["id"] not in mine
        assert set(all_of_them) == {organised["id"], attended["id"], foreign["id"]}
        assert str(mine[attended["id"]]["DESCRIPTION"]) == "Between us"
        assert "DESCRIPTION" not in all_of_them[attended["id"]]

    async def test_a_series_is_events_that_belong_together(
        self, admin: httpx.AsyncClient, anyone: httpx.AsyncClient
    ) -> None:
        room = await make_room(admin)
        feed = await made_feed(admin, room)
        rule = {"recurrenceRule": "FREQ=DAILY;COUNT=3"}
        made = await booked(admin, {**booking_of(room, soon(24 * 60)), **rule})

        events = await events_of(anyone, feed)

        assert {str(one["RELATED-TO"]) for one in events.values()} == {
            f"{made['series']['id']}@atrium"
        }
        assert not any("RRULE" in one for one in events.values())

    async def test_times_stand_by_the_clock_of_the_building(
        self, admin: httpx.AsyncClient, anyone: httpx.AsyncClient
    ) -> None:
        building = await make_location(admin, timezone="Asia/Tehran")
        room = await make_room(admin, location=building["id"])
        feed = await made_feed(admin, room)
        day = datetime.now(UTC) + timedelta(days=30)
        await booked(
            admin, booking_of(room, day.replace(hour=8, minute=0, second=0, microsecond=0))
        )

        reply = await anyone.get(path_of(feed))

        # 08:00 UTC is 11:30 in Tehran, in summer and in winter.
        assert f"DTSTART;TZID=Asia/Tehran:{day:%Y%m%d}T113000" in reply.text
        assert "TZID:Asia/Tehran" in reply.text

    async def test_no_title_writes_a_line_of_its_own(
        self, admin: httpx.AsyncClient, anyone: httpx.AsyncClient
    ) -> None:
        room = await make_room(admin)
        feed = await made_feed(admin, room)
        title = "x\r\nEND:VEVENT\rBEGIN:VALARM\u2028TRIGGER:now; a,b\\n\u202e جلسه"
        made = await booked(admin, {**booking_of(room, soon()), "title": title})

        reply = await anyone.get(path_of(feed))
        events = await events_of(anyone, feed)

        assert list(events) == [made["id"]]
        assert str(events[made["id"]]["SUMMARY"]).startswith("x\nEND:VEVENT\nBEGIN:VALARM\nTRIGGER")
        lines = reply.content.split(b"\r\n")
        assert all(len(line) <= 75 for line in lines)
        assert b"\r" not in b"".join(lines)
        assert not any(
            line.startswith(b"BEGIN:VALARM") for line in reply.text.encode().splitlines()
        )


class TestSecrets:
    async def test_no_log_shows_a_token(
        self,
        system: System,
        admin: httpx.AsyncClient,
        anyone: httpx.AsyncClient,
    ) -> None:
        feed = await made_feed(admin)
        token = path_of(feed).rpartition("/")[2].removesuffix(".ics")
        await anyone.get(path_of(feed))
        await anyone.post(path_of(feed), json={})
        await anyone.get(path_of(feed), params={"x": "\x00"})

        assert len(token) > 40
        assert token not in system.output.read_text()

    async def test_a_disabled_account_has_no_calendars(
        self, system: System, anyone: httpx.AsyncClient
    ) -> None:
        email = f"{new_cuid()}@example.test"
        person = {"email": email, "name": "Leaver", "role": "STAFF", "password": PASSWORD}
        system.run("gateway", "users", "import", "-", stdin=json.dumps([person]))
        body = {"email": email, "password": PASSWORD}
        token = (await anyone.post("/api/auth/login", json=body)).json()["data"]["token"]
        signed_in = {"authorization": f"Bearer {token}"}
        reply = await anyone.post("/api/feeds", json={}, headers=signed_in)
        path = path_of(reply.json()["data"])
        assert (await anyone.get(path)).status_code == 200

        system.run("gateway", "users", "disable", email)

        async def status() -> int:
            return (await anyone.get(path)).status_code

        assert await eventually(status, lambda seen: seen == 404) == 404
