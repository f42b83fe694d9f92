"""Document 004 (`circle_time`), section 4: panels, through the gateway."""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest
from answers import refused
from making import booking_of, iso, make_camera, make_room, unique
from running_system import System, eventually
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

WITHIN_S = 10.0


@pytest.fixture
async def room(admin: httpx.AsyncClient) -> dict[str, Any]:
    """A room whose panel knows of it."""
    made = await make_room(admin, capacity=7)
    # Of a system that has just begun, panels do not know yet that they have heard everything.
    await until(admin, made, lambda state: state["status"] == "available")
    return made


@pytest.fixture
async def panel(admin: httpx.AsyncClient, room: dict[str, Any]) -> AsyncIterator[httpx.AsyncClient]:
    """The tablet at the room's door."""
    async with panel_of(admin, room) as client:
        yield client


@asynccontextmanager
async def panel_of(
    admin: httpx.AsyncClient, room: dict[str, Any]
) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=admin.base_url, timeout=40) as client:
        pairing = (await client.post("/api/panel/pairings")).json()["data"]
        body = {"code": pairing["code"], "name": unique("Door"), "roomId": room["id"]}
        (await admin.post("/api/admin/devices", json=body)).raise_for_status()
        secret = {"secret": pairing["secret"]}
        claimed = await client.post("/api/panel/pairings/claim", json=secret)
        client.headers["authorization"] = f"Bearer {claimed.json()['data']['token']}"
        yield client


async def state_of(client: httpx.AsyncClient, room: dict[str, Any]) -> dict[str, Any]:
    """Return a room's state, as soon as the panel service knows the room."""

    async def ask() -> httpx.Response:
        return await client.get(f"/api/panel/rooms/{room['id']}/state")

    reply = await eventually(ask, lambda reply: reply.status_code == 200, WITHIN_S)
    state: dict[str, Any] = reply.json()["data"]
    return state


