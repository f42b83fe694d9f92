"""Every event that crosses Kafka, written once: CloudEvents 1.0 in structured JSON mode.

A topic carries one type of event and has its name. Changes only add optional fields; anything
else is a new topic ending in the next version. `docs/asyncapi.yaml` is generated from here.

    Topic       name, what it carries, its key, how it is kept
    CloudEvent  the envelope
    *V1         what is in the envelope
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import cache
from typing import Annotated, Any, Final, Generic, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from common.errors import BrokenEvent

Instant = Annotated[datetime, Meta(tz=True)]
IntegerId = Annotated[int, Meta(ge=1, le=2**31 - 1)]
Count = Annotated[int, Meta(ge=0)]
Seconds = Annotated[float, Meta(ge=0)]
SequenceNumber = Annotated[int, Meta(ge=1, le=2**63 - 2)]
EDGE_ID: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
# Checked by `_check_edges`, once for each edge of a batch: for each event it would take as long as
# all the rest.
EdgeId = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=64,
        description="Name of the edge-counter, unique in the installation.",
        extra_json_schema={"pattern": EDGE_ID},
    ),
]


class CrossingV1(Struct, frozen=True, kw_only=True, gc=False):
    """Somebody crossed a line that a camera watches."""

    edge_id: EdgeId
    camera_id: IntegerId
    sequence: Annotated[
        SequenceNumber,
        Meta(
            description="Counts up by one per edge and camera and survives restarts; "
            "(edge_id, camera_id, sequence) is counted once, however often it comes.",
        ),
    ]
    line_id: IntegerId
    direction: Literal["entry", "exit"]
    track_id: Annotated[
        str, Meta(min_length=1, max_length=64, description="Unique per run of the edge.")
    ]
    confidence: Annotated[float, Meta(ge=0, le=1)]
    crossed_at: Instant


class HeartbeatV1(Struct, frozen=True, kw_only=True):
    """How a camera does, as its edge-counter sees it; every 10 seconds."""

    edge_id: EdgeId
    camera_id: IntegerId
    sent_at: Annotated[Instant, Meta(description="By the clock of the edge.")]
    started_at: Annotated[Instant, Meta(description="When this run of the edge began.")]
    picture: Annotated[
        Literal["good", "none", "frozen", "dark", "moved"],
        Meta(
            description="none: no pictures come; frozen: they do not change; dark: nothing is seen;"
            " moved: the camera looks elsewhere than when it began."
        ),
    ]
    reason: Annotated[
        Annotated[str, Meta(max_length=300)] | None,
        Meta(description="What is wrong, for a person; without any password."),
    ] = None
    picture_age_s: Annotated[
        Seconds | None, Meta(description="Since the last picture came; null: none ever did.")
    ] = None
    pictures_per_s: Annotated[float, Meta(ge=0, description="That came.")]
    processed_per_s: Annotated[float, Meta(ge=0, description="In which people were looked for.")]
    lag_s: Annotated[
        Seconds, Meta(description="From the coming of a picture to the end of its processing.")
    ]
    spool_depth: Annotated[Count, Meta(description="Crossings that Kafka does not have yet.")]
    dropped: Annotated[
        Count, Meta(description="Crossings that were given up since this run began.")
    ] = 0


class DroppedV1(Struct, frozen=True, kw_only=True):
    """Crossings that will never come: an edge had to give them up, and says which."""

    edge_id: EdgeId
    camera_id: IntegerId
    first_sequence: SequenceNumber
    last_sequence: Annotated[SequenceNumber, Meta(description="Included.")]
    entries: Annotated[Count | None, Meta(description="Among them; null: nobody knows.")] = None
    exits: Count | None = None
    first_crossed_at: Instant | None = None
    last_crossed_at: Instant | None = None
    dropped_at: Instant
    reason: Literal["spool_full", "spool_broken"]


class CameraV1(Struct, frozen=True, kw_only=True):
    """A camera as it is now: a whole snapshot, the highest version wins."""

    id: IntegerId
    version: Annotated[int, Meta(ge=1)]
    camera_id: Annotated[str, Meta(description="Its code, unique in the installation.")]
    camera_name: str
    location: str | None
    camera_type: Literal["entry_only", "exit_only", "bidirectional"]
    room_id: int | None
    max_occupancy: int | None
    is_active: bool


class AlertV1(Struct, frozen=True, kw_only=True):
    """Something about a camera that a person should see.

    Told when it is raised, resolved or over, and when something joins or leaves its causes.
    """

    id: IntegerId
    version: Annotated[int, Meta(ge=1, description="The highest wins.")]
    camera_id: IntegerId
    alert_type: Literal[
        "capacity_exceeded",
        "capacity_warning",
        "anomaly_detected",
        "negative_count",
        "equipment_failure",
    ]
    message: str
    current_occupancy: Annotated[int, Meta(ge=0)]
    raised_at: Instant
    over_at: Annotated[Instant | None, Meta(description="When its cause was gone.")]
    resolved_at: Annotated[Instant | None, Meta(description="When somebody had seen to it.")]


class SnapshotV1(Struct, frozen=True, kw_only=True):
    """Somebody has asked for a picture of a camera; the picture itself is nowhere kept."""

    id: IntegerId
    camera_id: IntegerId
    edge_id: Annotated[str, Meta(description="Who was asked to take it.")]
    asked_by: Annotated[str, Meta(description="The user who asked.")]
    asked_at: Instant


class BuildingV1(Struct, frozen=True, kw_only=True):
    """The building of a room, as it was when the room's event was written."""

    id: IntegerId
    name: str
    timezone: Annotated[str, Meta(description="IANA name; local days and hours are in it.")]
    opens_at: time
    closes_at: time


