"""Start the schema: buildings, amenities, rooms, and the outbox."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

from common.messaging_schema import create_outbox

revision = "20261121_0900"
down_revision = None

SCHEMA = "rooms"


def upgrade() -> None:
    create_outbox(SCHEMA)
    op.create_table(
        "buildings",
        sa.Column("id", sa.Integer, sa.Identity(always=True), primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("timezone", sa.Text, nullable=False),
        sa.Column("opens_at", sa.Time, nullable=False),
        sa.Column("closes_at", sa.Time, nullable=False),
        sa.CheckConstraint("opens_at < closes_at", name="buildings_open_before_they_close"),
        schema=SCHEMA,
    )
    op.create_table(
        "amenities",
        sa.Column("id", sa.Integer, sa.Identity(always=True), primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        schema=SCHEMA,
    )
    op.create_table(
        "rooms",
        sa.Column("id", sa.Integer, sa.Identity(always=True), primary_key=True),
        sa.Column("cuid", sa.Text, nullable=False, unique=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("building_id", sa.Integer, sa.ForeignKey("rooms.buildings.id"), nullable=False),
        sa.Column("floor", sa.Integer, nullable=False),
        sa.Column("capacity", sa.Integer, nullable=False),
        sa.Column("images", ARRAY(sa.Text), nullable=False),
        sa.Column("is_active", sa.Boolean, nullable=False),
        sa.Column("is_locked", sa.Boolean, nullable=False),
        sa.Column("opens_from", sa.DateTime(timezone=True)),
        sa.Column("opens_until", sa.DateTime(timezone=True)),
        sa.Column("recurrence_rule", sa.Text),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            nullable=False,
            server_default=sa.func.now(),
        ),
        sa.CheckConstraint("capacity >= 1", name="rooms_seat_somebody"),
        sa.CheckConstraint("opens_from < opens_until", name="rooms_open_before_they_close"),
        sa.Index(
            "rooms_name",
            "name",
            postgresql_using="gin",
            postgresql_ops={"name": "gin_trgm_ops"},
        ),
        schema=SCHEMA,
    )
    op.create_index("ix_rooms_rooms_building_id", "rooms", ["building_id"], schema=SCHEMA)
    op.create_table(
        "room_amenities",
        sa.Column("room_id", sa.Integer, sa.ForeignKey("rooms.rooms.id"), primary_key=True),
        sa.Column("amenity_id", sa.Integer, sa.ForeignKey("rooms.amenities.id"), primary_key=True),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_rooms_room_amenities_amenity_id", "room_amenities", ["amenity_id"], schema=SCHEMA
    )
