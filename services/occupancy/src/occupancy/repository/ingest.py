"""Takes crossings in: claims, stores and adds them up, thousands in a handful of statements.

Measured to be hot (docs/adr/0016): what is done for each crossing is done by Postgres.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from common.db import fetch_all_hot, fetch_hot
from occupancy.domain import SEPARATOR, Crossings
from occupancy.history import start_of_month

# From any moment of a month, this is in the next one, or its first days.
_A_MONTH: Final = timedelta(days=31)
# So many gaps in an edge's numbers are remembered; what comes late for an older one is taken for
# a repetition.
REMEMBERED_GAPS: Final = 1000

_HOLD: Final = """
    SELECT camera_id, corrected_at FROM occupancy.counts
    WHERE camera_id = ANY($1::integer[]) ORDER BY camera_id FOR UPDATE
"""
# Asked after they are held: what was changed meanwhile is seen.
_PLACES: Final = """
    SELECT cameras.id, cameras.room_id, coalesce(rooms.timezone, $2::text) AS zone
    FROM occupancy.cameras LEFT JOIN occupancy.rooms ON rooms.id = cameras.room_id
    WHERE cameras.id = ANY($1::integer[])
"""
_BEGUN: Final = text("SELECT count(*) FROM occupancy.counts WHERE camera_id = ANY(:cameras)")
_BEGIN: Final = text("""
    INSERT INTO occupancy.counts (camera_id, entries, exits, unique_persons)
    SELECT id, 0, 0, 0 FROM occupancy.cameras WHERE id = ANY(:cameras) ORDER BY id
    ON CONFLICT DO NOTHING
""")
_WATCHED: Final = """
    SELECT DISTINCT camera_id, line_id FROM occupancy.watches WHERE camera_id = ANY($1::integer[])
