"""The operator's command line, as it is run."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from common.testing.plugin import SIGNING_KEY, TestDatabase
from gateway.main import main


@pytest.fixture
def environment(accounts_database: TestDatabase) -> dict[str, str]:
    return {
        **os.environ,
        "GATEWAY_DATABASE_URL": accounts_database.url,
        "GATEWAY_IDENTITY_KEY": SIGNING_KEY,
    }


async def gateway(environment: dict[str, str], *arguments: str, stdin: str = "") -> tuple[int, str]:
    """Run a command in this process: to start one takes a hundred times as long."""
    runner = CliRunner(env=environment)
    done = await asyncio.to_thread(runner.invoke, main, arguments, stdin)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output.strip()


async def test_a_command_is_a_program(environment: dict[str, str]) -> None:
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("gateway")),
        *("users", "disable", "nobody@example.test"),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    said = b"Error: no account nobody@example.test\n"
    assert (process.returncode, output, errors) == (1, b"", said)


async def test_users_are_made_listed_changed_and_closed(environment: dict[str, str]) -> None:
    add = ("users", "add", "ann@example.test", "--name", "Ann", "--role", "faculty")
    made = await gateway(environment, *add, "--password-stdin", stdin="a long password\n")
    again = await gateway(environment, *add, "--password-stdin", stdin="a long password\n")
    role = await gateway(environment, "users", "set-role", "ANN@example.test", "ADMIN")
    closed = await gateway(environment, "users", "disable", "ann@example.test")
    unknown = await gateway(environment, "users", "disable", "bob@example.test")
    listed = await gateway(environment, "users", "list")

    assert made[0] == 0
    assert again == (1, "Error: ann@example.test or its user name has an account already")
    assert role[0] == closed[0] == 0
    assert unknown == (1, "Error: no account bob@example.test")
    assert "ADMIN" in listed[1]
    assert listed[1].endswith("Ann  disabled")


@pytest.mark.parametrize("password", ["short", "password123", "x" * 200])
async def test_a_weak_password_is_refused(environment: dict[str, str], password: str) -> None:
    add = ("users", "add", "ann@example.test", "--name", "Ann", "--password-stdin")

    status, said = await gateway(environment, *add, stdin=f"{password}\n")

    assert status == 1
    assert said.startswith("Error: ")


async def test_importing_twice_adds_nobody(environment: dict[str, str]) -> None:
    people = json.dumps(
        [{"email": "a@b.c", "name": "A", "role": "STAFF", "password": "a long password"}]
    )

    first = await gateway(environment, "users", "import", "-", stdin=people)
    second = await gateway(environment, "users", "import", "-", stdin=people)
    broken = await gateway(environment, "users", "import", "-", stdin="{")

    assert (first[1], second[1]) == ("1 made, 0 existed", "0 made, 1 existed")
    assert broken[0] == 1


async def test_what_is_stored_of_a_person_is_clean(environment: dict[str, str]) -> None:
    person = {"email": " a@b.c", "name": "A\u0000nn\u202e ", "role": "STAFF", "password": "x" * 12}
    made = await gateway(environment, "users", "import", "-", stdin=json.dumps([person]))
    listed = await gateway(environment, "users", "list")

    assert made[1] == "1 made, 0 existed"
    assert listed[1].endswith("  a@b.c  Ann")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "nobody"),
        ("email", "a@b.c\nbcc: d@e.f"),
        ("email", "a@" + "b" * 300),
        ("name", " "),
        ("name", "x" * 201),
        ("username", "somebody@else.test"),
        ("department", ""),
        ("unknown", "x"),
    ],
)
async def test_wrong_accounts_are_named_by_field_and_show_no_password(
    environment: dict[str, str], field: str, value: str
) -> None:
    person = {"email": "a@b.c", "name": "A", "role": "STAFF", "password": "canary password"}
    entries = json.dumps([person, {**person, field: value}])

    status, said = await gateway(environment, "users", "import", "-", stdin=entries)
    _, listed = await gateway(environment, "users", "list")

    assert status == 1
    assert f"1.{field}: " in said
    assert "canary" not in said
    assert listed == ""


async def test_a_devices_token_is_shown_once_and_can_be_replaced(
    environment: dict[str, str],
) -> None:
    token = await gateway(environment, "devices", "add", "edge", "lobby")
    taken = await gateway(environment, "devices", "add", "edge", "lobby")
    other = await gateway(environment, "devices", "add", "edge", "lobby", "--replace")
    listed = await gateway(environment, "devices", "list")
    revoked = await gateway(environment, "devices", "revoke", "edge", "lobby")
    none = await gateway(environment, "devices", "list")

    assert token[1].startswith("atd_")
    assert taken[0] == 1
    assert other[1] != token[1]
    assert "lobby" in listed[1]
    assert token[1] not in listed[1]
    assert (revoked[0], none[1]) == (0, "")


async def test_missing_settings_are_named(environment: dict[str, str]) -> None:
    del environment["GATEWAY_IDENTITY_KEY"]

    status, said = await gateway(environment, "run")

    assert status == 1
    assert "GATEWAY_IDENTITY_KEY: Field required" in said
