"""Claim crossings by number, keep them by month, and know how lines were when somebody crossed."""

import sqlalchemy as sa
from alembic import op

revision = "20261121_2030"
down_revision = "20261121_1700"

SCHEMA = "occupancy"

# A clock that goes back makes an hour twice: what is left of the moment stays as it is. A day or a
# month begins at the earlier of two midnights; where there is none, when the clock changes.
_LOCAL_TIME = """
CREATE FUNCTION occupancy.start_of_hour(moment timestamptz, zone text) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE AS $$ SELECT date_trunc('hour', moment, zone) $$;

CREATE FUNCTION occupancy.end_of_hour(start timestamptz, zone text) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN next > start THEN next ELSE start + interval '1 hour' END
    FROM date_trunc('hour', start + interval '1 hour', zone) AS next
$$;

CREATE FUNCTION occupancy.first_of(day date, zone text) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN ((later - interval '1 hour') AT TIME ZONE zone)::date = day
        THEN later - interval '1 hour' ELSE later END
    FROM timezone(zone, day::timestamp) AS later
$$;

CREATE FUNCTION occupancy.start_of_day(moment timestamptz, zone text) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT occupancy.first_of((moment AT TIME ZONE zone)::date, zone)
$$;

CREATE FUNCTION occupancy.start_of_month(moment timestamptz, zone text) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT occupancy.first_of(date_trunc('month', moment AT TIME ZONE zone)::date, zone)
$$;

CREATE FUNCTION occupancy.microseconds(length interval) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT round(date_part('epoch', length) * 1000000)::bigint
$$;
"""

# Run by the owner with every migration, so that nobody else needs the right to make tables. What
# was kept among the rest meanwhile moves to its month.
_MONTHS = """
CREATE FUNCTION occupancy.make_months(first date, last date) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    month date := date_trunc('month', first);
    name text;
BEGIN
    WHILE month <= last LOOP
        name := 'crossings_' || to_char(month, 'YYYY_MM');
        IF to_regclass('occupancy.' || name) IS NULL THEN
            EXECUTE format('CREATE TABLE occupancy.%I (LIKE occupancy.crossings'
                ' INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name);
            EXECUTE format('WITH moved AS (DELETE FROM occupancy.crossings_rest'
                ' WHERE crossed_at >= %L AND crossed_at < %L RETURNING *)'
                ' INSERT INTO occupancy.%I SELECT * FROM moved',
                month || ' 00:00+00', (month + interval '1 month')::date || ' 00:00+00', name);
            EXECUTE format('ALTER TABLE occupancy.crossings ATTACH PARTITION occupancy.%I'
                ' FOR VALUES FROM (%L) TO (%L)', name,
                month || ' 00:00+00', (month + interval '1 month')::date || ' 00:00+00');
            EXECUTE format('GRANT TRUNCATE ON occupancy.%I TO occupancy', name);
        END IF;
        month := month + interval '1 month';
    END LOOP;
END $$;
"""

_TELL = """
CREATE FUNCTION occupancy.tell_of_camera() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('occupancy_live', to_jsonb(NEW)->>TG_ARGV[0]);
    RETURN NULL;
END $$;

CREATE TRIGGER tell AFTER INSERT OR UPDATE ON occupancy.counts
    FOR EACH ROW EXECUTE FUNCTION occupancy.tell_of_camera('camera_id');

CREATE TRIGGER tell AFTER INSERT OR UPDATE ON occupancy.cameras
    FOR EACH ROW EXECUTE FUNCTION occupancy.tell_of_camera('id');
"""


def upgrade() -> None:
    _execute(_LOCAL_TIME)
    _watch()
    _claim_by_number()
    _keep_by_month()
    _know_what_is_missing()
    _execute(_TELL)


def _watch() -> None:
    op.create_table(
        "watches",
        sa.Column("line_id", sa.Integer, primary_key=True, autoincrement=False),
        _time("since", primary_key=True),
        _time("until"),
        sa.Column("camera_id", sa.Integer, nullable=False, index=True),
        sa.Column("entries", sa.Boolean, nullable=False),
        sa.Column("exits", sa.Boolean, nullable=False),
        sa.Column("confidence_threshold", sa.Float, nullable=False),
        schema=SCHEMA,
    )
    op.execute("""
        INSERT INTO occupancy.watches
        SELECT lines.id, '-infinity', 'infinity', cameras.id,
            lines.is_active AND cameras.is_active
                AND camera_type <> 'exit_only' AND direction <> 'exit',
            lines.is_active AND cameras.is_active
                AND camera_type <> 'entry_only' AND direction <> 'entry',
            confidence_threshold
        FROM occupancy.lines JOIN occupancy.cameras ON cameras.id = lines.camera_id
    """)


