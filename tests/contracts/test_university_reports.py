"""Document 003 (`university`): reports and the export, through the gateway; figures by hand."""

import csv
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from making import booking_of, make_location, make_room, unique
from running_system import System, eventually

REPORTS = ("utilization", "peak-hours", "bookings-by-role")
# Two weeks in which no other test books; the first is the 19th of 2031.
MONDAY = datetime(2031, 5, 5, tzinfo=UTC)
SINCE = {"startDate": "2031-05-05T00:00:00Z", "weeks": "2"}
HEADER = (
    "Booking ID,Room Name,Building,User Name,User Email,User Role,Department,Start Time,End Time,"
    "Duration (hours),Purpose,Is Override,Created At"
)


@pytest.fixture
async def reader(system: System) -> AsyncIterator[httpx.AsyncClient]:
    """An admin at the university edition."""
    async with system.client("ADMIN", university=True) as client:
        yield client


async def report(client: httpx.AsyncClient, name: str, **query: str) -> Any:
    reply = await client.get(f"/api/admin/reports/{name}", params={**SINCE, **query})
    assert reply.status_code == 200, reply.text
    assert reply.json()["success"] is True
    return reply.json()["data"]


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return MONDAY + timedelta(days=day, hours=hour, minutes=minute)


@pytest.fixture
async def room(
    reader: httpx.AsyncClient,
    admin: httpx.AsyncClient,
    faculty: httpx.AsyncClient,
    student: httpx.AsyncClient,
) -> AsyncIterator[dict[str, Any]]:
    """A room with four bookings in the two weeks, which are taken back."""
    building = await make_location(admin)
    made = await make_room(admin, location=building["id"])
    booked = []
    for client, start, minutes in (
        (student, at(0, 9), 90),  # Monday 09:00-10:30
        (student, at(2, 10), 60),  # Wednesday 10:00-11:00
        (faculty, at(6, 23), 120),  # over the midnight from Sunday to Monday
        (admin, at(8, 9, 30), 15),  # Tuesday of the second week
    ):
        body = {**booking_of(made, start, minutes), "title": "=1+1"}
        reply = (await client.post("/api/bookings", json=body)).raise_for_status()
        booked.append((client, reply.json()["data"]["id"]))

    async def counted() -> int:
        return int((await report(reader, "bookings-by-role"))["total"]["count"])

    await eventually(counted, lambda count: count == 4)
    yield {**made, "building": building["name"], "bookings": [one for _, one in booked]}
    for client, booking_id in booked:
        (await client.delete(f"/api/bookings/{booking_id}")).raise_for_status()
    await eventually(counted, lambda count: count == 0)


async def test_utilization_lists_rooms_in_use_by_iso_week(
    reader: httpx.AsyncClient, admin: httpx.AsyncClient, room: dict[str, Any]
) -> None:
    empty = await make_room(admin, location=room["location"]["id"], name=unique("A room"))

    async def ours() -> list[dict[str, Any]]:
        shown = await report(reader, "utilization")
        return [one for one in shown if one["building"] == room["building"]]

    found = await eventually(ours, lambda shown: len(shown) == 2)

    weeks = [{"week": "2031-W19", "hours": 0.0}, {"week": "2031-W20", "hours": 0.0}]
    for one in found:
        assert one.pop("roomId").startswith("c")
    assert found[0] == {
        "roomName": empty["name"],
        "building": room["building"],
        "totalHours": 0.0,
        "avgHoursPerWeek": 0.0,
        "weeklyBreakdown": weeks,
    }
    # 1.5 + 1 + 1, and 1 + 0.25: 4.75 h in two weeks.
    assert found[1] == {
        "roomName": room["name"],
        "building": room["building"],
        "totalHours": 4.8,
        "avgHoursPerWeek": 2.4,
        "weeklyBreakdown": [
            {"week": "2031-W19", "hours": 3.5},
            {"week": "2031-W20", "hours": 1.3},
        ],
    }
    (await admin.patch(f"/api/rooms/{empty['id']}/", json={"is_active": False})).raise_for_status()
    await eventually(ours, lambda shown: len(shown) == 1)


@pytest.mark.usefixtures("room")
async def test_peak_hours_count_a_booking_in_each_hour_it_lasts_into(
    reader: httpx.AsyncClient,
) -> None:
    shown = await report(reader, "peak-hours")

    counts = {one["hourLabel"]: one["count"] for one in shown["peakHours"] if one["count"]}
    assert counts == {"12 AM": 1, "9 AM": 2, "10 AM": 2, "11 PM": 1}
    assert [one["hour"] for one in shown["peakHours"]] == list(range(24))
    assert [shown["peakHours"][hour]["hourLabel"] for hour in (12, 13)] == ["12 PM", "1 PM"]
    assert (shown["peakHour"], shown["maxCount"]) == (9, 2)
    first_week = await report(reader, "peak-hours", weeks="1")
    assert sum(one["count"] for one in first_week["peakHours"]) == 4


