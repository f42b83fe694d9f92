"""Add terms, the seats of rooms that are allocated in them, and when each of those takes place."""

from alembic import op

revision = "20261122_0300"
down_revision = "20261121_1600"

_STATEMENTS = (
    """
    CREATE TABLE bookings.terms (
        id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        version integer NOT NULL DEFAULT 1,
        name text NOT NULL,
        code text NOT NULL UNIQUE,
        start_date date NOT NULL,
        end_date date NOT NULL,
        is_published boolean NOT NULL,
        is_archived boolean NOT NULL,
        CONSTRAINT terms_end_after_they_start CHECK (start_date <= end_date)
    )
    """,
    """
    CREATE TABLE bookings.allocations (
        id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        version integer NOT NULL DEFAULT 1,
        term_id integer NOT NULL REFERENCES bookings.terms (id),
        room_id integer NOT NULL REFERENCES bookings.rooms (id),
        external_id text,
        title text NOT NULL,
        allocated_seats integer NOT NULL
            CONSTRAINT allocations_have_seats CHECK (allocated_seats >= 1),
        starts_at timestamptz NOT NULL,
        ends_at timestamptz NOT NULL,
        recurrence_rule text,
        exceptions date[] NOT NULL,
        CONSTRAINT allocations_of_a_timetable UNIQUE (term_id, external_id),
        CONSTRAINT allocations_end_after_they_start CHECK (starts_at < ends_at)
    )
    """,
    "CREATE INDEX allocations_of_room ON bookings.allocations (room_id)",
    """
    CREATE TABLE bookings.occurrences (
        allocation_id integer NOT NULL REFERENCES bookings.allocations (id) ON DELETE CASCADE,
        starts_at timestamptz NOT NULL,
        ends_at timestamptz NOT NULL,
        PRIMARY KEY (allocation_id, starts_at),
        CONSTRAINT occurrences_end_after_they_start CHECK (starts_at < ends_at)
    )
    """,
    "CREATE INDEX occurrences_by_end ON bookings.occurrences (ends_at)",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
