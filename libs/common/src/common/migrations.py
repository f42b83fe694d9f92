"""Brings a service's schema up to date, one process at a time.

Migrations only expand; what old code needs goes a release later. There is no way down: a
downgrade loses data. A migration that waits for a lock gives up after 5 s instead of queueing
everybody behind it.
"""

import logging
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, text
from sqlalchemy.ext.asyncio import AsyncEngine

_log = logging.getLogger(__name__)

# In the info of a schema's metadata: statements that its owner runs after every migration.
UPKEEP: Final = "upkeep"
_ENVIRONMENT = Path(__file__).with_name("alembic_environment")


async def migrate(engine: AsyncEngine, metadata: MetaData, versions: Path) -> None:
    """Run what is missing, as the schema's owner, under an advisory lock of the schema.

    Args:
        engine: connected as the owner role.
        metadata: the service's tables; its schema is the one that is migrated.
        versions: folder of the service's migrations.
    """
    async with engine.begin() as connection:
        # Of the transaction, not the session: a dead migrator's lock goes with it.
        await connection.execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended('migrate/' || :schema, 0))"),
            {"schema": metadata.schema},
        )
        await connection.run_sync(_upgrade, metadata, versions)


def _upgrade(connection: Connection, metadata: MetaData, versions: Path) -> None:
    config = Config()
    config.set_main_option("script_location", str(_ENVIRONMENT))
    config.set_main_option("version_locations", str(versions))
    config.set_main_option("path_separator", "newline")
    config.attributes.update(connection=connection, metadata=metadata, schema=metadata.schema)
    if unknown := _newer_than_us(connection, config, metadata):
        # An older release beside or after a newer one; migrations only expand, so it can work.
        _log.warning("schema is newer than this release", extra={"revision": unknown})
        return
    command.upgrade(config, "head")
    for statement in metadata.info.get(UPKEEP, ()):
        connection.execute(text(statement))


def _newer_than_us(connection: Connection, config: Config, metadata: MetaData) -> str | None:
    options = {"version_table_schema": metadata.schema}
    current = MigrationContext.configure(connection, opts=options).get_current_revision()
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    return current if current is not None and current not in known else None


async def differences(engine: AsyncEngine, metadata: MetaData) -> list[Any]:
    """List what separates the tables in the database from those in the code.

    Parts of partitioned tables are not looked at.
    """

    def compare(connection: Connection) -> list[Any]:
        parts = set(connection.scalars(text("SELECT relname FROM pg_class WHERE relispartition")))
        options = {
            "include_schemas": True,
            "include_name": lambda name, kind, _parents: (
                name == metadata.schema if kind == "schema" else name not in parts
            ),
            "version_table_schema": metadata.schema,
        }
        return list(
            compare_metadata(MigrationContext.configure(connection, opts=options), metadata)
        )

    async with engine.connect() as connection:
        return await connection.run_sync(compare)
