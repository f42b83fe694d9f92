"""Keep how many people are in each room, as it was last published."""

import sqlalchemy as sa
from alembic import op

revision = "20261121_1200"
down_revision = "20261121_0900"

SCHEMA = "occupancy"


def upgrade() -> None:
    op.create_table(
        "levels",
        sa.Column("room_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("occupancy", sa.BigInteger, nullable=False),
        sa.Column("measured_at", sa.DateTime(timezone=True), nullable=False),
        schema=SCHEMA,
    )
    op.create_index(
        "cameras_of_room",
        "cameras",
        ["room_id"],
        schema=SCHEMA,
        postgresql_where=sa.text("room_id IS NOT NULL"),
    )
