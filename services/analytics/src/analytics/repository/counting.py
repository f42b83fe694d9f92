"""Adds what a change of bookings means to the facts of days, weeks and months, and to parties."""

from typing import Final

from analytics.domain import HOURS
from analytics.tables import MEASURES, PARTIES, ROLES, ROLLUPS

# A booking has a part in the facts of so many days at most: it may last until the year 9000.
LONGEST_DAYS: Final = 366

# What one booking adds on one local day; `role`, `begins_in`, `first_hour` and `last_hour` are of
# `parts` below. Of what is counted where it begins, the condition.
_ADDED: Final = {
    "bookings": ("1", "begins"),
    "no_shows": ("1", "begins AND is_no_show"),
    "wasted_s": ("wasted_s", "begins AND is_no_show"),
    "attendees": ("party", "begins"),
    "oversized": ("1", "begins AND party * 2 < capacity"),
    "undersized": ("1", "begins AND party > capacity"),
    **{f"{role}_bookings": ("1", f"begins AND role = '{role}'") for role in ROLES},
    **{f"starts_{hour:02}": ("1", f"begins_in = {hour}") for hour in HOURS},
    "booked_s": ("booked_s", "true"),
    **{f"{role}_booked_s": ("booked_s", f"role = '{role}'") for role in ROLES},
    **{f"touches_{hour:02}": ("1", f"{hour} BETWEEN first_hour AND last_hour") for hour in HOURS},
}
# Not as the arbitrary precision that sums have, which costs as much as all the rest.
_SUMS: Final = ", ".join(
    f"coalesce(sum(sign * {_ADDED[name][0]}) FILTER (WHERE {_ADDED[name][1]}), 0)"
    f"::{'bigint' if name.endswith('_s') else 'integer'} AS {name}"
    for name in MEASURES
)


def _add_to(rollup: str, start: str) -> str:
    """Write what adds the sums of days to a rollup."""
    names = ROLLUPS[rollup]
    listed = ", ".join(names)
    sums = ", ".join(f"sum({name})" for name in names)
    more = ", ".join(f"{name} = known.{name} + excluded.{name}" for name in names)
    return f"""
    INSERT INTO analytics.{rollup} AS known (room_id, start, {listed})
    SELECT room_id, {start} AS start, {sums} FROM sums GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (room_id, start) DO UPDATE SET {more}
"""  # noqa: S608 - of names that stand in the tables


def _add_sizes_to(rollup: str, start: str) -> str:
    """Write what adds parties to a rollup, and takes out what no booking has any more.

    Two may not do so for one room at once.
    """
    sums = ", ".join(f"sum({name}) AS {name}" for name in PARTIES)
    return f"""
    MERGE INTO analytics.{rollup} AS known
    USING (SELECT room_id, {start} AS start, size, {sums} FROM sizes GROUP BY 1, 2, 3) AS more
    ON known.room_id = more.room_id AND known.start = more.start AND known.size = more.size
    WHEN MATCHED AND known.seen + more.seen = 0 AND known.told + more.told = 0 THEN DELETE
    WHEN MATCHED THEN UPDATE SET {", ".join(f"{one} = known.{one} + more.{one}" for one in PARTIES)}
    WHEN NOT MATCHED AND (more.seen <> 0 OR more.told <> 0) THEN
        INSERT (room_id, start, size, {", ".join(PARTIES)})
        VALUES (more.room_id, more.start, more.size, {", ".join(f"more.{one}" for one in PARTIES)})
"""  # noqa: S608 - of names that stand in the tables


# Of the year of `day`, beginning with its own.
_MONTHS_LEFT: Final = """generate_series(
    date_trunc('month', day), date_trunc('year', day) + interval '11 months', interval '1 month'
)::date"""

# Hours are those of the clock on the wall, from the one in which a booking begins to the one in
# which it ends. Each step is worked out once, and not in each of the sums.
# Goes behind what changes bookings, as `changed (was, is_now)`.
COUNT: Final = f""", told_anew AS MATERIALIZED (
    SELECT was, is_now FROM changed
    WHERE ((was).room_id, (was).starts_at, (was).had_until, (was).is_counted, (was).is_no_show,
            (was).attendees, (was).timezone, (was).capacity, (was).role, (was).seen, (was).empty_s)
        IS DISTINCT FROM ((is_now).room_id, (is_now).starts_at, (is_now).had_until,
            (is_now).is_counted, (is_now).is_no_show, (is_now).attendees, (is_now).timezone,
            (is_now).capacity, (is_now).role, (is_now).seen, (is_now).empty_s)
), moved AS MATERIALIZED (
    SELECT sign, room_id, is_no_show, party, seen, empty_s, capacity, role, timezone, starts_at,
        until,
        starts_at AT TIME ZONE timezone AS local_start,
        greatest(starts_at, until - interval '1 microsecond') AT TIME ZONE timezone AS local_last
    FROM (
        SELECT sign, (one).room_id, (one).is_no_show, (one).seen, (one).empty_s, (one).capacity,
            coalesce((one).seen, (one).attendees) AS party,
            coalesce(lower((one).role), 'unknown') AS role, (one).timezone, (one).starts_at,
            least((one).had_until, (one).starts_at + interval '{LONGEST_DAYS - 1} days') AS until
        FROM (
            SELECT -1 AS sign, was AS one FROM told_anew UNION ALL SELECT 1, is_now FROM told_anew
        ) AS versions
        WHERE (one).is_counted AND (one).timezone IS NOT NULL
    ) AS counted
), parts AS MATERIALIZED (
    SELECT sign, room_id, day, is_no_show, party, capacity, role,
        day = local_start::date AS begins,
        CASE WHEN day = local_start::date THEN date_part('hour', local_start)::integer END
            AS begins_in,
        CASE WHEN day = local_start::date THEN date_part('hour', local_start)::integer ELSE 0 END
            AS first_hour,
        CASE WHEN day = local_last::date THEN date_part('hour', local_last)::integer ELSE 23 END
            AS last_hour,
        coalesce(empty_s, floor(date_part('epoch', until - starts_at))::bigint) AS wasted_s,
        floor(date_part('epoch', CASE WHEN local_start::date = local_last::date
            THEN until - starts_at
            ELSE least(until, analytics.first_of(day + 1, timezone))
                - greatest(starts_at, analytics.first_of(day, timezone))
            END))::bigint AS booked_s
    FROM (
        SELECT *, generate_series(local_start::date, local_last::date, interval '1 day')::date
            AS day
        FROM moved
    ) AS lasting
), sums AS MATERIALIZED (
    SELECT room_id, day, {_SUMS} FROM parts GROUP BY room_id, day
), by_day AS ({_add_to("days", "day")}
), by_week AS ({_add_to("weeks", "date_trunc('week', day)::date")}
), by_month AS ({_add_to("months", "date_trunc('month', day)::date")}
), sizes AS MATERIALIZED (
    SELECT room_id, local_start::date AS day,
        CASE WHEN seen IS NULL AND is_no_show THEN 0 ELSE party END AS size,
        sign * (seen IS NOT NULL)::integer AS seen, sign * (seen IS NULL)::integer AS told,
        sign * (seen IS NOT NULL AND is_no_show)::integer AS no_shows,
        sign * coalesce(empty_s, 0) AS empty_s
    FROM moved
), parties_by_day AS ({_add_sizes_to("party_days", "day")}
), parties_so_far AS ({_add_sizes_to("parties_so_far", _MONTHS_LEFT)}
)
SELECT count(*) AS changed FROM changed
"""  # noqa: S608 - likewise
