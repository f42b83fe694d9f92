"""Each schema is its service's own: no other role gets in, and it is as the code says."""

import asyncio
from collections.abc import AsyncIterator
from itertools import permutations

import asyncpg
import pytest

import analytics.tables
import bookings.tables
import occupancy.tables
import panel.tables
import rooms.tables
from common import migrations, roles
from common.db import create_engine
from common.ids import new_cuid
from common.schema import Schema
from common.testing.plugin import CloneDatabase
from gateway.main import SCHEMA as ACCOUNTS
from local_stack.postgres import Postgres

SCHEMAS = {
    one.name: one
    for one in (
        ACCOUNTS,
        rooms.tables.SCHEMA,
        bookings.tables.SCHEMA,
        panel.tables.SCHEMA,
        analytics.tables.SCHEMA,
        occupancy.tables.SCHEMA,
    )
}
# Rows are added there, and never changed or deleted.
KEPT = {"bookings.audit"}
PASSWORD = "of-this-test"


@pytest.fixture
async def together(postgres: Postgres) -> AsyncIterator[str]:
    """One database with every schema, as an installation has it; gives its name."""
    name = f"all_{new_cuid()[1:9]}".translate(str.maketrans("0123456789", "abcdefghij"))
    passwords = {schema: roles.SchemaPasswords(PASSWORD, PASSWORD) for schema in SCHEMAS}
    await roles.ensure(postgres.url(), passwords, database=name)
    for schema in SCHEMAS.values():
        engine = create_engine(url(postgres, f"{schema.name}_owner", name), application="tests")
        await migrations.migrate(engine, schema.metadata, schema.versions)
        await engine.dispose()
    yield name
    server = await asyncpg.connect(postgres.url())
    await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    # The other tests of this process use the roles with their own password.
    await roles.ensure(
        postgres.url(),
        {schema: roles.SchemaPasswords("tests-only", "tests-only") for schema in SCHEMAS},
        database="postgres",
    )
    await server.close()


def url(postgres: Postgres, role: str, database: str) -> str:
    return f"postgresql://{role}:{PASSWORD}@127.0.0.1:{postgres.port}/{database}"


async def test_a_role_that_selects_from_another_schema_is_refused(
    postgres: Postgres, together: str
) -> None:
    for one, other in permutations(SCHEMAS, 2):
        for role in (one, f"{one}_owner"):
            connection = await asyncpg.connect(url(postgres, role, together))
            for table in SCHEMAS[other].metadata.sorted_tables:
                for statement in (f"SELECT * FROM {table}", f"DELETE FROM {table}"):
                    with pytest.raises(asyncpg.InsufficientPrivilegeError):
                        await connection.execute(statement)
            await connection.close()


async def test_a_working_role_reads_and_writes_its_own_rows_and_does_nothing_else(
    postgres: Postgres, together: str
) -> None:
    for name, schema in SCHEMAS.items():
        connection = await asyncpg.connect(url(postgres, name, together))
        for table in schema.metadata.sorted_tables:
            await connection.fetch(f"SELECT * FROM {table}")
            if str(table) in KEPT:
                with pytest.raises(asyncpg.IntegrityConstraintViolationError):
                    await connection.execute(f"DELETE FROM {table}")
            else:
                await connection.execute(f"DELETE FROM {table}")
            for statement in (
                f"DROP TABLE {table}",
                f"TRUNCATE {table}",
                f"ALTER TABLE {table} ADD COLUMN x int",
            ):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(statement)
        for statement in (
            f"CREATE TABLE {name}.x (a int)",
            "CREATE TABLE public.x (a int)",
            "CREATE SCHEMA x",
            "CREATE ROLE x",
            "CREATE EXTENSION hstore",
            "SET ROLE postgres",
            f"SET ROLE {name}_owner",
            "COPY (SELECT 1) TO PROGRAM 'true'",
            "SELECT pg_read_file('postgresql.conf')",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
        await connection.close()


async def test_rows_that_are_kept_are_kept_from_the_schemas_owner_too(
    postgres: Postgres, together: str
) -> None:
    for table in KEPT:
        owner = f"{table.partition('.')[0]}_owner"
        connection = await asyncpg.connect(url(postgres, owner, together))
        for statement in (
            f"DELETE FROM {table}",
            f"UPDATE {table} SET id = id",
            f"TRUNCATE {table}",
        ):
            with pytest.raises(asyncpg.IntegrityConstraintViolationError):
                await connection.execute(statement)
        await connection.close()


@pytest.mark.filterwarnings("ignore:unclosed connection:ResourceWarning")
async def test_a_stranger_of_the_same_server_cannot_connect(
    postgres: Postgres, together: str
) -> None:
    server = await asyncpg.connect(postgres.url())
    await server.execute(f"CREATE ROLE stranger LOGIN PASSWORD '{PASSWORD}'")

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(url(postgres, "stranger", together))

    await server.execute("DROP ROLE stranger")
    await server.close()


@pytest.mark.parametrize("name", SCHEMAS)
async def test_the_tables_are_those_that_the_code_describes(
    clone_database: CloneDatabase, name: str
) -> None:
    schema: Schema = SCHEMAS[name]
    async with clone_database(schema) as database:
        engine = create_engine(database.owner_url, application="tests")
        found = await migrations.differences(engine, schema.metadata)
        await engine.dispose()

    assert found == []


async def test_migrating_at_once_from_many_places_happens_once(postgres: Postgres) -> None:
    name = f"race_{new_cuid()[1:9]}".translate(str.maketrans("0123456789", "abcdefghij"))
    password = roles.SchemaPasswords("tests-only", "tests-only")
    await roles.ensure(postgres.url(), {"rooms": password}, database=name)
    schema = rooms.tables.SCHEMA
    address = f"postgresql://rooms_owner:tests-only@127.0.0.1:{postgres.port}/{name}"
    engines = [create_engine(address, application="tests") for _ in range(6)]

    await asyncio.gather(
        *(migrations.migrate(engine, schema.metadata, schema.versions) for engine in engines)
    )

    assert await migrations.differences(engines[0], schema.metadata) == []
    for engine in engines:
        await engine.dispose()
    server = await asyncpg.connect(postgres.url())
    await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await server.close()
