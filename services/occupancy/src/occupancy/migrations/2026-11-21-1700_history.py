"""Keep hours, days and months; what people were counted as by hand; alerts; rooms' zones."""

import sqlalchemy as sa
from alembic import op

revision = "20261121_1700"
down_revision = "20261121_1200"

SCHEMA = "occupancy"


def upgrade() -> None:
    op.create_index("crossings_at", "crossings", ["camera_id", "crossed_at"], schema=SCHEMA)
    _correct_counts()
    _keep_history()
    _keep_alerts()
    op.create_table(
        "rooms",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("timezone", sa.Text, nullable=False),
        schema=SCHEMA,
    )

    # What was counted before becomes history too, soon after.
    op.execute(
        "INSERT INTO occupancy.rebuilds (camera_id, level) SELECT cameras.id, levels.level"
        " FROM occupancy.cameras, unnest(ARRAY['hourly', 'daily', 'monthly']) WITH ORDINALITY"
        " AS levels (level, place) ORDER BY levels.place, cameras.id"
    )


def _correct_counts() -> None:
    op.add_column(
        "counts",
        sa.Column("occupancy", sa.BigInteger, nullable=False, server_default="0"),
        schema=SCHEMA,
    )
    op.add_column("counts", sa.Column("corrected_at", sa.DateTime(timezone=True)), schema=SCHEMA)
    op.execute("UPDATE occupancy.counts SET occupancy = entries - exits")
    op.create_table(
        "corrections",
        sa.Column("id", sa.Integer, sa.Identity(always=True), primary_key=True),
        _camera(),
        _time("at"),
        sa.Column("occupancy", sa.Integer, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("notes", sa.Text),
        sa.Column("made_by", sa.Text),
        sa.CheckConstraint("reason IN ('calibration', 'reset')", name="corrections_reason"),
        sa.CheckConstraint("occupancy >= 0", name="corrections_occupancy"),
        schema=SCHEMA,
    )
    op.create_index("corrections_at", "corrections", ["camera_id", "at"], schema=SCHEMA)
    op.create_index(
        "corrections_one_reset",
        "corrections",
        ["camera_id", "at"],
        unique=True,
        schema=SCHEMA,
        postgresql_where=sa.text("reason = 'reset'"),
    )


def _keep_history() -> None:
    op.create_table(
        "minutes",
        _camera(primary_key=True),
        _time("start", primary_key=True),
        sa.Column("entries", sa.Integer, nullable=False),
        sa.Column("exits", sa.Integer, nullable=False),
        sa.Column("area", sa.BigInteger, nullable=False),
        sa.Column("high", sa.Integer, nullable=False),
        schema=SCHEMA,
    )
    op.create_table(
        "hours",
        _camera(primary_key=True),
        _time("start", primary_key=True),
        _time("end"),
        sa.Column("entries", sa.Integer, nullable=False),
        sa.Column("exits", sa.Integer, nullable=False),
        sa.Column("area", sa.BigInteger, nullable=False),
        sa.Column("peak", sa.Integer, nullable=False),
        sa.Column("level", sa.Integer, nullable=False),
        schema=SCHEMA,
    )
    op.create_table(
        "sightings",
        _camera(primary_key=True),
        sa.Column("edge_id", sa.Text, primary_key=True),
        sa.Column("track_id", sa.Text, primary_key=True),
        _time("hour", primary_key=True),
        schema=SCHEMA,
    )
    op.create_table(
        "persons",
        _camera(primary_key=True),
        sa.Column("period", sa.Text, primary_key=True),
        _time("start", primary_key=True),
        sa.Column("persons", sa.Integer, nullable=False),
        sa.CheckConstraint("period IN ('hour', 'day', 'month')", name="persons_period"),
        schema=SCHEMA,
    )
    op.create_table(
        "rebuilds",
        sa.Column("id", sa.Integer, sa.Identity(always=True), primary_key=True),
        _camera(),
        sa.Column("level", sa.Text, nullable=False),
        schema=SCHEMA,
    )


def _keep_alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", sa.Integer, sa.Identity(always=True), primary_key=True),
        _camera(),
        sa.Column("alert_type", sa.Text, nullable=False),
        sa.Column("current_occupancy", sa.Integer, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        _time("raised_at", now=True),
        sa.Column("resolved_at", sa.DateTime(timezone=True)),
        sa.Column("over_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint(
            "alert_type IN ('capacity_exceeded', 'capacity_warning', 'anomaly_detected',"
            " 'negative_count', 'equipment_failure')",
            name="alerts_type",
        ),
        schema=SCHEMA,
    )
    op.create_index(
        "alerts_one_at_a_time",
        "alerts",
        ["camera_id", "alert_type"],
        unique=True,
        schema=SCHEMA,
        postgresql_where=sa.text("over_at IS NULL"),
    )


def _camera(*, primary_key: bool = False) -> "sa.Column[int]":
    return sa.Column(
        "camera_id",
        sa.Integer,
        sa.ForeignKey("occupancy.cameras.id"),
        nullable=False,
        primary_key=primary_key,
    )


def _time(name: str, *, primary_key: bool = False, now: bool = False) -> "sa.Column[object]":
    default = sa.func.clock_timestamp() if now else None
    return sa.Column(
        name,
        sa.DateTime(timezone=True),
        nullable=False,
        primary_key=primary_key,
        server_default=default,
    )
