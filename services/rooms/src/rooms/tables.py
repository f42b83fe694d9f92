"""The schema `rooms`."""

from pathlib import Path
from typing import Final

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    Time,
    func,
)
from sqlalchemy.dialects.postgresql import ARRAY

from common.events import ROOMS
from common.outbox import Outbox, outbox_table
from common.schema import Schema

metadata = MetaData(schema="rooms")
outbox = Outbox(outbox_table(metadata), source="rooms")

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
)

SCHEMA: Final = Schema(metadata, Path(__file__).with_name("migrations"), published=[ROOMS])
