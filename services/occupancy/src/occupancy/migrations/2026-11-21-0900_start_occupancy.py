"""Start the schema: cameras, lines, crossings, counts, and the outbox."""

import sqlalchemy as sa
from alembic import op

from common.messaging_schema import create_outbox, create_processed_events

revision = "20261121_0900"
down_revision = None

SCHEMA = "occupancy"


def upgrade() -> None:
    create_outbox(SCHEMA)
    create_processed_events(SCHEMA)
    op.create_table(
        "cameras",
        sa.Column("id", sa.Integer, sa.Identity(always=True), primary_key=True),
        sa.Column("camera_id", sa.Text, nullable=False, unique=True),
        sa.Column("camera_name", sa.Text, nullable=False),
        sa.Column("location", sa.Text),
        sa.Column("camera_type", sa.Text, nullable=False),
        sa.Column("is_active", sa.Boolean, nullable=False),
        sa.Column("max_occupancy", sa.Integer),
        sa.Column("resolution_width", sa.Integer),
        sa.Column("resolution_height", sa.Integer),
        sa.Column("room_id", sa.Integer),
        _now("created_at"),
        sa.CheckConstraint(
            "camera_type IN ('entry_only', 'exit_only', 'bidirectional')", name="cameras_type"
        ),
        schema=SCHEMA,
    )
    op.create_table(
        "lines",
        sa.Column("id", sa.Integer, sa.Identity(always=True), primary_key=True),
        sa.Column("camera_id", sa.Integer, sa.ForeignKey("occupancy.cameras.id"), nullable=False),
        sa.Column("line_name", sa.Text, nullable=False),
        sa.Column("x1", sa.Integer, nullable=False),
        sa.Column("y1", sa.Integer, nullable=False),
        sa.Column("x2", sa.Integer, nullable=False),
        sa.Column("y2", sa.Integer, nullable=False),
        sa.Column("direction", sa.Text, nullable=False),
        sa.Column("confidence_threshold", sa.Float, nullable=False),
        sa.Column("is_active", sa.Boolean, nullable=False),
        _now("created_at"),
        sa.CheckConstraint(
            "direction IN ('entry', 'exit', 'bidirectional')", name="lines_direction"
        ),
        sa.CheckConstraint("x1 <> x2 OR y1 <> y2", name="lines_have_a_length"),
        schema=SCHEMA,
    )
    op.create_index("ix_occupancy_lines_camera_id", "lines", ["camera_id"], schema=SCHEMA)
    op.create_table(
        "crossings",
        sa.Column("camera_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("edge_id", sa.Text, primary_key=True),
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("line_id", sa.Integer, nullable=False),
        sa.Column("direction", sa.Text, nullable=False),
        sa.Column("track_id", sa.Text, nullable=False),
        sa.Column("confidence", sa.Float, nullable=False),
        sa.Column("crossed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_counted", sa.Boolean, nullable=False),
        _now("received_at"),
        schema=SCHEMA,
    )
    op.create_table(
        "tracks",
        sa.Column("camera_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("edge_id", sa.Text, primary_key=True),
        sa.Column("track_id", sa.Text, primary_key=True),
        schema=SCHEMA,
    )
    op.create_table(
        "counts",
        sa.Column("camera_id", sa.Integer, sa.ForeignKey("occupancy.cameras.id"), primary_key=True),
        sa.Column("entries", sa.BigInteger, nullable=False),
        sa.Column("exits", sa.BigInteger, nullable=False),
        sa.Column("unique_persons", sa.BigInteger, nullable=False),
        _now("updated_at"),
        schema=SCHEMA,
    )


def _now(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now())
