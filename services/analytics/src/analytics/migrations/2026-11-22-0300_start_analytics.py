"""Start the schema: rooms, people and bookings, and facts of them by day, week and month."""

import sqlalchemy as sa
from alembic import op

from common.messaging_schema import create_outbox, create_processed_events

revision = "20261122_0300"
down_revision = None

SCHEMA = "analytics"

_HOURS = range(24)
_ROLES = ("admin", "faculty", "student", "staff", "unknown")
_MEASURES = (
    "bookings",
    "no_shows",
    "wasted_s",
    "attendees",
    "oversized",
    "undersized",
    *(f"{role}_bookings" for role in _ROLES),
    *(f"starts_{hour:02}" for hour in _HOURS),
    "booked_s",
    *(f"{role}_booked_s" for role in _ROLES),
    *(f"touches_{hour:02}" for hour in _HOURS),
)

# A day begins at the earlier of two midnights; where there is none, when the clock changes.
_LOCAL_TIME = """
CREATE FUNCTION analytics.first_of(day date, zone text) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN ((later - interval '1 hour') AT TIME ZONE zone)::date = day
        THEN later - interval '1 hour' ELSE later END
    FROM timezone(zone, day::timestamp) AS later
$$
"""


def upgrade() -> None:
    create_outbox(SCHEMA)
    create_processed_events(SCHEMA)
    op.execute(_LOCAL_TIME)
    op.create_table(
        "rooms",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("cuid", sa.Text, nullable=False, unique=True),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("building_id", sa.Integer, nullable=False),
        sa.Column("building", sa.Text, nullable=False),
        sa.Column("timezone", sa.Text, nullable=False),
        sa.Column("capacity", sa.Integer, nullable=False),
        sa.Column("is_active", sa.Boolean, nullable=False),
        sa.Column("opens_at", sa.Time, nullable=False),
        sa.Column("closes_at", sa.Time, nullable=False),
        sa.Column("opens_from", sa.DateTime(timezone=True)),
        sa.Column("opens_until", sa.DateTime(timezone=True)),
        sa.Column("recurrence_rule", sa.Text),
        sa.Column("created_at", sa.DateTime(timezone=True)),
        schema=SCHEMA,
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("department", sa.Text),
        schema=SCHEMA,
    )
    op.create_table(
        "bookings",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("room_id", sa.Integer, nullable=False),
        sa.Column("organizer_id", sa.Text, nullable=False),
        sa.Column("organizer_name", sa.Text, nullable=False),
        sa.Column("organizer_email", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("attendees", sa.Integer, nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("had_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_booked", sa.Boolean, nullable=False),
        sa.Column("is_counted", sa.Boolean, nullable=False),
        sa.Column("is_no_show", sa.Boolean, nullable=False),
        sa.Column("is_override", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("timezone", sa.Text),
        sa.Column("capacity", sa.Integer),
        sa.Column("role", sa.Text),
        sa.CheckConstraint("starts_at < ends_at", name="bookings_end_after_they_start"),
        schema=SCHEMA,
    )
    op.create_index("bookings_of_room", "bookings", ["room_id"], schema=SCHEMA)
    op.create_index("bookings_of_organizer", "bookings", ["organizer_id"], schema=SCHEMA)
    op.create_index("bookings_by_start", "bookings", ["starts_at", "id"], schema=SCHEMA)
    for name, measures in (("days", _MEASURES), ("weeks", ("booked_s",)), ("months", _MEASURES)):
        op.create_table(
            name,
            sa.Column("room_id", sa.Integer, primary_key=True, autoincrement=False),
            sa.Column("start", sa.Date, primary_key=True),
            *(_count(measure) for measure in measures),
            schema=SCHEMA,
        )
        op.create_index(f"{name}_by_start", name, ["start"], schema=SCHEMA)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger if name.endswith("_s") else sa.Integer, nullable=False)
