"""Reads and writes minutes, hours, persons and corrections."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import case, delete, false, func, literal, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from common.db import fetch_hot
from occupancy.history import MINUTE, Hour, Minute
from occupancy.repository.ingest import Minutes
from occupancy.tables import (
    cameras,
    corrections,
    counts,
    crossings,
    hours,
    minutes,
    persons,
    rebuilds,
    rooms,
)

Values = Mapping[str, Any]
PersonsOf = Literal["hour", "day", "month"]
PERIODS: Final[tuple[PersonsOf, ...]] = ("hour", "day", "month")


_step = case((crossings.c.direction == "entry", 1), else_=-1)

# The whole of each minute is read, not only what is new in it: in what order its crossings come
# does not matter, and what stands there is the same after a rebuild.
_TAKE_MINUTES: Final = """
    INSERT INTO occupancy.minutes (camera_id, start, entries, exits, area, high)
    SELECT wanted.camera_id, wanted.start, added.entries, added.exits, added.area, added.high
    FROM unnest($1::integer[], $2::timestamptz[]) AS wanted (camera_id, start)
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE step > 0) AS entries,
            count(*) FILTER (WHERE step < 0) AS exits,
            sum(step * rest) AS area, greatest(max(risen), 0) AS high
        FROM (
            SELECT step,
                occupancy.microseconds(wanted.start + interval '1 minute' - crossed_at) AS rest,
                sum(step) OVER (ORDER BY crossed_at, edge_id, sequence) AS risen
            FROM occupancy.crossings
            CROSS JOIN LATERAL (SELECT CASE direction WHEN 'entry' THEN 1 ELSE -1 END AS step) AS by
            WHERE camera_id = wanted.camera_id AND is_counted
                AND crossed_at >= wanted.start AND crossed_at < wanted.start + interval '1 minute'
        ) AS stepped
    ) AS added
    ORDER BY wanted.camera_id, wanted.start
    ON CONFLICT (camera_id, start) DO UPDATE SET entries = excluded.entries,
        exits = excluded.exits, area = excluded.area, high = excluded.high
"""
_MINUTES_OF: Final = text("""
    SELECT DISTINCT date_trunc('minute', crossed_at, 'UTC') AS start FROM occupancy.crossings
    WHERE camera_id = :camera AND is_counted AND crossed_at >= :since
