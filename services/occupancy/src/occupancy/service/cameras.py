"""What can be done with cameras and lines, and how crossings are counted."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from common.db import AsyncSession
from common.errors import Invalid, NotFound
from common.events import LEVELS, LevelV1
from common.fields import LARGEST_ID
from occupancy.domain import Crossing, Live, counts, tally
from occupancy.repository import Cameras, Counts
from occupancy.tables import outbox

Values = Mapping[str, Any]
# What decides to which room a camera's counts go.
_PLACE: Final = frozenset({"room_id", "is_active"})


# --- cameras and lines --------------------------------------------------------------------------


async def get_camera(session: AsyncSession, camera_id: int, *, lock: bool = False) -> Values:
    """Find a camera.

    Raises:
        NotFound: there is none of this id.
    """
    known = 0 < camera_id <= LARGEST_ID
    camera = await Cameras(session).get(camera_id, lock=lock) if known else None
    if camera is None:
        raise NotFound(f"Camera {camera_id} not found")
    return camera


async def change_camera(session: AsyncSession, camera_id: int, values: Values) -> Values:
    """Change some of a camera's fields; the levels of the rooms it leaves or enters follow.

    Raises:
        NotFound: there is none of this id.
        Conflict: the new `camera_id` is taken.
    """
    camera = await get_camera(session, camera_id, lock=True)
    if not values:
        return camera
    changed = await Cameras(session).change(camera_id, values)
    if any(changed[name] != camera[name] for name in _PLACE):
        await Counts(session).hold(camera_id)
        now = datetime.now(UTC)
        rooms = {camera["room_id"], changed["room_id"]} - {None}
        await _publish_levels(session, dict.fromkeys(rooms, now))
    return changed


async def add_line(session: AsyncSession, values: Values) -> Values:
    """Draw a line in a camera's picture.

    Raises:
        NotFound: there is no such camera.
        Invalid: the line has no length, or an end of it is outside the picture.
    """
    camera = await get_camera(session, values["camera_id"])
    _check_line(camera, values)
    return await Cameras(session).add_line(values)


async def get_line(session: AsyncSession, line_id: int, *, lock: bool = False) -> Values:
    """Find a line.

    Raises:
        NotFound: there is none of this id.
    """
    known = 0 < line_id <= LARGEST_ID
    line = await Cameras(session).line(line_id, lock=lock) if known else None
    if line is None:
        raise NotFound(f"Line {line_id} not found")
    return line


async def change_line(session: AsyncSession, line_id: int, values: Values) -> Values:
    """Change some of a line's fields.

    Raises:
        NotFound: there is none of this id.
        Invalid: the line would have no length, or an end outside the picture.
    """
    line = await get_line(session, line_id, lock=True)
    if not values:
        return line
    _check_line(await get_camera(session, line["camera_id"]), {**line, **values})
    return await Cameras(session).change_line(line_id, values)


def _check_line(camera: Values, line: Values) -> None:
    ends = [(line["x1"], line["y1"]), (line["x2"], line["y2"])]
    if ends[0] == ends[1]:
        raise Invalid("The line has no length: (x1, y1) and (x2, y2) are the same point")
    width, height = camera["resolution_width"], camera["resolution_height"]
    for x, y in ends:
        if (width is not None and x > width) or (height is not None and y > height):
            raise Invalid(f"The point ({x}, {y}) is outside the picture of {width}x{height} pixels")


# --- counting -----------------------------------------------------------------------------------


async def count_crossings(
    session: AsyncSession, crossings: Sequence[Crossing]
) -> dict[Crossing, str]:
    """Store crossings and count those that are new; returns the unknown ones, and why.

    The result does not depend on the order of the crossings, nor on how often one comes.
    """
    repository = Counts(session)
    watches = await repository.watches(crossing.camera_id for crossing in crossings)
    unknown: dict[Crossing, str] = {}
    counted: dict[Crossing, bool] = {}
    for crossing in crossings:
        if crossing.camera_id not in watches:
            unknown[crossing] = f"Camera {crossing.camera_id} not found"
        elif (watch := watches[crossing.camera_id].get(crossing.line_id)) is None:
            unknown[crossing] = f"Line {crossing.line_id} not found"
        else:
            counted[crossing] = counts(crossing, watch)
    if counted:
        fresh = [crossing for crossing in await repository.add(counted) if counted[crossing]]
        if fresh:
            await repository.add_up(tally(fresh), await repository.add_tracks(fresh))
            await _follow(session, fresh)
    return unknown


async def _follow(session: AsyncSession, crossings: Sequence[Crossing]) -> None:
    """Publish the levels of the rooms that people have entered or left."""
    rooms = await Counts(session).rooms_of(crossing.camera_id for crossing in crossings)
    now = datetime.now(UTC)
    measured_at: dict[int, datetime] = {}
    for crossing in crossings:
        if (room_id := rooms.get(crossing.camera_id)) is not None:
            # An edge's clock may be ahead of ours.
            seen = min(crossing.crossed_at, now)
            measured_at[room_id] = max(measured_at.get(room_id, seen), seen)
    await _publish_levels(session, measured_at)


async def _publish_levels(session: AsyncSession, measured_at: Mapping[int, datetime]) -> None:
    if not measured_at:
        return
    for level in await Counts(session).add_up_rooms(measured_at):
        await outbox.publish(
            session,
            LEVELS,
            LevelV1(
                room_id=level.room_id,
                version=level.version,
                occupancy=level.occupancy,
                measured_at=level.measured_at,
            ),
            key=level.room_id,
            event_id=f"{level.room_id}/{level.version}",
            subject=f"room/{level.room_id}",
            at=level.measured_at,
        )


async def live(session: AsyncSession, camera_id: int) -> Live:
    """Tell how many people are in a camera's area.

    Raises:
        NotFound: there is no such camera.
    """
    await get_camera(session, camera_id)
    [found] = await Counts(session).live(camera_id)
    return found
