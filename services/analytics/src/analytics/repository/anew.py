"""Tables that are made anew beside those that are read, in the schema `analytics_next`.

The owner makes and swaps them; what fills them are the service's own handlers, on a `Database`
that finds them in place of the others. How far each partition was taken stands beside its effects.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Integer,
    MetaData,
    Table,
    Text,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession
from sqlalchemy.schema import CreateIndex, CreateTable

from analytics.tables import bookings, clock, metadata, outbox, processed

SCHEMA: Final = f"{metadata.schema}_next"
# What follows from topics; the two others are of the service's own work.
MADE: Final = [one for one in metadata.sorted_tables if one not in (outbox.table, processed)]
# Filled first, and searched only then.
_INDEXED_LATER: Final = (bookings,)
# Of the session: that there is one rebuild at a time.
GUARD: Final = text("SELECT pg_try_advisory_lock(hashtextextended('rebuild/analytics', 0))")
# Less than a second, after which Postgres would look who waits for whom, and may end a reader.
_PATIENCE: Final = text("SET LOCAL lock_timeout = '500ms'")
_HOWEVER_LONG: Final = text("SET LOCAL statement_timeout = 0")
_VERSION: Final = f"{metadata.schema}.alembic_version"
_THERE: Final = {"schema_translate_map": {metadata.schema: SCHEMA}}
_notes = MetaData(schema=SCHEMA)
positions = Table(
    "positions",
    _notes,
    Column("topic", Text, primary_key=True),
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("next_offset", BigInteger, nullable=False),
    # When the oldest event was written that the topic still had, if it had lost older ones.
    Column("begins_at", DateTime(timezone=True)),
)
steps = Table(
    "steps",
    _notes,
    Column("name", Text, primary_key=True),
)

# Whose bookings, levels and days were measured and counted.
counted = Table("counted", _notes, Column("room_id", Integer, primary_key=True))

# Nothing is over yet.
_BEGIN_CLOCK: Final = text(f"""
    INSERT INTO {SCHEMA}.clock (id, at, timezone)
    SELECT id, 'epoch', timezone FROM {metadata.schema}.clock
""")  # noqa: S608 - of names that stand in the tables
# But for what follows from others.
_KNOWN: Final = [
    one.name
    for one in bookings.columns
    if one.name not in ("timezone", "capacity", "role", "seen", "empty_s")
]
_CARRY_BOOKINGS: Final = text(f"""
    INSERT INTO {SCHEMA}.bookings ({", ".join(_KNOWN)}, timezone, capacity, role)
    SELECT {", ".join(f"kept.{name}" for name in _KNOWN)},
        rooms.timezone, rooms.capacity, users.role
    FROM {metadata.schema}.bookings AS kept
    LEFT JOIN {SCHEMA}.rooms ON rooms.id = kept.room_id
    LEFT JOIN {SCHEMA}.users ON users.id = kept.organizer_id
    WHERE kept.created_at < :before
    ON CONFLICT (id) DO NOTHING
""")  # noqa: S608 - of names that stand in the tables
# A level may be told to be of a moment later than its event. That nobody looks any more follows
# from where a camera was before, which a compacted topic need not tell.
_CARRY_LEVELS: Final = text(f"""
    INSERT INTO {SCHEMA}.levels
    SELECT * FROM {metadata.schema}.levels
    WHERE measured_at < CAST(:before AS timestamptz) + interval '1 minute' OR occupancy IS NULL
    ON CONFLICT DO NOTHING
""")  # noqa: S608 - likewise
# What is left of such a quarter of an hour on the topic is a part of what was counted of it.
_CARRY_FLOW: Final = text(f"""
    INSERT INTO {SCHEMA}.flow AS known
    SELECT * FROM {metadata.schema}.flow
    WHERE start < CAST(:before AS timestamptz) + interval '1 minute'
    ON CONFLICT (camera_id, start) DO UPDATE SET
        entries = greatest(known.entries, excluded.entries),
        exits = greatest(known.exits, excluded.exits)
    WHERE known.entries < excluded.entries OR known.exits < excluded.exits
