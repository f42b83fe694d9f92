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


async def add_user(session: AsyncSession, new: NewUser, *, by: str | None = None) -> User:
    """Make an account.

    Args:
        by: the user who does it; None: the operator.

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
    await _tell(session, user, by)
    return user


async def change_user(
    session: AsyncSession, login: str, *, by: str | None = None, **values: object
) -> User:
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
    await _tell(session, changed, by)
    return changed


async def set_password(
    session: AsyncSession, login: str, password: str, *, by: str | None = None
) -> User:
    """Give a new password; all sessions of the account end.

    Raises:
        Invalid: the password is too weak.
        NotFound: nobody has this e-mail address or user name.
    """
    passwords.check_new_password(password)
    user = await _existing(session, login)
    accounts = Accounts(session)
    hashed = await passwords.hash_password(password)
    changed = await accounts.change(user.id, password_hash=hashed)
    assert changed is not None  # noqa: S101 - nobody deletes a user
    await accounts.end_sessions_of(user.id)
    await _tell(session, changed, by)
    return changed


async def add_device(
    session: AsyncSession, kind: str, name: str, *, replace: bool, room_id: int | None = None
) -> str:
    """Register a panel or an edge-counter; returns its token, which is shown this once.

    Args:
        replace: revoke the device that has the name.
        room_id: of a panel that shows one room; None: it may show any.

    Raises:
        Conflict: the name is taken and is not to be replaced.
    """
    accounts = Accounts(session)
    if replace:
        await accounts.revoke_device(kind, name)
    token = new_token("d")
    await accounts.add_device(new_cuid(), kind, name, digest(token), room_id)
    return token


# --- panels -------------------------------------------------------------------------------------

# Without letters and digits that look alike, or sound alike.
_CODE_LETTERS: Final = "ACDEFHJKMNPQRTWXY34679"
CODE_LENGTH: Final = 8
PAIR_WITHIN: Final = timedelta(minutes=10)
TICKET_LIVES: Final = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Pairing:
    """What a panel that wants to be paired shows, and what it asks again with."""

    code: str
    secret: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Paired:
    """What a panel has become."""

    device_id: str
    name: str
    room_id: int | None
    token: str


async def begin_pairing(session: AsyncSession) -> Pairing:
    """Make a code for a panel to show."""
    secret = new_token("p")
    expires_at = datetime.now(UTC) + PAIR_WITHIN
    while True:
        code = "".join(secrets.choice(_CODE_LETTERS) for _ in range(CODE_LENGTH))
        if await Accounts(session).add_pairing(code, digest(secret), expires_at):
            return Pairing(code, secret, expires_at)


async def confirm_pairing(session: AsyncSession, code: str, name: str, room_id: int) -> str:
    """Make the panel that shows a code the panel of a room; returns its id as a device.

    Raises:
        NotFound: no panel shows the code, or not any more.
        Conflict: a panel has the name.
    """
    accounts, device_id = Accounts(session), new_cuid()
    # Nobody has this token; the panel gets one when it asks.
    await accounts.add_device(device_id, "panel", name, digest(new_token("d")), room_id)
    plain = "".join(one for one in code.upper() if one in _CODE_LETTERS)
    if not await accounts.pair(plain, device_id):
        raise NotFound("No panel shows this code, or not any more; look at it again.")
    return device_id


async def claim_pairing(session: AsyncSession, secret: str) -> Paired | None:
    """Give a panel its token, if somebody has confirmed it; None: not yet.

    It may ask again, as long as its code is good: an answer may be lost. The last token counts.

    Raises:
        NotFound: its code is no longer good, or it was revoked.
    """
    accounts = Accounts(session)
    found = await accounts.waiting(digest(secret))
    if found is None or (found.device_id is not None and found.name is None):
        raise NotFound("This code is no longer good; ask for a new one.")
    if found.device_id is None:
        return None
    token = new_token("d")
    await accounts.replace_token(found.device_id, digest(token))
    return Paired(found.device_id, found.name, found.room_id, token)


async def give_ticket(session: AsyncSession, token: str) -> tuple[str, datetime]:
    """Make a ticket that opens one WebSocket as a token would; returns until when it is good."""
    ticket, expires_at = new_token("t"), datetime.now(UTC) + TICKET_LIVES
    await Accounts(session).add_ticket(digest(ticket), digest(token), expires_at)
    return ticket, expires_at


async def _existing(session: AsyncSession, login: str) -> User:
    user = await Accounts(session).by_login(login)
    if user is None:
        raise NotFound(f"no account {login}")
    return user


async def _tell(session: AsyncSession, user: User, by: str | None) -> None:
    event = UserV1(
        id=user.id,
        version=user.version,
        name=user.name,
        email=user.email,
        role=user.role.value,
        department=user.department,
        is_active=user.is_active,
        changed_by=by,
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
