"""Find what has not ended before a time, in all rooms at once: a timeline looks from today on."""

from alembic import op

revision = "20261122_0630"
down_revision = "20261122_0300"


def upgrade() -> None:
    op.execute("CREATE INDEX bookings_by_end ON bookings.bookings (ends_at)")
