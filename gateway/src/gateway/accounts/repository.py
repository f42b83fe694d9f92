"""Reads and writes the schema `accounts`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    and_,
    delete,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from common.errors import Conflict
from common.identity import Identity, Role
from gateway.accounts.tables import devices, pairings, sessions, tickets, users

# How often the use of a session is written down.
_NOTE_USE_EVERY = timedelta(minutes=5)
# Likewise, that a device was there.
_NOTE_SEEN_EVERY = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class User:
    """A person with an account.

    Args:
        version: counts the changes.
        password_hash: argon2id, in its own encoding; never leaves the gateway.
    """

    id: str
    version: int
    email: str
    username: str | None
    name: str
    role: Role
    department: str | None
    password_hash: str
    is_active: bool


_COLUMNS = [users.c[name] for name in User.__dataclass_fields__]
_DEVICE_COLUMNS = [
    devices.c[name]
    for name in (
        *("id", "kind", "name", "room_id", "created_at"),
        *("last_seen_at", "app_version", "battery"),
    )
]
_BY_NAME = (func.lower(users.c.name), users.c.id)


def _user(row: Row[Any] | None) -> User | None:
    return User(**{**row._asdict(), "role": Role(row.role)}) if row else None


def _lives(idle: timedelta) -> tuple[ColumnElement[bool], ...]:
    """A session that was not ended, is not too old, and was used lately."""
    return (
        sessions.c.ended_at.is_(None),
        sessions.c.expires_at > func.now(),
        sessions.c.last_used_at > func.now() - idle,
    )


def _like(search: str | None) -> list[ColumnElement[bool]]:
    """Return the condition that a user's name or e-mail address has a text in it."""
    if not search:
        return []
    texts = (users.c.name, users.c.email)
    return [or_(*(one.icontains(search, autoescape=True) for one in texts))]


