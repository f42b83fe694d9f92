"""What can be done with cameras and lines."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from common.db import AsyncSession
from common.errors import Invalid, NotFound
from common.events import CAMERAS, CameraV1
from common.fields import LARGEST_ID
from occupancy.domain import Live
from occupancy.history import LEVELS
from occupancy.repository.cameras import Cameras
from occupancy.repository.counts import Counts
from occupancy.repository.heartbeats import Heartbeats
from occupancy.repository.history import History
from occupancy.service import alerts
from occupancy.service.levels import publish_levels
from occupancy.tables import outbox

Values = Mapping[str, Any]
# What decides to which room a camera's counts go.
_PLACE: Final = frozenset({"room_id", "is_active"})


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


async def add_camera(session: AsyncSession, values: Values) -> Values:
    """Store a camera.

    Raises:
        Conflict: there is one of this `camera_id`.
    """
    camera = await Cameras(session).add(values)
    await _tell(session, camera)
    return camera


async def change_camera(session: AsyncSession, camera_id: int, values: Values) -> Values:
    """Change some of a camera's fields; what depends on them follows: levels, days, alerts.

    Raises:
        NotFound: there is none of this id.
        Conflict: the new `camera_id` is taken.
    """
    camera = await get_camera(session, camera_id, lock=True)
    if not values:
        return camera
    changed = await Cameras(session).change(camera_id, values)
    await Cameras(session).watch(camera_id)
    if any(changed[name] != camera[name] for name in _PLACE):
        await Counts(session).hold(camera_id)
        now = datetime.now(UTC)
        rooms = {camera["room_id"], changed["room_id"]} - {None}
        await publish_levels(session, dict.fromkeys(rooms, now))
    if changed["room_id"] != camera["room_id"]:
        # Its days may be those of another zone now.
        await History(session).add_rebuilds(camera_id, LEVELS)
    if changed["is_active"] != camera["is_active"]:
        await Heartbeats(session).begin_anew(camera_id)
        await alerts.end_all(session, camera_id)
    if any(changed[name] != camera[name] for name in ("is_active", "max_occupancy")):
        await alerts.judge(session, [camera_id])
    await _tell(session, changed)
    return changed


async def _tell(session: AsyncSession, camera: Values) -> None:
    """Publish a camera as it is now."""
    await outbox.publish(
        session,
        CAMERAS,
        CameraV1(**{name: camera[name] for name in CameraV1.__struct_fields__}),
        key=camera["id"],
        event_id=f"{camera['id']}/{camera['version']}",
        subject=f"camera/{camera['id']}",
        at=datetime.now(UTC),
    )


async def add_line(session: AsyncSession, values: Values) -> Values:
    """Draw a line in a camera's picture.

    Raises:
        NotFound: there is no such camera.
        Invalid: the line has no length, or an end of it is outside the picture.
    """
    camera = await get_camera(session, values["camera_id"])
    _check_line(camera, values)
    line = await Cameras(session).add_line(values)
    await Cameras(session).watch(camera["id"])
    return line


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
    changed = await Cameras(session).change_line(line_id, values)
    await Cameras(session).watch(line["camera_id"])
    return changed


def _check_line(camera: Values, line: Values) -> None:
    ends = [(line["x1"], line["y1"]), (line["x2"], line["y2"])]
    if ends[0] == ends[1]:
        raise Invalid("The line has no length: (x1, y1) and (x2, y2) are the same point")
    width, height = camera["resolution_width"], camera["resolution_height"]
    for x, y in ends:
        if (width is not None and x > width) or (height is not None and y > height):
            raise Invalid(f"The point ({x}, {y}) is outside the picture of {width}x{height} pixels")


async def live(session: AsyncSession, camera_id: int) -> Live:
    """Tell how many people are in a camera's area.

    Raises:
        NotFound: there is no such camera.
    """
    await get_camera(session, camera_id)
    [found] = await Counts(session).live([camera_id], also_inactive=True)
    return found
