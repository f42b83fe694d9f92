"""Start the schema: copies, rules, bookings that never overlap, audit, and the outbox."""

from alembic import op

from common.messaging_schema import create_idempotency_keys, create_outbox, create_processed_events

revision = "20261121_1100"
down_revision = None

SCHEMA = "bookings"

_TABLES = """
CREATE TABLE bookings.rooms (
    id integer PRIMARY KEY,
    cuid text NOT NULL UNIQUE,
    version integer NOT NULL,
    name text NOT NULL,
    building text NOT NULL,
    timezone text NOT NULL,
    opens_at time NOT NULL,
    closes_at time NOT NULL,
    floor integer NOT NULL,
    capacity integer NOT NULL,
    amenities text[] NOT NULL,
    images text[] NOT NULL,
    is_active boolean NOT NULL,
    is_locked boolean NOT NULL,
    restricted_roles text[] NOT NULL
);

CREATE TABLE bookings.users (
    id text PRIMARY KEY,
    version integer NOT NULL,
    name text NOT NULL,
    email text NOT NULL,
    role text NOT NULL,
    department text,
    is_active boolean NOT NULL
);

CREATE TABLE bookings.policies (
    room_id integer PRIMARY KEY,
    buffer_before integer NOT NULL,
    buffer_after integer NOT NULL,
    pending_holds boolean NOT NULL,
    checkin_opens integer NOT NULL,
    checkin_closes integer,
    checkin_exempt_over integer,
    horizon_days integer,
    min_minutes integer,
    max_minutes integer
);

CREATE TABLE bookings.quotas (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    role text NOT NULL,
    period text NOT NULL
        CONSTRAINT quotas_period CHECK (period IN ('day', 'week', 'month', 'open')),
    most_bookings integer,
    most_minutes integer,
    CONSTRAINT quotas_one_each UNIQUE (role, period)
);

CREATE TABLE bookings.blackouts (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    room_id integer,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    reason text NOT NULL,
    CONSTRAINT blackouts_end_after_they_start CHECK (starts_at < ends_at)
);
CREATE INDEX blackouts_by_end ON bookings.blackouts (ends_at);

CREATE TABLE bookings.holidays (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    date date NOT NULL UNIQUE,
    name text NOT NULL
);

CREATE TABLE bookings.series (
    id text PRIMARY KEY,
    room_id integer NOT NULL,
    organizer_id text NOT NULL,
    recurrence_rule text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE bookings.bookings (
    id text PRIMARY KEY,
    version integer NOT NULL,
    room_id integer NOT NULL REFERENCES bookings.rooms (id),
    organizer_id text NOT NULL REFERENCES bookings.users (id),
    attendee_ids text[] NOT NULL,
    title text NOT NULL,
    description text,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    held tstzrange NOT NULL,
    status text NOT NULL CONSTRAINT bookings_status CHECK (
        status IN ('pending', 'rejected', 'confirmed', 'cancelled', 'completed', 'no_show')
    ),
    pending_holds boolean NOT NULL,
    requested boolean NOT NULL,
    decided_at timestamptz,
    decision_reason text,
    is_override boolean NOT NULL,
    overridden_by text,
    series_id text REFERENCES bookings.series (id),
    checkin_from timestamptz,
    checkin_until timestamptz,
    checked_in_at timestamptz,
    ended_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT bookings_end_after_they_start CHECK (starts_at < ends_at),
    CONSTRAINT bookings_hold_their_period CHECK (held @> tstzrange(starts_at, ends_at)),
    CONSTRAINT bookings_never_overlap EXCLUDE USING gist (room_id WITH =, held WITH &&) WHERE (
        overridden_by IS NULL
        AND (status IN ('confirmed', 'completed') OR status = 'pending' AND pending_holds)
    )
);
CREATE INDEX bookings_of_room ON bookings.bookings (room_id, starts_at);
CREATE INDEX bookings_of_organizer ON bookings.bookings (organizer_id, starts_at);
CREATE INDEX bookings_of_attendee ON bookings.bookings USING gin (attendee_ids);
CREATE INDEX bookings_by_start ON bookings.bookings (starts_at, id);
CREATE INDEX bookings_unattended ON bookings.bookings (checkin_until)
    WHERE status = 'confirmed' AND checked_in_at IS NULL;
CREATE INDEX bookings_unfinished ON bookings.bookings (ends_at) WHERE status = 'confirmed';
CREATE INDEX bookings_requested ON bookings.bookings (created_at DESC, id) WHERE requested;
CREATE INDEX ix_bookings_bookings_series_id ON bookings.bookings (series_id);

CREATE TABLE bookings.notifications (
    id text PRIMARY KEY,
    user_id text NOT NULL,
    type text NOT NULL,
    title text NOT NULL,
    message text NOT NULL,
    metadata jsonb NOT NULL,
    read boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX notifications_of_user ON bookings.notifications (user_id, created_at DESC, id);

CREATE TABLE bookings.audit (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text NOT NULL UNIQUE,
    actor_user_id text,
    action_type text NOT NULL,
    target_type text NOT NULL,
    target_id text NOT NULL,
    reason text,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX audit_of_target ON bookings.audit (target_type, target_id);
CREATE INDEX audit_of_actor ON bookings.audit (actor_user_id);
"""

_AUDIT_STAYS = """
CREATE FUNCTION bookings.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit cannot be changed' USING ERRCODE = 'integrity_constraint_violation';
END
$$;
CREATE TRIGGER audit_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON bookings.audit
    FOR EACH STATEMENT EXECUTE FUNCTION bookings.refuse_change();
"""


def upgrade() -> None:
    create_outbox(SCHEMA)
    create_processed_events(SCHEMA)
    create_idempotency_keys(SCHEMA)
    for statement in _TABLES.split(";\n"):
        if statement.strip():
            op.execute(statement)
    function, _, trigger = _AUDIT_STAYS.partition("$$;\n")
    op.execute(function + "$$")
    op.execute(trigger)