@pytest.mark.usefixtures("room")
async def test_bookings_by_role_are_by_the_organizers(reader: httpx.AsyncClient) -> None:
    assert await report(reader, "bookings-by-role") == {
        "byRole": [
            {"role": "STUDENT", "count": 2, "hours": 2.5, "percentage": 50.0},
            {"role": "FACULTY", "count": 1, "hours": 2.0, "percentage": 25.0},
            {"role": "ADMIN", "count": 1, "hours": 0.3, "percentage": 25.0},
        ],
        "total": {"count": 4, "hours": 4.8},
    }
    nobody = await report(reader, "bookings-by-role", startDate="2031-06-05T00:00:00Z")
    assert [one["role"] for one in nobody["byRole"]] == ["STUDENT", "FACULTY", "ADMIN"]
    assert nobody["total"] == {"count": 0, "hours": 0.0}


async def test_bookings_are_exported_as_a_table(
    reader: httpx.AsyncClient, room: dict[str, Any]
) -> None:
    query = {"startDate": "2031-05-05T00:00:00Z", "endDate": "2031-05-11T23:00:00Z"}

    reply = await reader.get("/api/admin/reports/export", params=query)

    assert reply.status_code == 200
    assert reply.headers["content-type"] == "text/csv; charset=utf-8"
    name = "bookings-2031-05-05-to-2031-05-11.csv"
    assert reply.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert reply.text.splitlines()[0] == HEADER
    rows = list(csv.DictReader(reply.text.splitlines()))
    # The end is not part of it.
    assert [row["Booking ID"] for row in rows] == room["bookings"][:2]
    created = rows[0].pop("Created At")
    assert datetime.now(UTC) - datetime.fromisoformat(created) < timedelta(minutes=10)
    assert rows[0] == {
        "Booking ID": room["bookings"][0],
        "Room Name": room["name"],
        "Building": room["building"],
        "User Name": "Student",
        "User Email": "student@example.test",
        "User Role": "STUDENT",
        "Department": "",
        "Start Time": "2031-05-05T09:00:00Z",
        "End Time": "2031-05-05T10:30:00Z",
        "Duration (hours)": "1.5",
        "Purpose": "'=1+1",
        "Is Override": "No",
    }
    whole_day = await reader.get(
        "/api/admin/reports/export", params={**query, "endDate": "2031-05-11"}
    )
    assert len(whole_day.text.splitlines()) == 4


async def test_without_a_range_reports_are_of_the_last_weeks(reader: httpx.AsyncClient) -> None:
    for name in REPORTS:
        assert (await reader.get(f"/api/admin/reports/{name}")).status_code == 200
    reply = await reader.get("/api/admin/reports/export")
    today, before = datetime.now(UTC), datetime.now(UTC) - timedelta(days=30)
    assert (
        f"bookings-{before:%Y-%m-%d}-to-{today:%Y-%m-%d}.csv"
        in reply.headers["content-disposition"]
    )


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"weeks": "0"}, "weeks"),
        ({"weeks": "53"}, "weeks"),
        ({"weeks": "-4"}, "weeks"),
        ({"weeks": "4.5"}, "weeks"),
        ({"weeks": "four"}, "weeks"),
        ({"weeks": "9" * 40}, "weeks"),
        ({"startDate": "yesterday"}, "startDate"),
        ({"startDate": "2031-02-30"}, "startDate"),
        ({"startDate": "9999-12-31T00:00:00Z"}, "startDate"),
        ({"startDate": "2" * 100}, "startDate"),
    ],
    ids=str,
)
async def test_what_is_no_range_is_refused(
    reader: httpx.AsyncClient, name: str, query: dict[str, str], field: str
) -> None:
    reply = await reader.get(f"/api/admin/reports/{name}", params=query)

    body = reply.json()
    assert (reply.status_code, body["success"], body["statusCode"]) == (400, False, 400)
    assert list(body["fields"]) == [field]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"startDate": "2031-05-05", "endDate": "2031-05-04T00:00:00Z"}, "endDate"),
        ({"startDate": "2001-01-01", "endDate": "2031-01-01"}, "endDate"),
        ({"startDate": "never"}, "startDate"),
        ({"endDate": "never"}, "endDate"),
    ],
    ids=str,
)
async def test_an_export_of_no_range_is_refused(
    reader: httpx.AsyncClient, query: dict[str, str], field: str
) -> None:
    reply = await reader.get("/api/admin/reports/export", params=query)

    assert (reply.status_code, list(reply.json()["fields"])) == (400, [field])


async def test_only_admins_may_read_reports(
    anyone: httpx.AsyncClient, student: httpx.AsyncClient, staff: httpx.AsyncClient
) -> None:
    for name in (*REPORTS, "export"):
        for client, status in ((anyone, 401), (student, 403), (staff, 403)):
            reply = await client.get(f"/api/admin/reports/{name}")
            assert (reply.status_code, reply.json()["statusCode"]) == (status, status)