class Accounts:
    """Users, sessions and devices, in the caller's transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    # --- users ---

    async def add(self, user: User) -> None:
        """Store a new user.

        Raises:
            Conflict: the e-mail address or user name has an account already.
        """
        values = {name: getattr(user, name) for name in User.__dataclass_fields__}
        statement = insert(users).values(values).on_conflict_do_nothing()
        if await self._session.scalar(statement.returning(users.c.id)) is None:
            raise Conflict(f"{user.email} or its user name has an account already")

    async def by_login(self, name: str) -> User | None:
        """Find a user by e-mail address or user name, whatever the case."""
        wanted = name.lower()
        found = or_(func.lower(users.c.email) == wanted, func.lower(users.c.username) == wanted)
        return _user((await self._session.execute(select(*_COLUMNS).where(found))).first())

    async def by_id(self, user_id: str) -> User | None:
        """Find a user."""
        found = select(*_COLUMNS).where(users.c.id == user_id)
        return _user((await self._session.execute(found)).first())

    async def change(self, user_id: str, **values: object) -> User | None:
        """Change a user; returns how it stands then."""
        changed = (
            update(users)
            .where(users.c.id == user_id)
            .values(version=users.c.version + 1, **values)
            .returning(*_COLUMNS)
        )
        return _user((await self._session.execute(changed)).first())

    async def all(self) -> Sequence[User]:
        """List the users by name."""
        rows = await self._session.execute(select(*_COLUMNS).order_by(*_BY_NAME))
        return [user for row in rows if (user := _user(row)) is not None]

    async def count(self, search: str | None) -> int:
        """Count the users, or those whose name or e-mail address has a text in it."""
        counted = select(func.count()).select_from(users).where(*_like(search))
        return await self._session.scalar(counted) or 0

    async def page(self, search: str | None, *, offset: int, limit: int) -> Sequence[User]:
        """List part of the users that `count` counts, by name."""
        found = select(*_COLUMNS).where(*_like(search)).order_by(*_BY_NAME)
        found = found.offset(offset).limit(limit)
        rows = await self._session.execute(found)
        return [user for row in rows if (user := _user(row)) is not None]

    # --- sessions ---

    async def start_session(
        self, user_id: str, access: bytes, refresh: bytes, *, expires_at: datetime
    ) -> None:
        """Store a session by the SHA-256 of its tokens."""
        statement = insert(sessions).values(
            user_id=user_id, access_sha256=access, refresh_sha256=refresh, expires_at=expires_at
        )
        await self._session.execute(statement)

    async def refresh_session(
        self, shown: bytes, access: bytes, refresh: bytes, *, idle: timedelta
    ) -> str | None:
        """Replace the tokens of the session whose refresh token is shown; returns its user."""
        replaced = (
            update(sessions)
            .where(sessions.c.refresh_sha256 == shown, *_lives(idle))
            .values(
                access_sha256=access,
                refresh_sha256=refresh,
                replaced_refresh_sha256=shown,
                last_used_at=func.now(),
            )
            .returning(sessions.c.user_id)
        )
        user_id: str | None = await self._session.scalar(replaced)
        return user_id

    async def end_session_of_replaced(self, shown: bytes) -> int:
        """End the session in which a refresh token was replaced; returns how many ended."""
        return await self._end(sessions.c.replaced_refresh_sha256 == shown)

    async def end_session(self, access: bytes) -> int:
        """End the session of an access token."""
        return await self._end(sessions.c.access_sha256 == access)

    async def end_sessions_of(self, user_id: str) -> int:
        """End all sessions of a user."""
        return await self._end(sessions.c.user_id == user_id)

    async def _end(self, which: Any) -> int:  # noqa: ANN401 - a condition
        ended = (
            update(sessions)
            .where(which, sessions.c.ended_at.is_(None))
            .values(ended_at=func.now())
            .returning(sessions.c.id)
        )
        return len((await self._session.execute(ended)).all())

    async def signed_in(self, token: bytes, *, idle: timedelta) -> tuple[User, datetime] | None:
        """Return a session's user and when it ends at the latest; None if it has ended."""
        found = (
            select(*_COLUMNS, sessions.c.expires_at)
            .join_from(sessions, users, sessions.c.user_id == users.c.id)
            .where(sessions.c.access_sha256 == token, *_lives(idle), users.c.is_active)
        )
        row = (await self._session.execute(found)).first()
        if row is None:
            return None
        values = row._asdict()
        expires_at: datetime = values.pop("expires_at")
        return User(**{**values, "role": Role(row.role)}), expires_at

    async def identify(self, token: bytes, *, idle: timedelta) -> Identity | None:
        """Tell whose token this is, by its SHA-256; None if nobody's, or no longer."""
        person = (
            select(
                literal("user").label("kind"),
                users.c.id,
                users.c.role,
                users.c.name,
                users.c.email,
                null().label("room_id"),
            )
            .join(sessions, sessions.c.user_id == users.c.id)
            .where(sessions.c.access_sha256 == token, *_lives(idle), users.c.is_active)
        )
        device = select(
            devices.c.kind,
            devices.c.id,
            null().label("role"),
            devices.c.name,
            null(),
            devices.c.room_id,
        ).where(devices.c.token_sha256 == token, devices.c.revoked_at.is_(None))
        row = (await self._session.execute(union_all(person, device))).first()
        if row is None:
            return None
        await self._note_use(token, is_device=row.kind != "user")
        role = Role(row.role) if row.role else None
        return Identity(
            kind=row.kind,
            id=row.id,
            role=role,
            name=row.name,
            email=row.email,
            room_id=row.room_id,
        )

    async def _note_use(self, token: bytes, *, is_device: bool) -> None:
        now = func.now()
        if is_device:
            noted = (
                update(devices)
                .where(
                    devices.c.token_sha256 == token,
                    or_(
                        devices.c.last_seen_at.is_(None),
                        devices.c.last_seen_at < now - _NOTE_SEEN_EVERY,
                    ),
                )
                .values(last_seen_at=now)
            )
        else:
            noted = (
                update(sessions)
                .where(
                    sessions.c.access_sha256 == token,
                    sessions.c.last_used_at < now - _NOTE_USE_EVERY,
                )
                .values(last_used_at=now)
            )
        await self._session.execute(noted)

    # --- devices ---

    async def add_device(
        self, device_id: str, kind: str, name: str, token: bytes, room_id: int | None = None
    ) -> None:
        """Store a device by the SHA-256 of its token.

        Raises:
            Conflict: a device of this kind has the name.
        """
        values = {
            "id": device_id,
            "kind": kind,
            "name": name,
            "token_sha256": token,
            "room_id": room_id,
        }
        statement = insert(devices).values(values).on_conflict_do_nothing()
        if await self._session.scalar(statement.returning(devices.c.id)) is None:
            raise Conflict(f"there is {kind} {name!r} already; revoke it first")

    async def revoke_device(self, kind: str, name: str) -> bool:
        """Make a device's token worthless; False if there is none of that name."""
        revoked = (
            update(devices)
            .where(devices.c.kind == kind, devices.c.name == name, devices.c.revoked_at.is_(None))
            .values(revoked_at=func.now())
            .returning(devices.c.id)
        )
        return (await self._session.execute(revoked)).first() is not None

    async def revoke_device_by_id(self, device_id: str) -> bool:
        """Make a device's token worthless; False if there is none, or no longer."""
        revoked = (
            update(devices)
            .where(devices.c.id == device_id, devices.c.revoked_at.is_(None))
            .values(revoked_at=func.now())
            .returning(devices.c.id)
        )
        return (await self._session.execute(revoked)).first() is not None

    async def active_devices(self) -> Sequence[Row[Any, Any, Any, Any]]:
        """List the devices whose token is good."""
        found = (
            select(*_DEVICE_COLUMNS)
            .where(devices.c.revoked_at.is_(None))
            .order_by(devices.c.kind, devices.c.name)
        )
        return (await self._session.execute(found)).all()

    async def note_status(
        self, device_id: str, app_version: str | None, battery: float | None
    ) -> None:
        """Write down what a device says of itself; it is there now."""
        await self._session.execute(
            update(devices)
            .where(devices.c.id == device_id)
            .values(last_seen_at=func.now(), app_version=app_version, battery=battery)
        )

    # --- pairing ---

    async def add_pairing(self, code: str, secret: bytes, expires_at: datetime) -> bool:
        """Store a pairing that waits; False if another one has the code. Forgets old ones."""
        await self._session.execute(delete(pairings).where(pairings.c.expires_at < func.now()))
        values = {"code": code, "secret_sha256": secret, "expires_at": expires_at}
        made = insert(pairings).values(values).on_conflict_do_nothing()
        return (await self._session.execute(made.returning(pairings.c.code))).first() is not None

    async def pair(self, code: str, device_id: str) -> bool:
        """Give a waiting pairing its device; False if nothing waits with this code."""
        paired = (
            update(pairings)
            .where(
                pairings.c.code == code,
                pairings.c.device_id.is_(None),
                pairings.c.expires_at > func.now(),
            )
            .values(device_id=device_id)
            .returning(pairings.c.code)
        )
        return (await self._session.execute(paired)).first() is not None

    async def waiting(self, secret: bytes) -> Row[Any, Any, Any] | None:
        """Return a pairing with its device, if it has one, by the SHA-256 of its secret."""
        found = (
            select(pairings.c.device_id, devices.c.name, devices.c.room_id)
            .outerjoin(
                devices, and_(devices.c.id == pairings.c.device_id, devices.c.revoked_at.is_(None))
            )
            .where(pairings.c.secret_sha256 == secret, pairings.c.expires_at > func.now())
            .with_for_update(of=pairings)
        )
        return (await self._session.execute(found)).first()

    async def replace_token(self, device_id: str, token: bytes) -> None:
        """Give a device another token, by its SHA-256."""
        await self._session.execute(
            update(devices).where(devices.c.id == device_id).values(token_sha256=token)
        )

    # --- tickets ---

    async def add_ticket(self, ticket: bytes, token: bytes, expires_at: datetime) -> None:
        """Store a ticket that stands for a token, each by its SHA-256. Forgets old ones."""
        await self._session.execute(delete(tickets).where(tickets.c.expires_at < func.now()))
        values = {"ticket_sha256": ticket, "token_sha256": token, "expires_at": expires_at}
        await self._session.execute(insert(tickets).values(values))

    async def redeem_ticket(self, ticket: bytes) -> bytes | None:
        """Take a ticket back; returns the token's SHA-256, None if the ticket is not good."""
        taken = delete(tickets).where(tickets.c.ticket_sha256 == ticket)
        row = (
            await self._session.execute(
                taken.returning(tickets.c.token_sha256, tickets.c.expires_at > func.now())
            )
        ).first()
        return row[0] if row is not None and row[1] else None
