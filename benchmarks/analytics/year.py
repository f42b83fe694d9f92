"""A year of rooms, people, bookings and cameras that never was, the same for each seed."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from common.events import (
    BookingV1,
    BuildingV1,
    CameraV1,
    CrossingV1,
    LevelV1,
    PersonV1,
    RoomV1,
    UserV1,
)

# Over, so that cameras have seen all of it.
YEAR = 2025
FIRST, LAST = date(YEAR, 1, 1), date(YEAR, 12, 31)
ZONES = ("Europe/Berlin", "UTC", "America/New_York", "Asia/Kathmandu")
ROLES: tuple[Any, ...] = ("STUDENT", "FACULTY", "ADMIN", "STAFF")
PEOPLE = 2000
# Of the cameras, the last ones are at doors of the house, and so in no room.
CAMERAS, IN_THE_HOUSE = 220, 20
EDGES = 4
YEAR_S = 365 * 24 * 3600
MADE_AT = datetime(YEAR - 1, 6, 1, tzinfo=UTC)
BUILDINGS = [
    BuildingV1(
        id=number, name=f"Building {number}", timezone=ZONES[number % 4],
        opens_at=time(7 + number % 3), closes_at=time(19),
    )
    for number in range(1, 21)
]  # fmt: skip


@dataclass(frozen=True)
class Year:
    """What happens in it; each iterator gives the same whenever it is asked for."""

    seed: int
    rooms_count: int
    bookings_count: int
    levels_count: int
    crossings_count: int

    def rooms(self) -> Iterator[RoomV1]:
        dice = random.Random(self.seed)  # noqa: S311 - the same each time
        for number in range(1, self.rooms_count + 1):
            building = BUILDINGS[number % len(BUILDINGS)]
            # A third keeps office hours, the others their building's.
            opens = datetime(YEAR - 1, 1, 7, 9, tzinfo=ZoneInfo(building.timezone))
            has_windows = number % 3 == 0
            yield RoomV1(
                id=number,
                cuid=f"room-{number}",
                version=1,
                name=f"Room {number:05}",
                building=building,
                floor=0,
                capacity=dice.choice((2, 4, 8, 12, 40, 200)),
                amenities=[],
                is_active=number % 20 != 0,
                is_locked=False,
                opens_from=opens if has_windows else None,
                opens_until=opens + timedelta(hours=8) if has_windows else None,
                recurrence_rule="FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR" if has_windows else None,
                created_at=MADE_AT if number % 10 else datetime(YEAR, 7, 1, tzinfo=UTC),
            )

    def users(self) -> Iterator[UserV1]:
        # Of the last ones nobody has told.
        for number in range(PEOPLE - 20):
            yield UserV1(
                id=f"person-{number}",
                version=1,
                name=f"Person {number}",
                email=f"{number}@example.test",
                role=ROLES[number % 7 % 4],
                department=None,
                is_active=True,
            )

    def bookings(self) -> Iterator[BookingV1]:
        """List bookings, one in ten of them later once more, as it then was."""
        dice = random.Random(self.seed + 1)  # noqa: S311 - likewise
        people = [
            PersonV1(id=f"person-{number}", name=f"Person {number}", email=f"{number}@example.test")
            for number in range(PEOPLE)
        ]
        for number in range(self.bookings_count):
            starts_at = _BEGIN + timedelta(
                days=dice.randrange(365), minutes=5 * int(dice.triangular(0, 288, 130))
            )
            values: dict[str, Any] = {
                "id": f"booking-{number * 7919 % 10**7:07}-{number}",
                "version": 1,
                "room_id": dice.randrange(1, self.rooms_count + 1),
                "status": dice.choice(
                    ("confirmed", "completed", "completed", "no_show", "pending")
                ),
                "overridden_by": "another" if dice.random() < 0.02 else None,
                "starts_at": starts_at,
                # One in fifty lasts over nights.
                "ends_at": starts_at
                + timedelta(minutes=5 * dice.randrange(3, 36) + (1440 * (dice.random() < 0.02))),
                "checkin_until": starts_at + timedelta(minutes=15) if dice.random() < 0.9 else None,
                "organizer": people[dice.randrange(PEOPLE)],
                "attendee_ids": [f"guest-{n}" for n in range(int(dice.expovariate(0.2)))],
            }
            yield _booking(values)
            if dice.random() < 0.1:
                changed = {"version": 2, "status": dice.choice(("cancelled", "completed"))}
                moved = {"room_id": dice.randrange(1, self.rooms_count + 1)}
                yield _booking(values | changed | moved)

    def cameras(self) -> Iterator[CameraV1]:
        """List cameras: at each fifth room, and in the house; some are no longer in use."""
        for number in range(1, CAMERAS + 1):
            is_in_house = number > CAMERAS - IN_THE_HOUSE
            yield CameraV1(
                id=number,
                version=1,
                camera_id=f"camera-{number}",
                camera_name=f"Camera {number:03}",
                location=None,
                camera_type=("bidirectional", "entry_only", "exit_only")[number % 9 % 3],
                room_id=None if is_in_house else _watched(number),
                max_occupancy=None,
                is_active=number % 7 != 0,
            )

    def levels(self) -> Iterator[LevelV1]:
        """List how many were in the rooms that have cameras, by the time; of 50 one comes late."""
        dice = random.Random(self.seed + 2)  # noqa: S311 - likewise
        late: list[LevelV1] = []
        for number in range(self.levels_count):
            at = _BEGIN + timedelta(seconds=number * YEAR_S // self.levels_count)
            level = LevelV1(
                room_id=_watched(dice.randrange(1, CAMERAS - IN_THE_HOUSE + 1)),
                version=number + 1,
                occupancy=max(0, int(dice.gauss(2, 4))),
                measured_at=at,
            )
            if dice.random() < 0.02:
                late.append(level)
            else:
                yield level
        yield from late

    def crossings(self) -> Iterator[CrossingV1]:
        """List who went by, by the time; of 50 one is told twice."""
        dice = random.Random(self.seed + 3)  # noqa: S311 - likewise
        sequences = [0] * (CAMERAS + 1)
        for number in range(self.crossings_count):
            camera = dice.randrange(1, CAMERAS + 1)
            sequences[camera] += 1
            crossing = CrossingV1(
                edge_id=f"edge-{camera % EDGES}",
                camera_id=camera,
                sequence=sequences[camera],
                line_id=1,
                direction="entry" if dice.random() < 0.5 else "exit",
                track_id=str(number),
                confidence=0.9,
                crossed_at=_BEGIN + timedelta(seconds=number * YEAR_S // self.crossings_count),
            )
            yield crossing
            if dice.random() < 0.02:
                yield crossing


_BEGIN = datetime(YEAR, 1, 1, tzinfo=UTC)


def _watched(camera: int) -> int:
    return 5 * camera


def _booking(values: dict[str, Any]) -> BookingV1:
    return BookingV1(
        room_cuid=f"room-{values['room_id']}",
        title="Seminar",
        description=None,
        held_from=values["starts_at"],
        held_until=values["ends_at"],
        holds=True,
        requested=False,
        is_override=False,
        series_id=None,
        checked_in_at=None,
        ended_at=None,
        created_at=MADE_AT,
        **values,
    )
