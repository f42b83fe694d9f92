"""The schema `accounts`."""

from pathlib import Path
from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    func,
    text,
)

from common.outbox import Outbox, outbox_table

metadata = MetaData(schema="accounts")
VERSIONS: Final = Path(__file__).parents[1] / "migrations"

outbox = Outbox(outbox_table(metadata), source="gateway")


def _created_at() -> Column[object]:
    return Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now())


users = Table(
    "users",
    metadata,
    Column("id", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("email", Text, nullable=False),
    Column("username", Text),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("department", Text),
    Column("password_hash", Text, nullable=False),
    Column("is_active", Boolean, nullable=False),
    _created_at(),
    CheckConstraint("role IN ('ADMIN', 'FACULTY', 'STUDENT', 'STAFF')", name="users_role"),
    Index("users_email", text("lower(email)"), unique=True),
    Index("users_username", text("lower(username)"), unique=True),
)

# A session is one row per sign-in; refreshing replaces its tokens in place, and remembers the
# refresh token that was replaced: shown again, it was stolen, and the session ends.
sessions = Table(
    "sessions",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("user_id", Text, ForeignKey("accounts.users.id"), nullable=False, index=True),
    Column("access_sha256", LargeBinary, nullable=False, unique=True),
    Column("refresh_sha256", LargeBinary, nullable=False, unique=True),
    Column("replaced_refresh_sha256", LargeBinary, unique=True),
    _created_at(),
    Column("last_used_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
)

devices = Table(
    "devices",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("token_sha256", LargeBinary, nullable=False, unique=True),
    # Of a panel that hangs at the door of one room; null: it may show any.
    Column("room_id", Integer),
    _created_at(),
    Column("last_seen_at", DateTime(timezone=True)),
    Column("app_version", Text),
    # From 0 to 1; null: it has not said.
    Column("battery", Float),
    Column("revoked_at", DateTime(timezone=True)),
    CheckConstraint("kind IN ('panel', 'edge')", name="devices_kind"),
    Index("devices_name", "kind", "name", unique=True, postgresql_where=text("revoked_at IS NULL")),
)

# A panel without a token shows the code; whoever hangs it up tells us the code and its room.
pairings = Table(
    "pairings",
    metadata,
    Column("code", Text, primary_key=True),
    Column("secret_sha256", LargeBinary, nullable=False, unique=True),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    # Null: nobody has told us yet.
    Column("device_id", Text, ForeignKey("accounts.devices.id")),
)

# Opens one WebSocket, in place of the token, for which an address is no safe place.
tickets = Table(
    "tickets",
    metadata,
    Column("ticket_sha256", LargeBinary, primary_key=True),
    Column("token_sha256", LargeBinary, nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False, index=True),
)
