"""Reads and writes minutes, hours, persons and corrections."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import case, delete, false, func, literal, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from occupancy.history import MINUTE, Hour, Minute
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
    sightings,
)

Values = Mapping[str, Any]
PersonsOf = Literal["hour", "day", "month"]
Track = tuple[int, str, str]


class Sighting(NamedTuple):
    """A track was seen in a local hour, which is named by when it began."""

    camera_id: int
    edge_id: str
    track_id: str
    hour: datetime


_step = case((crossings.c.direction == "entry", 1), else_=-1)

# The whole of each minute is read, not only what is new in it: in what order its crossings come
# does not matter, and what stands there is the same after a rebuild.
_TAKE_MINUTES: Final = text("""
    WITH stepped AS (
        SELECT wanted.camera_id, wanted.start, direction,
            CASE direction WHEN 'entry' THEN 1 ELSE -1 END AS step,
            (extract(epoch FROM wanted.start + interval '1 minute' - crossed_at) * 1000000)::bigint
                AS rest,
            sum(CASE direction WHEN 'entry' THEN 1 ELSE -1 END) OVER (
                PARTITION BY wanted.camera_id, wanted.start
                ORDER BY crossed_at, edge_id, sequence
            ) AS risen
        FROM unnest(CAST(:cameras AS integer[]), CAST(:starts AS timestamptz[]))
            AS wanted (camera_id, start)
        JOIN occupancy.crossings ON crossings.camera_id = wanted.camera_id AND is_counted
            AND crossed_at >= wanted.start AND crossed_at < wanted.start + interval '1 minute'
    )
    INSERT INTO occupancy.minutes (camera_id, start, entries, exits, area, high)
    SELECT camera_id, start, count(*) FILTER (WHERE step > 0), count(*) FILTER (WHERE step < 0),
        sum(step * rest), greatest(max(risen), 0)
    FROM stepped GROUP BY camera_id, start ORDER BY camera_id, start
    ON CONFLICT (camera_id, start) DO UPDATE SET entries = excluded.entries,
        exits = excluded.exits, area = excluded.area, high = excluded.high
""")
_MINUTES_OF: Final = text("""
    SELECT DISTINCT date_trunc('minute', crossed_at, 'UTC') AS start FROM occupancy.crossings
    WHERE camera_id = :camera AND is_counted
""")


_SEE_AGAIN: Final = text("""
    INSERT INTO occupancy.sightings (camera_id, edge_id, track_id, hour)
    SELECT DISTINCT camera_id, edge_id, track_id, date_trunc('hour', crossed_at, :zone)
    FROM occupancy.crossings WHERE camera_id = :camera AND is_counted
""")
_COUNT_PERSONS_AGAIN: Final = text("""
    INSERT INTO occupancy.persons (camera_id, period, start, persons)
    SELECT :camera, :period, began.start, count(DISTINCT (edge_id, track_id))
    FROM unnest(CAST(:hours AS timestamptz[]), CAST(:starts AS timestamptz[]))
        AS began (hour, start)
    JOIN occupancy.sightings ON camera_id = :camera AND sightings.hour = began.hour
    GROUP BY began.start
""")
_COUNT_AGAIN: Final = text("""
    UPDATE occupancy.counts SET occupancy = again.occupancy, corrected_at = again.at
    FROM (
        SELECT cameras.id, last.at, coalesce(last.occupancy, 0) + (
            SELECT coalesce(sum(CASE direction WHEN 'entry' THEN 1 ELSE -1 END), 0)
            FROM occupancy.crossings
            WHERE crossings.camera_id = cameras.id AND is_counted
                AND crossed_at >= coalesce(last.at, '-infinity')
        ) AS occupancy
        FROM occupancy.cameras
        LEFT JOIN LATERAL (
            SELECT at, corrections.occupancy FROM occupancy.corrections
            WHERE camera_id = cameras.id ORDER BY at DESC, corrections.id DESC LIMIT 1
        ) last ON true
        WHERE cameras.id = :camera
    ) again
    WHERE counts.camera_id = again.id
