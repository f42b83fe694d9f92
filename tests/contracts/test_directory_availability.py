"""Document 001 (`directory`): when rooms are free, through the gateway of a running system."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import msgspec
import pytest
from making import make, make_location, make_room, unique
from publishing import Publisher, booking, publisher
from running_system import System, eventually

WEEKDAYS = {
    "start_datetime": "2027-01-04T08:00:00Z",  # a Monday, 09:00 in Berlin
    "end_datetime": "2027-01-04T17:00:00Z",
    "recurrence_rule": "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
}


@pytest.fixture
async def tell(system: System) -> AsyncIterator[Publisher]:
    async with publisher(system) as one:
        yield one


async def in_zone(admin: httpx.AsyncClient, zone: str) -> int:
    location = await make(admin, "/api/locations/", name=unique("Building"), timezone=zone)
    return int(location["id"])


async def slots(
    client: httpx.AsyncClient, room_id: int, first: str, last: str
) -> list[dict[str, Any]]:
    reply = await client.get(
        f"/api/rooms/{room_id}/availability", params={"start_date": first, "end_date": last}
    )
    assert reply.status_code == 200, reply.text
    answer = reply.json()
    assert answer.keys() == {"room_id", "availability"}
    assert answer["room_id"] == room_id
    days: list[dict[str, Any]] = answer["availability"]
    return days


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# --- one room -----------------------------------------------------------------------------------


async def test_free_slots_are_the_windows_without_the_bookings(
    anyone: httpx.AsyncClient, admin: httpx.AsyncClient, tell: Publisher
) -> None:
    room = await make_room(admin, location=await in_zone(admin, "Europe/Berlin"), **WEEKDAYS)
    for starts, ends in (("10:00", "11:00"), ("13:00", "14:30"), ("16:30", "18:00")):
        await tell.booking(
            booking(room["id"], utc(f"2027-01-05T{starts}"), utc(f"2027-01-05T{ends}"))
        )
    await tell.booking(booking(room["id"], utc("2027-01-06T07:00"), utc("2027-01-06T20:00")))

    days = await eventually(
        lambda: slots(anyone, room["id"], "2027-01-05", "2027-01-10"),
        lambda seen: len(seen) == 3,
    )

    assert days == [
        {
            "date": "2027-01-05",
            "slots": [
                {"start": "2027-01-05T08:00:00Z", "end": "2027-01-05T10:00:00Z"},
                {"start": "2027-01-05T11:00:00Z", "end": "2027-01-05T13:00:00Z"},
                {"start": "2027-01-05T14:30:00Z", "end": "2027-01-05T16:30:00Z"},
            ],
        },
        # Wednesday is taken as a whole; Saturday and Sunday are closed.
        {
            "date": "2027-01-07",
            "slots": [{"start": "2027-01-07T08:00:00Z", "end": "2027-01-07T17:00:00Z"}],
        },
        {
            "date": "2027-01-08",
            "slots": [{"start": "2027-01-08T08:00:00Z", "end": "2027-01-08T17:00:00Z"}],
        },
    ]


async def test_what_holds_a_room_is_what_its_newest_version_says(
    anyone: httpx.AsyncClient, admin: httpx.AsyncClient, tell: Publisher
) -> None:
    room = await make_room(admin, location=await in_zone(admin, "UTC"), **WEEKDAYS)
    marker = booking(room["id"], utc("2027-01-05T16:00"), utc("2027-01-05T17:00"))

    async def free() -> list[tuple[str, str]]:
        found = await slots(anyone, room["id"], "2027-01-05", "2027-01-05")
        return [(one["start"][11:16], one["end"][11:16]) for day in found for one in day["slots"]]

    async def seen_after(*told: Any) -> list[tuple[str, str]]:
        """Tell in this order; what comes last on the topic shows that all has been taken."""
        nonlocal marker
        for one in told:
            await tell.booking(one)
        holds = not marker.holds if marker.version > 1 else True
        marker = msgspec.structs.replace(marker, version=marker.version + 1, holds=holds)
        await tell.booking(marker)
        shown = await eventually(free, lambda seen: seen[-1][1] == ("16:00" if holds else "17:00"))
        return [span for span in shown if span[0] < "16:00"]

    first = booking(room["id"], utc("2027-01-05T10:00"), utc("2027-01-05T11:00"))
    moved = msgspec.structs.replace(
        first,
        version=3,
        starts_at=utc("2027-01-05T12:00"),
        ends_at=utc("2027-01-05T13:00"),
        held_from=utc("2027-01-05T11:45"),
        held_until=utc("2027-01-05T13:15"),
    )
    cancelled = msgspec.structs.replace(moved, version=4, status="cancelled", holds=False)

    # The version before comes late: it is not taken.
    assert await seen_after(moved, first) == [("08:00", "11:45"), ("13:15", "16:00")]
    assert await seen_after(cancelled, moved) == [("08:00", "17:00")]


async def test_either_id_either_slash_and_a_poll_that_finds_nothing_new(
    anyone: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    room = await make_room(admin, **WEEKDAYS)
    shown = await admin.get("/api/rooms", params={"search": room["name"]})
    cuid = shown.json()["data"][0]["id"]
    query = {"start_date": "2027-01-05", "end_date": "2027-01-05"}

    replies = [
        await anyone.get(f"/api/rooms/{room_id}/availability{slash}", params=query)
        for room_id in (room["id"], cuid)
        for slash in ("", "/")
    ]
    known = {"if-none-match": replies[0].headers["etag"]}
    again = await anyone.get(f"/api/rooms/{cuid}/availability", params=query, headers=known)

    assert [reply.status_code for reply in replies] == [200] * 4
    assert len({reply.text for reply in replies}) == 1
    assert replies[0].json()["room_id"] == room["id"]
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ({}, "end_date is required"),
        ({"start_date": "2027-01-05"}, "end_date is required"),
        ({"end_date": ""}, "end_date is required"),
        ({"end_date": "tomorrow"}, "Invalid date format."),
        ({"end_date": "2027-1-5"}, "Invalid date format."),
        ({"end_date": "20270105"}, "Invalid date format."),
        ({"end_date": "2027-W01-1"}, "Invalid date format."),
        ({"end_date": "2027-02-30"}, "Invalid date format."),
        ({"end_date": "2027-01-05T00:00:00Z"}, "Invalid date format."),
        ({"end_date": "٢٠٢٧-٠١-٠٥"}, "Invalid date format."),
        ({"end_date": "2027-01-05\u0000"}, "Invalid date format."),
        ({"start_date": "x" * 5000, "end_date": "2027-01-05"}, "Invalid date format."),
        ({"start_date": "05.01.2027", "end_date": "2027-01-05"}, "Invalid date format."),
        (
            {"start_date": "2027-01-01", "end_date": "2027-02-12"},
            "At most 42 days can be asked for at once.",
        ),
        ({"end_date": "9999-12-31"}, "At most 42 days can be asked for at once."),
        (
            {"start_date": "0001-01-01", "end_date": "9999-12-31"},
            "At most 42 days can be asked for at once.",
        ),
    ],
    ids=lambda value: str(value)[:50],
)
async def test_days_that_cannot_be_asked_for_are_400(
    anyone: httpx.AsyncClient, admin: httpx.AsyncClient, query: dict[str, str], text: str
) -> None:
    room = await make_room(admin, **WEEKDAYS)

    reply = await anyone.get(f"/api/rooms/{room['id']}/availability", params=query)

    assert (reply.status_code, reply.json()) == (400, {"detail": text})


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("2020-01-05", "2020-01-11"),
        ("2027-01-09", "2027-01-05"),
        ("0001-01-01", "0001-01-01"),
        ("9999-12-31", "9999-12-31"),
        ("9999-12-31", "0001-01-01"),
    ],
)
async def test_a_range_without_a_future_is_empty(
    anyone: httpx.AsyncClient, admin: httpx.AsyncClient, first: str, last: str
) -> None:
    room = await make_room(admin, **WEEKDAYS)

    assert await slots(anyone, room["id"], first, last) == []


async def test_42_days_may_be_asked_for_at_once(
    anyone: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    room = await make_room(admin, **WEEKDAYS)

    assert len(await slots(anyone, room["id"], "2027-02-01", "2027-03-14")) == 30


async def test_a_room_that_nobody_can_have_has_no_slots(
    anyone: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    inactive = await make_room(admin, **WEEKDAYS, is_active=False)
    locked = await make_room(admin, **WEEKDAYS)
    await admin.put(f"/api/admin/rooms/{locked['id']}", json={"isLocked": True})

    for room in (inactive, locked):
        assert await slots(anyone, room["id"], "2027-01-05", "2027-01-05") == []


@pytest.mark.parametrize("room_id", ["999999", "x", "0", "9" * 30])
async def test_an_unknown_room_is_404(anyone: httpx.AsyncClient, room_id: str) -> None:
    reply = await anyone.get(f"/api/rooms/{room_id}/availability/?end_date=2027-01-05")

    assert reply.status_code == 404
    assert reply.json() == {"detail": "No Room matches the given query."}


async def test_today_begins_now(anyone: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    zone = "Asia/Tehran"
    room = await make_room(
        admin,
        location=await in_zone(admin, zone),
        start_datetime="2026-01-04T20:30:00Z",  # midnight there
        end_datetime="2026-01-05T20:30:00Z",
        recurrence_rule="FREQ=DAILY",
    )
    before = datetime.now(UTC)
    today = before.astimezone(ZoneInfo(zone)).date()
    query = {"end_date": (today + timedelta(days=1)).isoformat()}

    reply = await anyone.get(f"/api/rooms/{room['id']}/availability", params=query)

    first, *_, last = reply.json()["availability"]
    starts = datetime.fromisoformat(first["slots"][0]["start"])
    assert before <= starts <= datetime.now(UTC) + timedelta(seconds=1)
    assert first["date"] == starts.astimezone(ZoneInfo(zone)).date().isoformat()
    assert last == {
        "date": query["end_date"],
        "slots": [
            {
                "start": f"{today}T20:30:00Z",
                "end": f"{today + timedelta(days=1)}T20:30:00Z",
            }
        ],
    }


async def test_a_room_without_windows_is_open_by_its_buildings_hours(
    anyone: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    location = await make(
        admin,
        "/api/locations/",
        name=unique("Building"),
        timezone="America/New_York",
        opens_at="08:30",
        closes_at="20:00",
    )
    body = {"name": "Room 101", "building": location["name"], "capacity": 5}
    made = (await admin.post("/api/admin/rooms", json=body)).json()["data"]

    reply = await anyone.get(
        f"/api/rooms/{made['id']}/availability/?start_date=2027-01-09&end_date=2027-01-10"
    )

    assert reply.json()["availability"] == [
        {
            "date": "2027-01-09",
            "slots": [{"start": "2027-01-09T13:30:00Z", "end": "2027-01-10T01:00:00Z"}],
        },
        {
            "date": "2027-01-10",
            "slots": [{"start": "2027-01-10T13:30:00Z", "end": "2027-01-11T01:00:00Z"}],
        },
    ]


async def test_a_window_over_midnight_is_part_of_both_days(
    anyone: httpx.AsyncClient, admin: httpx.AsyncClient, tell: Publisher
) -> None:
    room = await make_room(
        admin,
        location=await in_zone(admin, "Europe/Berlin"),
        start_datetime="2027-01-08T21:00:00Z",  # Friday 22:00 there
        end_datetime="2027-01-09T05:00:00Z",
    )
    await tell.booking(booking(room["id"], utc("2027-01-08T22:30"), utc("2027-01-08T23:30")))

    days = await eventually(
        lambda: slots(anyone, room["id"], "2027-01-01", "2027-01-31"),
        lambda seen: seen[0]["slots"][0]["end"] == "2027-01-08T22:30:00Z",
    )

    assert days == [
        {
            "date": "2027-01-08",
            "slots": [{"start": "2027-01-08T21:00:00Z", "end": "2027-01-08T22:30:00Z"}],
        },
        {
            "date": "2027-01-09",
            "slots": [{"start": "2027-01-08T23:30:00Z", "end": "2027-01-09T05:00:00Z"}],
        },
    ]


# --- a month across a change of clocks ----------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "month", "changes_on", "before", "after"),
    [
        # 09:00 to 18:00 by the clock on the wall, in UTC before and from the day of the change.
        ("Europe/Berlin", "2027-03", 28, ("08:00", "17:00"), ("07:00", "16:00")),
        ("Europe/Berlin", "2027-10", 31, ("07:00", "16:00"), ("08:00", "17:00")),
        ("America/New_York", "2027-03", 14, ("14:00", "23:00"), ("13:00", "22:00")),
        ("America/New_York", "2027-11", 7, ("13:00", "22:00"), ("14:00", "23:00")),
        # Iran has changed no clocks since 2022; Nowruz was the day.
        ("Asia/Tehran", "2027-03", 21, ("05:30", "14:30"), ("05:30", "14:30")),
        # Half an hour; the morning there is still the evening before in UTC.
        ("Australia/Lord_Howe", "2027-04", 4, ("22:00", "07:00"), ("22:30", "07:30")),
        ("Australia/Lord_Howe", "2027-10", 3, ("22:30", "07:30"), ("22:00", "07:00")),
    ],
)
async def test_nine_stays_nine_all_month(
    anyone: httpx.AsyncClient,
    admin: httpx.AsyncClient,
    zone: str,
    month: str,
    changes_on: int,
    before: tuple[str, str],
    after: tuple[str, str],
) -> None:
    first = datetime(2026, 12, 1, 9, tzinfo=ZoneInfo(zone))
    room = await make_room(
        admin,
        location=await in_zone(admin, zone),
        start_datetime=first.isoformat(),
        end_datetime=first.replace(hour=18).isoformat(),
        recurrence_rule="FREQ=DAILY",
    )
    day = date.fromisoformat(f"{month}-01")
    following = (day + timedelta(days=31)).replace(day=1)

    shown = await slots(anyone, room["id"], day.isoformat(), str(following - timedelta(days=1)))

    expected = []
    while day < following:
        starts, ends = before if day.day < changes_on else after
        begun = day - timedelta(days=starts > ends)
        expected.append(
            {
                "date": day.isoformat(),
                "slots": [{"start": f"{begun}T{starts}:00Z", "end": f"{day}T{ends}:00Z"}],
            }
        )
        day += timedelta(days=1)
    assert shown == expected


@pytest.mark.parametrize(
    ("day", "starts", "ends", "expected"),
    [
        # The hour from 02:00 does not exist on the 28th of March: 02:30 is 03:30 summer time.
        ("2027-03-28", "02:30", "06:00", ("2027-03-28T01:30:00Z", "2027-03-28T04:00:00Z")),
        ("2027-03-28", "02:10", "02:50", ("2027-03-28T01:10:00Z", "2027-03-28T01:50:00Z")),
        # It comes twice on the 31st of October: the first is meant.
        ("2027-10-31", "02:30", "06:00", ("2027-10-31T00:30:00Z", "2027-10-31T05:00:00Z")),
        ("2027-10-31", "02:10", "02:50", ("2027-10-31T00:10:00Z", "2027-10-31T00:50:00Z")),
    ],
)
async def test_hours_that_clocks_skip_or_repeat(
    anyone: httpx.AsyncClient,
    admin: httpx.AsyncClient,
    day: str,
    starts: str,
    ends: str,
    expected: tuple[str, str],
) -> None:
    room = await make_room(
        admin,
        location=await in_zone(admin, "Europe/Berlin"),
        start_datetime=f"2027-01-04T{starts}:00+01:00",
        end_datetime=f"2027-01-04T{ends}:00+01:00",
        recurrence_rule="FREQ=DAILY",
    )

    [shown] = await slots(anyone, room["id"], day, day)

    assert shown["slots"] == [dict(zip(("start", "end"), expected, strict=True))]


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=DAILY;INTERVAL=999;BYMONTH=2;BYMONTHDAY=30;COUNT=10000",
        "FREQ=YEARLY;INTERVAL=1000;BYMONTH=2;BYMONTHDAY=29",
        "FREQ=WEEKLY;BYYEARDAY=" + ",".join(str(day) for day in range(201, 300)) + ";BYMONTH=1",
    ],
)
async def test_a_rule_without_occurrences_is_answered_like_any_other(
    anyone: httpx.AsyncClient, admin: httpx.AsyncClient, rule: str
) -> None:
    room = await make_room(
        admin,
        start_datetime="1900-01-01T09:00:00Z",
        end_datetime="1900-01-01T18:00:00Z",
        recurrence_rule=rule,
    )

    assert await slots(anyone, room["id"], "2027-01-01", "2027-01-31") == []
    listed = await anyone.get("/api/rooms/availability", params={"name": room["name"]})
    assert listed.json()["results"] == [{"room_id": room["id"], "availability": False}]


# --- all rooms ----------------------------------------------------------------------------------


async def available(client: httpx.AsyncClient, name: str, **query: str) -> bool:
    reply = await client.get("/api/rooms/availability/", params={"name": name, **query})
    assert reply.status_code == 200, reply.text
    [only] = reply.json()["results"]
    assert list(only) == ["room_id", "availability"]
    answer: bool = only["availability"]
    return answer


async def test_rooms_are_those_of_the_list_page_by_page(
    anyone: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    location = await make_location(admin)
    for number in range(13):
        await make_room(admin, location=location["id"], capacity=13 - number, **WEEKDAYS)
    query = {"location": location["name"], "ordering": "capacity", "min_capacity": 2}

    for page in (1, 2):
        listed = (await anyone.get("/api/rooms/", params={**query, "page": page})).json()
        for slash in ("", "/"):
            path = f"/api/rooms/availability{slash}"
            shown = (await anyone.get(path, params={**query, "page": page})).json()

            assert shown.keys() == {"count", "next", "previous", "results"}
            assert shown["count"] == listed["count"] == 12
            assert [one["room_id"] for one in shown["results"]] == [
                room["id"] for room in listed["results"]
            ]
            assert all(one["availability"] is True for one in shown["results"])
            assert (shown["next"] is None) is (page == 2)

    beyond = await anyone.get("/api/rooms/availability", params={**query, "page": 3})
    assert (beyond.status_code, beyond.json()) == (404, {"detail": "Invalid page."})


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, True),
        ({"start_datetime": "", "end_datetime": ""}, True),
        # Tuesday the 5th: open from 08:00 to 17:00, taken from 10:00 to 12:00.
        ({"start_datetime": "2027-01-05T08:00:00Z", "end_datetime": "2027-01-05T09:00:00Z"}, True),
        ({"start_datetime": "2027-01-05T10:00:00Z", "end_datetime": "2027-01-05T12:00:00Z"}, False),
        ({"start_datetime": "2027-01-05T10:30:00Z", "end_datetime": "2027-01-05T11:00:00Z"}, False),
        ({"start_datetime": "2027-01-05T10:00:00Z", "end_datetime": "2027-01-05T12:00:01Z"}, True),
        ({"start_datetime": "2027-01-05T09:59:59Z", "end_datetime": "2027-01-05T12:00:00Z"}, True),
        ({"start_datetime": "2027-01-05T17:00:00Z", "end_datetime": "2027-01-06T08:00:00Z"}, False),
        # A weekend.
        ({"start_datetime": "2027-01-09T00:00:00Z", "end_datetime": "2027-01-11T00:00:00Z"}, False),
        ({"start_datetime": "2027-01-09T00:00:00Z"}, True),
        # As in the document's example: a + that came unescaped is a space.
        (
            {
                "start_datetime": "2027-01-05T18:00:00 0800",
                "end_datetime": "2027-01-05T20:00:00 0800",
            },
            False,
        ),
        (
            {
                "start_datetime": "2027-01-05T16:00:00+0800",
                "end_datetime": "2027-01-05T20:00:00+0800",
            },
            True,
        ),
        ({"start_datetime": "2027-01-05 10:00:00Z", "end_datetime": "2027-01-05 12:00:00Z"}, False),
        # Without an offset it is UTC.
        ({"start_datetime": "2027-01-05T10:00", "end_datetime": "2027-01-05T12:00"}, False),
        # Nothing is free any more, or ever.
        ({"end_datetime": "2026-01-06T12:00:00Z"}, False),
        ({"start_datetime": "2027-01-05T09:00:00Z", "end_datetime": "2027-01-05T08:00:00Z"}, False),
        ({"start_datetime": "2027-01-05T09:00:00Z", "end_datetime": "2027-01-05T09:00:00Z"}, False),
        ({"start_datetime": "8999-01-01T00:00:00Z", "end_datetime": "8999-12-31T00:00:00Z"}, True),
        # What has begun is looked at from now on.
        ({"start_datetime": "2020-01-05T09:00:00Z", "end_datetime": "2027-01-06T08:00:00Z"}, True),
    ],
    ids=lambda value: str(value)[:120],
)
async def test_a_room_is_available_if_it_has_a_free_moment_then(
    anyone: httpx.AsyncClient, taken_room: str, query: dict[str, str], *, expected: bool
) -> None:
    assert await available(anyone, taken_room, **query) is expected


@pytest.fixture
async def taken_room(anyone: httpx.AsyncClient, admin: httpx.AsyncClient, tell: Publisher) -> str:
    """The name of a room that is taken from 10 to 12 on the 5th of January."""
    room = await make_room(admin, location=await in_zone(admin, "UTC"), **WEEKDAYS)
    # Two that touch, one within another.
    for starts, ends in (("10:00", "11:00"), ("11:00", "12:00"), ("11:15", "11:30")):
        await tell.booking(
            booking(room["id"], utc(f"2027-01-05T{starts}"), utc(f"2027-01-05T{ends}"))
        )

    async def free() -> list[str]:
        [day] = await slots(anyone, room["id"], "2027-01-05", "2027-01-05")
        return [f"{slot['start'][11:16]}-{slot['end'][11:16]}" for slot in day["slots"]]

    await eventually(free, lambda seen: seen == ["08:00-10:00", "12:00-17:00"])
    return str(room["name"])


async def test_a_room_with_one_window_is_available_until_it_ends(
    anyone: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    over = await make_room(admin)
    to_come = await make_room(
        admin, start_datetime="2033-01-05T09:00:00Z", end_datetime="2033-01-05T18:00:00Z"
    )

    assert await available(anyone, over["name"]) is False
    assert await available(anyone, to_come["name"]) is True
    assert await available(anyone, to_come["name"], end_datetime="2033-01-05T09:00:00Z") is False


async def test_rooms_that_nobody_can_have_are_not_available(
    anyone: httpx.AsyncClient, student: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    inactive = await make_room(admin, **WEEKDAYS, is_active=False)
    locked = await make_room(admin, **WEEKDAYS)
    await admin.put(f"/api/admin/rooms/{locked['id']}", json={"isLocked": True})

    hidden = await anyone.get("/api/rooms/availability", params={"name": inactive["name"]})

    assert hidden.json()["count"] == 0
    assert await available(student, inactive["name"]) is False
    assert await available(anyone, locked["name"]) is False


DATE_ONLY = "Date-only strings are not allowed for {}."
GARBAGE = "Invalid datetime format for {}."


@pytest.mark.parametrize("name", ["start_datetime", "end_datetime"])
@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("2027-01-05", DATE_ONLY),
        ("20270105", DATE_ONLY),
        ("2027-W01-1", DATE_ONLY),
        ("tomorrow", GARBAGE),
        ("12:00", GARBAGE),
        ("2027-13-05T10:00:00Z", GARBAGE),
        ("2027-01-05T25:00:00Z", GARBAGE),
        ("2027-01-05T10:00:00+99:00", GARBAGE),
        ("0001-01-01T00:00:00Z", GARBAGE),
        ("9999-12-31T23:59:59-12:00", GARBAGE),
        ("1765443600", GARBAGE),
        ("null", GARBAGE),
        ("\u0000", GARBAGE),
        ("9" * 5000, GARBAGE),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_a_moment_that_is_none_is_400(
    anyone: httpx.AsyncClient, name: str, value: str, text: str
) -> None:
    reply = await anyone.get("/api/rooms/availability/", params={name: value})

    assert (reply.status_code, reply.json()) == (400, {"detail": text.format(name)})


async def test_a_wrong_filter_is_400_as_in_the_list(anyone: httpx.AsyncClient) -> None:
    reply = await anyone.get("/api/rooms/availability/", params={"min_capacity": "abc"})

    assert (reply.status_code, reply.json()) == (400, {"min_capacity": ["Enter a number."]})


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_availability_is_read_only(
    anyone: httpx.AsyncClient, admin: httpx.AsyncClient, method: str
) -> None:
    for path in ("/api/rooms/availability/", "/api/rooms/1/availability/"):
        nobody = await anyone.request(method, path)
        somebody = await admin.request(method, path)

        assert nobody.status_code == 401
        assert (somebody.status_code, somebody.json()) == (
            405,
            {"detail": f'Method "{method}" not allowed.'},
        )
