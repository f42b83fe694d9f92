"""Reads and writes what others fetch and what is sent to them: feeds, webhooks, mail."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    LargeBinary,
    Text,
    and_,
    cast,
    delete,
    func,
    literal,
    literal_column,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession

from bookings.domain import Period, Status
from bookings.feed import CANCELLED_FOR, Entry, EntryStatus, window
from bookings.repository.rows import Values
from bookings.tables import (
    bookings,
    feeds,
    notifications,
    rooms,
    users,
    webhook_deliveries,
    webhooks,
)
from common.paging import Slice

_now = func.now()
# Written out: the partial indexes are of no use to a plan that does not know the state.
_PENDING: Final[ColumnElement[str]] = literal_column("'pending'")
# How long an attempt is its taker's; then another takes it for lost.
_LEASE: Final = timedelta(seconds=60)
_ALIVE: Final = (Status.PENDING, Status.CONFIRMED, Status.COMPLETED)


async def _only_one(session: AsyncSession, what: str) -> None:
    """Let nobody else do the same until the transaction ends."""
    lock = text("SELECT pg_advisory_xact_lock(hashtextextended(:what, 0))")
    await session.execute(lock, {"what": what})


# --- feeds ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Feed:
    """A calendar that somebody has made.

    Args:
        room: its integer id, CUID and name; None: the calendar of the person.
    """

    id: str
    user_id: str
    user_name: str
    room: tuple[int, str, str] | None
    created_at: datetime


class Feeds:
    """Calendars, each opened by a token of which only the hash is here."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, values: Values, *, most: int) -> bool:
        """Store a feed; False if its maker has the most already."""
        mine = feeds.c.user_id == values["user_id"]
        await _only_one(self._session, f"bookings/feeds/{values['user_id']}")
        count = await self._session.scalar(select(func.count()).select_from(feeds).where(mine))
        if int(count or 0) >= most:
            return False
        await self._session.execute(insert(feeds).values(values))
        return True

    async def of_person(self, user_id: str) -> list[Feed]:
        """List somebody's feeds, newest first."""
        return await self._find(feeds.c.user_id == user_id)

    async def get(self, feed_id: str) -> Feed | None:
        """Find a feed."""
        return next(iter(await self._find(feeds.c.id == feed_id)), None)

    async def opened_by(self, token_hash: bytes) -> Feed | None:
        """Find the feed that a token opens, unless its maker's account is disabled."""
        found = await self._find(and_(feeds.c.token_hash == token_hash, users.c.is_active))
        return next(iter(found), None)

    async def remove(self, user_id: str, feed_id: str) -> bool:
        """Delete a feed of somebody; False if they have none with this id."""
        gone = delete(feeds).where(feeds.c.id == feed_id, feeds.c.user_id == user_id)
        return await self._session.scalar(gone.returning(feeds.c.id)) is not None

    async def entries(self, feed: Feed, now: datetime, most: int) -> list[Entry]:
        """List the bookings of a feed, by start: those in its window that are alive or were lately.

        Args:
            most: so many, those that end last.
        """
        shown = window(now)
        columns = bookings.c
        alive = and_(columns.overridden_by.is_(None), columns.status.in_(_ALIVE))
        whose = (
            columns.room_id == feed.room[0]
            if feed.room
            else or_(
                columns.organizer_id == feed.user_id,
                columns.attendee_ids.contains([feed.user_id]),
            )
        )
        found = (
            select(
                bookings,
                alive.label("alive"),
                rooms.c.name.label("room_name"),
                rooms.c.building,
                rooms.c.timezone,
                users.c.name.label("organizer_name"),
                users.c.email.label("organizer_email"),
            )
            .select_from(bookings.join(rooms).join(users, users.c.id == columns.organizer_id))
            .where(
                whose,
                columns.starts_at >= shown.start,
                columns.starts_at < shown.end,
                or_(alive, columns.changed_at > now - CANCELLED_FOR),
            )
            .order_by(columns.starts_at.desc(), columns.id.desc())
            .limit(most)
        )
        rows = (await self._session.execute(found)).all()
        # What is said in confidence to those who meet is not for everybody who sees the room.
        return [_entry(row, with_description=feed.room is None) for row in reversed(rows)]

    async def _find(self, condition: ColumnElement[bool]) -> list[Feed]:
        found = (
            select(
                feeds,
                users.c.name.label("user_name"),
                rooms.c.cuid.label("room_cuid"),
                rooms.c.name.label("room_name"),
            )
            .select_from(feeds.join(users).outerjoin(rooms))
            .where(condition)
            .order_by(feeds.c.created_at.desc(), feeds.c.id.desc())
        )
        return [
            Feed(
                id=row.id,
                user_id=row.user_id,
                user_name=row.user_name,
                room=(row.room_id, row.room_cuid, row.room_name) if row.room_id else None,
                created_at=row.created_at,
            )
            for row in await self._session.execute(found)
        ]


