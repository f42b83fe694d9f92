"""Add calendar feeds, webhooks and their deliveries, and which notifications were mailed."""

from alembic import op

revision = "20261121_1500"
down_revision = "20261121_1100"

_STATEMENTS = (
    # What a calendar calls LAST-MODIFIED. Bookings of before this count as changed now.
    "ALTER TABLE bookings.bookings ADD COLUMN changed_at timestamptz NOT NULL DEFAULT now()",
    """
    CREATE TABLE bookings.feeds (
        id text PRIMARY KEY,
        user_id text NOT NULL REFERENCES bookings.users (id),
        room_id integer REFERENCES bookings.rooms (id),
        token_hash bytea NOT NULL UNIQUE,
        created_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    "CREATE INDEX feeds_of_user ON bookings.feeds (user_id, created_at)",
    """
    CREATE TABLE bookings.webhooks (
        id text PRIMARY KEY,
        user_id text NOT NULL,
        url text NOT NULL,
        events text[],
        secret bytea NOT NULL,
        active boolean NOT NULL DEFAULT true,
        failing_since timestamptz,
        off_reason text,
        created_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    """
    CREATE TABLE bookings.webhook_deliveries (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        webhook_id text NOT NULL,
        booking_id text NOT NULL,
        event_id text NOT NULL,
        event text NOT NULL,
        body bytea NOT NULL,
        state text NOT NULL DEFAULT 'pending' CONSTRAINT webhook_deliveries_state
            CHECK (state IN ('pending', 'delivered', 'failed')),
        claims integer NOT NULL DEFAULT 0,
        attempts integer NOT NULL DEFAULT 0,
        due_at timestamptz NOT NULL DEFAULT now(),
        first_attempt_at timestamptz,
        last_attempt_at timestamptz,
        last_status integer,
        last_answer text,
        created_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    """
    CREATE INDEX webhook_deliveries_due ON bookings.webhook_deliveries (webhook_id, due_at)
        WHERE state = 'pending'
    """,
    """
    CREATE INDEX webhook_deliveries_in_order
        ON bookings.webhook_deliveries (webhook_id, booking_id, id) WHERE state = 'pending'
    """,
    "CREATE INDEX webhook_deliveries_newest ON bookings.webhook_deliveries (webhook_id, id)",
    "CREATE INDEX webhook_deliveries_at ON bookings.webhook_deliveries (created_at)",
    # Null: nothing to send. Notifications of before this are not mailed; those of older code are.
    "ALTER TABLE bookings.notifications ADD COLUMN mail_due_at timestamptz",
    "ALTER TABLE bookings.notifications ALTER COLUMN mail_due_at SET DEFAULT now()",
    "ALTER TABLE bookings.notifications ADD COLUMN mail_attempts integer NOT NULL DEFAULT 0",
    "ALTER TABLE bookings.notifications ADD COLUMN mailed_at timestamptz",
    """
    CREATE INDEX notifications_to_mail ON bookings.notifications (mail_due_at)
        WHERE mail_due_at IS NOT NULL
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