"""

# Texts come as one, which the driver writes ten times as fast as a list of them.
# What is claimed is what is above the highest number of its edge, or missing below it.
_TAKE: Final = """
WITH dated AS (
    SELECT *, to_timestamp(crossed_s) AS crossed_at, to_timestamp(told_s) AS told_at
    FROM ROWS FROM (
        unnest($1::integer[]), string_to_table($2, E'\x1f'), unnest($3::bigint[]),
        unnest($4::integer[]), string_to_table($5, E'\x1f'), string_to_table($6, E'\x1f'),
        unnest($7::float8[]), unnest($8::float8[]), unnest($9::float8[])
    ) WITH ORDINALITY AS told (camera_id, edge_id, sequence, line_id, direction, track_id,
        confidence, crossed_s, told_s, place)
), told AS MATERIALIZED (
    SELECT DISTINCT ON (camera_id, edge_id, sequence) * FROM dated
    ORDER BY camera_id, edge_id, sequence, place
), claimed AS (
    INSERT INTO occupancy.edges AS known (camera_id, edge_id, high, missing)
    SELECT camera_id, edge_id, max(sequence), int8multirange(int8range(1, max(sequence) + 1))
        - range_agg(int8range(sequence, sequence + 1))
    FROM told GROUP BY camera_id, edge_id ORDER BY camera_id, edge_id
    ON CONFLICT (camera_id, edge_id) DO UPDATE SET
        high = greatest(known.high, excluded.high),
        missing = (known.missing + int8multirange(
                int8range(known.high + 1, greatest(known.high, excluded.high) + 1)))
            * (excluded.missing + int8multirange(int8range(excluded.high + 1, NULL)))
    RETURNING camera_id, edge_id, coalesce(old.high, 0) AS high,
        coalesce(old.missing, '{}') AS missing, new.missing <> '{}' AS has_gaps
), held AS MATERIALIZED (
    SELECT * FROM unnest($10::integer[], $11::text[], $12::timestamptz[])
        AS held (camera_id, zone, corrected_at)
), watched AS MATERIALIZED (
    SELECT * FROM occupancy.watches WHERE camera_id = ANY($10)
), fresh AS (
    INSERT INTO occupancy.crossings (camera_id, edge_id, sequence, line_id, direction, track_id,
        confidence, crossed_at, told_at, is_counted)
    SELECT told.camera_id, told.edge_id, sequence, line_id, direction, track_id, confidence,
        crossed_at, nullif(told_at, crossed_at),
        confidence >= confidence_threshold
            AND CASE direction WHEN 'entry' THEN watched.entries ELSE watched.exits END
    FROM told
    JOIN claimed USING (camera_id, edge_id)
    JOIN watched USING (line_id)
    WHERE (sequence > high OR claimed.missing @> sequence)
        AND crossed_at >= watched.since AND crossed_at < watched.until
    ON CONFLICT DO NOTHING
    RETURNING camera_id, edge_id, sequence, track_id, crossed_at, direction, is_counted
), counted AS MATERIALIZED (
    SELECT camera_id, edge_id, sequence, track_id, crossed_at, direction = 'entry' AS is_entry,
        date_bin('1 minute', crossed_at, 'epoch') AS minute
    FROM fresh WHERE is_counted
), stepped AS (
    SELECT camera_id, minute, CASE WHEN is_entry THEN 1 ELSE -1 END AS step,
        occupancy.microseconds(minute + interval '1 minute' - crossed_at) AS rest,
        sum(CASE WHEN is_entry THEN 1 ELSE -1 END) OVER (
            PARTITION BY camera_id, minute ORDER BY crossed_at, edge_id, sequence
        ) AS risen
    FROM counted
), minutes AS MATERIALIZED (
    SELECT camera_id, minute, occupancy.start_of_hour(minute, zone) AS hour,
        entries, exits, area, high
    FROM (
        SELECT camera_id, minute, count(*) FILTER (WHERE step > 0) AS entries,
            count(*) FILTER (WHERE step < 0) AS exits,
            sum(step * rest) AS area, greatest(max(risen), 0) AS high
        FROM stepped GROUP BY camera_id, minute
    ) AS touched JOIN held USING (camera_id)
), begun AS (
    INSERT INTO occupancy.minutes (camera_id, start, entries, exits, area, high)
    SELECT camera_id, minute, entries, exits, area, high FROM minutes ORDER BY camera_id, minute
    ON CONFLICT DO NOTHING
    RETURNING camera_id, start
), known AS (
    SELECT camera_id, minute FROM minutes
    EXCEPT SELECT camera_id, start FROM begun
), tracks AS MATERIALIZED (
    SELECT DISTINCT camera_id, edge_id, track_id, hour
    FROM counted JOIN minutes USING (camera_id, minute)
), seen AS MATERIALIZED (
    SELECT *, true AS is_new FROM tracks
    UNION ALL
    SELECT camera_id, edge_id, track_id, occupancy.start_of_hour(crossed_at, zone), false
    FROM (SELECT DISTINCT camera_id, edge_id, track_id FROM tracks) AS track
    CROSS JOIN LATERAL (
        SELECT crossed_at FROM occupancy.crossings
        WHERE camera_id = track.camera_id AND edge_id = track.edge_id
            AND track_id = track.track_id AND is_counted
            AND crossed_at >= $13 AND crossed_at < $14
        OFFSET 0
    ) AS before
    JOIN held USING (camera_id)
), alone AS MATERIALIZED (
    SELECT camera_id, edge_id, track_id, min(hour) AS hour, count(*) = 1 AS is_alone
    FROM seen GROUP BY camera_id, edge_id, track_id
), hours AS MATERIALIZED (
    SELECT camera_id, hour, occupancy.start_of_day(hour, zone) AS day,
        occupancy.start_of_month(hour, zone) AS month
    FROM (SELECT DISTINCT camera_id, hour FROM seen) AS one JOIN held USING (camera_id)
), simple AS MATERIALIZED (
    SELECT camera_id, hour, count(*) AS persons FROM alone WHERE is_alone GROUP BY camera_id, hour
), again AS MATERIALIZED (
    SELECT seen.*, day, month FROM seen
    JOIN alone USING (camera_id, edge_id, track_id)
    JOIN hours ON hours.camera_id = seen.camera_id AND hours.hour = seen.hour
    WHERE NOT is_alone
), new_persons AS MATERIALIZED (
    SELECT camera_id, period, start, sum(persons) AS persons
    FROM (
        SELECT camera_id, period, start, persons FROM simple JOIN hours USING (camera_id, hour)
        CROSS JOIN LATERAL (VALUES ('hour', hour), ('day', day), ('month', month))
            AS begun (period, start)
        UNION ALL
        SELECT camera_id, 'hour', hour, 1 FROM again
        GROUP BY camera_id, edge_id, track_id, hour HAVING bool_and(is_new)
        UNION ALL
        SELECT camera_id, 'day', day, 1 FROM again
        GROUP BY camera_id, edge_id, track_id, day HAVING bool_and(is_new)
        UNION ALL
        SELECT camera_id, 'month', month, 1 FROM again
        GROUP BY camera_id, edge_id, track_id, month HAVING bool_and(is_new)
    ) AS found
    GROUP BY camera_id, period, start
), stored AS (
    INSERT INTO occupancy.persons AS known (camera_id, period, start, persons)
    SELECT * FROM new_persons ORDER BY camera_id, period, start
    ON CONFLICT (camera_id, period, start)
        DO UPDATE SET persons = known.persons + excluded.persons
), sums AS MATERIALIZED (
    SELECT camera_id, min(crossed_at) AS first, max(crossed_at) AS last, min(zone) AS zone,
        count(*) FILTER (WHERE is_entry) AS entries,
        count(*) FILTER (WHERE NOT is_entry) AS exits,
        count(*) FILTER (WHERE is_later) AS crossed,
        count(*) FILTER (WHERE is_later AND is_entry)
            - count(*) FILTER (WHERE is_later AND NOT is_entry) AS steps
    FROM (
        SELECT *, crossed_at >= coalesce(corrected_at, '-infinity') AS is_later
        FROM counted JOIN held USING (camera_id)
    ) AS added
    GROUP BY camera_id
), moved AS (
    UPDATE occupancy.counts SET
        entries = counts.entries + sums.entries,
        exits = counts.exits + sums.exits,
        occupancy = counts.occupancy + steps,
        crossed = counts.crossed + sums.crossed,
        unique_persons = counts.unique_persons + coalesce(
            (SELECT sum(persons) FROM new_persons
                WHERE new_persons.camera_id = counts.camera_id AND period = 'month'), 0),
        updated_at = clock_timestamp()
    FROM sums WHERE sums.camera_id = counts.camera_id
)
SELECT
    (SELECT count(*) FROM fresh) AS fresh,
    (SELECT count(*) FROM claimed WHERE has_gaps) AS with_gaps,
    (SELECT array_agg(ROW(camera_id, first, last, occupancy.start_of_hour(first, zone),
        occupancy.end_of_hour(occupancy.start_of_hour(last, zone), zone), zone)
        ORDER BY camera_id) FROM sums) AS cameras,
    (SELECT array_agg(camera_id ORDER BY camera_id, minute) FROM known) AS minutes_cameras,
    (SELECT array_agg(minute ORDER BY camera_id, minute) FROM known) AS minutes_starts