""")


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

    async def take_minutes(self, wanted: Collection[tuple[int, datetime]]) -> None:
        """Add the crossings of minutes up, each a camera and when the minute begins."""
        chosen = sorted(wanted)
        if chosen:
            camera_ids, starts = ([one[at] for one in chosen] for at in (0, 1))
            await self._session.execute(_TAKE_MINUTES, {"cameras": camera_ids, "starts": starts})

    async def take_all_minutes(self, camera_id: int) -> None:
        """Add every minute up anew in which a camera has counted somebody."""
        await self._session.execute(delete(minutes).where(minutes.c.camera_id == camera_id))
        rows = await self._session.execute(_MINUTES_OF, {"camera": camera_id})
        await self.take_minutes({(camera_id, row.start) for row in rows})

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

    async def store_hours(self, camera_id: int, walked: Sequence[Hour]) -> None:
        """Store hours in place of what stands there."""
        if not walked:
            return
        told = insert(hours)
        names = ("end", "entries", "exits", "area", "peak", "level")
        changed = {name: told.excluded[name] for name in names}
        keys = [hours.c.camera_id, hours.c.start]
        # Row by row in one round trip: a year of hours has more values than a statement may have.
        await self._session.execute(
            told.on_conflict_do_update(index_elements=keys, set_=changed),
            [{"camera_id": camera_id, **asdict(one)} for one in walked],
        )

    async def forget_hours(self, camera_id: int) -> None:
        """Forget a camera's hours, to walk through its minutes anew."""
        await self._session.execute(delete(hours).where(hours.c.camera_id == camera_id))

    # --- persons --------------------------------------------------------------------------------

    async def see(self, seen: Collection[Sighting]) -> list[Sighting]:
        """Remember in which hours tracks were seen; returns what was not known of yet."""
        if not seen:
            return []
        claimed = insert(sightings).values(sorted(seen)).on_conflict_do_nothing()
        rows = await self._session.execute(claimed.returning(*sightings.c))
        return [Sighting(*row) for row in rows]

    async def seen_since(
        self, tracks: Collection[Track], since: datetime
    ) -> dict[Track, list[datetime]]:
        """Return the hours in which tracks were seen since some time."""
        track = tuple_(sightings.c.camera_id, sightings.c.edge_id, sightings.c.track_id)
        found = select(sightings).where(track.in_(tracks), sightings.c.hour >= since)
        seen: dict[Track, list[datetime]] = defaultdict(list)
        for row in await self._session.execute(found):
            seen[row.camera_id, row.edge_id, row.track_id].append(row.hour)
        return seen

    async def add_persons(self, added: Mapping[tuple[int, PersonsOf, datetime], int]) -> None:
        """Add to how many persons a camera has seen in an hour, a local day or a month."""
        if not added:
            return
        rows = [(*key, count) for key, count in sorted(added.items())]
        told = insert(persons).values(rows)
        keys = [persons.c.camera_id, persons.c.period, persons.c.start]
        more = {"persons": persons.c.persons + told.excluded.persons}
        await self._session.execute(told.on_conflict_do_update(index_elements=keys, set_=more))

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

    async def see_again(self, camera_id: int, zone: ZoneInfo) -> list[datetime]:
        """Forget who was seen when, and read it from the crossings; returns the hours."""
        await self._session.execute(delete(sightings).where(sightings.c.camera_id == camera_id))
        given = {"camera": camera_id, "zone": zone.key}
        await self._session.execute(_SEE_AGAIN, given)
        return await self.seen_hours(camera_id)

    async def seen_hours(self, camera_id: int) -> list[datetime]:
        """List the hours in which a camera has seen somebody."""
        found = select(sightings.c.hour).where(sightings.c.camera_id == camera_id).distinct()
        return list(await self._session.scalars(found))

    async def count_persons_again(
        self, camera_id: int, period: PersonsOf, starts: Mapping[datetime, datetime]
    ) -> None:
        """Count the persons of hours, days or months anew.

        Args:
            starts: of each hour, when its period began.
        """
        of_period = (persons.c.camera_id == camera_id, persons.c.period == period)
        await self._session.execute(delete(persons).where(*of_period))
        values = {"hours": list(starts), "starts": list(starts.values())}
        given = {"camera": camera_id, "period": period, **values}
        await self._session.execute(_COUNT_PERSONS_AGAIN, given)

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
            select(func.coalesce(func.sum(_step), 0))
            .where(
                crossings.c.camera_id == values["camera_id"],
                crossings.c.is_counted,
                crossings.c.crossed_at >= values["at"],
            )
            .scalar_subquery()
        )
        later = func.coalesce(counts.c.corrected_at > values["at"], false())
        corrected = update(counts).where(counts.c.camera_id == values["camera_id"], ~later)
        anew = {"occupancy": values["occupancy"] + since, "corrected_at": values["at"]}
        await self._session.execute(corrected.values(**anew, updated_at=func.clock_timestamp()))
        return True

    async def count_again(self, camera_id: int) -> None:
        """Count the people there now anew, from the last correction and the crossings since."""
        await self._session.execute(_COUNT_AGAIN, {"camera": camera_id})

    async def next_correction(self, camera_id: int, since: datetime) -> datetime | None:
        """Return when a camera was corrected first, from some time on."""
        found = select(func.min(corrections.c.at)).where(
            corrections.c.camera_id == camera_id, corrections.c.at >= since
        )
        at: datetime | None = await self._session.scalar(found)
        return at

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
