"""Know parties of a year up to a month, so that a range is what is known at its ends."""

import sqlalchemy as sa
from alembic import op

revision = "20261122_1300"
down_revision = "20261122_0900"

SCHEMA = "analytics"
NAME = "parties_so_far"


def upgrade() -> None:
    op.create_table(
        NAME,
        sa.Column("room_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("start", sa.Date, primary_key=True),
        sa.Column("size", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("seen", sa.Integer, nullable=False),
        sa.Column("no_shows", sa.Integer, nullable=False),
        sa.Column("empty_s", sa.BigInteger, nullable=False),
        sa.Column("told", sa.Integer, nullable=False),
        schema=SCHEMA,
    )
    op.create_index(f"{NAME}_by_start", NAME, ["start"], schema=SCHEMA)
    op.execute(f"""
        INSERT INTO {SCHEMA}.{NAME} (room_id, start, size, seen, no_shows, empty_s, told)
        SELECT room_id, month::date, size, sum(seen), sum(no_shows), sum(empty_s), sum(told)
        FROM {SCHEMA}.party_months
        CROSS JOIN LATERAL generate_series(
            start::timestamp, date_trunc('year', start::timestamp) + interval '11 months',
            interval '1 month'
        ) AS month
        GROUP BY 1, 2, 3
        ORDER BY 2, 1, 3
    """)  # noqa: S608 - of names above
    op.drop_table("party_months", schema=SCHEMA)