""")

# Walks from a level through the minutes of local hours. Corrected, a level is what it was corrected
# to, plus what came after that in its minute; within the run of minutes up to the next correction
# it is what the run began with, plus what came since. Every number is whole: whoever walks the same
# minutes writes the same rows.
_WALK: Final = """
WITH wanted AS (
    SELECT wanted.*, coalesce(before.level, 0) AS level
    FROM unnest($1::integer[], $2::timestamptz[], $3::timestamptz[], $4::text[])
        AS wanted (camera_id, since, until, zone)
    LEFT JOIN LATERAL (
        SELECT level FROM occupancy.hours
        WHERE hours.camera_id = wanted.camera_id AND start < since
        ORDER BY start DESC LIMIT 1
    ) AS before ON true
), corrected AS MATERIALIZED (
    SELECT DISTINCT ON (camera_id, minute) wanted.camera_id, minute AS start,
        occupancy + (
            SELECT coalesce(sum(CASE direction WHEN 'entry' THEN 1 ELSE -1 END), 0)
            FROM occupancy.crossings
            WHERE crossings.camera_id = wanted.camera_id AND is_counted
                AND crossed_at >= corrections.at AND crossed_at < minute + interval '1 minute'
        ) AS level
    FROM wanted
    JOIN occupancy.corrections USING (camera_id)
    CROSS JOIN LATERAL (SELECT date_trunc('minute', at, 'UTC') AS minute) AS of_it
    WHERE corrections.at >= since AND corrections.at < until
    ORDER BY camera_id, minute, corrections.at DESC, corrections.id DESC
), run AS (
    SELECT camera_id, level, row_number() OVER (PARTITION BY camera_id ORDER BY start) AS number
    FROM corrected
    UNION ALL
    SELECT camera_id, level, 0 FROM wanted
), minute AS (
    SELECT camera_id, start, coalesce(entries, 0) AS entries, coalesce(exits, 0) AS exits,
        coalesce(area, 0) AS area, coalesce(high, 0) AS high, corrected.level AS corrected,
        count(corrected.level) OVER (
            PARTITION BY camera_id ORDER BY start
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS number
    FROM (
        SELECT minutes.* FROM wanted CROSS JOIN LATERAL (
            SELECT * FROM occupancy.minutes
            WHERE minutes.camera_id = wanted.camera_id AND start >= since AND start < until
        ) AS minutes
    ) AS known
    FULL JOIN corrected USING (camera_id, start)
), stepped AS (
    SELECT minute.*, run.level + coalesce(sum(entries - exits) OVER (
            PARTITION BY camera_id, number ORDER BY start
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ), 0) AS before
    FROM minute JOIN run USING (camera_id, number)
), levelled AS (
    SELECT stepped.*, occupancy.start_of_hour(start, zone) AS hour, zone,
        coalesce(corrected, before + entries - exits) AS after
    FROM stepped JOIN wanted USING (camera_id)
), quiet AS (
    SELECT levelled.*, lead(start) OVER of_hour IS NULL AS is_last,
        occupancy.microseconds(
            start - coalesce(lag(start) OVER of_hour + interval '1 minute', hour)
        ) AS before_it
    FROM levelled WINDOW of_hour AS (PARTITION BY camera_id, hour ORDER BY start)
), hour AS (
    SELECT camera_id, hour AS start, occupancy.end_of_hour(hour, min(zone)) AS "end",
        sum(entries) AS entries, sum(exits) AS exits,
        sum(greatest(before, 0) * before_it + greatest(before * 60000000 + area, 0)) AS area,
        greatest(max(greatest(before + high, after)), 0) AS peak,
        min(after) FILTER (WHERE is_last) AS level, max(start) AS last
    FROM quiet GROUP BY camera_id, hour
), stored AS (
    INSERT INTO occupancy.hours (camera_id, start, "end", entries, exits, area, peak, level)
    SELECT camera_id, start, "end", entries, exits, area + greatest(level, 0)
        * greatest(occupancy.microseconds("end" - last - interval '1 minute'), 0), peak, level
    FROM hour ORDER BY camera_id, start
    ON CONFLICT (camera_id, start) DO UPDATE SET "end" = excluded."end",
        entries = excluded.entries, exits = excluded.exits, area = excluded.area,
        peak = excluded.peak, level = excluded.level
)
SELECT array_agg(camera_id) AS cameras FROM wanted
LEFT JOIN LATERAL (
    SELECT hours.level FROM occupancy.hours
    WHERE hours.camera_id = wanted.camera_id AND start < until ORDER BY start DESC LIMIT 1
) AS was ON true
LEFT JOIN LATERAL (
    SELECT hour.level FROM hour WHERE hour.camera_id = wanted.camera_id
    ORDER BY start DESC LIMIT 1
) AS is_now ON true
WHERE coalesce(was.level, 0) <> coalesce(is_now.level, wanted.level)
    AND EXISTS (
        SELECT FROM occupancy.hours WHERE hours.camera_id = wanted.camera_id AND start >= until
    )
"""
_NEXT_CORRECTED: Final = text("""
    SELECT camera_id, coalesce(
        occupancy.end_of_hour(occupancy.start_of_hour(min(at), min(zone)), min(zone)), 'infinity'
    ) AS until
    FROM unnest(
        CAST(:cameras AS integer[]), CAST(:since AS timestamptz[]), CAST(:zones AS text[])
    ) AS wanted (camera_id, since, zone)
    LEFT JOIN occupancy.corrections USING (camera_id)
    WHERE at IS NULL OR at >= since
    GROUP BY camera_id
""")
_COUNT_PERSONS_AGAIN: Final = """
    INSERT INTO occupancy.persons (camera_id, period, start, persons)
    SELECT :camera, :period, start, count(DISTINCT (edge_id, track_id))
    FROM occupancy.crossings
    CROSS JOIN LATERAL (SELECT occupancy.start_of_{period}(crossed_at, :zone) AS start) AS period
    WHERE camera_id = :camera AND is_counted AND start >= :since
    GROUP BY start
"""
# From the last correction and the crossings since; what is no longer kept, from its hours.
_COUNT_AGAIN: Final = text("""
    UPDATE occupancy.counts SET occupancy = again.level + again.steps,
        corrected_at = again.corrected_at, crossed = again.crossed
    FROM (
        SELECT last.at AS corrected_at, coalesce(since.steps, 0) AS steps,
            CASE WHEN last.at >= :since THEN last.occupancy ELSE coalesce(before.level, 0) END
                AS level,
            since.crossed + coalesce(gone.crossed, 0) AS crossed
        FROM (SELECT 1) AS one
        LEFT JOIN LATERAL (
            SELECT at, corrections.occupancy FROM occupancy.corrections
            WHERE camera_id = :camera ORDER BY at DESC, id DESC LIMIT 1
        ) AS last ON true
        LEFT JOIN LATERAL (
            SELECT level FROM occupancy.hours WHERE camera_id = :camera AND start < :since
            ORDER BY start DESC LIMIT 1
        ) AS before ON true
        CROSS JOIN LATERAL (
            SELECT sum(entries + exits) AS crossed FROM occupancy.hours
            WHERE camera_id = :camera AND start < :since
                AND start >= coalesce(last.at, '-infinity')
        ) AS gone
        CROSS JOIN LATERAL (
            SELECT sum(CASE direction WHEN 'entry' THEN 1 ELSE -1 END) AS steps, count(*) AS crossed
            FROM occupancy.crossings
            WHERE camera_id = :camera AND is_counted
                AND crossed_at >= greatest(last.at, :since)
        ) AS since
    ) AS again
    WHERE counts.camera_id = :camera
""")
_KEPT_SINCE: Final = text("""
    SELECT CASE WHEN since = '-infinity' THEN NULL ELSE CASE
        WHEN occupancy.start_of_hour(since, :zone) = since THEN since
        ELSE occupancy.end_of_hour(occupancy.start_of_hour(since, :zone), :zone) END END
    FROM occupancy.kept
""")
_KEEP_SINCE: Final = text("""
    UPDATE occupancy.kept SET since = :since WHERE since < :since RETURNING id
""")
_PARTS: Final = text("""
    SELECT relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname = 'occupancy' AND relispartition AND relkind = 'r'
        AND relname ~ '^crossings_[0-9]{4}_[0-9]{2}$' AND relname < :name
    ORDER BY relname
""")
# Before and after any crossing.
BEGINNING: Final = datetime(1900, 1, 1, tzinfo=UTC)
FOR_EVER: Final = datetime(9000, 1, 1, tzinfo=UTC)


class Walk(NamedTuple):
    """The local hours of a camera from one moment to another, at both of which an hour begins."""

    camera_id: int
    since: datetime
    until: datetime
    zone: str


class History:
    """How many people were there, by camera."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def zones(self, camera_ids: Iterable[int] | None, default: str) -> dict[int, ZoneInfo]:
        """Return the zones of the buildings that cameras are in; None: those of the active ones."""
        zone = func.coalesce(rooms.c.timezone, default).label("zone")
        found = select(cameras.c.id, zone).outerjoin(rooms, rooms.c.id == cameras.c.room_id)
        wanted = cameras.c.is_active if camera_ids is None else cameras.c.id.in_(set(camera_ids))
        rows = await self._session.execute(found.where(wanted))
        return {row.id: ZoneInfo(row.zone) for row in rows}

    # --- minutes and hours --------------------------------------------------------------------

    async def kept_since(self, zone: ZoneInfo) -> datetime:
        """Return the first whole hour whose crossings are still kept."""
        since = await self._session.scalar(_KEPT_SINCE, {"zone": zone.key})
        return since or BEGINNING

    async def keep_since(self, month: datetime) -> list[str]:
        """Forget single crossings, and minutes, from before some month; returns the parts emptied.

        Args:
            month: its first moment in UTC.
        """
        known = await self._session.scalar(_KEEP_SINCE, {"since": month})
        if known is None:
            return []
        parts = await self._session.scalars(_PARTS, {"name": f"crossings_{month:%Y_%m}"})
        emptied = list(parts)
        for part in emptied:
            await self._session.execute(text(f'TRUNCATE occupancy."{part}"'))
        for table, at in ((crossings, crossings.c.crossed_at), (minutes, minutes.c.start)):
            await self._session.execute(delete(table).where(at < month))
        return emptied

    async def take_minutes(self, wanted: Minutes) -> None:
        """Add the crossings of minutes up, each a camera and when the minute begins."""
        if wanted[0]:
            await fetch_hot(self._session, _TAKE_MINUTES, *wanted)

    async def take_all_minutes(self, camera_id: int, since: datetime) -> None:
        """Add every minute up anew in which a camera has counted somebody since some time."""
        of_camera = (minutes.c.camera_id == camera_id, minutes.c.start >= since)
        await self._session.execute(delete(minutes).where(*of_camera))
        rows = await self._session.execute(_MINUTES_OF, {"camera": camera_id, "since": since})
        starts = [row.start for row in rows]
        await self.take_minutes(([camera_id] * len(starts), starts))

    async def walk(self, wanted: Sequence[Walk]) -> None:
        """Add up the local hours of cameras from their minutes.

        Hours after them whose level is another one now follow, as far as nothing was corrected.
        """
        for_each = await self._walk(wanted)
        if not for_each:
            return
        later = [one for one in wanted if one.camera_id in for_each]
        columns = [list(column) for column in zip(*later, strict=True)]
        given = {
            "cameras": columns[0],
            "since": columns[2],
            "zones": columns[3],
            "for_ever": FOR_EVER,
        }
        untils = {
            row.camera_id: row.until for row in await self._session.execute(_NEXT_CORRECTED, given)
        }
        await self._walk(
            [
                Walk(one.camera_id, one.until, untils.get(one.camera_id, FOR_EVER), one.zone)
                for one in later
            ]
        )

    async def _walk(self, wanted: Sequence[Walk]) -> set[int]:
        """Walk; returns the cameras with hours afterwards whose level is another one now."""
        columns = [list(column) for column in zip(*wanted, strict=True)]
        found = await fetch_hot(self._session, _WALK, *columns)
        return set(found["cameras"] or ()) if found is not None else set()

    async def level_before(self, camera_id: int, moment: datetime) -> int:
        """Return the level at the end of the last hour that began before a moment."""
        found = select(hours.c.level).where(hours.c.camera_id == camera_id, hours.c.start < moment)
        return int(await self._session.scalar(found.order_by(hours.c.start.desc()).limit(1)) or 0)

    async def minutes(
        self, camera_id: int, since: datetime, until: datetime | None = None
    ) -> list[Minute]:
        """List the minutes from one moment to another, with what was corrected in them."""
        of_camera = minutes.c.camera_id == camera_id
        found = select(minutes).where(of_camera, minutes.c.start >= since)
        if until is not None:
            found = found.where(minutes.c.start < until)
        corrected = await self._corrected(camera_id, since, until)
        listed = {
            row.start: Minute(row.start, row.entries, row.exits, row.area, row.high, None)
            for row in await self._session.execute(found)
        }
        for start, level in corrected.items():
            known = listed.get(start) or Minute(start, 0, 0, 0, 0)
            listed[start] = Minute(start, known.entries, known.exits, known.area, known.high, level)
        return [listed[start] for start in sorted(listed)]

    async def _corrected(
        self, camera_id: int, since: datetime, until: datetime | None
    ) -> dict[datetime, int]:
        """Return the levels at the ends of the minutes in which they were corrected."""
        start = func.date_trunc("minute", corrections.c.at, "UTC")
        after = (
            select(func.coalesce(func.sum(_step), 0))
            .where(
                crossings.c.camera_id == corrections.c.camera_id,
                crossings.c.is_counted,
                crossings.c.crossed_at >= corrections.c.at,
                crossings.c.crossed_at < start + MINUTE,
            )
            .correlate(corrections)
            .scalar_subquery()
        )
        level = (corrections.c.occupancy + after).label("level")
        found = select(start.label("start"), level).where(
            corrections.c.camera_id == camera_id, corrections.c.at >= since
        )
        if until is not None:
            found = found.where(corrections.c.at < until)
        rows = await self._session.execute(found.order_by(corrections.c.at, corrections.c.id))
        return {row.start: int(row.level) for row in rows}

    async def hours(self, camera_id: int, since: datetime, until: datetime) -> list[Hour]:
        """List the hours in which something happened, by when they begin."""
        found = select(hours).where(
            hours.c.camera_id == camera_id, hours.c.start >= since, hours.c.start < until
        )
        return [_hour(row) for row in await self._session.execute(found.order_by(hours.c.start))]

    async def first_hour(self, camera_id: int) -> datetime | None:
        """Return when a camera's first hour began."""
        found = select(func.min(hours.c.start)).where(hours.c.camera_id == camera_id)
        first: datetime | None = await self._session.scalar(found)
        return first

    async def first_minute(self, camera_id: int) -> datetime | None:
        """Return when a camera's first minute with a crossing began."""
        found = select(func.min(minutes.c.start)).where(minutes.c.camera_id == camera_id)
        first: datetime | None = await self._session.scalar(found)
        return first

    async def forget_hours(self, camera_id: int, since: datetime) -> None:
        """Forget a camera's hours, to walk through its minutes anew."""
        of_camera = (hours.c.camera_id == camera_id, hours.c.start >= since)
        await self._session.execute(delete(hours).where(*of_camera))

    # --- persons --------------------------------------------------------------------------------

    async def persons_by_minute(self, camera_id: int, since: datetime) -> dict[datetime, int]:
        """Count the tracks that were seen in each minute since some time."""
        minute = func.date_trunc("minute", crossings.c.crossed_at, "UTC").label("minute")
        tracks = func.count(func.distinct(tuple_(crossings.c.edge_id, crossings.c.track_id)))
        found = select(minute, tracks.label("tracks")).where(
            crossings.c.camera_id == camera_id,
            crossings.c.is_counted,
            crossings.c.crossed_at >= since,
        )
        rows = await self._session.execute(found.group_by(minute))
        return {row.minute: row.tracks for row in rows}

    async def count_persons_again(
        self, camera_id: int, period: PersonsOf, since: datetime, zone: ZoneInfo
    ) -> None:
        """Count the persons of hours, days or months anew, of those that began since some time."""
        of_period = (persons.c.camera_id == camera_id, persons.c.period == period)
        await self._session.execute(delete(persons).where(*of_period, persons.c.start >= since))
        given = {"camera": camera_id, "period": period, "zone": zone.key, "since": since}
        await self._session.execute(text(_COUNT_PERSONS_AGAIN.format(period=period)), given)
        if period == "month":
            total = select(func.coalesce(func.sum(persons.c.persons), 0)).where(*of_period)
            counted = update(counts).where(counts.c.camera_id == camera_id)
            await self._session.execute(counted.values(unique_persons=total.scalar_subquery()))

    async def persons(
        self, camera_id: int, period: PersonsOf, since: datetime
    ) -> dict[datetime, int]:
        """Return how many persons were seen, by when each period began."""
        found = select(persons.c.start, persons.c.persons).where(
            persons.c.camera_id == camera_id, persons.c.period == period, persons.c.start >= since
        )
        return {row.start: row.persons for row in await self._session.execute(found)}

    # --- corrections ----------------------------------------------------------------------------

    async def correct(self, values: Values) -> bool:
        """Store a correction, and let the people there now be counted from it.

        Returns:
            False if it is a reset that somebody has stored already.
        """
        stored = insert(corrections).values(values).on_conflict_do_nothing()
        if await self._session.scalar(stored.returning(corrections.c.id)) is None:
            return False
        since = (
            crossings.c.camera_id == values["camera_id"],
            crossings.c.is_counted,
            crossings.c.crossed_at >= values["at"],
        )
        steps = select(func.coalesce(func.sum(_step), 0)).where(*since).scalar_subquery()
        crossed = select(func.count()).select_from(crossings).where(*since).scalar_subquery()
        later = func.coalesce(counts.c.corrected_at > values["at"], false())
        corrected = update(counts).where(counts.c.camera_id == values["camera_id"], ~later)
        anew = {
            "occupancy": values["occupancy"] + steps,
            "corrected_at": values["at"],
            "crossed": crossed,
            "lost": 0,
        }
        await self._session.execute(corrected.values(**anew, updated_at=func.clock_timestamp()))
        return True

    async def count_again(self, camera_id: int, since: datetime) -> None:
        """Count the people there now anew, from the last correction and the crossings since.

        Args:
            since: when the crossings begin that are kept, where an hour does.
        """
        await self._session.execute(_COUNT_AGAIN, {"camera": camera_id, "since": since})

    async def not_reset_since(self, camera_ids: Sequence[int], at: datetime) -> list[int]:
        """Return those of cameras that have counted somebody and were not reset at a time."""
        reset = (
            select(corrections.c.id)
            .where(
                corrections.c.camera_id == counts.c.camera_id,
                corrections.c.at == at,
                corrections.c.reason == "reset",
            )
            .exists()
        )
        found = select(counts.c.camera_id).where(counts.c.camera_id.in_(camera_ids), ~reset)
        return list(await self._session.scalars(found.order_by(counts.c.camera_id)))

    async def corrections(self, camera_id: int, since: datetime) -> list[Values]:
        """List the corrections since some time, in order."""
        found = select(corrections).where(
            corrections.c.camera_id == camera_id, corrections.c.at >= since
        )
        rows = await self._session.execute(found.order_by(corrections.c.at, corrections.c.id))
        return [dict(row) for row in rows.mappings()]

    # --- adding up anew -------------------------------------------------------------------------

    async def add_rebuilds(self, camera_id: int | None, levels: Sequence[str]) -> None:
        """Note that levels are wanted anew, of a camera or of all, in this order."""
        wanted = select(cameras.c.id).order_by(cameras.c.id)
        if camera_id is not None:
            wanted = wanted.where(cameras.c.id == camera_id)
        for level in levels:
            each = wanted.add_columns(literal(level))
            await self._session.execute(insert(rebuilds).from_select(["camera_id", "level"], each))

    async def next_rebuild(self) -> tuple[int, str] | None:
        """Take what was asked for first, unless another process has it; a camera and a level."""
        first = select(rebuilds.c.id).order_by(rebuilds.c.id).limit(1)
        taken = delete(rebuilds).where(
            rebuilds.c.id.in_(first.with_for_update(skip_locked=True).scalar_subquery())
        )
        returned = taken.returning(rebuilds.c.camera_id, rebuilds.c.level)
        row = (await self._session.execute(returned)).first()
        return (row.camera_id, row.level) if row is not None else None

    async def store_zones(self, told: Sequence[Values]) -> list[int]:
        """Take over in what zones rooms are, unless something newer is known.

        Returns:
            the cameras of rooms whose zone is another one now.
        """
        newest = {row["id"]: row for row in sorted(told, key=lambda row: row["version"])}
        if not newest:
            return []
        new = insert(rooms).values([newest[key] for key in sorted(newest)])
        changed = {name: new.excluded[name] for name in ("version", "timezone")}
        newer = rooms.c.version < new.excluded.version
        of_these = select(rooms.c.id, rooms.c.timezone).where(rooms.c.id.in_(newest))
        known = {row.id: row.timezone for row in await self._session.execute(of_these)}
        stored = new.on_conflict_do_update(index_elements=[rooms.c.id], set_=changed, where=newer)
        taken = await self._session.execute(stored.returning(rooms.c.id, rooms.c.timezone))
        moved = [row.id for row in taken if known.get(row.id) != row.timezone]
        found = select(cameras.c.id).where(cameras.c.room_id.in_(moved)).order_by(cameras.c.id)
        return list(await self._session.scalars(found)) if moved else []


def _hour(row: Any) -> Hour:  # noqa: ANN401 - a row of the table
    return Hour(row.start, row.end, row.entries, row.exits, row.area, row.peak, row.level)