def _entry(row: Any, *, with_description: bool) -> Entry:  # noqa: ANN401 - a row
    status: EntryStatus = "CANCELLED"
    if row.alive:
        status = "TENTATIVE" if row.status == Status.PENDING else "CONFIRMED"
    return Entry(
        id=row.id,
        version=row.version,
        title=row.title,
        description=row.description if with_description else None,
        location=f"{row.room_name}, {row.building}",
        organizer_name=row.organizer_name,
        organizer_email=row.organizer_email,
        period=Period(row.starts_at, row.ends_at),
        timezone=row.timezone,
        status=status,
        series_id=row.series_id,
        created_at=row.created_at,
        changed_at=row.changed_at,
    )


# --- webhooks -------------------------------------------------------------------------------------


class Webhooks:
    """Who wants to be told of bookings, and where."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, values: Values, *, most: int) -> Values | None:
        """Store a webhook; None if there are the most already."""
        await _only_one(self._session, "bookings/webhooks")
        count = await self._session.scalar(select(func.count()).select_from(webhooks))
        if int(count or 0) >= most:
            return None
        added = insert(webhooks).values(values).returning(webhooks)
        return dict((await self._session.execute(added)).mappings().one())

    async def find(self) -> list[Values]:
        """List all of them, newest first."""
        found = select(webhooks).order_by(webhooks.c.created_at.desc(), webhooks.c.id.desc())
        return [dict(row) for row in (await self._session.execute(found)).mappings()]

    async def get(self, webhook_id: str) -> Values | None:
        """Find one."""
        found = select(webhooks).where(webhooks.c.id == webhook_id)
        row = (await self._session.execute(found)).mappings().first()
        return dict(row) if row else None

    async def change(self, webhook_id: str, values: Values) -> Values | None:
        """Change one; None if there is none."""
        changed = update(webhooks).where(webhooks.c.id == webhook_id).values(values)
        row = (await self._session.execute(changed.returning(webhooks))).mappings().first()
        return dict(row) if row else None

    async def remove(self, webhook_id: str) -> bool:
        """Delete one and what was to be sent to it; False if there is none."""
        gone = delete(webhooks).where(webhooks.c.id == webhook_id).returning(webhooks.c.id)
        if await self._session.scalar(gone) is None:
            return False
        of_it = webhook_deliveries.c.webhook_id == webhook_id
        await self._session.execute(delete(webhook_deliveries).where(of_it))
        return True

    async def well(self, webhook_id: str) -> None:
        """Note that a webhook has taken a message."""
        failing = and_(webhooks.c.id == webhook_id, webhooks.c.failing_since.is_not(None))
        await self._session.execute(update(webhooks).where(failing).values(failing_since=None))

    async def failed(self, webhook_id: str, reason: str, *, off_after: timedelta) -> Values | None:
        """Note that a webhook has not taken a message.

        Returns:
            the webhook, if it has failed for so long that it was switched off by this.
        """
        columns = webhooks.c
        since = func.coalesce(columns.failing_since, _now)
        changed = update(webhooks).where(columns.id == webhook_id).values(failing_since=since)
        await self._session.execute(changed)
        too_long = and_(columns.id == webhook_id, columns.active)
        off = update(webhooks).where(too_long, columns.failing_since < _now - off_after)
        off = off.values(active=False, off_reason=reason).returning(webhooks)
        row = (await self._session.execute(off)).mappings().first()
        return dict(row) if row else None


@dataclass(frozen=True, slots=True)
class Told:
    """A booking's event, as it goes to webhooks.

    Args:
        event: what was done, as webhooks call it.
        body: the CloudEvent as it stands on the topic.
    """

    event_id: str
    booking_id: str
    event: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A delivery that is ours to try, for as long as nobody else has claimed it.

    Args:
        attempts: with this one.
        first_attempt_at, now: by the database's clock.
        secret: sealed.
    """

    id: int
    claim: int
    webhook_id: str
    queue: str
    url: str
    secret: bytes
    event_id: str
    event: str
    body: bytes
    attempts: int
    first_attempt_at: datetime
    now: datetime