class RoomV1(Struct, frozen=True, kw_only=True):
    """A room as it is now: a whole snapshot, the highest version wins."""

    id: IntegerId
    cuid: str
    version: Annotated[int, Meta(ge=1)]
    name: str
    building: BuildingV1
    floor: int | None
    capacity: Annotated[int, Meta(ge=1)]
    amenities: list[str]
    is_active: bool
    is_locked: bool
    opens_from: Annotated[
        Instant | None,
        Meta(description="First opening window, with opens_until; null: the building's hours."),
    ]
    opens_until: Instant | None
    recurrence_rule: str | None
    images: list[str] = []
    restricted_roles: Annotated[
        list[str], Meta(description="Roles that may book it; none: everybody.")
    ] = []
    created_at: Instant | None = None
    changed_by: Annotated[
        str | None, Meta(description="The user who made this version, if a user did.")
    ] = None


class UserV1(Struct, frozen=True, kw_only=True):
    """A person with an account, as they are now: a whole snapshot, the highest version wins."""

    id: str
    version: Annotated[int, Meta(ge=1)]
    name: str
    email: str
    role: Literal["ADMIN", "FACULTY", "STUDENT", "STAFF"]
    department: str | None
    is_active: bool
    changed_by: Annotated[
        str | None, Meta(description="The user who made this version, if a user did.")
    ] = None


class PersonV1(Struct, frozen=True, kw_only=True):
    """Somebody with an account, as they were when the event was written."""

    id: str
    name: str
    email: str


class BookingV1(Struct, frozen=True, kw_only=True):
    """A booking as it is now: a whole snapshot, the highest version wins."""

    id: str
    version: Annotated[int, Meta(ge=1)]
    room_id: IntegerId
    room_cuid: str
    organizer: PersonV1
    attendee_ids: list[str]
    title: str
    description: str | None
    starts_at: Instant
    ends_at: Annotated[Instant, Meta(description="Moves back when a meeting is ended early.")]
    held_from: Annotated[Instant, Meta(description="With the room's buffer before the booking.")]
    held_until: Instant
    status: Annotated[
        Literal["pending", "rejected", "confirmed", "cancelled", "completed", "no_show"],
        Meta(description="pending: a request that waits for approval."),
    ]
    holds: Annotated[bool, Meta(description="Whether nobody else can have the room then.")]
    requested: Annotated[bool, Meta(description="Whether it began as a request.")]
    is_override: bool
    overridden_by: Annotated[
        str | None, Meta(description="The booking that an admin has put in its place.")
    ]
    series_id: str | None
    checked_in_at: Instant | None
    checkin_until: Annotated[
        Instant | None,
        Meta(description="Released if nobody has checked in by then; null: never."),
    ]
    ended_at: Annotated[Instant | None, Meta(description="When it was ended before its time.")]
    created_at: Instant


