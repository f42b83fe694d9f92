"""The guide's examples: its bookings, taken as events, give its figures."""

import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import httpx
import pytest
from publishing import booking
from telling import camera, room, take, user

from analytics.api import circle_time, university
from analytics.events import QUARTER_S
from analytics.main import SERVICE
from analytics.repository.doors import Doors
from analytics.repository.measuring import Measuring
from common.contracts import Contract
from common.db import AsyncSession, Database
from common.events import (
    AllocationV1,
    BookingV1,
    BuildingV1,
    LevelV1,
    OccurrenceV1,
    PersonV1,
)
from common.identity import Identity, Role, Signer
from common.testing.plugin import CloneDatabase
from common.testing.servers import NO_TLS

GUIDE: Final = (Path(__file__).parents[4] / "docs/guides/metrics.md").read_text()
BERLIN: Final = ZoneInfo("Europe/Berlin")
ADMIN: Final = Identity(kind="user", id="admin", role=Role.ADMIN)
LONG_AGO: Final = datetime(2030, 1, 1, tzinfo=UTC)
ROOMS: Final = ("Elm", "Oak")
ROUTERS: Final = (circle_time.router, university.router)
Rows = list[dict[str, str]]


def tables(text: str) -> Iterator[tuple[str, Rows]]:
    """List the tables of a page, each with the text before it."""
    parts = re.split(r"((?:^\|.*\n)+)", text, flags=re.MULTILINE)
    for before, table in zip(parts[::2], parts[1::2], strict=False):
        head, _, *lines = [
            [cell.strip() for cell in line.strip("|\n").split("|")] for line in table.splitlines()
        ]
        yield before, [dict(zip(head, line, strict=True)) for line in lines]


def examples() -> dict[str, Rows]:
    """Return the tables of figures by the address that answers them."""
    found = {}
    for before, rows in tables(GUIDE):
        asked = re.findall(r"^`GET (\S+)`", before, re.MULTILINE)
        if asked:
            found[asked[-1]] = rows
    return found


def rows_with(column: str) -> Rows:
    return [row for _, rows in tables(GUIDE) for row in rows if column in row]


def moment(cell: str) -> datetime:
    return datetime.fromisoformat(cell).replace(tzinfo=BERLIN).astimezone(UTC)


def bookings_told() -> Iterator[BookingV1]:
    for row in rows_with("organizer"):
        begins, ends = moment(row["from"]), moment(row["to"])
        status, _, more = row["status"].partition(", ")
        released = time.fromisoformat(more.split()[-1]) if status == "no-show" else None
        role = row["organizer"].lower()
        yield booking(
            ROOMS.index(row["room"]) + 1,
            begins,
            ends,
            status=status.replace("-", "_"),
            organizer=PersonV1(id=role, name=role, email=f"{role}@example.test"),
            attendee_ids=[f"person-{number}" for number in range(1, int(row["people"]))],
            overridden_by="another" if more == "overridden" else None,
            checkin_until=released
            and begins.astimezone(BERLIN).replace(hour=released.hour, minute=released.minute),
        )


def seen_by_cameras() -> Iterator[Any]:
    for version, row in enumerate(rows_with("level"), 1):
        yield LevelV1(
            room_id=ROOMS.index(row["room"]) + 1,
            version=version,
            occupancy=int(row["level"]),
            measured_at=moment(row["from"]),
        )
    yield camera(1, camera_name="Front")


def allocations_told() -> Iterator[AllocationV1]:
    for number, row in enumerate((row for row in rows_with("seats") if "begins" in row), 1):
        taken = OccurrenceV1(starts_at=moment(row["begins"]), ends_at=moment(row["ends"]))
        yield AllocationV1(
            id=number,
            version=1,
            term_id=1,
            room_id=ROOMS.index(row["room"]) + 1,
            room_cuid="x",
            title="Algebra",
            allocated_seats=int(row["seats"]),
            occurrences=[taken],
        )


