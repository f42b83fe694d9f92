"""Keep what cameras tell: levels of rooms, and crossings by door."""

import sqlalchemy as sa
from alembic import op

revision = "20261122_0410"
down_revision = "20261122_0400"

SCHEMA = "analytics"

_SECONDS = """
CREATE FUNCTION analytics.seconds_of(spans tstzmultirange) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(floor(date_part('epoch', sum(upper(span) - lower(span)))), 0)::bigint
    FROM unnest(spans) AS span
$$
"""


def upgrade() -> None:
    op.add_column("bookings", sa.Column("seen", sa.Integer), schema=SCHEMA)
    op.add_column("bookings", sa.Column("empty_s", sa.BigInteger), schema=SCHEMA)
    op.create_index(
        "bookings_of_room_by_end",
        "bookings",
        ["room_id", "had_until", "starts_at"],
        schema=SCHEMA,
    )
    op.drop_index("bookings_of_room", "bookings", schema=SCHEMA)
    _levels()
    _crossings()


def _levels() -> None:
    op.execute(_SECONDS)
    op.create_table(
        "clock",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id = 1", name="there_is_one_clock"),
        schema=SCHEMA,
    )
    op.execute("INSERT INTO analytics.clock (id, at) VALUES (1, 'epoch')")
    op.create_table(
        "levels",
        sa.Column("room_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("measured_at", sa.DateTime(timezone=True), primary_key=True),
        sa.Column("version", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("occupancy", sa.Integer),
        schema=SCHEMA,
    )
    op.create_table(
        "presence",
        sa.Column("room_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("timezone", sa.Text, nullable=False),
        sa.Column("occupied_s", sa.BigInteger, nullable=False),
        sa.Column("unbooked_s", sa.BigInteger, nullable=False),
        schema=SCHEMA,
    )


def _crossings() -> None:
    op.create_table(
        "cameras",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("room_id", sa.Integer),
        sa.Column("is_active", sa.Boolean, nullable=False),
        schema=SCHEMA,
    )
    op.create_table(
        "edges",
        sa.Column("camera_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("edge_id", sa.Text, primary_key=True),
        sa.Column("high", sa.BigInteger, nullable=False),
        sa.Column("missing", sa.dialects.postgresql.INT8MULTIRANGE, nullable=False),
        schema=SCHEMA,
    )
    op.create_table(
        "flow",
        sa.Column("camera_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("start", sa.DateTime(timezone=True), primary_key=True),
        sa.Column("entries", sa.Integer, nullable=False),
        sa.Column("exits", sa.Integer, nullable=False),
        schema=SCHEMA,
    )