class TermV1(Struct, frozen=True, kw_only=True):
    """A term as it is now: a whole snapshot, the highest version wins."""

    id: IntegerId
    version: Annotated[int, Meta(ge=1)]
    name: str
    code: Annotated[str, Meta(description="Unique among the terms that are there.")]
    start_date: Annotated[date, Meta(description="In each room, the local day of its building.")]
    end_date: Annotated[date, Meta(description="Included.")]
    is_published: bool
    is_archived: bool
    is_deleted: Annotated[
        bool, Meta(description="It is gone, as it last was; its id is never used again.")
    ] = False


class OccurrenceV1(Struct, frozen=True, kw_only=True, gc=False):
    """Once that an allocation takes place."""

    starts_at: Instant
    ends_at: Annotated[Instant, Meta(description="Not included.")]


class AllocationV1(Struct, frozen=True, kw_only=True):
    """Seats of a room for a course, as they are now: a whole snapshot, the highest version wins.

    Several may share a room at a time, as far as it has seats.
    """

    id: IntegerId
    version: Annotated[int, Meta(ge=1)]
    term_id: IntegerId
    room_id: Annotated[IntegerId, Meta(description="May be another one in a later version.")]
    room_cuid: str
    title: str
    allocated_seats: Annotated[int, Meta(ge=1)]
    occurrences: Annotated[
        list[OccurrenceV1],
        Meta(
            description="By start, in UTC; they do not overlap each other. The recurrence is"
            " expanded in the zone of the room's building, exceptions are taken out."
        ),
    ]
    external_id: Annotated[
        str | None,
        Meta(description="What the timetable that brought it calls it, unique in its term."),
    ] = None
    is_deleted: Annotated[
        bool, Meta(description="It is gone, as it last was; its id is never used again.")
    ] = False


class LevelV1(Struct, frozen=True, kw_only=True):
    """How many people are in a room, by the cameras at its doors."""

    room_id: IntegerId
    version: Annotated[int, Meta(ge=1, description="Of this room's level; the highest wins.")]
    occupancy: Annotated[int, Meta(ge=0)]
    measured_at: Instant


Data = TypeVar("Data", bound=Struct)


