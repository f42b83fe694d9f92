"""What a timeline shows, what would come of a booking, and what is one's own."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest
from making import booking_of, iso, make_room, request_of, soon, unique
from running_system import System, eventually

TAKEN = "Room is already booked for the requested time slot."
DAY = timedelta(days=1)


@pytest.fixture
async def room(admin: httpx.AsyncClient) -> dict[str, Any]:
    return await make_room(admin, capacity=7)


async def known(client: httpx.AsyncClient, room: dict[str, Any]) -> dict[str, Any]:
    """Wait until the timeline knows a room, as it is now."""

    async def look() -> list[dict[str, Any]]:
        rooms = (await client.get("/api/timeline/rooms")).raise_for_status().json()["data"]
        return [one for one in rooms if one["name"] == room["name"]]

    [found] = await eventually(look, lambda found: len(found) == 1)
    shown: dict[str, Any] = found
    return shown


async def timeline(
    client: httpx.AsyncClient, start: datetime, end: datetime
) -> dict[str, list[dict[str, Any]]]:
    reply = await client.get("/api/timeline", params={"from": iso(start), "to": iso(end)})
    shown: dict[str, list[dict[str, Any]]] = reply.raise_for_status().json()["data"]
    return shown


async def test_rooms_come_with_their_rules(
    admin: httpx.AsyncClient, student: httpx.AsyncClient, room: dict[str, Any]
) -> None:
    rules = {"buffer_after": 10, "max_minutes": 120, "horizon_days": 90}
    path = f"/api/booking-policies/{room['id']}/"
    (await admin.put(path, json=rules)).raise_for_status()
    change = {"restrictedRoles": ["FACULTY"], "isLocked": True}
    (await admin.put(f"/api/admin/rooms/{room['id']}", json=change)).raise_for_status()

    async def look() -> dict[str, Any]:
        return await known(student, room)

    shown = await eventually(look, lambda one: one["isLocked"])

    assert shown["mayBook"] is False
    assert (await known(admin, room))["mayBook"] is True
    assert shown["restrictedRoles"] == ["FACULTY"]
    assert (shown["building"], shown["capacity"]) == (room["location"]["name"], 7)
    assert (shown["timezone"], shown["opensAt"], shown["closesAt"]) == ("UTC", "07:00", "19:00")
    assert shown["rules"] == {
        "bufferBefore": 0,
        "bufferAfter": 10,
        "pendingHolds": False,
        "checkInOpens": 15,
        "checkInCloses": 15,
        "horizonDays": 90,
        "minMinutes": None,
        "maxMinutes": 120,
    }


async def test_a_timeline_shows_what_is_booked_and_closed(
    system: System,
    admin: httpx.AsyncClient,
    faculty: httpx.AsyncClient,
    student: httpx.AsyncClient,
    room: dict[str, Any],
) -> None:
    shown = await known(admin, room)
    path = f"/api/booking-policies/{room['id']}/"
    (await admin.put(path, json={"buffer_after": 10})).raise_for_status()
    start = soon(60)
    made = await faculty.post("/api/bookings", json=booking_of(room, start))
    booking = made.raise_for_status().json()["data"]
    asked = request_of(room, start + timedelta(hours=4))
    (await student.post(f"{system.university_url}/api/requests", json=asked)).raise_for_status()
    closed = {
        "room": room["id"],
        "start_at": iso(start + DAY),
        "end_at": iso(start + 2 * DAY),
        "reason": "Painting",
    }
    (await admin.post("/api/blackouts/", json=closed)).raise_for_status()

    async def of_room(client: httpx.AsyncClient) -> list[dict[str, Any]]:
        found = (await timeline(client, start - DAY, start + DAY))["bookings"]
        return [one for one in found if one["roomId"] == shown["id"]]

    [theirs] = await of_room(faculty)
    assert theirs == {
        "id": booking["id"],
        "roomId": shown["id"],
        "startTime": booking["startTime"],
        "endTime": booking["endTime"],
        "heldFrom": booking["startTime"],
        "heldUntil": iso(start + timedelta(minutes=70)),
        "holds": True,
        "status": "confirmed",
        "title": "Planning",
        "organizer": "Faculty",
        "isMine": True,
        "mayChange": True,
        "checkedIn": False,
        "seriesId": None,
    }
    # A request is seen by who made it and by who decides; it holds nothing here.
    seen, waiting = await of_room(student)
    assert (seen["isMine"], seen["mayChange"]) == (False, False)
    assert (waiting["status"], waiting["holds"], waiting["isMine"]) == ("pending", False, True)
    assert [one["title"] for one in await of_room(admin)] == ["Planning", "Team meeting"]
    # It would keep others out here, who see that and no more.
    (await admin.put(path, json={"pending_holds": True})).raise_for_status()
    asked = request_of(room, start + timedelta(hours=6))
    (await student.post(f"{system.university_url}/api/requests", json=asked)).raise_for_status()
    *_, held = await of_room(faculty)
    assert (held["title"], held["organizer"], held["holds"]) == (None, None, True)
    closed_then = (await timeline(student, start, start + 2 * DAY))["blackouts"]
    assert [one["reason"] for one in closed_then if one["roomId"] == shown["id"]] == ["Painting"]
    # What is cancelled is gone, and what has ended before is not shown.
    (await faculty.delete(f"/api/bookings/{booking['id']}")).raise_for_status()
    assert booking["id"] not in [one["id"] for one in await of_room(student)]
    later = (await timeline(admin, start + 3 * DAY, start + 4 * DAY))["bookings"]
    assert [one for one in later if one["roomId"] == shown["id"]] == []


async def test_what_is_the_same_is_not_sent_again(student: httpx.AsyncClient) -> None:
    params = {"from": "2031-01-01T00:00:00Z", "to": "2031-01-02T00:00:00Z"}
    first = await student.get("/api/timeline", params=params)
    tag = {"if-none-match": first.headers["etag"]}

    again = await student.get("/api/timeline", params=params, headers=tag)

    assert (again.status_code, again.content) == (304, b"")
    # Nor is what the browser has thrown away.
    kept = {reply.headers["cache-control"] for reply in (first, again)}
    assert kept == {"private, no-cache"}


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2031-01-02T00:00:00Z", "2031-01-01T00:00:00Z"),
        ("2031-01-01T00:00:00Z", "2031-03-01T00:00:00Z"),
        ("2031-01-01", "2031-01-02T00:00:00Z"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
    ],
    ids=["backwards", "too long", "a day", "the end of time"],
)
async def test_a_time_that_cannot_be_shown(
    student: httpx.AsyncClient, start: str, end: str
) -> None:
    reply = await student.get("/api/timeline", params={"from": start, "to": end})

    assert reply.status_code == 400
    assert reply.json()["code"] == "validation_error"


async def test_what_would_come_of_a_series(
    admin: httpx.AsyncClient, student: httpx.AsyncClient, room: dict[str, Any]
) -> None:
    start = soon(60).replace(hour=10, minute=0) + 7 * DAY
    other = await admin.post("/api/bookings", json=booking_of(room, start + DAY))
    assert other.status_code == 201, other.text
    day = (start + 2 * DAY).date()
    closed = {"date": str(day), "name": unique("Holiday")}
    holiday = (await admin.post("/api/holidays/", json=closed)).raise_for_status().json()
    body = {key: value for key, value in booking_of(room, start).items() if key != "title"}
    series = {**body, "recurrenceRule": "FREQ=DAILY;COUNT=4"}

    shown = await student.post("/api/bookings/preview", json=series)
    made = await student.post("/api/bookings", json={**series, "title": "Course"})
    again = await student.post("/api/bookings/preview", json=body)
    (await admin.delete(f"/api/holidays/{holiday['id']}/")).raise_for_status()

    # It is what then is booked, and nothing was booked by looking.
    occurrences = shown.raise_for_status().json()["data"]["occurrences"]
    assert [one["startTime"] for one in occurrences] == [iso(start + n * DAY) for n in range(4)]
    reasons = [one["reason"] for one in occurrences]
    assert (reasons[0], reasons[1], reasons[3]) == (None, TAKEN, None)
    assert closed["name"] in reasons[2]
    assert [
        (one["startTime"], one["reason"])
        for one in made.raise_for_status().json()["data"]["series"]["skipped"]
    ] == [(one["startTime"], one["reason"]) for one in occurrences if one["reason"]]
    assert [one["reason"] for one in again.json()["data"]["occurrences"]] == [TAKEN]


async def test_a_preview_is_refused_as_the_booking_would_be(
    admin: httpx.AsyncClient, student: httpx.AsyncClient, room: dict[str, Any]
) -> None:
    await known(admin, room)
    path = f"/api/booking-policies/{room['id']}/"
    (await admin.put(path, json={"max_minutes": 30})).raise_for_status()
    body = {key: value for key, value in booking_of(room, soon(60)).items() if key != "title"}

    too_long = await student.post("/api/bookings/preview", json=body)
    backwards = {**body, "endTime": body["startTime"]}
    wrong = await student.post("/api/bookings/preview", json=backwards)
    nowhere = await student.post("/api/bookings/preview", json={**body, "roomId": "c" + 24 * "0"})

    assert (too_long.status_code, too_long.json()["code"]) == (409, "conflict")
    assert "max_minutes" in too_long.json()["message"]
    assert (wrong.status_code, nowhere.status_code) == (400, 404)


async def test_ones_own_bookings(
    system: System, admin: httpx.AsyncClient, student: httpx.AsyncClient, room: dict[str, Any]
) -> None:
    start = datetime.combine(date(2034, 5, 1), datetime.min.time(), UTC)
    mine = await student.post("/api/bookings", json=booking_of(room, start))
    other = await admin.post("/api/bookings", json=booking_of(room, start + DAY))
    assert (mine.status_code, other.status_code) == (201, 201)
    when = {"from": iso(start), "to": iso(start + 2 * DAY)}

    listed = await student.get("/api/bookings", params={**when, "mine": "true"})
    all_of_them = await student.get("/api/bookings", params=when | {"roomId": room["id"]})

    [one] = listed.raise_for_status().json()["data"]["data"]
    assert one["id"] == mine.json()["data"]["id"]
    assert one["checkIn"] == {
        "opensAt": iso(start - timedelta(minutes=15)),
        "closesAt": iso(start + timedelta(minutes=15)),
    }
    assert (one["checkedInAt"], one["endedAt"], one["room"]["timezone"]) == (None, None, "UTC")
    assert len(all_of_them.json()["data"]["data"]) == 2
