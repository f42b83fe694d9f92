"""Keep copies of bookings and levels; restrict rooms to roles; take a repeated POST once."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

from common.messaging_schema import create_idempotency_keys, create_processed_events

revision = "20261121_1200"
down_revision = "20261121_0900"

SCHEMA = "rooms"


def upgrade() -> None:
    create_processed_events(SCHEMA)
    create_idempotency_keys(SCHEMA)
    # Both with a default, for the release that does not name them.
    op.add_column(
        "rooms",
        sa.Column("restricted_roles", ARRAY(sa.Text), nullable=False, server_default="{}"),
        schema=SCHEMA,
    )
    op.add_column(
        "room_amenities",
        sa.Column("position", sa.SmallInteger, nullable=False, server_default="0"),
        schema=SCHEMA,
    )
    op.create_table(
        "room_bookings",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("room_id", sa.Integer, nullable=False),
        sa.Column("is_confirmed", sa.Boolean, nullable=False),
        sa.Column("is_checked_in", sa.Boolean, nullable=False),
        sa.Column("holds", sa.Boolean, nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("held_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("starts_at < ends_at", name="room_bookings_start_before_they_end"),
        sa.CheckConstraint("held_from < held_until", name="room_bookings_hold_some_time"),
        sa.Index("room_bookings_of_room", "room_id", "held_until"),
        sa.Index(
            "room_bookings_running",
            sa.text("tstzrange(starts_at, ends_at)"),
            postgresql_using="gist",
            postgresql_where=sa.text("is_confirmed AND holds"),
        ),
        sa.Index("room_bookings_until", "held_until"),
        schema=SCHEMA,
    )
    op.create_table(
        "room_levels",
        sa.Column("room_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("occupancy", sa.BigInteger, nullable=False),
        schema=SCHEMA,
    )
