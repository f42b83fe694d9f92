"""Pair panels with rooms, know when devices were last seen, and give tickets for WebSockets."""

import sqlalchemy as sa
from alembic import op

revision = "20261122_0010"
down_revision = "20261121_0900"

SCHEMA = "accounts"


def upgrade() -> None:
    for column in (
        sa.Column("room_id", sa.Integer),
        sa.Column("last_seen_at", sa.DateTime(timezone=True)),
        sa.Column("app_version", sa.Text),
        sa.Column("battery", sa.Float),
    ):
        op.add_column("devices", column, schema=SCHEMA)
    op.create_table(
        "pairings",
        sa.Column("code", sa.Text, primary_key=True),
        sa.Column("secret_sha256", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("device_id", sa.Text, sa.ForeignKey("accounts.devices.id")),
        schema=SCHEMA,
    )
    op.create_table(
        "tickets",
        sa.Column("ticket_sha256", sa.LargeBinary, primary_key=True),
        sa.Column("token_sha256", sa.LargeBinary, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        schema=SCHEMA,
    )
    op.create_index("ix_accounts_tickets_expires_at", "tickets", ["expires_at"], schema=SCHEMA)