"""
# How long a batch is the planner can't know, and takes it for short.
_JOIN_BY_HASH: Final = "SELECT set_config('enable_nestloop', $1, true)"
_FORGET_GAPS: Final = text("""
    UPDATE occupancy.edges SET missing = (
        SELECT range_agg(gap) FROM (
            SELECT gap FROM unnest(missing) AS gap ORDER BY gap DESC LIMIT :remembered
        ) AS newest
    )
    WHERE camera_id = ANY(:cameras)
        AND (SELECT count(*) FROM unnest(missing)) > :remembered
    RETURNING camera_id, edge_id
""")

# A gap that has grown is told again. What was dropped before a camera was last corrected no longer
# matters to how many are there now.
_GIVE_UP: Final = text("""
    WITH stored AS (
        INSERT INTO occupancy.gaps AS known (camera_id, edge_id, first_sequence, last_sequence,
            entries, exits, first_crossed_at, last_crossed_at, dropped_at, reason)
        VALUES (:camera_id, :edge_id, :first_sequence, :last_sequence, :entries, :exits,
            :first_crossed_at, :last_crossed_at, :dropped_at, :reason)
        ON CONFLICT (camera_id, edge_id, first_sequence) DO UPDATE SET
            last_sequence = excluded.last_sequence, entries = excluded.entries,
            exits = excluded.exits, first_crossed_at = excluded.first_crossed_at,
            last_crossed_at = excluded.last_crossed_at, dropped_at = excluded.dropped_at
            WHERE excluded.last_sequence > known.last_sequence
        RETURNING camera_id, new.last_sequence - coalesce(old.last_sequence,
            new.first_sequence - 1) AS lost, coalesce(last_crossed_at, dropped_at) AS until
    )
    UPDATE occupancy.counts SET lost = counts.lost + stored.lost FROM stored
    WHERE counts.camera_id = stored.camera_id AND until >= coalesce(corrected_at, '-infinity')
""")

_FORGET: Final = text("""
    WITH gone AS (
        DELETE FROM occupancy.crossings
        WHERE camera_id = :camera AND crossed_at >= :since AND crossed_at < :until
        RETURNING direction, is_counted
    ), minutes AS (
        DELETE FROM occupancy.minutes
        WHERE camera_id = :camera AND start >= :since AND start < :until
    ), hours AS (
        DELETE FROM occupancy.hours
        WHERE camera_id = :camera AND start >= :since AND start < :until
    )
    UPDATE occupancy.counts SET
        entries = entries - (SELECT count(*) FROM gone WHERE is_counted AND direction = 'entry'),
        exits = exits - (SELECT count(*) FROM gone WHERE is_counted AND direction = 'exit')
    WHERE camera_id = :camera