async def take_crossings(session: AsyncSession) -> None:
    """Take them in as they are, for none that is in the future would be believed."""
    crossed = [
        (is_entry, int(moment(row["moment"]).timestamp()) // QUARTER_S)
        for row in rows_with("door")
        for is_entry in (True, False)
        for _ in range(int(row["in" if is_entry else "out"]))
    ]
    count = len(crossed)
    columns = [1] * count, ["edge"] * count, range(1, count + 1), *zip(*crossed, strict=True)
    await Doors(session).take_crossings(columns)


@pytest.fixture
async def client(clone_database: CloneDatabase, signer: Signer) -> AsyncIterator[httpx.AsyncClient]:
    """What an admin asks the service, once it has been told of the guide's rooms and bookings."""

    async def sign(request: httpx.Request) -> None:
        path = request.url.raw_path.decode().partition("?")[0]
        contract = Contract.CIRCLE_TIME if "/analytics/" in path else Contract.UNIVERSITY
        request.headers["atrium-identity"] = signer.sign(
            ADMIN, service="analytics", contract=contract, method="GET", path=path
        )

    async with clone_database(SERVICE.schema) as cloned:
        settings = SERVICE.settings(
            port=0,
            database_url=cloned.url,
            identity_public_keys=signer.public_key,
            kafka="127.0.0.1:9",
        )
        parts = SERVICE.build(settings)
        database: Database = parts.app.state.database
        await take(database, [[*rooms_told(), *users_told(), *bookings_told()]])
        await take(database, [[*seen_by_cameras(), *allocations_told()]])
        async with database.sessions.begin() as session:
            await Measuring(session).pass_time(datetime(2031, 4, 1, tzinfo=UTC))
            await take_crossings(session)
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(parts.app),
            base_url="http://service",
            verify=NO_TLS,
            event_hooks={"request": [sign]},
        ) as client:
            yield client
        await parts.close()


def rooms_told() -> Iterator[Any]:
    building = BuildingV1(
        id=1, name="Main", timezone="Europe/Berlin", opens_at=time(8), closes_at=time(18)
    )
    windows = {
        "opens_from": datetime(2031, 1, 6, 9, tzinfo=BERLIN),
        "opens_until": datetime(2031, 1, 6, 17, tzinfo=BERLIN),
        "recurrence_rule": "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
    }
    yield room(1, name="Elm", building=building, capacity=10, created_at=LONG_AGO)
    yield room(2, name="Oak", building=building, capacity=4, created_at=LONG_AGO, **windows)


def users_told() -> Iterator[Any]:
    for role in ("STUDENT", "FACULTY", "ADMIN", "STAFF"):
        yield user(role.lower(), role=role)


def said_of(row: dict[str, str], data: Any) -> Any:
    """Find what an answer says of a row of the guide."""
    if "room" in row:
        if isinstance(data, dict):
            data = [*data["rooms"], {"roomName": "totals", **data["totals"]}]
        [of_room] = [one for one in data if one["roomName"] == row["room"]]
        if row["figure"].startswith("20"):
            [week] = [one for one in of_room["weeklyBreakdown"] if one["week"] == row["figure"]]
            return week["hours"]
        value = of_room[row["figure"]]
        return ", ".join(value) if isinstance(value, list) else value
    if "hours" in data:
        return next(one for one in data["hours"] if one["hour"] == row["hour"])
    if "hour" in row:
        return next(one for one in data["peakHours"] if one["hourLabel"] == row["hour"])
    if "role" in row:
        return next(one for one in data["byRole"] if one["role"] == row["role"])
    return next(one for one in data if one["label"] == row["figure"])


def read(cell: str) -> float | str | None:
    if cell == "null":
        return None
    return float(cell) if re.fullmatch(r"-?[\d.]+", cell) else cell


@pytest.mark.parametrize("path", examples(), ids=lambda path: path.partition("?")[0])
async def test_a_figure_is_what_the_guide_says(client: httpx.AsyncClient, path: str) -> None:
    reply = (await client.get(path)).raise_for_status()
    if reply.headers["content-type"] == "image/svg+xml":
        drawn = re.findall(r">([^<>]+)</text>", reply.text)
        assert [row["value"] for row in examples()[path] if row["value"] not in drawn] == []
        return
    data = reply.json()["data"]

    for row in examples()[path]:
        said = said_of(row, data)
        if isinstance(said, dict):
            named = [name for name in row if name in said and name != "hour"]
            assert named
            assert {name: said[name] for name in named} == {
                name: read(row[name]) for name in named
            }, row
        else:
            assert said == read(row["value"]), row


async def test_the_guide_has_an_example_of_every_endpoint() -> None:
    asked = {path.partition("?")[0] for path in re.findall(r"^`GET (\S+)`", GUIDE, re.MULTILINE)}

    assert asked == {route.path for router in ROUTERS for route in router.routes}
