"""Facts as Parquet, judged by DuckDB: what it makes of the files is what we answer."""

import asyncio
import os
import random
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import duckdb
import pytest
from publishing import booking
from sqlalchemy import make_url
from telling import allocation, building, room, take, term, user

from analytics.domain import Days
from analytics.repository import months
from analytics.service import figures, parquet, reports
from common.db import Database
from common.events import PersonV1

BEGIN: Final = datetime(2026, 9, 28, 18, tzinfo=UTC)
OCTOBER: Final = Days(date(2026, 10, 1), date(2026, 10, 31))
ZONES: Final = ("Europe/Berlin", "Asia/Kathmandu", "America/Havana")
PEOPLE: Final = {"ada": "FACULTY", "bob": "STUDENT", "eve": "ADMIN"}


@pytest.fixture
async def told(database: Database) -> Database:
    """Three rooms, each in a zone of its own, with bookings and allocations of six weeks."""
    chance = random.Random(7)
    rooms = [room(n, building=building(zone), capacity=4) for n, zone in enumerate(ZONES, 1)]
    users = [user(name, role=role) for name, role in PEOPLE.items()]
    bookings = []
    for _ in range(300):
        start = BEGIN + timedelta(minutes=15 * chance.randrange(42 * 96))
        name = chance.choice(list(PEOPLE))
        more: dict[str, Any] = {
            "organizer": PersonV1(id=name, name=name, email=f"{name}@example.test"),
            "attendee_ids": ["x", "y", "z", "w", "v"][: chance.randrange(6)],
            "status": chance.choice(["confirmed", "completed", "no_show", "cancelled", "pending"]),
            "checkin_until": start + timedelta(minutes=10),
            "overridden_by": chance.choice([None, None, None, "other"]),
        }
        end = start + timedelta(minutes=15 * chance.randrange(1, 60))
        bookings.append(booking(chance.randrange(1, 4), start, end, **more))
    allocations = []
    for number in range(1, 41):
        start = BEGIN + timedelta(minutes=30 * chance.randrange(30 * 48))
        weekly = [start + timedelta(days=7 * week) for week in range(3)]
        times = [(one, one + timedelta(hours=9)) for one in weekly]
        allocations.append(allocation(number, 1, number % 3 + 1, chance.randrange(1, 5), times))
    spring = term(1, date(2026, 9, 1), date(2026, 12, 31))
    await take(database, [[*rooms, *users, *bookings, spring, *allocations]])
    return database


async def written(database: Database, folder: Path, month: date | None = None) -> dict[str, int]:
    files = [one async for one in parquet.export(database, folder, month)]
    return {str(path.relative_to(folder)): count for path, count in files}


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


def judge(folder: Path, question: str) -> list[tuple[Any, ...]]:
    """Ask DuckDB, which knows nothing but the files."""
    with duckdb.connect() as files:
        for name in parquet.SCHEMAS:
            whole = (folder / f"{name}.parquet").is_file()
            path = folder / (f"{name}.parquet" if whole else f"{name}/*/*.parquet")
            files.execute(f"CREATE VIEW {name} AS FROM read_parquet('{path}')")
        return files.execute(question).fetchall()


IN_OCTOBER: Final = "day BETWEEN DATE '2026-10-01' AND DATE '2026-10-31'"


