"""Take terms and allocations in, and keep seats by term, room and day."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "20261122_0400"
down_revision = "20261122_0300"

SCHEMA = "analytics"


def upgrade() -> None:
    moments = ARRAY(sa.DateTime(timezone=True))
    op.create_table(
        "terms",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("start_date", sa.Date, nullable=False),
        sa.Column("end_date", sa.Date, nullable=False),
        sa.Column("is_published", sa.Boolean, nullable=False),
        sa.Column("is_archived", sa.Boolean, nullable=False),
        sa.Column("is_deleted", sa.Boolean, nullable=False),
        schema=SCHEMA,
    )
    op.create_table(
        "allocations",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("term_id", sa.Integer, nullable=False),
        sa.Column("room_id", sa.Integer, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("seats", sa.Integer, nullable=False),
        sa.Column("starts", moments, nullable=False),
        sa.Column("ends", moments, nullable=False),
        sa.Column("timezone", sa.Text),
        schema=SCHEMA,
    )
    op.create_index(
        "allocations_of_term",
        "allocations",
        ["term_id"],
        schema=SCHEMA,
        postgresql_include=["version"],
    )
    op.create_index("allocations_of_room", "allocations", ["room_id"], schema=SCHEMA)
    op.create_table(
        "seats",
        sa.Column("term_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("room_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("peak", sa.BigInteger, nullable=False),
        sa.Column("total", sa.BigInteger, nullable=False),
        sa.Column("allocations", sa.Integer, nullable=False),
        schema=SCHEMA,
    )
