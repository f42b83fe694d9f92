"""Keep who has asked for a camera's picture, until it is there; never the picture."""

import sqlalchemy as sa
from alembic import op

revision = "20261122_0600"
down_revision = "20261121_2130"

SCHEMA = "occupancy"


def upgrade() -> None:
    camera = sa.ForeignKey("occupancy.cameras.id")
    zoned = sa.DateTime(timezone=True)
    op.create_table(
        "snapshots",
        sa.Column("id", sa.Integer, sa.Identity(always=True), primary_key=True),
        sa.Column("camera_id", sa.Integer, camera, nullable=False, index=True),
        sa.Column("edge_id", sa.Text, nullable=False),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("asked_at", zoned, nullable=False, server_default=sa.func.clock_timestamp()),
        sa.Column("until", zoned, nullable=False),
        sa.Column("is_open", sa.Boolean, nullable=False, server_default=sa.true()),
        schema=SCHEMA,
    )