async def test_the_files_say_what_we_answer(told: Database, tmp_path: Path) -> None:
    await written(told, tmp_path)
    async with told.sessions() as session:
        kpis = {one["label"]: one["value"] for one in await figures.kpis(session, OCTOBER)}
        ghosting = await figures.ghosting(session, OCTOBER)
        fit = await figures.capacity(session, OCTOBER)
        roles = await reports.bookings_by_role(session, reports.Span(OCTOBER, 4))

    # Each room is open twelve hours a day.
    [[count, no_shows, booked_s]] = judge(
        tmp_path,
        f"""SELECT (SELECT count(*) FROM bookings WHERE {IN_OCTOBER}),
            (SELECT count(*) FROM bookings WHERE {IN_OCTOBER} AND is_no_show),
            (SELECT sum(booked_s) FROM days JOIN rooms ON room_id = id AND is_active
                WHERE {IN_OCTOBER})""",
    )
    assert count > 100
    assert kpis["Total Bookings"] == count
    assert kpis["Ghosting Rate"] == pytest.approx(100 * no_shows / count, abs=0.05)
    open_s = 3 * 31 * 12 * 3600
    assert kpis["Avg Utilization"] == pytest.approx(100 * booked_s / open_s, abs=0.051)

    by_room = judge(
        tmp_path,
        f"""SELECT name, count(*) FILTER (is_no_show), count(*),
            count(*) FILTER (attendees * 2 < b.capacity), count(*) FILTER (attendees > b.capacity)
        FROM bookings b JOIN rooms r ON b.room_id = r.id WHERE {IN_OCTOBER}
        GROUP BY name ORDER BY name""",
    )
    assert by_room == [
        (
            left["roomName"],
            left["totalNoShows"],
            left["totalBookings"],
            right["oversizedBookings"],
            right["undersizedBookings"],
        )
        for left, right in zip(ghosting, fit, strict=True)
    ]
    by_role = judge(
        tmp_path, f"SELECT role, count(*) FROM bookings WHERE {IN_OCTOBER} GROUP BY role"
    )
    assert dict(by_role) == {one["role"]: one["count"] for one in roles["byRole"]}

    # All that was booked, day by day or booking by booking.
    [[of_days, of_bookings]] = judge(
        tmp_path,
        """SELECT (SELECT sum(booked_s) FROM days),
            (SELECT sum(epoch(had_until - starts_at)) FROM bookings)""",
    )
    assert of_days == of_bookings


async def test_seats_are_what_a_sweep_over_the_files_finds(told: Database, tmp_path: Path) -> None:
    await written(told, tmp_path)

    swept = """
        WITH moves AS (
            SELECT room_id, starts_at AS moment, seats AS change FROM allocations
            UNION ALL SELECT room_id, ends_at, -seats FROM allocations
        ), levels AS (
            SELECT room_id, sum(change) OVER (PARTITION BY room_id ORDER BY moment, change) AS level
            FROM moves
        )
        SELECT room_id, max(level)::bigint FROM levels GROUP BY room_id ORDER BY room_id"""
    kept = "SELECT room_id, max(peak) FROM seats GROUP BY room_id ORDER BY room_id"
    assert judge(tmp_path, kept) == judge(tmp_path, swept)
    [[most]] = judge(tmp_path, "SELECT max(peak) FROM seats")
    assert most > 4


async def test_files_are_by_month_in_parts_and_put_in_place_at_once(
    told: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(months, "AT_ONCE", 50)
    counts = await written(told, tmp_path)
    assert {name for name in counts if name.startswith("bookings")} == {
        f"bookings/month=2026-{month}/bookings.parquet" for month in ("09", "10", "11")
    }
    october = tmp_path / "bookings/month=2026-10/bookings.parquet"
    file = parquet.parquet.ParquetFile(october)
    assert file.metadata.num_row_groups == -(-file.metadata.num_rows // 50) > 1
    [[wrong]] = judge(
        tmp_path, "SELECT count(*) FROM bookings WHERE strftime(day, '%Y-%m') <> month"
    )
    assert wrong == 0
    # Nobody's name or address, nor what they meet about.
    assert set(file.schema_arrow.names).isdisjoint({"title", "organizer_name", "organizer_email"})

    # A disk that is full, later: the old file stays, and nothing else.
    before = october.read_bytes()
    with monkeypatch.context() as patched:

        def full(_: int) -> None:
            raise OSError("no space left")

        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="no space left"):
            await written(told, tmp_path, date(2026, 10, 1))
    assert october.read_bytes() == before
    assert names_in(tmp_path) == {f"{name}.parquet" for name in parquet.SCHEMAS}

    # Of a month that has nothing any more, so has the file.
    moved = tmp_path / "seats/month=2020-01/seats.parquet"
    moved.parent.mkdir()
    october.rename(moved)
    again = await written(told, tmp_path)
    assert again == {**counts, "seats/month=2020-01/seats.parquet": 0}


async def test_the_command_writes_one_month(told: Database, tmp_path: Path) -> None:
    url = make_url(told.engine.url).set(drivername="postgresql")
    environment = {
        "ANALYTICS_DATABASE_URL": url.render_as_string(hide_password=False),
        "ANALYTICS_PORT": "0",
        "ATRIUM_IDENTITY_PUBLIC_KEYS": "",
    }
    done = await asyncio.to_thread(
        subprocess.run,
        [Path(sys.executable).with_name("analytics"), "export", tmp_path, "--month", "2026-10"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f"{tmp_path}/days/month=2026-10/days.parquet: " in done.stdout
    assert len(list((tmp_path / "days").iterdir())) == 1
