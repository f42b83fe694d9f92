"""Count crossings by the hours of days and months, as figures are asked for."""

import sqlalchemy as sa
from alembic import op

revision = "20261122_0510"
down_revision = "20261122_0500"

SCHEMA = "analytics"


def upgrade() -> None:
    zone = sa.Column("timezone", sa.Text, nullable=False, server_default="UTC")
    op.add_column("clock", zone, schema=SCHEMA)
    op.add_column("cameras", sa.Column("timezone", sa.Text), schema=SCHEMA)
    op.create_index("cameras_of_room", "cameras", ["room_id"], schema=SCHEMA)
    hours = [f"{way}_{hour:02}" for way in ("entries", "exits") for hour in range(24)]
    for name in ("door_days", "door_months"):
        op.create_table(
            name,
            sa.Column("camera_id", sa.Integer, primary_key=True, autoincrement=False),
            sa.Column("start", sa.Date, primary_key=True),
            *(sa.Column(hour, sa.Integer, nullable=False) for hour in hours),
            schema=SCHEMA,
        )
        op.create_index(f"{name}_by_start", name, ["start"], schema=SCHEMA)
