"""Start the sample schema."""

import sqlalchemy as sa
from alembic import op

from common.messaging_schema import create_messaging_tables

revision = "20261121_0000"
down_revision = None


def upgrade() -> None:
    create_messaging_tables("sample")
    op.create_table(
        "things",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        schema="sample",
    )
    op.create_table(
        "effects",
        sa.Column("thing", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        schema="sample",
    )