class CloudEvent(Struct, Generic[Data], frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The envelope: CloudEvents 1.0 attributes around the data."""

    specversion: Literal["1.0"]
    type: str
    id: Annotated[str, Meta(min_length=1, max_length=200)]
    source: Annotated[str, Meta(min_length=1, max_length=200)]
    time: Instant
    data: Data
    subject: str | None = None
    datacontenttype: Literal["application/json"] | None = None
    traceparent: Annotated[
        str | None, Meta(description="CloudEvents distributed tracing extension.")
    ] = None


_encode = msgspec.json.Encoder().encode


@cache
def _decoder(data: type[Struct]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(CloudEvent[data])  # type: ignore[valid-type] # made at run time


# As JSON has it.
_NUL: Final = rb"\u0000"
_edge_id: Final = re.compile(EDGE_ID)


def _check_edges(events: Sequence[CloudEvent[Any]]) -> None:
    for edge_id in {event.data.edge_id for event in events}:
        if _edge_id.fullmatch(edge_id) is None:
            raise BrokenEvent(f"edge_id: {edge_id!r} does not match {EDGE_ID}")


def _check_crossings(events: Sequence[CloudEvent[CrossingV1]]) -> None:
    _check_edges(events)
    if not "".join([event.data.track_id for event in events]).isprintable():
        raise BrokenEvent("track_id: it has a control character")


@dataclass(frozen=True, slots=True)
class Topic(Generic[Data]):
    """A topic and the one type of event in it.

    Args:
        name: also the CloudEvents type.
        data: what the envelope carries.
        key: what the Kafka key is; events of one key stay in order.
        publisher: who may write it; it makes the topic when it is missing.
        compacted: the newest event of each key is the state, and is kept for ever.
        check: raises BrokenEvent for what the schema cannot say; of many events at a time.
        keep_days: how long the others are kept.
        stamped_on_arrival: the broker dates its records, not who writes them.
        partitions: how far its consumers can be scaled out.
    """

    name: str
    data: type[Data]
    key: str
    publisher: str
    check: Callable[[Sequence["CloudEvent[Any]"]], None] | None = None
    compacted: bool = False
    # Longer than an edge may be away and than sent outbox rows stay.
    keep_days: int = 90
    stamped_on_arrival: bool = False
    partitions: int = 6

    def encode(
        self,
        data: Data,
        *,
        event_id: str,
        source: str,
        subject: str,
        at: datetime,
        traceparent: str | None = None,
    ) -> bytes:
        """Write an event as it stands on the topic."""
        envelope = {
            "specversion": "1.0",
            "type": self.name,
            "id": event_id,
            "source": source,
            "subject": subject,
            "time": at.astimezone(UTC),
            "datacontenttype": "application/json",
            "data": data,
        }
        if traceparent is not None:
            envelope["traceparent"] = traceparent
        return _encode(envelope)

    def decode_all(self, raws: Sequence[bytes]) -> list[CloudEvent[Data]]:
        """Read many events from the topic.

        Raises:
            BrokenEvent: one of them is none.
        """
        decode = _decoder(self.data).decode
        try:
            events: list[CloudEvent[Data]] = [decode(raw) for raw in raws]
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise BrokenEvent(f"not a {self.name}: {error}") from error
        if strange := {event.type for event in events} - {self.name}:
            raise BrokenEvent(f"a {strange.pop()!r} on the topic {self.name}")
        if any(_NUL in raw for raw in raws):
            raise BrokenEvent(f"not a {self.name}: the character U+0000 cannot be stored")
        if self.check is not None:
            self.check(events)
        return events

    def decode(self, raw: bytes) -> CloudEvent[Data]:
        """Read an event from the topic.

        Raises:
            BrokenEvent: not JSON, not this type of event, or a field out of its range.
        """
        [event] = self.decode_all([raw])
        return event


CROSSINGS: Final = Topic(
    "edge.crossing.v1",
    CrossingV1,
    "camera_id",
    "edge-counter",
    check=_check_crossings,
    stamped_on_arrival=True,
)
DROPPED: Final = Topic(
    "edge.dropped.v1", DroppedV1, "camera_id", "edge-counter", check=_check_edges
)
HEARTBEATS: Final = Topic(
    "edge.heartbeat.v1",
    HeartbeatV1,
    "camera_id",
    "edge-counter",
    check=_check_edges,
    keep_days=1,
    stamped_on_arrival=True,
)
ROOMS: Final = Topic("rooms.room.v1", RoomV1, "id", "rooms", compacted=True)
USERS: Final = Topic("accounts.user.v1", UserV1, "id", "gateway", compacted=True)
BOOKINGS: Final = Topic("bookings.booking.v1", BookingV1, "room_id", "bookings")
TERMS: Final = Topic("bookings.term.v1", TermV1, "id", "bookings", compacted=True)
ALLOCATIONS: Final = Topic("bookings.allocation.v1", AllocationV1, "id", "bookings", compacted=True)
CAMERAS: Final = Topic("occupancy.camera.v1", CameraV1, "id", "occupancy", compacted=True)
LEVELS: Final = Topic("occupancy.level.v1", LevelV1, "room_id", "occupancy")
ALERTS: Final = Topic("occupancy.alert.v1", AlertV1, "camera_id", "occupancy")
SNAPSHOTS: Final = Topic("occupancy.snapshot.v1", SnapshotV1, "camera_id", "occupancy")

TOPICS: Final[tuple[Topic[Any], ...]] = (
    CROSSINGS,
    DROPPED,
    HEARTBEATS,
    ROOMS,
    USERS,
    BOOKINGS,
    TERMS,
    ALLOCATIONS,
    CAMERAS,
    LEVELS,
    ALERTS,
    SNAPSHOTS,
)