class Deliveries:
    """What is to be sent to webhooks, and what became of it."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def queue(self, told: Sequence[Told]) -> None:
        """Store a delivery of each event for each webhook that wants it, in the caller's change."""
        if not told:
            return

        def column(values: list[Any], kind: Any) -> ColumnElement[Any]:  # noqa: ANN401
            return cast(literal(values, ARRAY(kind)), ARRAY(kind))

        events = (
            func.unnest(
                column([one.event_id for one in told], Text),
                column([one.booking_id for one in told], Text),
                column([one.event for one in told], Text),
                column([one.body for one in told], LargeBinary),
            )
            .table_valued("event_id", "booking_id", "event", "body", name="told")
            .render_derived()
        )
        wanted = or_(webhooks.c.events.is_(None), events.c.event == func.any(webhooks.c.events))
        chosen = select(
            webhooks.c.id,
            events.c.event_id,
            events.c.booking_id,
            events.c.event,
            events.c.body,
        ).where(webhooks.c.active, wanted)
        into = ["webhook_id", "event_id", "booking_id", "event", "body"]
        await self._session.execute(insert(webhook_deliveries).from_select(into, chosen))

    async def claim(self, busy: Sequence[str], most: int) -> list[Attempt]:
        """Take what is due, up to so much of each active webhook but the busy ones.

        Of one booking's deliveries to a webhook only the oldest that waits is due.
        """
        columns, older = webhook_deliveries.c, webhook_deliveries.alias("older")
        # Row by row, by the index that is made for it, whatever old statistics say: not «no older
        # one exists», which becomes a join of everything, nor the plain id, found by a walk
        # through the primary key.
        oldest = (
            select(func.min(older.c.id + 0))
            .where(older.c.queue == columns.queue, older.c.state == _PENDING)
            .correlate(webhook_deliveries)
            .scalar_subquery()
        )
        due = (
            select(columns.id)
            .where(
                columns.webhook_id == webhooks.c.id,
                columns.state == _PENDING,
                columns.due_at <= _now,
                columns.id == oldest,
            )
            .order_by(columns.due_at, columns.id)
            .limit(most)
            .with_for_update(of=webhook_deliveries, skip_locked=True)
            .lateral("due")
        )
        free = and_(webhooks.c.active, webhooks.c.id.not_in(busy))
        # Apart, so that it is asked once, whatever the plan.
        both = webhooks.join(due, literal(True))
        ours = select(due.c.id).select_from(both).where(free).cte("ours")
        taken = (
            update(webhook_deliveries)
            .where(columns.id == ours.c.id, columns.webhook_id == webhooks.c.id)
            .values(
                claims=columns.claims + 1,
                attempts=columns.attempts + 1,
                due_at=_now + _LEASE,
                first_attempt_at=func.coalesce(columns.first_attempt_at, _now),
                last_attempt_at=_now,
            )
            .returning(
                columns.id,
                columns.claims.label("claim"),
                columns.webhook_id,
                columns.queue,
                webhooks.c.url,
                webhooks.c.secret,
                columns.event_id,
                columns.event,
                columns.body,
                columns.attempts,
                columns.first_attempt_at,
                _now.label("now"),
            )
        )
        rows = (await self._session.execute(taken)).mappings()
        return sorted((Attempt(**row) for row in rows), key=lambda one: one.id)

    async def settle(
        self, attempt: Attempt, values: Values, *, again_in_s: float | None = None
    ) -> bool:
        """Write what became of an attempt; False if it was not ours any more.

        Args:
            again_in_s: when to try again; None: not by itself.
        """
        ours = and_(
            webhook_deliveries.c.id == attempt.id, webhook_deliveries.c.claims == attempt.claim
        )
        due = _now if again_in_s is None else _now + timedelta(seconds=again_in_s)
        columns = webhook_deliveries.c
        settled = update(webhook_deliveries).where(ours).values({**values, "due_at": due})
        if await self._session.scalar(settled.returning(columns.id)) is None:
            return False
        # What has to wait for this one is not looked at before: a receiver that is away for days
        # would have the whole of it looked through at every turn.
        later = update(webhook_deliveries).where(
            columns.queue == attempt.queue,
            columns.state == _PENDING,
            columns.id > attempt.id,
        )
        await self._session.execute(later.values(due_at=due))
        return True

    async def replay(
        self,
        webhook_id: str,
        *,
        since: datetime | None,
        until: datetime | None,
        ids: Sequence[int] | None,
    ) -> int:
        """Send deliveries again from the first attempt on, whatever became of them.

        Returns:
            how many there are.
        """
        columns = webhook_deliveries.c
        chosen: list[ColumnElement[bool]] = [columns.webhook_id == webhook_id]
        if since is not None:
            chosen.append(columns.created_at >= since)
        if until is not None:
            chosen.append(columns.created_at < until)
        if ids is not None:
            chosen.append(columns.id.in_(ids))
        again = (
            update(webhook_deliveries)
            .where(*chosen)
            .values(
                state="pending",
                claims=columns.claims + 1,
                attempts=0,
                due_at=_now,
                first_attempt_at=None,
            )
        )
        rows = await self._session.execute(again.returning(columns.id))
        return len(rows.all())

    async def hasten(self, webhook_id: str) -> None:
        """Try at once what waits for a webhook that has been mended."""
        waits = and_(
            webhook_deliveries.c.webhook_id == webhook_id, webhook_deliveries.c.state == _PENDING
        )
        await self._session.execute(update(webhook_deliveries).where(waits).values(due_at=_now))

    async def count(self, webhook_id: str) -> int:
        """Count the deliveries of a webhook."""
        of_it = webhook_deliveries.c.webhook_id == webhook_id
        counted = select(func.count()).select_from(webhook_deliveries).where(of_it)
        return int(await self._session.scalar(counted) or 0)

    async def find(self, webhook_id: str, part: Slice) -> list[Values]:
        """List a part of the deliveries of a webhook, newest first."""
        columns = [one for one in webhook_deliveries.c if one.name not in {"body", "queue"}]
        found = select(*columns).where(webhook_deliveries.c.webhook_id == webhook_id)
        found = found.order_by(webhook_deliveries.c.id.desc())
        rows = await self._session.execute(found.offset(part.offset).limit(part.limit))
        return [dict(row) for row in rows.mappings()]

    async def purge(self, keep: timedelta) -> None:
        """Forget what is older."""
        old = webhook_deliveries.c.created_at < _now - keep
        await self._session.execute(delete(webhook_deliveries).where(old))


