"""The schema `rooms`."""

from pathlib import Path
from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Time,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from common.consumer import processed_table
from common.events import BOOKINGS, LEVELS, ROOMS
from common.idempotency import idempotency_table
from common.outbox import Outbox, outbox_table
from common.schema import Schema

metadata = MetaData(schema="rooms")
outbox = Outbox(outbox_table(metadata), source="rooms")
processed = processed_table(metadata)
idempotency_keys = idempotency_table(metadata)

buildings = Table(
    "buildings",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("timezone", Text, nullable=False),
    Column("opens_at", Time, nullable=False),
    Column("closes_at", Time, nullable=False),
    CheckConstraint("opens_at < closes_at", name="buildings_open_before_they_close"),
)

amenities = Table(
    "amenities",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("name", Text, nullable=False, unique=True),
)

rooms = Table(
    "rooms",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("cuid", Text, nullable=False, unique=True),
    Column("version", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("building_id", Integer, ForeignKey("rooms.buildings.id"), nullable=False, index=True),
    Column("floor", Integer, nullable=False),
    Column("capacity", Integer, nullable=False),
    Column("images", ARRAY(Text), nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("is_locked", Boolean, nullable=False),
    Column("restricted_roles", ARRAY(Text), nullable=False, server_default="{}"),
    Column("opens_from", DateTime(timezone=True)),
    Column("opens_until", DateTime(timezone=True)),
    Column("recurrence_rule", Text),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("capacity >= 1", name="rooms_seat_somebody"),
    CheckConstraint("opens_from < opens_until", name="rooms_open_before_they_close"),
    # Free-text search by part of the name.
    Index("rooms_name", "name", postgresql_using="gin", postgresql_ops={"name": "gin_trgm_ops"}),
)

room_amenities = Table(
    "room_amenities",
    metadata,
    Column("room_id", Integer, ForeignKey("rooms.rooms.id"), primary_key=True),
    Column("amenity_id", Integer, ForeignKey("rooms.amenities.id"), primary_key=True, index=True),
    # In which order the amenities were given.
    Column("position", SmallInteger, nullable=False, server_default="0"),
)

# --- copies of what others own, from their topics ------------------------------------------------

# Without a foreign key: a topic may be read again that names rooms of an earlier database.
room_bookings = Table(
    "room_bookings",
    metadata,
    Column("id", Text, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("room_id", Integer, nullable=False),
    Column("is_confirmed", Boolean, nullable=False),
    Column("is_checked_in", Boolean, nullable=False),
    Column("holds", Boolean, nullable=False),
    Column("starts_at", DateTime(timezone=True), nullable=False),
    Column("ends_at", DateTime(timezone=True), nullable=False),
    Column("held_from", DateTime(timezone=True), nullable=False),
    Column("held_until", DateTime(timezone=True), nullable=False),
    CheckConstraint("starts_at < ends_at", name="room_bookings_start_before_they_end"),
    CheckConstraint("held_from < held_until", name="room_bookings_hold_some_time"),
    # What holds a room in some time, and what runs in it.
    Index("room_bookings_of_room", "room_id", "held_until"),
    # What runs anywhere.
    Index(
        "room_bookings_running",
        text("tstzrange(starts_at, ends_at)"),
        postgresql_using="gist",
        postgresql_where=text("is_confirmed AND holds"),
    ),
    # What has ended.
    Index("room_bookings_until", "held_until"),
)

room_levels = Table(
    "room_levels",
    metadata,
    Column("room_id", Integer, primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False),
    Column("occupancy", BigInteger, nullable=False),
)

SCHEMA: Final = Schema(
    metadata,
    Path(__file__).with_name("migrations"),
    published=[ROOMS],
    consumed=[BOOKINGS, LEVELS],
)
