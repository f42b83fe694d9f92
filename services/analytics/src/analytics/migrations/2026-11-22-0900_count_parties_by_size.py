"""Count parties by their size, as figures are asked for."""

import sqlalchemy as sa
from alembic import op

revision = "20261122_0900"
down_revision = "20261122_0510"

SCHEMA = "analytics"


def upgrade() -> None:
    for name in ("party_days", "party_months"):
        op.create_table(
            name,
            sa.Column("room_id", sa.Integer, primary_key=True, autoincrement=False),
            sa.Column("start", sa.Date, primary_key=True),
            sa.Column("size", sa.Integer, primary_key=True, autoincrement=False),
            sa.Column("seen", sa.Integer, nullable=False),
            sa.Column("no_shows", sa.Integer, nullable=False),
            sa.Column("empty_s", sa.BigInteger, nullable=False),
            sa.Column("told", sa.Integer, nullable=False),
            schema=SCHEMA,
        )
        op.create_index(f"{name}_by_start", name, ["start"], schema=SCHEMA)
    for name, unit in (("party_days", "day"), ("party_months", "month")):
        op.execute(f"""
            INSERT INTO {SCHEMA}.{name} (room_id, start, size, seen, no_shows, empty_s, told)
            SELECT room_id, date_trunc('{unit}', starts_at AT TIME ZONE timezone)::date,
                coalesce(seen, CASE WHEN is_no_show THEN 0 ELSE attendees END), count(seen),
                count(seen) FILTER (WHERE is_no_show), coalesce(sum(empty_s), 0),
                count(*) FILTER (WHERE seen IS NULL)
            FROM {SCHEMA}.bookings WHERE is_counted AND timezone IS NOT NULL
            GROUP BY 1, 2, 3
        """)  # noqa: S608 - of names above