""")
_UNCLAIM: Final = text("""
    UPDATE occupancy.edges SET missing = missing + (known.claimed * int8multirange(
        int8range(1, high + 1)))
    FROM (
        SELECT edge_id, range_agg(int8range(sequence, sequence + 1)) AS claimed
        FROM unnest(CAST(:edges AS text[]), CAST(:sequences AS bigint[]))
            AS told (edge_id, sequence)
        GROUP BY edge_id
    ) AS known
    WHERE edges.camera_id = :camera AND edges.edge_id = known.edge_id
""")


@dataclass(frozen=True, slots=True)
class Held:
    """A camera whose counts nobody else changes until the transaction ends."""

    room_id: int | None
    zone: str
    corrected_at: datetime | None


class Taken(NamedTuple):
    """What a camera has counted of a batch.

    Args:
        first, last: of its crossings, aware.
        since, until: the local hours that these are in.
    """

    camera_id: int
    first: datetime
    last: datetime
    since: datetime
    until: datetime
    zone: str


Minutes = tuple[Sequence[int], Sequence[datetime]]


async def hold(
    session: AsyncSession, camera_ids: Collection[int], default_zone: str
) -> dict[int, Held]:
    """Let nobody else add to cameras; returns those that there are."""
    wanted = sorted(camera_ids)
    # Begun before any is held, or two who begin would wait for each other.
    if await session.scalar(_BEGUN, {"cameras": wanted}) < len(camera_ids):
        await session.execute(_BEGIN, {"cameras": wanted})
    held = await fetch_all_hot(session, _HOLD, wanted)
    corrected_at = {row["camera_id"]: row["corrected_at"] for row in held}
    places = await fetch_all_hot(session, _PLACES, wanted, default_zone)
    return {row["id"]: Held(row["room_id"], row["zone"], corrected_at[row["id"]]) for row in places}


async def watched(session: AsyncSession, camera_ids: Collection[int]) -> set[tuple[int, int]]:
    """Return the lines of cameras, each with its camera."""
    rows = await fetch_all_hot(session, _WATCHED, sorted(camera_ids))
    return {(row["camera_id"], row["line_id"]) for row in rows}


async def take(
    session: AsyncSession, told: Crossings, held: Mapping[int, Held]
) -> tuple[list[Taken], Minutes]:
    """Store the crossings that were not there yet, and add them to counts and persons.

    Args:
        told: of lines that there are.
        held: their cameras.

    Returns:
        what each camera has counted, and the minutes of this in which somebody was counted before.
    """
    first, last = min(told.dated), max(told.dated)
    zones = [ZoneInfo(zone) for zone in {camera.zone for camera in held.values()}]
    await fetch_hot(session, _JOIN_BY_HASH, "off")
    found = await fetch_hot(
        session,
        _TAKE,
        told.camera_ids,
        SEPARATOR.join(told.edge_ids),
        told.sequences,
        told.line_ids,
        SEPARATOR.join(told.directions),
        SEPARATOR.join(told.track_ids),
        told.confidences,
        # A double still tells microseconds apart, until the year 2242.
        [moment.timestamp() for moment in told.dated],
        [] if told.was_in_time else [moment.timestamp() for moment in told.crossed_at],
        list(held),
        [camera.zone for camera in held.values()],
        [camera.corrected_at for camera in held.values()],
        min(start_of_month(first, zone) for zone in zones),
        max(start_of_month(last + _A_MONTH, zone) for zone in zones),
    )
    assert found is not None  # noqa: S101 - the statement always gives a row
    await fetch_hot(session, _JOIN_BY_HASH, "on")
    if found["with_gaps"]:
        await session.execute(
            _FORGET_GAPS, {"cameras": sorted(held), "remembered": REMEMBERED_GAPS}
        )
    taken = [Taken(*row) for row in found["cameras"] or ()]
    return taken, (found["minutes_cameras"] or (), found["minutes_starts"] or ())


async def give_up(session: AsyncSession, gaps: Sequence[Mapping[str, Any]]) -> None:
    """Note crossings that will never come, of cameras that are held."""
    for gap in gaps:
        await session.execute(_GIVE_UP, gap)


async def forget(
    session: AsyncSession, camera_id: int, since: datetime, until: datetime, told: Crossings | None
) -> None:
    """Forget the crossings of a span of a camera that is held, so that they can be taken again.

    Args:
        told: what will be taken again; it may be more than what was there.
    """
    given = {"camera": camera_id, "since": since, "until": until}
    await session.execute(_FORGET, given)
    if told is not None:
        names = {"edges": list(told.edge_ids), "sequences": list(told.sequences)}
        await session.execute(_UNCLAIM, {"camera": camera_id, **names})
