"""A service small enough to test what all services share: things with versions."""

import asyncio
import random
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import Column, Integer, MetaData, Table, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from common.consumer import Refused, Subscription, processed_table
from common.db import Database
from common.errors import Conflict
from common.events import CloudEvent, Topic
from common.outbox import Outbox, outbox_table
from common.schema import Schema

metadata = MetaData(schema="sample")
outbox = Outbox(outbox_table(metadata), source="sample")
processed = processed_table(metadata)
things = Table(
    "things",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("version", Integer, nullable=False),
)
effects = Table(
    "effects",
    metadata,
    Column("thing", Integer, nullable=False),
    Column("version", Integer, nullable=False),
)


class ThingV1(Struct, frozen=True, kw_only=True):
    id: int
    version: int


THINGS: Final = Topic("sample.thing.v1", ThingV1, "id", "sample", partitions=3)


SCHEMA: Final = Schema(
    metadata,
    versions=Path(__file__).with_name("sample_migrations"),
    published=[THINGS],
    consumed=[THINGS],
)


async def add_thing(database: Database, thing: int) -> None:
    async with database.sessions.begin() as session:
        await session.execute(insert(things).values(id=thing, version=0))


async def change_thing(session: AsyncSession, thing: int) -> int:
    """Raise a thing's version and tell of it."""
    raised = (
        update(things)
        .where(things.c.id == thing)
        .values(version=things.c.version + 1)
        .returning(things.c.version)
    )
    version = await session.scalar(raised)
    assert version is not None
    await publish_thing(session, thing, version)
    return version


async def publish_thing(session: AsyncSession, thing: int, version: int) -> None:
    await outbox.publish(
        session,
        THINGS,
        ThingV1(id=thing, version=version),
        key=thing,
        event_id=f"{thing}/{version}",
        subject=f"thing/{thing}",
        at=datetime.now(UTC),
    )


def event(thing: int, version: int) -> bytes:
    """Write an event as it stands on the topic."""
    return THINGS.encode(
        ThingV1(id=thing, version=version),
        event_id=f"{thing}/{version}",
        source="sample",
        subject=f"thing/{thing}",
        at=datetime(2026, 11, 21, tzinfo=UTC),
    )


async def record(
    session: AsyncSession, events: Sequence[CloudEvent[ThingV1]]
) -> list[Refused[ThingV1]]:
    """Write a row for each event; things with a negative id are refused."""
    good = [one for one in events if one.data.id >= 0]
    if good:
        rows = [{"thing": one.data.id, "version": one.data.version} for one in good]
        await session.execute(insert(effects), rows)
    return [Refused(one, Conflict("negative")) for one in events if one.data.id < 0]


SUBSCRIPTION: Final[Subscription[Any]] = Subscription(THINGS, record)


async def recorded(database: Database) -> list[tuple[int, int]]:
    async with database.sessions() as session:
        rows = await session.execute(select(effects.c.thing, effects.c.version))
        return sorted((row.thing, row.version) for row in rows)


async def jitter() -> None:
    await asyncio.sleep(random.uniform(0, 0.003))
