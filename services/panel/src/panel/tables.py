"""The schema `panel`: copies of what others own, from their topics."""

from pathlib import Path
from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
)

from common.consumer import processed_table
from common.events import BOOKINGS, LEVELS, ROOMS
from common.outbox import Outbox, outbox_table
from common.schema import Schema

metadata = MetaData(schema="panel")
# Only for what can't be handled: the service publishes nothing of its own.
outbox = Outbox(outbox_table(metadata), source="panel")
processed = processed_table(metadata)

_INSTANT: Final = DateTime(timezone=True)

rooms = Table(
    "rooms",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("cuid", Text, nullable=False, unique=True),
    Column("version", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("building", Text, nullable=False),
    Column("timezone", Text, nullable=False),
    Column("floor", Integer, nullable=False),
    Column("capacity", Integer, nullable=False),
    Column("is_bookable", Boolean, nullable=False),
)

# Without a foreign key: topics come in any order.
meetings = Table(
    "meetings",
    metadata,
    Column("id", Text, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("room_id", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("organizer", Text, nullable=False),
    Column("organizer_email", Text, nullable=False),
    Column("starts_at", _INSTANT, nullable=False),
    Column("ends_at", _INSTANT, nullable=False),
    Column("attendee_count", Integer, nullable=False),
    Column("checked_in_at", _INSTANT),
    Column("checkin_until", _INSTANT),
    # Neither cancelled, released nor displaced.
    Column("is_held", Boolean, nullable=False),
    CheckConstraint("starts_at < ends_at", name="meetings_end_after_they_start"),
    Index("meetings_of_room", "room_id", "ends_at"),
    Index("meetings_by_end", "ends_at"),
)

levels = Table(
    "levels",
    metadata,
    Column("room_id", Integer, primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False),
    Column("occupancy", BigInteger, nullable=False),
)

# When something of a room was last written here; later each time. Panels are told (by trigger).
changes = Table(
    "changes",
    metadata,
    Column("room_id", Integer, primary_key=True, autoincrement=False),
    Column("changed_at", _INSTANT, nullable=False),
)

# Since when and up to when everything that was said of bookings is known here, by partition of
# their topic.
heard = Table(
    "heard",
    metadata,
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("since", _INSTANT, nullable=False),
    Column("until", _INSTANT, nullable=False),
)

SCHEMA: Final = Schema(
    metadata,
    Path(__file__).with_name("migrations"),
    consumed=[ROOMS, BOOKINGS, LEVELS],
)
