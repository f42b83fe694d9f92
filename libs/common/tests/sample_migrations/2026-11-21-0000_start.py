"""Start the sample schema."""

import sqlalchemy as sa
from alembic import op

from common.messaging_schema import create_outbox, create_processed_events

revision = "20261121_0000"
down_revision = None


def upgrade() -> None:
    create_outbox("sample")
    create_processed_events("sample")
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
