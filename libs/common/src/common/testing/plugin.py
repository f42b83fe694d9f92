"""The pytest plugin: real Postgres with a cloned database a test, real Kafka, signed callers.

Each pytest process (so each xdist worker) starts a server when a test first asks for one and
kills it at its end; a run that is itself killed leaves nothing either.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError
from hypothesis import settings

from common import migrations, roles
from common.db import create_engine
from common.events import Topic
from common.identity import Signer
from common.ids import new_cuid
from common.schema import Schema
from common.testing.servers import (
    Server,
    free_port,
    kafka_server,
    postgres_server,
    scratch_folder,
)
from common.topics import ensure_topics
from local_stack.kafka import Kafka
from local_stack.postgres import Postgres
from local_stack.process_groups import ProcessGroups
from local_stack.settings import Settings as LocalSettings

_PASSWORD: Final = "tests-only"  # noqa: S105 - of a server that lives as long as the run
# Nothing here has to survive the loss of the machine; killed processes lose nothing by it.
_FAST: Final = {
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "autovacuum_naptime": "5s",
}
# How long an example takes says nothing on machines that others use, too.
settings.register_profile("atrium", deadline=None)
settings.load_profile("atrium")
SIGNING_KEY: Final = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="  # RFC 8032, test 1


@dataclass(frozen=True, slots=True)
class TestDatabase:
    """A migrated database of its own for one test."""

    __test__ = False

    name: str
    url: str
    owner_url: str
    superuser_url: str


CloneDatabase = Callable[[Schema], AbstractAsyncContextManager[TestDatabase]]


@pytest.fixture(scope="session")
def process_groups() -> Iterator[ProcessGroups]:
    """Everything that tests start ends with them."""
    with ProcessGroups() as groups:
        yield groups


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    """A folder for the servers of this run."""
    with scratch_folder(in_memory=True) as folder:
        yield folder


@pytest.fixture(scope="session")
def servers_dir() -> Path:
    """Where Kafka and PostgreSQL themselves are."""
    return LocalSettings().servers


@pytest.fixture(scope="session")
def _postgres(
    servers_dir: Path, scratch: Path, process_groups: ProcessGroups
) -> Iterator["_Postgres"]:
    postgres = Postgres(
        servers_dir, scratch / "postgres", free_port(), _PASSWORD, options=dict(_FAST)
    )
    server = postgres_server(postgres, process_groups)
    yield _Postgres(postgres, server)
    server.kill()


@dataclass(slots=True)
class _Postgres:
    definition: Postgres
    server: Server
    started: bool = False


@pytest.fixture
async def postgres(_postgres: _Postgres) -> Postgres:
    """A running PostgreSQL server; tests clone databases in it and share it."""
    if not _postgres.started:
        _postgres.server.start()
        await _postgres.server.wait_ready()
        _postgres.started = True
    return _postgres.definition


_templates: set[str] = set()


@pytest.fixture
def clone_database(postgres: Postgres) -> CloneDatabase:
    """Gives a schema's database as its migrations make it, a clone for each test."""

    @asynccontextmanager
    async def clone(schema: Schema) -> AsyncIterator[TestDatabase]:
        template = await _template(postgres, schema)
        name = f"t_{new_cuid()}"
        server: asyncpg.Connection[Any] = await asyncpg.connect(postgres.url())
        try:
            await server.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
            await server.execute(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC")
            roles_of = f"{schema.name}, {schema.name}_owner"
            await server.execute(f"GRANT CONNECT ON DATABASE {name} TO {roles_of}")
            yield TestDatabase(
                name=name,
                url=_url(postgres, schema.name, name),
                owner_url=_url(postgres, f"{schema.name}_owner", name),
                superuser_url=postgres.url(name),
            )
            await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
        finally:
            await server.close()

    return clone


def _url(postgres: Postgres, role: str, database: str) -> str:
    return f"postgresql://{role}:{_PASSWORD}@127.0.0.1:{postgres.port}/{database}"


async def _template(postgres: Postgres, schema: Schema) -> str:
    name = f"template_{schema.name}"
    if name not in _templates:
        passwords = roles.SchemaPasswords(_PASSWORD, _PASSWORD)
        await roles.ensure(postgres.url(), {schema.name: passwords}, database=name)
        engine = create_engine(_url(postgres, f"{schema.name}_owner", name), application="tests")
        await migrations.migrate(engine, schema.metadata, schema.versions)
        await engine.dispose()
        _templates.add(name)
    return name


@pytest.fixture(scope="session")
def _kafka(servers_dir: Path, scratch: Path, process_groups: ProcessGroups) -> Iterator["_Kafka"]:
    broker = Kafka(servers_dir, scratch / "kafka", free_port(), free_port())
    server = kafka_server(broker, process_groups)
    yield _Kafka(broker, server)
    server.kill()


@dataclass(slots=True)
class _Kafka:
    definition: Kafka
    server: Server
    started: bool = False


@dataclass(frozen=True, slots=True)
class Broker:
    """A running Kafka broker, shared by the tests of a process."""

    address: str
    server: Server

    async def fresh(self, *topics: Topic[Any], consumed: tuple[Topic[Any], ...] = ()) -> None:
        """Give empty topics, and dead-letter topics of the consumed ones."""
        await self._delete([topic.name for topic in topics])
        await self._delete([f"{topic.name}.dlq" for topic in consumed])
        await ensure_topics(self.address, published=topics, consumed=consumed)

    async def _delete(self, names: list[str]) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.address)
        await admin.start()
        try:
            known = set(await admin.list_topics())
            if doomed := [name for name in names if name in known]:
                await admin.delete_topics(doomed)
                while known & set(doomed):
                    known = set(await admin.list_topics())
        except (KafkaError, UnknownTopicOrPartitionError) as error:
            raise AssertionError(f"topics {names} could not be deleted") from error
        finally:
            await admin.close()


@pytest.fixture
async def kafka(_kafka: _Kafka) -> Broker:
    """A running Kafka broker."""
    if not _kafka.started:
        _kafka.server.start()
        await _kafka.server.wait_ready()
        _kafka.started = True
    return Broker(_kafka.definition.address, _kafka.server)


@pytest.fixture(scope="session")
def signer() -> Signer:
    """Signs callers as the gateway does."""
    return Signer(SIGNING_KEY)
