"""Keep heartbeats, versions of cameras and alerts, and what edges are told; publish all cameras."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from common.events import CAMERAS, CameraV1

revision = "20261121_2130"
down_revision = "20261121_2030"

SCHEMA = "occupancy"


def upgrade() -> None:
    op.add_column("cameras", _version(), schema=SCHEMA)
    op.add_column("cameras", sa.Column("edge_id", sa.Text), schema=SCHEMA)
    op.create_index(
        "cameras_of_edge",
        "cameras",
        ["edge_id"],
        schema=SCHEMA,
        postgresql_where=sa.text("edge_id IS NOT NULL"),
    )
    op.create_table(
        "streams",
        _camera(),
        sa.Column("url", sa.LargeBinary, nullable=False),
        schema=SCHEMA,
    )
    side = sa.Column("entry_side", sa.Text, nullable=False, server_default=sa.text("'left'"))
    op.add_column("lines", side, schema=SCHEMA)
    op.create_check_constraint(
        "lines_entry_side", "lines", "entry_side IN ('left', 'right')", schema=SCHEMA
    )
    op.add_column("alerts", _version(), schema=SCHEMA)
    op.add_column("alerts", _texts("causes", server_default=sa.text("'{}'")), schema=SCHEMA)
    _keep_heartbeats()
    _publish_cameras()


def _keep_heartbeats() -> None:
    op.create_table(
        "heartbeats",
        _camera(),
        sa.Column("edge_id", sa.Text, primary_key=True),
        sa.Column("partition", sa.Integer, nullable=False),
        _time("heard_at", server_default=sa.func.now()),
        _time("arrived_at"),
        _time("sent_at"),
        _time("started_at"),
        sa.Column("picture", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("picture_age_s", sa.Float),
        sa.Column("pictures_per_s", sa.Float, nullable=False),
        sa.Column("processed_per_s", sa.Float, nullable=False),
        sa.Column("lag_s", sa.Float, nullable=False),
        sa.Column("spool_depth", sa.BigInteger, nullable=False),
        sa.Column("dropped", sa.BigInteger, nullable=False),
        _texts("found"),
        _texts("held"),
        sa.Column("is_silent", sa.Boolean, nullable=False),
        schema=SCHEMA,
    )


def _publish_cameras() -> None:
    """Tell of the cameras that are there already: from now on each change is told."""
    connection, now = op.get_bind(), datetime.now(UTC)
    names = CameraV1.__struct_fields__
    found = connection.execute(
        sa.text(f"SELECT {', '.join(names)} FROM occupancy.cameras ORDER BY id")  # noqa: S608 - ours
    )
    for camera in found.mappings().all():
        payload = CAMERAS.encode(
            CameraV1(**{name: camera[name] for name in names}),
            event_id=f"{camera['id']}/{camera['version']}",
            source=SCHEMA,
            subject=f"camera/{camera['id']}",
            at=now,
        )
        connection.execute(
            sa.text(
                "INSERT INTO occupancy.outbox (topic, key, payload, headers)"
                " VALUES (:topic, :key, :payload, '{}')"
            ),
            {"topic": CAMERAS.name, "key": str(camera["id"]), "payload": payload},
        )


def _camera() -> "sa.Column[int]":
    key = sa.ForeignKey("occupancy.cameras.id")
    return sa.Column("camera_id", sa.Integer, key, nullable=False, primary_key=True)


def _version() -> "sa.Column[int]":
    return sa.Column("version", sa.BigInteger, nullable=False, server_default=sa.text("1"))


def _texts(name: str, *, server_default: sa.TextClause | None = None) -> "sa.Column[list[str]]":
    return sa.Column(name, sa.ARRAY(sa.Text), nullable=False, server_default=server_default)


def _time(
    name: str, *, server_default: "sa.ColumnElement[datetime] | None" = None
) -> "sa.Column[datetime]":
    zoned = sa.DateTime(timezone=True)
    return sa.Column(name, zoned, nullable=False, server_default=server_default)
