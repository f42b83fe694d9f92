"""Start the schema: users, their sessions, devices, and the outbox."""

import sqlalchemy as sa
from alembic import op

from common.messaging_schema import create_outbox

revision = "20261121_0900"
down_revision = None

SCHEMA = "accounts"


def upgrade() -> None:
    create_outbox(SCHEMA)
    op.create_table(
        "users",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("username", sa.Text),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("department", sa.Text),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("is_active", sa.Boolean, nullable=False),
        _now("created_at"),
        sa.CheckConstraint("role IN ('ADMIN', 'FACULTY', 'STUDENT', 'STAFF')", name="users_role"),
        sa.Index("users_email", sa.text("lower(email)"), unique=True),
        sa.Index("users_username", sa.text("lower(username)"), unique=True),
        schema=SCHEMA,
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("user_id", sa.Text, sa.ForeignKey("accounts.users.id"), nullable=False),
        sa.Column("access_sha256", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("refresh_sha256", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("replaced_refresh_sha256", sa.LargeBinary, unique=True),
        _now("created_at"),
        _now("last_used_at"),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        schema=SCHEMA,
    )
    op.create_index("ix_accounts_sessions_user_id", "sessions", ["user_id"], schema=SCHEMA)
    op.create_table(
        "devices",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("token_sha256", sa.LargeBinary, nullable=False, unique=True),
        _now("created_at"),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("kind IN ('panel', 'edge')", name="devices_kind"),
        sa.Index(
            "devices_name",
            "kind",
            "name",
            unique=True,
            postgresql_where=sa.text("revoked_at IS NULL"),
        ),
        schema=SCHEMA,
    )


def _now(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now())
