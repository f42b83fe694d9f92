"""How many people are in a room: the sum over its cameras, told whenever it changes."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import count as numbers_from
from typing import Any

from sqlalchemy import select, update

from common.db import AsyncSession, Database
from common.events import LEVELS, LevelV1
from doors import Crossing, add_camera, count
from occupancy.service import cameras as service
from occupancy.tables import cameras, outbox

NOW = datetime.now(UTC)
_numbers = numbers_from(1)


def crossing(door: tuple[int, int], direction: str = "entry", **changes: Any) -> Crossing:
    number = next(_numbers)
    values = {
        "camera_id": door[0],
        "edge_id": "edge",
        "sequence": number,
        "line_id": door[1],
        "direction": direction,
        "track_id": f"t{number}",
        "confidence": 0.9,
        "crossed_at": NOW,
        **changes,
    }
    return Crossing(**values)


async def cross(database: Database, *crossings: Crossing) -> None:
    async with database.sessions.begin() as session:
        assert await count(session, crossings) == {}


async def told(database: Database) -> list[LevelV1]:
    """What was published, in the order of the outbox."""
    async with database.sessions() as session:
        table = outbox.table
        found = select(table).where(table.c.topic == LEVELS.name).order_by(table.c.id)
        rows = await session.execute(found)
        events = [(row, LEVELS.decode(row.payload)) for row in rows]
    for row, event in events:
        assert (row.topic, row.key) == (LEVELS.name, str(event.data.room_id))
        assert event.id == f"{event.data.room_id}/{event.data.version}"
    return [event.data for _, event in events]


async def counted(database: Database) -> list[tuple[int, int, int]]:
    return [(one.room_id, one.version, one.occupancy) for one in await told(database)]


async def test_each_change_of_a_room_is_told_once(database: Database) -> None:
    door = await add_camera(database, 7)
    first = crossing(door)

    await cross(database, first, crossing(door), crossing(door, "exit"))
    await cross(database, first)  # comes again
    await cross(database, crossing(door), crossing(door, "exit"))  # changes nothing
    await cross(database, crossing(door, confidence=0.1))  # does not count
    await cross(database, crossing(door, "exit"))

    assert await counted(database) == [(7, 1, 1), (7, 2, 0)]


async def test_cameras_of_one_room_are_added_up_and_never_below_none(database: Database) -> None:
    doors = [await add_camera(database, 7) for _ in range(2)]
    elsewhere, nowhere = await add_camera(database, 8), await add_camera(database, None)

    await cross(database, crossing(doors[0]), crossing(doors[0]), crossing(nowhere))
    await cross(database, *(crossing(doors[1], "exit") for _ in range(2)), crossing(elsewhere))
    await cross(database, crossing(doors[1], "exit"))
    # One who was missed on the way in is still owed.
    await cross(database, crossing(doors[0]))
    await cross(database, crossing(doors[0]))

    rooms = await counted(database)
    assert [one for one in rooms if one[0] == 7] == [(7, 1, 2), (7, 2, 0), (7, 3, 1)]
    assert [one for one in rooms if one[0] == 8] == [(8, 1, 1)]
    assert len(rooms) == 4


async def test_a_level_is_as_old_as_its_newest_crossing(database: Database) -> None:
    door = await add_camera(database, 7)
    later, ahead = NOW - timedelta(minutes=1), NOW + timedelta(days=1)

    await cross(
        database,
        crossing(door, crossed_at=later),
        crossing(door, crossed_at=NOW - timedelta(hours=1)),
    )
    await cross(database, crossing(door, crossed_at=NOW - timedelta(hours=2)))
    await cross(database, crossing(door, crossed_at=ahead))

    first, second, third = [level.measured_at for level in await told(database)]
    assert first == second == later
    assert NOW <= third <= datetime.now(UTC)


async def test_two_who_count_at_doors_of_one_room_at_once_are_both_counted(
    database: Database,
) -> None:
    doors = [await add_camera(database, 7) for _ in range(2)]
    await cross(database, *(crossing(door) for door in doors))

    async with database.sessions.begin() as session:
        await count(session, [crossing(doors[0])])
        other = asyncio.create_task(cross(database, crossing(doors[1])))
        # It waits for us: what it adds up must hold what we have added.
        done, _ = await asyncio.wait([other], timeout=0.5)
        assert not done
    await other

    assert await counted(database) == [(7, 1, 2), (7, 2, 3), (7, 3, 4)]


async def test_many_at_once_lose_nobody_and_tell_in_order(database: Database) -> None:
    doors = [await add_camera(database, room) for room in (7, 8, 7, 8)]
    everybody = [
        [crossing(doors[(number + turn) % 4]) for turn in range(4)] for number in range(12)
    ]

    await asyncio.gather(*(cross(database, *batch) for batch in everybody))

    rooms = await counted(database)
    for room in (7, 8):
        versions = [one[1] for one in rooms if one[0] == room]
        assert versions == list(range(1, len(versions) + 1))
        assert [one[2] for one in rooms if one[0] == room][-1] == 24


async def test_a_camera_that_goes_to_another_room_takes_its_people_with_it(
    database: Database,
) -> None:
    door = await add_camera(database, 7)
    await cross(database, crossing(door), crossing(door))

    async def change(**values: Any) -> None:
        async with database.sessions.begin() as session:
            await service.change_camera(session, door[0], values)

    await change(camera_name="Another name", room_id=7)
    await change(room_id=8)
    await change(is_active=False)
    await change(is_active=True)
    await change(room_id=None)

    rooms = await counted(database)
    assert [one for one in rooms if one[0] == 7] == [(7, 1, 2), (7, 2, 0)]
    assert [one for one in rooms if one[0] == 8] == [(8, 1, 2), (8, 2, 0), (8, 3, 2), (8, 4, 0)]
    assert len(rooms) == 6


async def test_a_camera_that_changes_rooms_while_somebody_crosses_loses_nobody(
    database: Database,
) -> None:
    door = await add_camera(database, None)
    await cross(database, crossing(door))

    async def move(session: AsyncSession) -> None:
        await service.change_camera(session, door[0], {"room_id": 7})

    async def move_alone() -> None:
        async with database.sessions.begin() as session:
            await move(session)

    # The crossing first, the camera second.
    async with database.sessions.begin() as session:
        await count(session, [crossing(door)])
        other = asyncio.create_task(move_alone())
        await asyncio.wait([other], timeout=0.5)
    await other
    assert await counted(database) == [(7, 1, 2)]

    # The camera first, the crossing second.
    async with database.sessions.begin() as session:
        await session.execute(update(cameras).values(room_id=None))
    async with database.sessions.begin() as session:
        await move(session)
        other = asyncio.create_task(cross(database, crossing(door)))
        await asyncio.wait([other], timeout=0.5)
    await other
    assert await counted(database) == [(7, 1, 2), (7, 2, 3)]
