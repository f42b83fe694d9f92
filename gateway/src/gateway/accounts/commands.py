"""The operator's command line for users and devices."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import IO, Any, TypeVar

import click
from pydantic import TypeAdapter, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from common.db import Database
from common.errors import AppError, Conflict
from common.identity import Role
from common.process import load_settings
from gateway.accounts import service
from gateway.accounts.repository import Accounts
from gateway.accounts.users import NewAccount
from gateway.settings import Settings

Result = TypeVar("Result")
_ROLES = click.Choice([role.value for role in Role], case_sensitive=False)


def _reasons(error: ValidationError) -> str:
    """Say what is wrong, by field, without what was given: it may be a password."""
    findings = error.errors(include_input=False, include_url=False)
    return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in findings)


def _in_transaction(work: Callable[[AsyncSession], Awaitable[Result]]) -> Result:
    """Do something with the accounts; a refusal becomes one line."""

    async def run() -> Result:
        url = load_settings(Settings).database_url.get_secret_value()
        database = Database.connect(url, schema="accounts", pool=1)
        try:
            async with database.sessions.begin() as session:
                return await work(session)
        finally:
            await database.close()

    try:
        return asyncio.run(run())
    except AppError as error:
        raise click.ClickException(error.message) from None


@click.group()
def users() -> None:
    """Make, list and change accounts.

    Passwords are asked for, or read from standard input with --password-stdin; never given as an
    argument, which every process on the machine could read.
    """


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\n")
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))


_stdin_option = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input."
)


@users.command("add")
@click.argument("email")
@click.option("--name", required=True)
@click.option("--role", type=_ROLES, default="STUDENT", show_default=True)
@click.option("--username", help="Another name to sign in with.")
@click.option("--department")
@_stdin_option
def add_user(
    email: str,
    name: str,
    role: str,
    username: str | None,
    department: str | None,
    *,
    password_stdin: bool,
) -> None:
    """Make an account."""
    password = _password(from_stdin=password_stdin)
    try:
        account = NewAccount(
            email=email,
            name=name,
            role=Role(role.upper()),
            password=password,
            username=username,
            department=department,
        )
    except ValidationError as error:
        raise click.ClickException(_reasons(error)) from None
    user = _in_transaction(lambda session: service.add_user(session, account.new_user()))
    click.echo(f"{user.id}  {user.email}  {user.role}")


@users.command("import")
@click.argument("file", type=click.File())
def import_users(file: IO[str]) -> None:
    """Make accounts from a JSON array; those that exist stay as they are.

    Each entry: email, name, role, password, and optionally username and department.
    """
    try:
        entries = TypeAdapter(list[NewAccount]).validate_python(json.load(file))
    except json.JSONDecodeError as error:
        raise click.ClickException(f"not a list of accounts: {error}") from None
    except ValidationError as error:
        raise click.ClickException(f"not a list of accounts: {_reasons(error)}") from None

    async def add_missing(session: AsyncSession) -> int:
        made = 0
        for entry in entries:
            try:
                async with session.begin_nested():
                    await service.add_user(session, entry.new_user())
                    made += 1
            except Conflict:
                continue
        return made

    made = _in_transaction(add_missing)
    click.echo(f"{made} made, {len(entries) - made} existed")


@users.command("list")
def list_users() -> None:
    """List the accounts by name."""
    for user in _in_transaction(lambda session: Accounts(session).all()):
        state = "" if user.is_active else "  disabled"
        click.echo(f"{user.id}  {user.role:<8}  {user.email}  {user.name}{state}")


def _changing(name: str, text: str, *parameters: click.Parameter, **fixed: Any) -> None:  # noqa: ANN401
    """Add a command that changes an account."""

    def change(login: str, **given: object) -> None:
        values = {**fixed, **given}
        user = _in_transaction(lambda session: service.change_user(session, login, **values))
        click.echo(f"{user.email}: {', '.join(f'{key} {value}' for key, value in values.items())}")

    params: list[click.Parameter] = [click.Argument(["login"]), *parameters]
    users.add_command(click.Command(name, callback=change, params=params, help=text))


_changing("disable", "Close an account; its sessions end within 5 s.", is_active=False)
_changing("enable", "Open a disabled account again.", is_active=True)
_changing("set-role", "Give another role.", click.Argument(["role"], type=_ROLES))


@users.command("set-password")
@click.argument("login")
@_stdin_option
def set_password(login: str, *, password_stdin: bool) -> None:
    """Give a new password; all sessions of the account end."""
    password = _password(from_stdin=password_stdin)
    _in_transaction(lambda session: service.set_password(session, login, password))
    click.echo(f"{login}: password set, all sessions ended")


@click.group()
def devices() -> None:
    """Register, list and revoke door panels and camera hosts."""


_KIND = click.Choice(["panel", "edge"])


@devices.command("add")
@click.argument("kind", type=_KIND)
@click.argument("name")
@click.option("--replace", is_flag=True, help="Revoke the device that has the name now.")
@click.option("--room", "room_id", type=int, help="A panel's room, by its integer id. [any]")
def add_device(kind: str, name: str, room_id: int | None, *, replace: bool) -> None:
    """Register a device and print its token, which cannot be shown again."""
    if room_id is not None and kind != "panel":
        raise click.UsageError("--room is for panels.")
    token = _in_transaction(
        lambda session: service.add_device(session, kind, name, replace=replace, room_id=room_id)
    )
    click.echo(token)


@devices.command("list")
def list_devices() -> None:
    """List the devices whose token is good."""
    for device in _in_transaction(lambda session: Accounts(session).active_devices()):
        click.echo(f"{device.id}  {device.kind:<5}  {device.name}  since {device.created_at:%F}")


@devices.command("revoke")
@click.argument("kind", type=_KIND)
@click.argument("name")
def revoke_device(kind: str, name: str) -> None:
    """Make a device's token worthless within 5 s."""
    if not _in_transaction(lambda session: Accounts(session).revoke_device(kind, name)):
        raise click.ClickException(f"no {kind} {name!r}; see `gateway devices list`")
    click.echo(f"{kind} {name}: revoked")