""")  # noqa: S608 - likewise
# What was claimed by its number stays claimed.
_CARRY_EDGES: Final = text(f"""
    INSERT INTO {SCHEMA}.edges AS known
    SELECT * FROM {metadata.schema}.edges
    ON CONFLICT (camera_id, edge_id) DO UPDATE SET missing = known.missing
        * (excluded.missing + int8multirange(int8range(excluded.high + 1, NULL)))
""")  # noqa: S608 - likewise
_UNCOUNTED: Final = text(f"""
    SELECT room_id, sum(count)::bigint FROM (
        SELECT room_id, count(*) FROM {SCHEMA}.bookings GROUP BY room_id
        UNION ALL SELECT room_id, count(*) FROM {SCHEMA}.levels GROUP BY room_id
    ) AS there
    WHERE NOT EXISTS (SELECT FROM {SCHEMA}.counted WHERE counted.room_id = there.room_id)
    GROUP BY room_id ORDER BY room_id
""")  # noqa: S608 - likewise


@dataclass(frozen=True, slots=True)
class Position:
    """How far a partition was taken.

    Args:
        next_offset: of the event that comes next.
        begins_at: when the oldest event was written that was there; None: it had all of them.
    """

    next_offset: int
    begins_at: datetime | None = None


Partition = tuple[str, int]


class NotMigrated(Exception):
    """The schema is not there, or not in the form that this release knows."""


class Overtaken(Exception):
    """Somebody else has filled the tables meanwhile."""


async def prepare(owner: AsyncEngine, *, anew: bool) -> bool:
    """Make the tables, unless an earlier run has; tells whether it had.

    Args:
        anew: throw away what an earlier run has done.

    Raises:
        NotMigrated: roles or tables are missing.
    """
    async with owner.begin() as connection:
        is_there = "SELECT to_regnamespace(:schema) IS NOT NULL"
        if not await connection.scalar(text(is_there), {"schema": SCHEMA}):
            raise NotMigrated(f"there is no schema {SCHEMA}: bring the database roles up to date")
        if not await connection.scalar(text(f"SELECT to_regclass('{_VERSION}') IS NOT NULL")):
            raise NotMigrated("there are no tables yet: `analytics migrate` makes them")
        revision = await connection.scalar(text(f"SELECT version_num FROM {_VERSION}"))  # noqa: S608
        # Tables of another release have other columns.
        made_by = await connection.scalar(
            text("SELECT obj_description(to_regnamespace(:schema))"), {"schema": SCHEMA}
        )
        if made_by == revision and not anew:
            return True
        left = text(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = :s"
        )
        for table in (await connection.scalars(left, {"s": SCHEMA})).all():
            await connection.execute(text(f"DROP TABLE {table} CASCADE"))
        there = await connection.execution_options(**_THERE)
        for table in MADE:
            await there.execute(CreateTable(table))
            if table not in _INDEXED_LATER:
                await _index(there, table)
        for table in _notes.sorted_tables:
            await there.execute(CreateTable(table))
        await connection.execute(_BEGIN_CLOCK)
        await _describe(connection, f"'{revision}'")
    return False


async def _index(connection: AsyncConnection, table: Table) -> None:
    for index in sorted(table.indexes, key=lambda one: str(one.name)):
        await connection.execute(CreateIndex(index, if_not_exists=True))


async def _describe(connection: AsyncConnection, what: str) -> None:
    await connection.execute(text(f"COMMENT ON SCHEMA {SCHEMA} IS {what}"))


async def index_bookings(owner: AsyncEngine) -> None:
    """Make the indexes of what was filled without, and let Postgres look at what is there."""
    async with owner.begin() as connection:
        await connection.execute(_HOWEVER_LONG)
        there = await connection.execution_options(**_THERE)
        for table in _INDEXED_LATER:
            await _index(there, table)
            await connection.execute(text(f"ANALYZE {SCHEMA}.{table.name}"))


async def carry_over(
    owner: AsyncEngine, bookings_before: datetime | None, levels_before: datetime | None
) -> tuple[int, int]:
    """Keep what is known of bookings and levels that no topic tells of any more.

    To be done once, when those were kept that it does tell of; what is over by now may be measured.

    Args:
        bookings_before, levels_before: when a topic begins, if it has lost what was before.

    Returns:
        how many of each.
    """
    async with owner.begin() as connection:
        await connection.execute(_HOWEVER_LONG)
        of_bookings = 0
        if bookings_before is not None:
            kept = await connection.execute(_CARRY_BOOKINGS, {"before": bookings_before})
            of_bookings = kept.rowcount
        of_levels = await connection.execute(_CARRY_LEVELS, {"before": levels_before})
        there = await connection.execution_options(**_THERE)
        await there.execute(update(clock).values(at=datetime.now(UTC)))
        await connection.execute(insert(steps).values(name="carried"))
        return of_bookings, of_levels.rowcount


async def carry_crossings_over(owner: AsyncEngine, before: datetime) -> int:
    """Keep what was counted of crossings that no topic tells of any more.

    To be done when those were taken that are left, and once more if that is not noted; doors are to
    be counted by hours then. Returns of how many quarters of an hour.

    Args:
        before: when the topic begins.
    """
    async with owner.begin() as connection:
        await connection.execute(_HOWEVER_LONG)
        of_flow = await connection.execute(_CARRY_FLOW, {"before": before})
        await connection.execute(_CARRY_EDGES)
        return of_flow.rowcount


async def swap(connection: AsyncConnection) -> None:
    """Put the tables in the place of those that are read; `hold` was called in this transaction."""
    for table in MADE:
        await connection.execute(text(f"DROP TABLE {table}"))
        await connection.execute(
            text(f"ALTER TABLE {SCHEMA}.{table.name} SET SCHEMA {metadata.schema}")
        )
    for table in _notes.sorted_tables:
        await connection.execute(text(f"DROP TABLE {table}"))
    await _describe(connection, "NULL")


async def hold(connection: AsyncConnection) -> None:
    """Let nobody read or write the tables of the service until this transaction ends.

    Raises:
        DBAPIError: somebody has them for longer than half a second.
    """
    await connection.execute(_PATIENCE)
    names = ", ".join(str(table) for table in MADE)
    await connection.execute(text(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE"))


async def put_in_order(owner: AsyncEngine) -> None:
    """Lay what is read by ranges of days out by days, and let Postgres look at all that is there.

    So it is where it has come as it happened. Made by rooms, a day is in every page.
    """
    async with owner.begin() as connection:
        await connection.execute(_HOWEVER_LONG)
        for table in MADE:
            for index in table.indexes:
                if [column.name for column in index.columns] == ["start"]:
                    laid_out = f"CLUSTER {SCHEMA}.{table.name} USING {index.name}"
                    await connection.execute(text(laid_out))
            await connection.execute(text(f"ANALYZE {SCHEMA}.{table.name}"))


class Notes:
    """How far the work is, in the caller's transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def positions(self) -> dict[Partition, Position]:
        """Return how far each partition was taken; those that are new are not there."""
        found = await self._session.execute(select(positions))
        return {(row[0], row[1]): Position(row[2], row[3]) for row in found}

    async def begin(self, begun: Mapping[Partition, Position]) -> None:
        """Note where partitions begin."""
        rows = [
            {"topic": topic, "partition": number, "next_offset": one.next_offset}
            | {"begins_at": one.begins_at}
            for (topic, number), one in begun.items()
        ]
        if rows:
            await self._session.execute(insert(positions), rows)

    async def move(self, partition: Partition, before: int, after: int) -> None:
        """Note that events were taken.

        Raises:
            Overtaken: somebody else has taken them.
        """
        topic, number = partition
        here = (positions.c.topic == topic, positions.c.partition == number)
        moved = await self._session.execute(
            update(positions)
            .where(*here, positions.c.next_offset == before)
            .values(next_offset=after)
            .returning(positions.c.topic)
        )
        if moved.first() is None:
            raise Overtaken(f"{topic}/{number} was taken up to {before} by somebody else")

    async def done(self) -> set[str]:
        """Return the steps that were done."""
        return set(await self._session.scalars(select(steps.c.name)))

    async def note(self, step: str) -> None:
        """Note that a step was done."""
        await self._session.execute(insert(steps).values(name=step))

    async def counted(self, room_ids: Sequence[int]) -> None:
        """Note that rooms were counted."""
        await self._session.execute(insert(counted), [{"room_id": one} for one in room_ids])

    async def uncounted(self) -> Sequence[tuple[int, int]]:
        """List the rooms that are to be counted, each with how many bookings and levels it has."""
        return [(row[0], row[1]) for row in await self._session.execute(_UNCOUNTED)]
