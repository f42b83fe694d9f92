"""The schema `bookings`.

`bookings_never_overlap` is the only judge of who has a room. Everything that gives a room to
somebody is an insert or update that it accepts or not (docs/adr/0012).
"""

from pathlib import Path
from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Time,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSTZRANGE, ExcludeConstraint

from common.consumer import processed_table
from common.events import ALLOCATIONS, BOOKINGS, ROOMS, SNAPSHOTS, TERMS, USERS
from common.idempotency import idempotency_table
from common.outbox import Outbox, outbox_table
from common.schema import Schema

metadata = MetaData(schema="bookings")
outbox = Outbox(outbox_table(metadata), source="bookings")
processed = processed_table(metadata)
idempotency_keys = idempotency_table(metadata)

_INSTANT: Final = DateTime(timezone=True)
# The policy of rooms that have none of their own.
EVERY_ROOM: Final = 0

# --- copies of what others own ------------------------------------------------------------------

rooms = Table(
    "rooms",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("cuid", Text, nullable=False, unique=True),
    Column("version", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("building", Text, nullable=False),
    Column("timezone", Text, nullable=False),
    Column("opens_at", Time, nullable=False),
    Column("closes_at", Time, nullable=False),
    Column("floor", Integer, nullable=False),
    Column("capacity", Integer, nullable=False),
    Column("amenities", ARRAY(Text), nullable=False),
    Column("images", ARRAY(Text), nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("is_locked", Boolean, nullable=False),
    Column("restricted_roles", ARRAY(Text), nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("id", Text, primary_key=True),
    # 0: known only from having called us; the topic has not told of them yet.
    Column("version", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("department", Text),
    Column("is_active", Boolean, nullable=False),
)

# --- rules --------------------------------------------------------------------------------------

policies = Table(
    "policies",
    metadata,
    Column("room_id", Integer, primary_key=True, autoincrement=False),
    Column("buffer_before", Integer, nullable=False),
    Column("buffer_after", Integer, nullable=False),
    Column("pending_holds", Boolean, nullable=False),
    Column("checkin_opens", Integer, nullable=False),
    Column("checkin_closes", Integer),
    Column("checkin_exempt_over", Integer),
    Column("horizon_days", Integer),
    Column("min_minutes", Integer),
    Column("max_minutes", Integer),
)

quotas = Table(
    "quotas",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("role", Text, nullable=False),
    Column("period", Text, nullable=False),
    Column("most_bookings", Integer),
    Column("most_minutes", Integer),
    UniqueConstraint("role", "period", name="quotas_one_each"),
    CheckConstraint("period IN ('day', 'week', 'month', 'open')", name="quotas_period"),
)

blackouts = Table(
    "blackouts",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("room_id", Integer),
    Column("starts_at", _INSTANT, nullable=False),
    Column("ends_at", _INSTANT, nullable=False),
    Column("reason", Text, nullable=False),
    CheckConstraint("starts_at < ends_at", name="blackouts_end_after_they_start"),
    Index("blackouts_by_end", "ends_at"),
)

holidays = Table(
    "holidays",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("date", Date, nullable=False, unique=True),
    Column("name", Text, nullable=False),
)

# --- terms --------------------------------------------------------------------------------------

terms = Table(
    "terms",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Column("name", Text, nullable=False),
    Column("code", Text, nullable=False, unique=True),
    # Local days of each room's building, both included.
    Column("start_date", Date, nullable=False),
    Column("end_date", Date, nullable=False),
    Column("is_published", Boolean, nullable=False),
    Column("is_archived", Boolean, nullable=False),
    CheckConstraint("start_date <= end_date", name="terms_end_after_they_start"),
)

# Whoever writes one holds its term's row; whoever gives it seats also holds its room's, and has
# swept the room's ledger meanwhile (docs/adr/0024).
allocations = Table(
    "allocations",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Column("term_id", Integer, ForeignKey("bookings.terms.id"), nullable=False),
    Column("room_id", Integer, ForeignKey("bookings.rooms.id"), nullable=False),
    # What the timetable that brought it calls it; null: somebody wrote it by hand.
    Column("external_id", Text),
    Column("title", Text, nullable=False),
    Column("allocated_seats", Integer, nullable=False),
    # The first occurrence, as it was written.
    Column("starts_at", _INSTANT, nullable=False),
    Column("ends_at", _INSTANT, nullable=False),
    Column("recurrence_rule", Text),
    Column("exceptions", ARRAY(Date), nullable=False),
    UniqueConstraint("term_id", "external_id", name="allocations_of_a_timetable"),
    CheckConstraint("allocated_seats >= 1", name="allocations_have_seats"),
    CheckConstraint("starts_at < ends_at", name="allocations_end_after_they_start"),
    Index("allocations_of_room", "room_id"),
)

occurrences = Table(
    "occurrences",
    metadata,
    Column(
        "allocation_id",
        Integer,
        ForeignKey("bookings.allocations.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("starts_at", _INSTANT, primary_key=True),
    Column("ends_at", _INSTANT, nullable=False),
    CheckConstraint("starts_at < ends_at", name="occurrences_end_after_they_start"),
    Index("occurrences_by_end", "ends_at"),
)

# --- bookings -----------------------------------------------------------------------------------

series = Table(
    "series",
    metadata,
    Column("id", Text, primary_key=True),
    Column("room_id", Integer, nullable=False),
    Column("organizer_id", Text, nullable=False),
    Column("recurrence_rule", Text, nullable=False),
    Column("created_at", _INSTANT, nullable=False, server_default=func.now()),
)

_HOLDS: Final = (
    "overridden_by IS NULL AND "
    "(status IN ('confirmed', 'completed') OR status = 'pending' AND pending_holds)"
)

bookings = Table(
    "bookings",
    metadata,
    Column("id", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("room_id", Integer, ForeignKey("bookings.rooms.id"), nullable=False),
    Column("organizer_id", Text, ForeignKey("bookings.users.id"), nullable=False),
    Column("attendee_ids", ARRAY(Text), nullable=False),
    Column("title", Text, nullable=False),
    Column("description", Text),
    Column("starts_at", _INSTANT, nullable=False),
    Column("ends_at", _INSTANT, nullable=False),
    Column("held", TSTZRANGE, nullable=False),
    Column("status", Text, nullable=False),
    Column("pending_holds", Boolean, nullable=False),
    Column("requested", Boolean, nullable=False),
    Column("decided_at", _INSTANT),
    Column("decision_reason", Text),
    Column("is_override", Boolean, nullable=False),
    Column("overridden_by", Text),
    Column("series_id", Text, ForeignKey("bookings.series.id"), index=True),
    Column("checkin_from", _INSTANT),
    Column("checkin_until", _INSTANT),
    Column("checked_in_at", _INSTANT),
    Column("ended_at", _INSTANT),
    Column("created_at", _INSTANT, nullable=False, server_default=func.now()),
    Column("changed_at", _INSTANT, nullable=False, server_default=func.now()),
    CheckConstraint("starts_at < ends_at", name="bookings_end_after_they_start"),
    CheckConstraint("held @> tstzrange(starts_at, ends_at)", name="bookings_hold_their_period"),
    CheckConstraint(
        "status IN ('pending', 'rejected', 'confirmed', 'cancelled', 'completed', 'no_show')",
        name="bookings_status",
    ),
    ExcludeConstraint(
        ("room_id", "="),
        ("held", "&&"),
        name="bookings_never_overlap",
        using="gist",
        where=text(_HOLDS),
    ),
    Index("bookings_of_room", "room_id", "starts_at"),
    Index("bookings_of_organizer", "organizer_id", "starts_at"),
    Index("bookings_of_attendee", "attendee_ids", postgresql_using="gin"),
    Index("bookings_by_start", "starts_at", "id"),
    Index("bookings_by_end", "ends_at"),
    Index(
        "bookings_unattended",
        "checkin_until",
        postgresql_where=text("status = 'confirmed' AND checked_in_at IS NULL"),
    ),
    Index("bookings_unfinished", "ends_at", postgresql_where=text("status = 'confirmed'")),
    Index(
        "bookings_requested",
        text("created_at DESC"),
        "id",
        postgresql_where=text("requested"),
    ),
)

# --- what is told -------------------------------------------------------------------------------

notifications = Table(
    "notifications",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("metadata", JSONB, nullable=False),
    Column("read", Boolean, nullable=False, server_default=text("false")),
    Column("created_at", _INSTANT, nullable=False, server_default=func.now()),
    # When to try to mail it, if mail is on; null: it was mailed, or given up.
    Column("mail_due_at", _INSTANT, server_default=func.now()),
    Column("mail_attempts", Integer, nullable=False, server_default=text("0")),
    Column("mailed_at", _INSTANT),
    Index("notifications_of_user", "user_id", text("created_at DESC"), "id"),
    Index("notifications_to_mail", "mail_due_at", postgresql_where=text("mail_due_at IS NOT NULL")),
)

# Nobody can change or delete a row: a trigger refuses it, to the owner too.
audit = Table(
    "audit",
    metadata,
    Column("number", BigInteger, Identity(always=True), primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("actor_user_id", Text),
    Column("action_type", Text, nullable=False),
    Column("target_type", Text, nullable=False),
    Column("target_id", Text, nullable=False),
    Column("reason", Text),
    Column("created_at", _INSTANT, nullable=False, server_default=func.now()),
    Index("audit_of_target", "target_type", "target_id"),
    Index("audit_of_actor", "actor_user_id"),
)

# --- what others fetch, and what is sent to them -------------------------------------------------

feeds = Table(
    "feeds",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("bookings.users.id"), nullable=False),
    # Null: the bookings of the person, not of a room.
    Column("room_id", Integer, ForeignKey("bookings.rooms.id")),
    Column("token_hash", LargeBinary, nullable=False, unique=True),
    Column("created_at", _INSTANT, nullable=False, server_default=func.now()),
    Index("feeds_of_user", "user_id", "created_at"),
)

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("url", Text, nullable=False),
    # Null: all of them.
    Column("events", ARRAY(Text)),
    Column("secret", LargeBinary, nullable=False),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    Column("failing_since", _INSTANT),
    Column("off_reason", Text),
    Column("created_at", _INSTANT, nullable=False, server_default=func.now()),
)

# No foreign key: a booking must not fail because a webhook was deleted at the same moment.
webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    # Drawn after the booking's row was locked: of one booking, in the order of its versions.
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("webhook_id", Text, nullable=False),
    Column("booking_id", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("state", Text, nullable=False, server_default=text("'pending'")),
    # Counts up with each attempt and each replay: whoever holds an older number has lost it.
    Column("claims", Integer, nullable=False, server_default=text("0")),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("due_at", _INSTANT, nullable=False, server_default=func.now()),
    Column("first_attempt_at", _INSTANT),
    Column("last_attempt_at", _INSTANT),
    Column("last_status", Integer),
    Column("last_answer", Text),
    Column("created_at", _INSTANT, nullable=False, server_default=func.now()),
    # What is sent one after the other.
    Column("queue", Text, Computed("webhook_id || '/' || booking_id", persisted=True)),
    CheckConstraint("state IN ('pending', 'delivered', 'failed')", name="webhook_deliveries_state"),
    Index(
        "webhook_deliveries_due",
        "webhook_id",
        "due_at",
        postgresql_where=text("state = 'pending'"),
    ),
    Index(
        "webhook_deliveries_queued",
        "queue",
        "id",
        postgresql_where=text("state = 'pending'"),
    ),
    Index("webhook_deliveries_newest", "webhook_id", "id"),
    Index("webhook_deliveries_at", "created_at"),
)

SCHEMA: Final = Schema(
    metadata,
    Path(__file__).with_name("migrations"),
    published=[BOOKINGS, TERMS, ALLOCATIONS],
    consumed=[ROOMS, USERS, SNAPSHOTS],
)
