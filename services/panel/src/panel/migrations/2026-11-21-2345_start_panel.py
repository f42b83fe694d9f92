"""Start the schema: rooms, meetings and levels as panels show them, and what tells of changes."""

import sqlalchemy as sa
from alembic import op

from common.messaging_schema import create_outbox, create_processed_events

revision = "20261121_2345"
down_revision = None

SCHEMA = "panel"

_TELL = """
CREATE FUNCTION panel.tell_of_room() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('panel_changes', NEW.room_id::text);
    RETURN NULL;
END $$;

CREATE TRIGGER tell AFTER INSERT OR UPDATE ON panel.changes
    FOR EACH ROW EXECUTE FUNCTION panel.tell_of_room();
"""


def upgrade() -> None:
    create_outbox(SCHEMA)
    create_processed_events(SCHEMA)
    op.create_table(
        "rooms",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("cuid", sa.Text, nullable=False, unique=True),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("building", sa.Text, nullable=False),
        sa.Column("timezone", sa.Text, nullable=False),
        sa.Column("floor", sa.Integer, nullable=False),
        sa.Column("capacity", sa.Integer, nullable=False),
        sa.Column("is_bookable", sa.Boolean, nullable=False),
        schema=SCHEMA,
    )
    op.create_table(
        "meetings",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("room_id", sa.Integer, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("organizer", sa.Text, nullable=False),
        sa.Column("organizer_email", sa.Text, nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attendee_count", sa.Integer, nullable=False),
        sa.Column("checked_in_at", sa.DateTime(timezone=True)),
        sa.Column("checkin_until", sa.DateTime(timezone=True)),
        sa.Column("is_held", sa.Boolean, nullable=False),
        sa.CheckConstraint("starts_at < ends_at", name="meetings_end_after_they_start"),
        schema=SCHEMA,
    )
    op.create_index("meetings_of_room", "meetings", ["room_id", "ends_at"], schema=SCHEMA)
    op.create_index("meetings_by_end", "meetings", ["ends_at"], schema=SCHEMA)
    op.create_table(
        "levels",
        sa.Column("room_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("occupancy", sa.BigInteger, nullable=False),
        schema=SCHEMA,
    )
    op.create_table(
        "changes",
        sa.Column("room_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        schema=SCHEMA,
    )
    op.create_table(
        "heard",
        sa.Column("partition", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        schema=SCHEMA,
    )
    for statement in _TELL.split("\n\n"):
        op.execute(statement)