def _claim_by_number() -> None:
    op.create_table(
        "edges",
        sa.Column("camera_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("edge_id", sa.Text, primary_key=True),
        sa.Column("high", sa.BigInteger, nullable=False),
        sa.Column("missing", sa.dialects.postgresql.INT8MULTIRANGE, nullable=False),
        schema=SCHEMA,
    )
    op.execute("""
        INSERT INTO occupancy.edges
        SELECT camera_id, edge_id, max(sequence), int8multirange(int8range(1, max(sequence) + 1))
            - range_agg(int8range(sequence, sequence + 1))
        FROM occupancy.crossings GROUP BY camera_id, edge_id
    """)


def _keep_by_month() -> None:
    op.execute("ALTER TABLE occupancy.crossings RENAME TO crossings_before")
    _execute("""
        CREATE TABLE occupancy.crossings (
            camera_id integer NOT NULL,
            edge_id text NOT NULL,
            sequence bigint NOT NULL,
            line_id integer NOT NULL,
            direction text NOT NULL,
            track_id text NOT NULL,
            confidence float NOT NULL,
            crossed_at timestamptz NOT NULL,
            told_at timestamptz,
            is_counted boolean NOT NULL,
            CONSTRAINT crossings_key PRIMARY KEY (camera_id, crossed_at, edge_id, sequence)
        ) PARTITION BY RANGE (crossed_at);

        CREATE INDEX crossings_track ON occupancy.crossings (camera_id, edge_id, track_id);

        CREATE TABLE occupancy.crossings_rest PARTITION OF occupancy.crossings DEFAULT;

        GRANT TRUNCATE ON occupancy.crossings_rest TO occupancy;
    """)
    _execute(_MONTHS)
    op.execute("""
        SELECT occupancy.make_months(min(crossed_at)::date, max(crossed_at)::date)
        FROM occupancy.crossings_before
        WHERE crossed_at BETWEEN now() - interval '2 years' AND now()
    """)
    op.execute("""
        INSERT INTO occupancy.crossings SELECT camera_id, edge_id, sequence, line_id, direction,
            track_id, confidence, crossed_at, NULL, is_counted FROM occupancy.crossings_before
    """)
    op.drop_table("crossings_before", schema=SCHEMA)
    op.drop_table("tracks", schema=SCHEMA)
    op.drop_table("sightings", schema=SCHEMA)
    op.create_table(
        "kept",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        _time("since"),
        sa.CheckConstraint("id = 1", name="kept_once"),
        schema=SCHEMA,
    )
    op.execute("INSERT INTO occupancy.kept VALUES (1, '-infinity')")


def _know_what_is_missing() -> None:
    op.create_table(
        "gaps",
        sa.Column("camera_id", sa.Integer, sa.ForeignKey("occupancy.cameras.id"), primary_key=True),
        sa.Column("edge_id", sa.Text, primary_key=True),
        sa.Column("first_sequence", sa.BigInteger, primary_key=True),
        sa.Column("last_sequence", sa.BigInteger, nullable=False),
        sa.Column("entries", sa.Integer),
        sa.Column("exits", sa.Integer),
        sa.Column("first_crossed_at", sa.DateTime(timezone=True)),
        sa.Column("last_crossed_at", sa.DateTime(timezone=True)),
        _time("dropped_at"),
        sa.Column("reason", sa.Text, nullable=False),
        schema=SCHEMA,
    )
    for name in ("crossed", "lost"):
        op.add_column(
            "counts",
            sa.Column(name, sa.BigInteger, nullable=False, server_default="0"),
            schema=SCHEMA,
        )
    op.execute("""
        UPDATE occupancy.counts SET crossed = (
            SELECT count(*) FROM occupancy.crossings
            WHERE crossings.camera_id = counts.camera_id AND is_counted
                AND crossed_at >= coalesce(corrected_at, '-infinity')
        )
    """)


def _execute(statements: str) -> None:
    for statement in statements.strip().split("\n\n"):
        op.execute(statement)


def _time(name: str, *, primary_key: bool = False) -> "sa.Column[object]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False, primary_key=primary_key)