# --- mail -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A notification that is ours to mail, for as long as nobody else has claimed it.

    Args:
        attempts: with this one; nobody else's is the same.
        email: None: nobody is there to get it.
    """

    id: str
    attempts: int
    name: str | None
    email: str | None
    title: str
    message: str
    metadata: Values
    created_at: datetime


class Mail:
    """Notifications on their way to people's mailboxes."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def claim(self, most: int, *, not_older_than: timedelta) -> list[Letter]:
        """Take what is due, oldest first; what has waited for too long is given up."""
        columns = notifications.c
        too_old = and_(
            columns.mail_due_at <= _now,
            columns.mail_due_at.is_not(None),
            columns.created_at < _now - not_older_than,
        )
        await self._session.execute(update(notifications).where(too_old).values(mail_due_at=None))
        due = (
            select(columns.id)
            .where(columns.mail_due_at <= _now)
            .order_by(columns.mail_due_at)
            .limit(most)
            .with_for_update(skip_locked=True)
            .cte("due")
        )
        taken = (
            update(notifications)
            .where(columns.id == due.c.id)
            .values(mail_due_at=_now + _LEASE, mail_attempts=columns.mail_attempts + 1)
            .returning(notifications)
        )
        rows = {row.id: row for row in await self._session.execute(taken)}
        wanted = select(users.c.id, users.c.name, users.c.email).where(
            users.c.id.in_([row.user_id for row in rows.values()]), users.c.is_active
        )
        people = {row.id: row for row in await self._session.execute(wanted)} if rows else {}
        return [_letter(rows[key], people.get(rows[key].user_id)) for key in sorted(rows)]

    async def settle(self, letter: Letter, *, sent: bool, again_in_s: float | None = None) -> None:
        """Write what became of a letter.

        Args:
            again_in_s: when to try again; None: never.
        """
        ours = and_(
            notifications.c.id == letter.id, notifications.c.mail_attempts == letter.attempts
        )
        due = None if again_in_s is None else _now + timedelta(seconds=again_in_s)
        values = {"mail_due_at": due, **({"mailed_at": _now} if sent else {})}
        await self._session.execute(update(notifications).where(ours).values(values))


def _letter(row: Any, person: Any) -> Letter:  # noqa: ANN401 - rows
    return Letter(
        id=row.id,
        attempts=row.mail_attempts,
        name=person.name if person else None,
        email=(person.email or None) if person else None,
        title=row.title,
        message=row.message,
        metadata=row.metadata,
        created_at=row.created_at,
    )
