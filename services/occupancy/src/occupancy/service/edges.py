"""What edge-counters are told: their cameras, the lines, and where the pictures come from."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final

from common.db import AsyncSession
from common.errors import Forbidden, NotFound, Unauthorized, Unavailable
from common.identity import Identity, Role
from common.sealing import CannotOpen, Seal
from occupancy.repository.cameras import Cameras

Values = Mapping[str, Any]
_NO_KEY: Final = (
    "Keeping a stream_url needs the setting OCCUPANCY_SECRETS_KEY: 32 random bytes in base64, the"
    " same for every replica. Ask whoever runs this installation."
)
_OTHER_KEY: Final = (
    "The stream_url of camera {} was sealed under another OCCUPANCY_SECRETS_KEY: give that key too,"
    " or the stream_url anew."
)


async def keep_stream(
    session: AsyncSession, camera_id: int, url: str | None, seal: Seal | None
) -> None:
    """Keep where a camera's pictures come from, sealed; None: forget it.

    Raises:
        Unavailable: the operator has set no key.
    """
    if url is not None and seal is None:
        raise Unavailable(_NO_KEY)
    sealed = seal.close(url.encode(), of=_of(camera_id)) if seal and url is not None else None
    await Cameras(session).set_stream(camera_id, sealed)


def _of(camera_id: int) -> str:
    return f"camera/{camera_id}"


async def configuration(
    session: AsyncSession, identity: Identity, edge_id: str, seal: Seal | None
) -> Values:
    """Tell an edge-counter which cameras it watches, or an admin what it is told.

    An edge-counter is a device of that name, and hears of no other. An admin does not see where
    pictures come from: there are passwords in it.

    Raises:
        Unauthorized, Forbidden: somebody else asks.
        NotFound: another edge-counter does.
        Unavailable: where pictures come from was sealed under another key.
    """
    is_edge = identity.kind == "edge"
    if identity.kind == "anonymous":
        raise Unauthorized("Edge-counters ask for this with their device token")
    if not is_edge and identity.role is not Role.ADMIN:
        raise Forbidden("This is for edge-counters and admins")
    if is_edge and identity.name != edge_id:
        raise NotFound(f"Edge {edge_id} not found")
    repository = Cameras(session)
    cameras = await repository.of_edge(edge_id)
    camera_ids = [camera["id"] for camera in cameras]
    lines: dict[int, list[Values]] = defaultdict(list)
    for line in await repository.lines_of_all(camera_ids):
        lines[line["camera_id"]].append(line)
    told: list[Values] = [{**camera, "lines": lines[camera["id"]]} for camera in cameras]
    if is_edge:
        sealed = await repository.streams_of(camera_ids)
        told = [{**one, "stream_url": _opened(one["id"], sealed, seal)} for one in told]
    return {"edge_id": edge_id, "cameras": told}


def _opened(camera_id: int, sealed: Mapping[int, bytes], seal: Seal | None) -> str | None:
    if camera_id not in sealed:
        return None
    try:
        if seal is not None:
            return seal.open(sealed[camera_id], of=_of(camera_id)).decode()
    except CannotOpen:
        pass
    # The edge goes on with what it was told before.
    raise Unavailable(_OTHER_KEY.format(camera_id))
