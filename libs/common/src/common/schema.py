"""What a process owns outside itself: a Postgres schema, and topics."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import MetaData

from common import migrations
from common.availability import until_available
from common.db import create_engine
from common.events import Topic
from common.topics import ensure_topics


@dataclass(frozen=True, slots=True)
class Schema:
    """A schema and the topics that go with it.

    Args:
        metadata: its tables; the schema's name is the metadata's.
        versions: folder of its migrations.
        published: topics that its owner writes.
        consumed: topics that it takes; they get a place for dead letters.
    """

    metadata: MetaData
    versions: Path
    published: Sequence[Topic[Any]] = ()
    consumed: Sequence[Topic[Any]] = ()

    @property
    def name(self) -> str:
        """The schema's name, and its working role's."""
        return str(self.metadata.schema)

    async def migrate(self, owner_url: str, *, kafka: str, replication: int) -> None:
        """Bring the schema and the topics up to date, waiting for servers that are starting.

        Args:
            owner_url: where the schema's owner connects.
            kafka: bootstrap servers.
            replication: brokers that keep a copy of each partition.
        """
        engine = create_engine(owner_url, application=f"atrium-{self.name}-migrate", pool=1)
        try:
            await until_available(lambda: migrations.migrate(engine, self.metadata, self.versions))
        finally:
            await engine.dispose()
        await until_available(
            lambda: ensure_topics(
                kafka,
                published=self.published,
                consumed=self.consumed,
                replication=replication,
            )
        )
