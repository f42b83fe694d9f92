"""Each schema has two roles: one that owns it and migrates, one that the service works as.

The working role may read and write rows of its own schema and do nothing else: no other schema,
no other database, no DDL. Beside each schema is ``<schema>_next``, of the same roles, for tables
that are being made anew: no owner may make a schema.
"""

import asyncio
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg
import click

_NAME = re.compile(r"[a-z][a-z_]{0,40}")
# Neither can be made by a schema's owner; the exclusion constraints and the search need them.
_EXTENSIONS = ("btree_gist", "pg_trgm")


@dataclass(frozen=True, slots=True)
class SchemaPasswords:
    """Of ``<schema>_owner``, which migrates, and of ``<schema>``, which the service works as."""

    owner: str
    service: str


async def ensure(
    superuser_url: str, schemas: Mapping[str, SchemaPasswords], *, database: str
) -> None:
    """Make the database, the schemas and their roles, or bring them into this form."""
    server: asyncpg.Connection[Any] = await asyncpg.connect(superuser_url)
    try:
        exists = await server.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", database)
        if not exists:
            await server.execute(f'CREATE DATABASE "{_checked(database)}"')
        for schema, passwords in schemas.items():
            await _ensure_role(server, f"{schema}_owner", passwords.owner)
            await _ensure_role(server, schema, passwords.service)
    finally:
        await server.close()
    await _ensure_schemas(superuser_url, list(schemas), database)


async def _ensure_schemas(superuser_url: str, schemas: list[str], database: str) -> None:
    inside: asyncpg.Connection[Any] = await asyncpg.connect(superuser_url, database=database)
    try:
        async with inside.transaction():
            await inside.execute(f'REVOKE ALL ON DATABASE "{_checked(database)}" FROM PUBLIC')
            await inside.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
            await inside.execute("GRANT USAGE ON SCHEMA public TO PUBLIC")  # the extensions' types
            for extension in _EXTENSIONS:
                await inside.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}")
            for schema in schemas:
                await inside.execute(_grants(_checked(schema), database))
    finally:
        await inside.close()


def _grants(schema: str, database: str) -> str:
    owner = f"{schema}_owner"
    both = f"{schema}, {schema}_next"
    rights = f"ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA {both} GRANT"
    return f"""
        GRANT CONNECT ON DATABASE "{database}" TO {owner}, {schema};
        CREATE SCHEMA IF NOT EXISTS {schema} AUTHORIZATION {owner};
        CREATE SCHEMA IF NOT EXISTS {schema}_next AUTHORIZATION {owner};
        GRANT USAGE ON SCHEMA {both} TO {schema};
        {rights} SELECT, INSERT, UPDATE, DELETE ON TABLES TO {schema};
        {rights} USAGE ON SEQUENCES TO {schema};
    """


async def _ensure_role(server: "asyncpg.Connection[Any]", role: str, password: str) -> None:
    known = await server.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", _checked(role))
    verb = "ALTER" if known else "CREATE"
    # CREATE ROLE takes no parameters; the server itself quotes the password.
    statement = await server.fetchval(
        f"SELECT format('{verb} ROLE {role} LOGIN NOINHERIT PASSWORD %L', $1::text)",
        password,
    )
    await server.execute(statement)


def _checked(name: str) -> str:
    if _NAME.fullmatch(name) is None:
        raise ValueError(f"{name!r} is no name for a role, schema or database")
    return name


@click.command()
@click.argument("schemas", nargs=-1, required=True)
@click.option("--database", default="atrium", show_default=True)
def main(schemas: tuple[str, ...], database: str) -> None:
    """Make database, schemas and roles on a new server, or repair them.

    Reads ATRIUM_SUPERUSER_URL, and for each schema its two passwords, such as
    ROOMS_OWNER_PASSWORD and ROOMS_PASSWORD.
    """
    passwords = {
        schema: SchemaPasswords(
            owner=os.environ[f"{schema.upper()}_OWNER_PASSWORD"],
            service=os.environ[f"{schema.upper()}_PASSWORD"],
        )
        for schema in schemas
    }
    asyncio.run(ensure(os.environ["ATRIUM_SUPERUSER_URL"], passwords, database=database))


if __name__ == "__main__":
    main()
