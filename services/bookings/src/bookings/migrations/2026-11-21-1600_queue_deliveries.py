"""Name the deliveries of one booking to one webhook, so that the oldest is found by that alone.

By webhook and booking apart, Postgres without statistics took the index of what is due instead, and
looked through a whole backlog for each row of it.
"""

from alembic import op

revision = "20261121_1600"
down_revision = "20261121_1500"

_STATEMENTS = (
    """
    ALTER TABLE bookings.webhook_deliveries ADD COLUMN queue text
        GENERATED ALWAYS AS (webhook_id || '/' || booking_id) STORED
    """,
    """
    CREATE INDEX webhook_deliveries_queued ON bookings.webhook_deliveries (queue, id)
        WHERE state = 'pending'
    """,
    "DROP INDEX bookings.webhook_deliveries_in_order",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