async def until(
    client: httpx.AsyncClient, room: dict[str, Any], wanted: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    return await eventually(lambda: state_of(client, room), wanted, WITHIN_S)


async def book(
    client: httpx.AsyncClient, room: dict[str, Any], minutes: float = 0, length: float = 60
) -> dict[str, Any]:
    """Book a room from so many minutes from now, to the second."""
    start = (datetime.now(UTC) + timedelta(minutes=minutes)).replace(microsecond=0)
    reply = await client.post("/api/bookings", json=booking_of(room, start, length))
    assert reply.status_code == 201, reply.text
    made: dict[str, Any] = reply.json()["data"]
    return made


class TestState:
    async def test_an_empty_room(
        self, admin: httpx.AsyncClient, panel: httpx.AsyncClient, room: dict[str, Any]
    ) -> None:
        cuid = (await book(admin, room, 60 * 24 * 9))["roomId"]

        reply = await panel.get(f"/api/panel/rooms/{cuid}/state")

        answer = reply.json()
        assert answer["success"] is True
        data = answer["data"]
        updated = datetime.fromisoformat(data.pop("lastUpdated"))
        assert answer["version"] == int(updated.timestamp() * 1000)
        assert datetime.now(UTC) - updated < timedelta(minutes=5)
        assert data.pop("occupancy") is None
        assert data == {
            "room": {
                "id": cuid,
                "name": room["name"],
                "building": room["location"]["name"],
                "floor": 0,
                "capacity": 7,
            },
            "status": "available",
            "currentMeeting": None,
            "nextMeeting": None,
            "upcomingMeetings": [],
        }

    async def test_a_meeting_that_runs_and_those_that_follow(
        self,
        admin: httpx.AsyncClient,
        student: httpx.AsyncClient,
        panel: httpx.AsyncClient,
        room: dict[str, Any],
    ) -> None:
        me = (await student.get("/api/auth/me")).json()["data"]
        running = await book(admin, room, length=10)
        following = await book(student, room, 10, length=5)
        await admin.post(f"/api/bookings/{running['id']}/checkin")

        state = await until(
            panel, room, lambda state: (state["currentMeeting"] or {}).get("checkedIn", False)
        )

        assert state["status"] == "occupied"
        current = state["currentMeeting"]
        assert datetime.fromisoformat(current.pop("checkedInAt")) <= datetime.now(UTC)
        assert current.pop("checkInUntil") == running["endTime"]
        assert current == {
            "id": running["id"],
            "title": "Planning",
            "organizer": "Admin",
            "organizerEmail": "admin@example.test",
            "startTime": running["startTime"],
            "endTime": running["endTime"],
            "attendeeCount": 1,
            "checkedIn": True,
        }
        state = await until(panel, room, lambda state: state["nextMeeting"] is not None)
        assert state["nextMeeting"]["organizerEmail"] == me["email"]
        assert state["nextMeeting"]["checkedIn"] is False
        assert state["nextMeeting"]["checkedInAt"] is None
        assert [one["id"] for one in state["upcomingMeetings"]] == [following["id"]]

    async def test_near_a_meeting_it_is_upcoming_and_in_maintenance_offline(
        self, admin: httpx.AsyncClient, panel: httpx.AsyncClient, room: dict[str, Any]
    ) -> None:
        await book(admin, room, 14)
        await until(panel, room, lambda state: state["status"] == "upcoming")

        await admin.patch(f"/api/rooms/{room['id']}/", json={"is_active": False})

        await until(panel, room, lambda state: state["status"] == "offline")

    async def test_people_who_are_counted_are_told(
        self,
        admin: httpx.AsyncClient,
        panel: httpx.AsyncClient,
        room: dict[str, Any],
    ) -> None:
        camera = await make_camera(admin, room_id=room["id"])
        path = f"/api/occupancy/cameras/{camera['id']}/calibrate"
        assert (await admin.post(path, json={"occupancy_value": 4})).status_code == 200

        await until(panel, room, lambda state: state["occupancy"] == 4)

    async def test_who_asks_and_for_what(
        self,
        anyone: httpx.AsyncClient,
        student: httpx.AsyncClient,
        admin: httpx.AsyncClient,
        panel: httpx.AsyncClient,
        room: dict[str, Any],
    ) -> None:
        path = f"/api/panel/rooms/{room['id']}/state"
        refused(await anyone.get(path), 401, "unauthorized")
        assert (await student.get(path)).status_code == 200
        for nothing in ("c" + "0" * 24, "999999999", "x", "0"):
            reply = await student.get(f"/api/panel/rooms/{nothing}/state")
            assert refused(reply, 404, "not_found") == "Room not found"
        other = await make_room(admin)
        await state_of(admin, other)
        refused(await panel.get(f"/api/panel/rooms/{other['id']}/state"), 403, "forbidden")

    async def test_who_has_it_waits_for_what_comes_next(
        self, admin: httpx.AsyncClient, panel: httpx.AsyncClient, room: dict[str, Any]
    ) -> None:
        path = f"/api/panel/rooms/{room['id']}/state"
        first = await panel.get(path)
        known = {"version": first.json()["version"], "wait": 20}
        unchanged = await panel.get(path, headers={"if-none-match": first.headers["etag"]})
        began = time.monotonic()
        waiting = asyncio.create_task(panel.get(path, params=known))
        await asyncio.sleep(0.5)
        assert not waiting.done()
        await book(admin, room)

        after = (await waiting).json()

        assert unchanged.status_code == 304
        assert time.monotonic() - began < 10
        assert after["version"] > known["version"]
        assert after["data"]["status"] == "occupied"
        assert (await panel.get(path, params={**known, "wait": 31})).status_code == 400
        same = await panel.get(path, params={"version": after["version"], "wait": 1})
        assert same.json() == after


@asynccontextmanager
async def socket_of(
    client: httpx.AsyncClient, room: dict[str, Any], query: str = "", **more: Any
) -> AsyncIterator[ClientConnection]:
    token = client.headers["authorization"].removeprefix("Bearer ")
    query = query or f"?token={token}"
    url = str(client.base_url.join(f"/api/panel/rooms/{room['id']}/ws{query}"))
    async with connect(url.replace("http", "ws", 1), proxy=None, **more) as socket:
        yield socket


async def told(socket: ClientConnection, within_s: float = WITHIN_S) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(await asyncio.wait_for(socket.recv(), within_s))
    return message


async def told_until(
    socket: ClientConnection, wanted: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    async with asyncio.timeout(WITHIN_S):
        while not wanted((message := await told(socket)).get("data", {})):
            pass
    return message


async def closed_with(socket: ClientConnection) -> int:
    """Return the code with which a connection ends, whatever is said before."""
    with suppress(ConnectionClosed):
        async with asyncio.timeout(WITHIN_S):
            async for _ in socket:
                pass
    assert socket.close_code is not None
    return socket.close_code


class TestPush:
    async def test_a_room_that_was_made_a_moment_ago_is_found(
        self, admin: httpx.AsyncClient
    ) -> None:
        for _ in range(3):
            made = await make_room(admin)
            async with socket_of(admin, made) as socket:
                assert (await told(socket))["data"]["room"]["name"] == made["name"]

    async def test_all_of_it_at_first_then_each_change(
        self, admin: httpx.AsyncClient, panel: httpx.AsyncClient, room: dict[str, Any]
    ) -> None:
        async with socket_of(panel, room) as socket:
            first = await told(socket)
            answer = (await panel.get(f"/api/panel/rooms/{room['id']}/state")).json()
            assert first["type"] == "room_state_update"
            assert (first["data"], first["version"]) == (answer["data"], answer["version"])

            began = time.monotonic()
            booked = await book(admin, room)
            message = await told_until(socket, lambda data: data["status"] == "occupied")
            assert time.monotonic() - began < 5
            assert message["data"]["currentMeeting"]["id"] == booked["id"]
            assert message["version"] > first["version"]

            await panel.post(f"/api/panel/meetings/{booked['id']}/end")
            await panel.post(f"/api/panel/meetings/{booked['id']}/checkin")
            await told_until(socket, lambda data: (data["currentMeeting"] or {}).get("checkedIn"))
            await panel.post(f"/api/panel/meetings/{booked['id']}/end")
            await told_until(socket, lambda data: data["status"] == "available")

    async def test_time_alone_changes_it_at_its_moment(
        self, admin: httpx.AsyncClient, panel: httpx.AsyncClient, room: dict[str, Any]
    ) -> None:
        starts = datetime.now(UTC) + timedelta(seconds=4)
        body = {**booking_of(room, starts, 1), "startTime": iso(starts)}
        assert (await admin.post("/api/bookings", json=body)).status_code == 201

        async with socket_of(panel, room) as socket:
            await told_until(socket, lambda data: data["status"] == "upcoming")
            message = await told_until(socket, lambda data: data["status"] == "occupied")

        late = datetime.now(UTC) - starts
        assert timedelta(0) <= late < timedelta(seconds=1)
        assert message["version"] == int(starts.timestamp() * 1000)

    async def test_it_says_the_time_and_what_it_does_not_understand(
        self, panel: httpx.AsyncClient, room: dict[str, Any]
    ) -> None:
        async with socket_of(panel, room) as socket:
            first = await told(socket)
            await socket.send('{"type": "ping"}')
            pong = await told(socket)
            assert pong["type"] == "pong"
            now = datetime.fromisoformat(pong["serverTime"])
            assert abs(datetime.now(UTC) - now) < timedelta(seconds=5)
            for nonsense in ("{", "[]", '"x"', '{"type": 1}', b"\xff\x00"):
                await socket.send(nonsense)
                assert (await told(socket))["type"] == "error"
            await socket.send(json.dumps({"type": "resume", "version": first["version"] - 1}))
            assert await told(socket) == first

    async def test_who_comes_back_with_the_newest_version_is_told_what_is_newer(
        self, admin: httpx.AsyncClient, panel: httpx.AsyncClient, room: dict[str, Any]
    ) -> None:
        async with socket_of(panel, room) as socket:
            version = (await told(socket))["version"]
        token = panel.headers["authorization"].removeprefix("Bearer ")

        async with socket_of(panel, room, f"?token={token}&version={version}") as socket:
            with pytest.raises(TimeoutError):
                await told(socket, 1)
            await book(admin, room)
            assert (await told(socket))["version"] > version
        async with socket_of(panel, room, f"?token={token}&version={version}") as socket:
            assert (await told(socket))["version"] > version

    async def test_a_token_is_shown_in_whatever_way_a_client_can(
        self, panel: httpx.AsyncClient, room: dict[str, Any]
    ) -> None:
        token = panel.headers["authorization"].removeprefix("Bearer ")
        offered = [Subprotocol("atrium"), Subprotocol(f"atrium.token.{token}")]
        async with socket_of(panel, room, "?x", subprotocols=offered) as socket:
            assert (await told(socket))["type"] == "room_state_update"
            assert socket.subprotocol == "atrium"
        header = {"authorization": f"Bearer {token}"}
        async with socket_of(panel, room, "?x", additional_headers=header) as socket:
            assert (await told(socket))["type"] == "room_state_update"
        async with socket_of(panel, room, "?x") as socket:
            await socket.send(json.dumps({"type": "auth", "token": token}))
            assert (await told(socket))["type"] == "room_state_update"

    async def test_a_ticket_opens_one_connection(
        self, panel: httpx.AsyncClient, room: dict[str, Any]
    ) -> None:
        reply = await panel.post("/api/panel/tickets")
        assert reply.status_code == 201
        ticket = reply.json()["data"]["ticket"]
        async with socket_of(panel, room, f"?ticket={ticket}") as socket:
            assert (await told(socket))["type"] == "room_state_update"
        async with socket_of(panel, room, f"?ticket={ticket}") as socket:
            assert await closed_with(socket) == 4001

    @pytest.mark.parametrize("said", [None, "x", '{"type": "auth", "token": "wrong"}'])
    async def test_without_a_token_it_is_4001(
        self, panel: httpx.AsyncClient, room: dict[str, Any], said: str | None
    ) -> None:
        async with socket_of(panel, room, "?token=wrong" if said is None else "?x") as socket:
            if said is not None:
                await socket.send(said)
            assert await closed_with(socket) == 4001

    async def test_who_says_nothing_is_let_go(
        self, panel: httpx.AsyncClient, room: dict[str, Any]
    ) -> None:
        began = time.monotonic()
        async with socket_of(panel, room, "?x") as socket:
            assert await closed_with(socket) == 4001
        assert time.monotonic() - began < 5

    async def test_no_such_room_is_4004_and_another_panels_4003(
        self, admin: httpx.AsyncClient, panel: httpx.AsyncClient
    ) -> None:
        for nothing in ("c" + "0" * 24, "999999999", "x"):
            async with socket_of(panel, {"id": nothing}) as socket:
                assert await closed_with(socket) == 4004
        other = await make_room(admin)
        await state_of(admin, other)
        async with socket_of(panel, other) as socket:
            assert await closed_with(socket) == 4003

    async def test_who_says_too_much_is_let_go(
        self, panel: httpx.AsyncClient, room: dict[str, Any]
    ) -> None:
        async with socket_of(panel, room) as socket:
            for _ in range(100):
                await socket.send('{"type": "ping"}')
            assert await closed_with(socket) == 1008


class TestAtTheDoor:
    async def test_checking_in_and_ending(
        self,
        admin: httpx.AsyncClient,
        student: httpx.AsyncClient,
        panel: httpx.AsyncClient,
        room: dict[str, Any],
    ) -> None:
        booking = await book(student, room)
        path = f"/api/panel/meetings/{booking['id']}"

        early = await panel.post(f"{path}/end")
        came = await panel.post(f"{path}/checkin")
        again = await panel.post(f"{path}/checkin")
        ended = await panel.post(f"{path}/end")
        over = await panel.post(f"{path}/end")

        refused(early, 409, "conflict")
        assert (came.status_code, came.json()) == (
            200,
            {"success": True, "message": "Checked in successfully"},
        )
        assert refused(again, 409, "conflict") == "Already checked in"
        answer = ended.json()
        assert answer.pop("data") in ({"freedMinutes": 59}, {"freedMinutes": 60})
        assert answer == {"success": True, "message": "Meeting ended"}
        refused(over, 409, "conflict")
        rows = (await admin.get("/api/admin/audit", params={"limit": 100})).json()["data"]
        done = {row["actionType"]: row for row in rows["data"] if row["targetId"] == booking["id"]}
        assert done["BOOKING_CHECKED_IN"]["actor"]["name"].startswith("Door ")
        assert done["BOOKING_ENDED"]["actor"]["role"] == "PANEL"

    async def test_who_may_and_for_what(
        self,
        admin: httpx.AsyncClient,
        anyone: httpx.AsyncClient,
        panel: httpx.AsyncClient,
        room: dict[str, Any],
    ) -> None:
        booking = await book(admin, room)
        for action in ("checkin", "end", "extend"):
            path = f"/api/panel/meetings/{booking['id']}/{action}"
            refused(await anyone.post(path), 401, "unauthorized")
            nothing = f"/api/panel/meetings/{'c' + '0' * 24}/{action}"
            refused(await panel.post(nothing), 404, "not_found")
            async with panel_of(admin, await make_room(admin)) as elsewhere:
                refused(await elsewhere.post(path), 403, "forbidden")
        await admin.delete(f"/api/bookings/{booking['id']}")
        refused(await panel.post(f"/api/panel/meetings/{booking['id']}/checkin"), 409, "conflict")

    async def test_it_is_booked_on_the_spot_up_to_the_next_meeting(
        self, admin: httpx.AsyncClient, panel: httpx.AsyncClient, room: dict[str, Any]
    ) -> None:
        following = await book(admin, room, 20)
        path = f"/api/panel/rooms/{room['id']}/book"

        made = await panel.post(path, json={"minutes": 60})
        again = await panel.post(path, json={"minutes": 15})

        assert made.status_code == 201, made.text
        booking = made.json()["data"]
        assert booking["endTime"] == following["startTime"]
        assert booking["checkedIn"] is True
        assert booking["organizer"]["name"].startswith("Door ")
        assert booking["title"] == "Booked at the door"
        refused(again, 409, "conflict")
        state = await until(panel, room, lambda state: state["status"] == "occupied")
        assert state["currentMeeting"]["id"] == booking["id"]
        freed = await panel.post(f"/api/panel/meetings/{booking['id']}/end")
        assert freed.json()["data"]["freedMinutes"] == 19

    async def test_four_minutes_are_not_given_away(
        self, admin: httpx.AsyncClient, panel: httpx.AsyncClient, room: dict[str, Any]
    ) -> None:
        await book(admin, room, 4)

        refused(await panel.post(f"/api/panel/rooms/{room['id']}/book"), 409, "conflict")

    @pytest.mark.parametrize("minutes", [0, 4, 481, -5, "x", 1e9])
    async def test_strange_lengths_are_400(
        self, panel: httpx.AsyncClient, room: dict[str, Any], minutes: Any
    ) -> None:
        for path in (f"rooms/{room['id']}/book", f"meetings/{'c' + '0' * 24}/extend"):
            reply = await panel.post(f"/api/panel/{path}", json={"minutes": minutes})
            refused(reply, 400, "validation_error")

    async def test_a_meeting_lasts_longer_up_to_the_next(
        self, admin: httpx.AsyncClient, panel: httpx.AsyncClient, room: dict[str, Any]
    ) -> None:
        booking = await book(admin, room, length=10)
        following = await book(admin, room, 40)
        path = f"/api/panel/meetings/{booking['id']}/extend"

        longer = await panel.post(path)
        longest = await panel.post(path, json={"minutes": 60})
        no_more = await panel.post(path)

        ends = datetime.fromisoformat(booking["endTime"]) + timedelta(minutes=15)
        assert longer.json()["data"] == {"endTime": iso(ends)}
        assert longest.json()["data"] == {"endTime": following["startTime"]}
        refused(no_more, 409, "conflict")

    async def test_a_check_in_that_came_late_counts_when_it_was_made(
        self, admin: httpx.AsyncClient, panel: httpx.AsyncClient, room: dict[str, Any]
    ) -> None:
        start = datetime.now(UTC) - timedelta(minutes=14, seconds=58)
        body = booking_of(room, start, 60)
        booking = (await admin.post("/api/bookings", json=body)).json()["data"]
        path = f"/api/panel/meetings/{booking['id']}/checkin"

        async def status() -> str:
            day = iso(start)[:10]
            reply = await admin.get(f"/api/rooms/{room['id']}/bookings", params={"date": day})
            [found] = reply.json()["data"]
            return str(found["status"])

        await eventually(status, lambda found: found == "no_show", WITHIN_S)
        refused(await panel.post(path), 409, "conflict")
        # Before the window, and after it.
        for minutes in (-16, 15):
            when = start + timedelta(minutes=minutes)
            refused(await panel.post(path, headers=signed(panel, path, when)), 409, "conflict")

        came_at = start + timedelta(minutes=3)
        assert (await panel.post(path, headers=signed(panel, path, came_at))).status_code == 200

        assert await status() == "confirmed"
        state = await until(
            panel, room, lambda state: (state["currentMeeting"] or {}).get("checkedIn", False)
        )
        assert datetime.fromisoformat(state["currentMeeting"]["checkedInAt"]) == came_at

    async def test_a_room_that_was_given_away_meanwhile_stays_with_who_has_it(
        self, admin: httpx.AsyncClient, panel: httpx.AsyncClient, room: dict[str, Any]
    ) -> None:
        start = datetime.now(UTC) - timedelta(minutes=14, seconds=58)
        body = booking_of(room, start, 60)
        booking = (await admin.post("/api/bookings", json=body)).json()["data"]

        async def given_away() -> httpx.Response:
            return await panel.post(f"/api/panel/rooms/{room['id']}/book")

        await eventually(given_away, lambda reply: reply.status_code == 201, WITHIN_S)
        path = f"/api/panel/meetings/{booking['id']}/checkin"

        late = await panel.post(path, headers=signed(panel, path, start))

        assert "already booked" in refused(late, 409, "conflict")

    async def test_a_time_that_nobody_signed_is_refused(
        self, admin: httpx.AsyncClient, panel: httpx.AsyncClient, room: dict[str, Any]
    ) -> None:
        booking = await book(admin, room)
        path = f"/api/panel/meetings/{booking['id']}/checkin"
        now = datetime.now(UTC)
        forged = signed(panel, path, now)["x-device-time"].replace(iso(now)[:4], "2025")
        cases = [
            (forged, 401),
            (signed(panel, "/api/panel/meetings/x/checkin", now)["x-device-time"], 401),
            ("yesterday;00", 401),
            (signed(panel, path, now - timedelta(days=2))["x-device-time"], 400),
            (signed(panel, path, now + timedelta(hours=1))["x-device-time"], 400),
        ]
        for value, status in cases:
            reply = await panel.post(path, headers={"x-device-time": value})
            assert reply.status_code == status, reply.text


def signed(client: httpx.AsyncClient, path: str, when: datetime) -> dict[str, str]:
    token = client.headers["authorization"].removeprefix("Bearer ")
    said = f"POST {path} {iso(when)}"
    signature = hmac.new(token.encode(), said.encode(), hashlib.sha256).hexdigest()
    return {"x-device-time": f"{iso(when)};{signature}"}


@asynccontextmanager
async def database_of(system: System) -> AsyncIterator["asyncpg.Connection[Any]"]:
    connection = await asyncpg.connect(system.installation.postgres.url("atrium"))
    yield connection
    await connection.close()


class TestPairing:
    async def test_a_tablet_becomes_the_panel_of_a_room(
        self,
        anyone: httpx.AsyncClient,
        student: httpx.AsyncClient,
        admin: httpx.AsyncClient,
        room: dict[str, Any],
    ) -> None:
        begun = await anyone.post("/api/panel/pairings")
        assert begun.status_code == 201
        pairing = begun.json()["data"]
        secret = {"secret": pairing["secret"]}
        waiting = (await anyone.post("/api/panel/pairings/claim", json=secret)).json()["data"]
        assert waiting["status"] == "waiting"
        body = {"code": pairing["code"].lower(), "name": unique("Door"), "roomId": room["id"]}
        assert (await student.post("/api/admin/devices", json=body)).status_code == 403
        made = await admin.post("/api/admin/devices", json=body)
        assert made.status_code == 201, made.text
        again = await admin.post("/api/admin/devices", json={**body, "name": unique("Door")})
        assert again.status_code == 404

        first = (await anyone.post("/api/panel/pairings/claim", json=secret)).json()["data"]
        # The first answer was lost.
        paired = (await anyone.post("/api/panel/pairings/claim", json=secret)).json()["data"]

        device = made.json()["data"]
        assert paired["status"] == "paired"
        assert paired["device"] == {
            "id": device["id"],
            "name": body["name"],
            "roomId": room["id"],
        }
        panel = httpx.AsyncClient(
            base_url=anyone.base_url, headers={"authorization": f"Bearer {paired['token']}"}
        )
        assert first["token"] != paired["token"]
        async with panel:
            assert (await state_of(panel, room))["status"] == "available"
            status = await panel.put(
                "/api/panel/device", json={"appVersion": "1.2", "battery": 0.5}
            )
            assert status.json()["data"]["device"]["roomId"] == room["id"]
            listed = (await admin.get("/api/admin/devices")).json()["data"]
            [mine] = [one for one in listed if one["id"] == device["id"]]
            assert (mine["status"], mine["appVersion"], mine["battery"]) == ("online", "1.2", 0.5)
            assert (mine["kind"], mine["roomId"]) == ("panel", room["id"])

            async with socket_of(panel, room) as socket:
                await told(socket)
                began = time.monotonic()
                gone = await admin.delete(f"/api/admin/devices/{device['id']}")
                assert gone.json()["data"] == {"revoked": True}
                assert await closed_with(socket) == 4001
                assert time.monotonic() - began < 5
            assert (await panel.get(f"/api/panel/rooms/{room['id']}/state")).status_code == 401
        gone = await admin.delete(f"/api/admin/devices/{device['id']}")
        assert (gone.status_code, gone.json()["error"]) == (404, "Device not found")
        over = await anyone.post("/api/panel/pairings/claim", json=secret)
        assert refused(over, 404, "not_found").startswith("This code is no longer good")

    async def test_a_code_is_good_for_ten_minutes(
        self,
        system: System,
        anyone: httpx.AsyncClient,
        admin: httpx.AsyncClient,
        room: dict[str, Any],
    ) -> None:
        late, slow = [(await anyone.post("/api/panel/pairings")).json()["data"] for _ in range(2)]
        bodies = [
            {"code": one["code"], "name": unique("Door"), "roomId": room["id"]}
            for one in (late, slow)
        ]
        assert (await admin.post("/api/admin/devices", json=bodies[1])).status_code == 201
        codes = [one["code"].replace("-", "") for one in (late, slow)]
        async with database_of(system) as database:
            left = await database.fetch(
                "SELECT expires_at - now() FROM accounts.pairings WHERE code = ANY($1)", codes
            )
            assert all(timedelta(minutes=9) < row[0] <= timedelta(minutes=10) for row in left)

            # Ten minutes later.
            await database.execute(
                "UPDATE accounts.pairings SET expires_at = now() WHERE code = ANY($1)", codes
            )
            confirmed = await admin.post("/api/admin/devices", json=bodies[0])
            claimed = [
                await anyone.post("/api/panel/pairings/claim", json={"secret": one["secret"]})
                for one in (late, slow)
            ]
            await anyone.post("/api/panel/pairings")
            kept = await database.fetchval(
                "SELECT count(*) FROM accounts.pairings WHERE code = ANY($1)", codes
            )

        assert len(left) == 2
        assert (confirmed.status_code, confirmed.json()["error"]) == (
            404,
            "No panel shows this code, or not any more; look at it again.",
        )
        for reply in claimed:
            assert refused(reply, 404, "not_found").startswith("This code is no longer good")
        listed = (await admin.get("/api/admin/devices")).json()["data"]
        assert bodies[0]["name"] not in {one["name"] for one in listed}
        assert kept == 0

    async def test_what_is_wrong_is_named(
        self, anyone: httpx.AsyncClient, admin: httpx.AsyncClient, room: dict[str, Any]
    ) -> None:
        code = (await anyone.post("/api/panel/pairings")).json()["data"]["code"]
        good = {"code": code, "name": unique("Door"), "roomId": room["id"]}

        unknown = await admin.post("/api/admin/devices", json={**good, "code": "AAAA-AAAA"})
        nowhere = await admin.post("/api/admin/devices", json={**good, "roomId": 999999999})
        nameless = await admin.post("/api/admin/devices", json={**good, "name": " "})
        paired = await admin.post("/api/admin/devices", json=good)

        assert (unknown.status_code, nowhere.status_code) == (404, 400)
        assert nowhere.json()["fields"] == {"roomId": "Room not found"}
        assert "name" in nameless.json()["fields"]
        assert paired.status_code == 201
        other = (await anyone.post("/api/panel/pairings")).json()["data"]["code"]
        taken = await admin.post("/api/admin/devices", json={**good, "code": other})
        assert taken.status_code == 409
        wrong = await anyone.post("/api/panel/pairings/claim", json={"secret": "x"})
        refused(wrong, 404, "not_found")
