"""Find the bookings that have just ended without looking at all of them."""

from alembic import op

revision = "20261122_0500"
down_revision = "20261122_0410"


def upgrade() -> None:
    op.create_index("bookings_by_end", "bookings", ["had_until"], schema="analytics")
