"""Bookings as a table: all of them, each once, a part at a time, and nothing that a sheet runs."""

import csv
from datetime import UTC, datetime, timedelta

import pytest
from publishing import booking
from telling import room, take, user

from analytics.repository import export as reading
from analytics.service.reports import export
from common.db import Database
from common.events import PersonV1

NOON = datetime(2031, 3, 3, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


async def exported(database: Database, since: datetime, until: datetime) -> list[dict[str, str]]:
    written = b"".join([part async for part in export(database, since, until)])
    return list(csv.DictReader(written.decode().splitlines()))


@pytest.mark.parametrize("count", [0, 4, 5, 11])
async def test_parts_leave_none_out_and_write_none_twice(
    database: Database, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setattr(reading, "AT_ONCE", 5)
    # Several begin at the same moment: parts end among them.
    told = [booking(1, NOON + number // 3 * HOUR, NOON + 9 * HOUR) for number in range(count)]
    await take(database, [[room(1), *told]] if told else [])

    rows = await exported(database, NOON, NOON + 8 * HOUR)

    assert [row["Booking ID"] for row in rows] == [
        one.id for one in sorted(told, key=lambda one: (one.starts_at, one.id))
    ]


async def test_a_row_has_what_is_known_now_of_its_room_and_its_organizer(
    database: Database,
) -> None:
    ada = PersonV1(id="ada", name="Ada L.", email="old@example.test")
    told = booking(
        1,
        NOON,
        NOON + timedelta(minutes=90),
        id="b1",
        organizer=ada,
        title='=HYPERLINK("x"), "quoted"',
        is_override=True,
        created_at=NOON - HOUR,
    )
    await take(database, [[told]])
    [before] = await exported(database, NOON, NOON + HOUR)
    await take(database, [[room(1, name="+Oak"), user("ada", role="FACULTY")]])
    [after] = await exported(database, NOON, NOON + HOUR)

    assert (before["Room Name"], before["User Name"], before["User Role"]) == ("", "Ada L.", "")
    assert after == {
        "Booking ID": "b1",
        "Room Name": "'+Oak",
        "Building": "Main",
        "User Name": "Ada",
        "User Email": "ada@example.test",
        "User Role": "FACULTY",
        "Department": "",
        "Start Time": "2031-03-03T12:00:00Z",
        "End Time": "2031-03-03T13:30:00Z",
        "Duration (hours)": "1.5",
        "Purpose": '\'=HYPERLINK("x"), "quoted"',
        "Is Override": "Yes",
        "Created At": "2031-03-03T11:00:00Z",
    }


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "\n"], ids=repr)
async def test_what_a_sheet_would_run_is_text(database: Database, first: str) -> None:
    await take(database, [[booking(1, NOON, NOON + HOUR, title=f"{first}1+1")]])

    written = b"".join([part async for part in export(database, NOON, NOON + HOUR)]).decode()

    [_, row] = csv.reader(written.splitlines(keepends=True))
    assert row[10] == f"'{first}1+1"
