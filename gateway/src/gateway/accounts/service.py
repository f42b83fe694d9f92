"""What can be done with accounts: sign in and out, and what the operator does."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from common.errors import NotFound, Unauthorized
from common.events import USERS, UserV1
from common.identity import Role
from common.ids import new_cuid
from gateway.accounts import passwords
from gateway.accounts.repository import Accounts, User
from gateway.accounts.tables import outbox

_WRONG: Final = "Invalid credentials"


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a client keeps: one to call with, one to get the next pair with."""

    access: str
    refresh: str


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody who has just signed in, and until when at the latest."""

    user: User
    tokens: Tokens
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class NewUser:
    """An account to be made."""

    email: str
    name: str
    role: Role
    password: str
    username: str | None = None
    department: str | None = None


def new_token(kind: str) -> str:
    """Make a token of 256 bits; the prefix lets logs and scanners know one when they see it."""
    return f"at{kind}_{secrets.token_urlsafe(32)}"


def digest(token: str) -> bytes:
    """Return what is stored of a token."""
    return hashlib.sha256(token.encode()).digest()


# --- signing in ---------------------------------------------------------------------------------


async def sign_in(
    sessions: async_sessionmaker[AsyncSession], login: str, password: str, *, days: int
) -> SignedIn:
    """Check a password and start a session.

    No transaction is open while the password is hashed.

    Args:
        login: e-mail address or user name.
        days: after which the session ends, however much it is used.

    Raises:
        Unauthorized: no such account, a wrong password or a disabled account; which one is not
            told, and takes the same time.
    """
    async with sessions() as session:
        user = await Accounts(session).by_login(login)
    right = await passwords.matches(user.password_hash if user else None, password)
    if user is None or not right or not user.is_active:
        raise Unauthorized(_WRONG)
    tokens = Tokens(new_token("a"), new_token("r"))
    expires_at = datetime.now(UTC) + timedelta(days=days)
    async with sessions.begin() as session:
        await Accounts(session).start_session(
            user.id, digest(tokens.access), digest(tokens.refresh), expires_at=expires_at
        )
    return SignedIn(user, tokens, expires_at)


async def sign_out(sessions: async_sessionmaker[AsyncSession], token: str) -> None:
    """End the session of an access token."""
    async with sessions.begin() as session:
        await Accounts(session).end_session(digest(token))


async def refresh(
    sessions: async_sessionmaker[AsyncSession], shown: str, *, idle: timedelta
) -> Tokens:
    """Replace a session's tokens.

    Args:
        idle: a session that was unused for so long has ended.

    Raises:
        Unauthorized: the refresh token is unknown, its session has ended, or it was used before.
            In the last case somebody has a copy of it, and the session ends.
    """
    tokens = Tokens(new_token("a"), new_token("r"))
    async with sessions.begin() as session:
        accounts = Accounts(session)
        user_id = await accounts.refresh_session(
            digest(shown), digest(tokens.access), digest(tokens.refresh), idle=idle
        )
        if user_id is None:
            await accounts.end_session_of_replaced(digest(shown))
    if user_id is None:
        raise Unauthorized("Invalid or expired refresh token")
    return tokens


# --- the operator -------------------------------------------------------------------------------


async def add_user(session: AsyncSession, new: NewUser) -> User:
    """Make an account.

    Raises:
        Invalid: the password is too weak.
        Conflict: the e-mail address or user name is taken.
    """
    passwords.check_new_password(new.password)
    user = User(
        id=new_cuid(),
        version=1,
        email=new.email,
        username=new.username,
        name=new.name,
        role=new.role,
        department=new.department,
        password_hash=await passwords.hash_password(new.password),
        is_active=True,
    )
    await Accounts(session).add(user)
    await _tell(session, user)
    return user


async def change_user(session: AsyncSession, login: str, **values: object) -> User:
    """Change role, name, department or whether the account is active.

    A role that is taken away and an account that is disabled end within 5 s everywhere.

    Raises:
        NotFound: nobody has this e-mail address or user name.
    """
    user = await _existing(session, login)
    accounts = Accounts(session)
    changed = await accounts.change(user.id, **values)
    if changed is None:
        raise NotFound(f"no account {login}")
    if not changed.is_active:
        await accounts.end_sessions_of(user.id)
    await _tell(session, changed)
    return changed


async def set_password(session: AsyncSession, login: str, password: str) -> None:
    """Give a new password; all sessions of the account end.

    Raises:
        Invalid: the password is too weak.
        NotFound: nobody has this e-mail address or user name.
    """
    passwords.check_new_password(password)
    user = await _existing(session, login)
    accounts = Accounts(session)
    await accounts.change(user.id, password_hash=await passwords.hash_password(password))
    await accounts.end_sessions_of(user.id)


async def add_device(session: AsyncSession, kind: str, name: str, *, replace: bool) -> str:
    """Register a panel or an edge-counter; returns its token, which is shown this once.

    Raises:
        Conflict: the name is taken and is not to be replaced.
    """
    accounts = Accounts(session)
    if replace:
        await accounts.revoke_device(kind, name)
    token = new_token("d")
    await accounts.add_device(new_cuid(), kind, name, digest(token))
    return token


async def _existing(session: AsyncSession, login: str) -> User:
    user = await Accounts(session).by_login(login)
    if user is None:
        raise NotFound(f"no account {login}")
    return user


async def _tell(session: AsyncSession, user: User) -> None:
    event = UserV1(
        id=user.id,
        version=user.version,
        name=user.name,
        email=user.email,
        role=user.role.value,
        department=user.department,
        is_active=user.is_active,
    )
    await outbox.publish(
        session,
        USERS,
        event,
        key=user.id,
        event_id=f"{user.id}/{user.version}",
        subject=f"user/{user.id}",
        at=datetime.now(UTC),
    )
