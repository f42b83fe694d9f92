"""Webhooks, from the booking to a real receiver, over a real database."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from receiver import Message, Receiver, Reply, receiving
from running_system import eventually
from sqlalchemy import text

from bookings.domain import Period
from bookings.outbound import Outbound, Reach
from bookings.repository.outward import Deliveries
from bookings.sending import Sender
from bookings.service import booking as bookings
from bookings.service import webhooks
from bookings.service.booking import Change, NewBooking
from bookings.settings import Settings
from bookings.webhook import networks_of, secret_bytes
from common.db import Database
from common.identity import Identity
from common.sealing import Seal
from common.tasks import end
from common.testing.plugin import TestDatabase

SEAL = Seal("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
REACH = Reach(allow_http=True, networks=networks_of("127.0.0.1/32"))
HOUR = timedelta(hours=1)
# On a machine that is busy no attempt fails for its slowness: this is longer than a test.
LONGEST_DEADLINE_S = Settings.model_json_schema()["properties"]["webhook_deadline_s"]["maximum"]
START = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + 24 * HOUR

Book = Callable[[int], Awaitable[str]]


@pytest.fixture
async def sql(bookings_database: TestDatabase) -> AsyncIterator["asyncpg.Connection[Any]"]:
    connection = await asyncpg.connect(bookings_database.url)
    yield connection
    await connection.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as one:
        yield one


@pytest.fixture
def book(database: Database, room: str, admin: Identity) -> Book:
    """Books the room for an hour; gives the booking's id."""

    async def book(hour: int) -> str:
        period = Period(START + hour * HOUR, START + (hour + 1) * HOUR)
        new = NewBooking(room_id=room, title="Planning", description=None, period=period)
        async with database.sessions.begin() as session:
            made = await bookings.book(session, admin, new)
        return made.bookings[0].id

    return book


async def subscribe(
    database: Database, admin: Identity, url: str, events: list[str] | None = None
) -> tuple[str, str]:
    """Make a webhook; gives its id and secret."""
    async with database.sessions.begin() as session:
        made, secret = await webhooks.make(
            session, admin, url=url, events=events, seal=SEAL, reach=REACH
        )
    return made["id"], secret


@asynccontextmanager
async def sending(
    database: Database,
    *,
    replicas: int = 1,
    first_retry_s: float = 0.05,
    deadline_s: float = LONGEST_DEADLINE_S,
    seal: Seal = SEAL,
) -> AsyncIterator[None]:
    senders = [
        Sender(database, seal, Outbound(REACH, deadline_s=deadline_s), first_retry_s=first_retry_s)
        for _ in range(replicas)
    ]
    tasks = [asyncio.create_task(sender.run()) for sender in senders]
    try:
        yield
    finally:
        ended = await end(*tasks, again_after_s=1)
        assert all(isinstance(one, asyncio.CancelledError) for one in ended), ended


async def delivered(sql: "asyncpg.Connection[Any]", count: int) -> None:
    async def look() -> Any:
        question = "SELECT count(*) FROM bookings.webhook_deliveries WHERE state = 'delivered'"
        return await sql.fetchval(question)

    await eventually(look, lambda seen: seen == count)


def versions(received: list[Message], booking_id: str) -> list[int]:
    events = [message.event["data"] for message in received]
    return [event["version"] for event in events if event["id"] == booking_id]


async def test_what_arrives_is_the_event_of_the_topic_signed(
    database: Database,
    admin: Identity,
    book: Book,
    receiver: Receiver,
    sql: "asyncpg.Connection[Any]",
) -> None:
    webhook_id, secret = await subscribe(database, admin, receiver.url)
    booking_id = await book(0)

    async with sending(database):
        await delivered(sql, 1)

    [message] = receiver.received
    assert message.body == await sql.fetchval("SELECT payload FROM bookings.outbox")
    assert message.is_signed_by(secret)
    assert not message.is_signed_by("whsec_" + "A" * 43 + "=")
    assert message.headers["webhook-id"] == f"{booking_id}/1" == message.event["id"]
    sent_at = datetime.fromtimestamp(int(message.headers["webhook-timestamp"]), UTC)
    assert abs(sent_at - datetime.now(UTC)) < timedelta(seconds=30)
    assert message.headers["atrium-webhook"] == webhook_id
    assert message.headers["atrium-event"] == "booking.created"


async def test_secrets_are_sealed_in_the_database(
    database: Database, admin: Identity, sql: "asyncpg.Connection[Any]"
) -> None:
    webhook_id, secret = await subscribe(database, admin, "http://127.0.0.1:1/")

    stored = await sql.fetchval("SELECT secret FROM bookings.webhooks")

    assert secret_bytes(secret) not in stored
    assert secret.encode() not in stored
    assert SEAL.open(stored, of=webhook_id) == secret_bytes(secret)


async def test_a_booking_that_is_undone_tells_nobody(
    database: Database,
    room: str,
    admin: Identity,
    receiver: Receiver,
    sql: "asyncpg.Connection[Any]",
) -> None:
    await subscribe(database, admin, receiver.url)
    new = NewBooking(room_id=room, title="x", description=None, period=Period(START, START + HOUR))

    async with database.sessions() as session:
        # As with an Idempotency-Key; without one, a booking is a transaction of its own.
        await session.execute(text("SELECT 1"))
        await bookings.book(session, admin, new)
        await session.rollback()

    assert await sql.fetchval("SELECT count(*) FROM bookings.webhook_deliveries") == 0


async def test_only_what_was_asked_for_and_only_while_it_is_on(
    database: Database,
    admin: Identity,
    book: Book,
    receiver: Receiver,
    sql: "asyncpg.Connection[Any]",
) -> None:
    await subscribe(database, admin, receiver.url, ["booking.cancelled"])
    off_id, _ = await subscribe(database, admin, receiver.url)
    async with database.sessions.begin() as session:
        await webhooks.change(session, admin, off_id, {"active": False}, REACH)

    booking_id = await book(0)
    async with database.sessions.begin() as session:
        await bookings.cancel(session, admin, booking_id)

    rows = await sql.fetch("SELECT event FROM bookings.webhook_deliveries")
    assert [row["event"] for row in rows] == ["booking.cancelled"]


@pytest.mark.parametrize(
    "first",
    [
        Reply(500, body=b"no"),
        Reply(429),
        Reply(302, {"location": "http://127.0.0.1/"}),
        Reply(404),
        Reply(hangs=True),
        Reply(raw=b""),
    ],
    ids=["500", "429", "302", "404", "slow", "nothing"],
)
async def test_what_was_not_taken_is_sent_again_under_the_same_id(
    database: Database,
    admin: Identity,
    book: Book,
    receiver: Receiver,
    sql: "asyncpg.Connection[Any]",
    first: Reply,
) -> None:
    _, secret = await subscribe(database, admin, receiver.url)
    receiver.answer = lambda _: first if len(receiver.received) == 1 else Reply()
    await book(0)

    deadline_s = 2 if first.hangs else LONGEST_DEADLINE_S
    async with sending(database, deadline_s=deadline_s):
        await delivered(sql, 1)

    one, two = receiver.received
    assert one.headers["webhook-id"] == two.headers["webhook-id"]
    assert two.is_signed_by(secret)
    row = await sql.fetchrow("SELECT attempts, last_status FROM bookings.webhook_deliveries")
    assert tuple(row or ()) == (2, 204)


async def test_a_receiver_that_was_down_gets_everything_in_order(
    database: Database, admin: Identity, book: Book, sql: "asyncpg.Connection[Any]"
) -> None:
    async with receiving() as gone:
        port = gone.port
    await subscribe(database, admin, gone.url)
    changed = [await book(2 * hour) for hour in range(4)]
    async with sending(database):
        for title in ("second", "third"):
            for booking_id in changed:
                async with database.sessions.begin() as session:
                    await bookings.move(session, admin, booking_id, Change(texts={"title": title}))

        async def failed() -> Any:
            return await sql.fetchval("SELECT max(attempts) FROM bookings.webhook_deliveries")

        await eventually(failed, lambda seen: seen >= 2)
        async with receiving(port=port) as receiver:
            await delivered(sql, 12)

    for booking_id in changed:
        assert versions(receiver.received, booking_id) == [1, 2, 3]


async def test_one_booking_s_events_keep_their_order_though_each_fails_at_first(
    database: Database,
    admin: Identity,
    book: Book,
    receiver: Receiver,
    sql: "asyncpg.Connection[Any]",
) -> None:
    await subscribe(database, admin, receiver.url)
    seen: set[str] = set()

    def answer(message: Message) -> Reply:
        name = message.headers["webhook-id"]
        return Reply() if name in seen else (seen.add(name) or Reply(503))

    receiver.answer = answer
    booking_id = await book(0)
    for title in ("second", "third"):
        async with database.sessions.begin() as session:
            await bookings.move(session, admin, booking_id, Change(texts={"title": title}))

    async with sending(database, replicas=2):
        await delivered(sql, 3)

    assert versions(receiver.received, booking_id) == [1, 1, 2, 2, 3, 3]


async def test_replicas_share_the_work_and_send_nothing_twice(
    database: Database,
    admin: Identity,
    book: Book,
    receiver: Receiver,
    sql: "asyncpg.Connection[Any]",
) -> None:
    await subscribe(database, admin, receiver.url)
    for hour in range(40):
        await book(hour)

    async with sending(database, replicas=3):
        await delivered(sql, 40)

    assert len(receiver.received) == 40
    assert len({message.headers["webhook-id"] for message in receiver.received}) == 40


async def test_what_one_replica_is_taking_another_does_not_wait_for(
    database: Database, admin: Identity, book: Book, receiver: Receiver
) -> None:
    await subscribe(database, admin, receiver.url)
    await book(0)

    async with database.sessions.begin() as one, database.sessions.begin() as other:
        taken = await Deliveries(one).claim([], 10)
        async with asyncio.timeout(2):
            left = await Deliveries(other).claim([], 10)

    assert (len(taken), left) == (1, [])


async def test_a_claim_outlasts_the_longest_attempt(
    database: Database,
    admin: Identity,
    book: Book,
    receiver: Receiver,
    sql: "asyncpg.Connection[Any]",
) -> None:
    """Else another replica would send what one is still sending."""
    await subscribe(database, admin, receiver.url)
    await book(0)
    async with database.sessions.begin() as session:
        [taken] = await Deliveries(session).claim([], 10)

    # The end of the attempt.
    await sql.execute(
        "UPDATE bookings.webhook_deliveries SET due_at = due_at - $1::interval",
        timedelta(seconds=LONGEST_DEADLINE_S),
    )
    async with database.sessions.begin() as session:
        assert await Deliveries(session).claim([], 10) == []
        assert await Deliveries(session).settle(taken, {"state": "delivered"})


async def test_a_slow_receiver_holds_up_nobody_else(
    database: Database,
    admin: Identity,
    book: Book,
    receiver: Receiver,
    sql: "asyncpg.Connection[Any]",
) -> None:
    async with receiving() as slow:
        slow.answer = lambda _: Reply(hangs=True)
        await subscribe(database, admin, slow.url)
        await subscribe(database, admin, receiver.url)
        for hour in range(40):
            await book(hour)

        async with sending(database, first_retry_s=60):
            await delivered(sql, 40)

    assert len(receiver.received) == 40


async def test_what_a_killed_process_has_taken_is_sent_by_another(
    database: Database,
    admin: Identity,
    book: Book,
    receiver: Receiver,
    sql: "asyncpg.Connection[Any]",
) -> None:
    await subscribe(database, admin, receiver.url)
    await book(0)
    async with database.sessions.begin() as session:
        [lost] = await Deliveries(session).claim([], 10)
    async with database.sessions.begin() as session:
        assert await Deliveries(session).claim([], 10) == []

    # A minute later.
    await sql.execute("UPDATE bookings.webhook_deliveries SET due_at = now()")
    async with sending(database):
        await delivered(sql, 1)
    # The first was not dead after all.
    async with database.sessions.begin() as session:
        assert not await Deliveries(session).settle(lost, {"state": "failed"})

    assert len(receiver.received) == 1
    assert await sql.fetchval("SELECT state FROM bookings.webhook_deliveries") == "delivered"


async def test_retry_after_is_honoured(
    database: Database,
    admin: Identity,
    book: Book,
    receiver: Receiver,
    sql: "asyncpg.Connection[Any]",
) -> None:
    await subscribe(database, admin, receiver.url)
    receiver.answer = lambda _: Reply(503, {"retry-after": "1000"})
    await book(0)
    question = "SELECT extract(epoch FROM due_at - now()) FROM bookings.webhook_deliveries"

    async def wait_s() -> Any:
        return float(await sql.fetchval(question))

    async with sending(database):
        await eventually(wait_s, lambda seen: 900 < seen <= 1000)

    assert len(receiver.received) == 1


async def test_after_three_days_a_delivery_is_given_up_and_the_next_goes(
    database: Database,
    admin: Identity,
    book: Book,
    receiver: Receiver,
    sql: "asyncpg.Connection[Any]",
) -> None:
    await subscribe(database, admin, receiver.url)
    booking_id = await book(0)
    async with database.sessions.begin() as session:
        await bookings.cancel(session, admin, booking_id)
    receiver.answer = lambda message: Reply(500 if message.event["data"]["version"] == 1 else 204)
    await sql.execute(
        "UPDATE bookings.webhook_deliveries SET first_attempt_at = now() - interval '3 days'"
        " WHERE event = 'booking.created'"
    )

    async with sending(database):
        await delivered(sql, 1)

    assert versions(receiver.received, booking_id) == [1, 2]
    rows = await sql.fetch("SELECT state FROM bookings.webhook_deliveries ORDER BY id")
    assert [row["state"] for row in rows] == ["failed", "delivered"]


async def test_what_fails_for_five_days_is_switched_off_and_its_maker_told(
    database: Database,
    admin: Identity,
    book: Book,
    receiver: Receiver,
    sql: "asyncpg.Connection[Any]",
) -> None:
    webhook_id, _ = await subscribe(database, admin, receiver.url)
    receiver.answer = lambda _: Reply(500, body=b"out of order")
    await sql.execute(
        "UPDATE bookings.webhooks SET failing_since = now() - interval '5 days 1 second'"
    )
    await book(0)

    async def is_active() -> Any:
        return await sql.fetchval("SELECT active FROM bookings.webhooks")

    async with sending(database):
        await eventually(is_active, lambda seen: seen is False)
        await book(1)

    told = await sql.fetch("SELECT * FROM bookings.notifications")
    assert [(row["user_id"], row["type"]) for row in told] == [(admin.id, "WEBHOOK_SWITCHED_OFF")]
    assert receiver.url not in str(dict(told[0]))
    action = "SELECT actor_user_id FROM bookings.audit WHERE action_type = 'WEBHOOK_SWITCHED_OFF'"
    assert [row[0] for row in await sql.fetch(action)] == [None]
    assert await sql.fetchval("SELECT count(*) FROM bookings.webhook_deliveries") == 1

    # Switched on again it has five days anew, and what waited goes out.
    receiver.answer = lambda _: Reply()
    async with database.sessions.begin() as session:
        changed = await webhooks.change(session, admin, webhook_id, {"active": True}, REACH)
    assert (changed["failing_since"], changed["off_reason"]) == (None, None)
    async with sending(database):
        await delivered(sql, 1)


async def test_one_success_begins_the_five_days_anew(
    database: Database,
    admin: Identity,
    book: Book,
    receiver: Receiver,
    sql: "asyncpg.Connection[Any]",
) -> None:
    await subscribe(database, admin, receiver.url)
    await sql.execute("UPDATE bookings.webhooks SET failing_since = now() - interval '9 days'")
    await book(0)

    async with sending(database):
        await delivered(sql, 1)

    assert await sql.fetchval("SELECT failing_since FROM bookings.webhooks") is None


async def test_a_secret_of_another_key_is_said_and_not_used(
    database: Database,
    admin: Identity,
    book: Book,
    receiver: Receiver,
    sql: "asyncpg.Connection[Any]",
) -> None:
    await subscribe(database, admin, receiver.url)
    await book(0)

    async def said() -> Any:
        return await sql.fetchval("SELECT last_answer FROM bookings.webhook_deliveries")

    other = Seal("HxwdHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=")
    async with sending(database, seal=other):
        await eventually(said, lambda seen: "BOOKINGS_SECRETS_KEY" in (seen or ""))

    assert receiver.received == []


async def test_a_webhook_that_is_deleted_while_somebody_books_breaks_no_booking(
    database: Database,
    room: str,
    admin: Identity,
    receiver: Receiver,
    sql: "asyncpg.Connection[Any]",
) -> None:
    webhook_id, _ = await subscribe(database, admin, receiver.url)
    new = NewBooking(room_id=room, title="x", description=None, period=Period(START, START + HOUR))

    async with database.sessions.begin() as booking_it:
        await bookings.book(booking_it, admin, new)
        async with database.sessions.begin() as deleting_it:
            await webhooks.remove(deleting_it, admin, webhook_id)

    async with database.sessions.begin() as session:
        assert await Deliveries(session).claim([], 10) == []


async def test_what_waits_for_another_is_not_looked_at_before_and_goes_right_after(
    database: Database,
    admin: Identity,
    book: Book,
    receiver: Receiver,
    sql: "asyncpg.Connection[Any]",
) -> None:
    await subscribe(database, admin, receiver.url)
    booking_id = await book(0)
    async with database.sessions.begin() as session:
        await bookings.cancel(session, admin, booking_id)
    receiver.answer = lambda _: Reply(503, {"retry-after": "1000"})
    question = "SELECT count(*) FROM bookings.webhook_deliveries WHERE due_at > now() + '900 s'"

    async def waiting() -> Any:
        return await sql.fetchval(question)

    async with sending(database):
        await eventually(waiting, lambda seen: seen == 2)
        receiver.answer = lambda _: Reply()
        # Only the first of them: the second comes by itself.
        await sql.execute(
            "UPDATE bookings.webhook_deliveries SET due_at = now()"
            " WHERE id = (SELECT min(id) FROM bookings.webhook_deliveries)"
        )
        await delivered(sql, 2)

    assert versions(receiver.received, booking_id) == [1, 1, 2]


async def test_a_mended_webhook_gets_what_waits_at_once(
    database: Database,
    admin: Identity,
    book: Book,
    receiver: Receiver,
    sql: "asyncpg.Connection[Any]",
) -> None:
    async with receiving() as gone:
        pass
    webhook_id, _ = await subscribe(database, admin, gone.url)
    await book(0)

    async def attempts() -> Any:
        return await sql.fetchval(
            "SELECT count(*) FROM bookings.webhooks WHERE failing_since < now()"
        )

    async with sending(database, first_retry_s=3600):
        await eventually(attempts, lambda seen: seen == 1)
        async with database.sessions.begin() as session:
            await webhooks.change(session, admin, webhook_id, {"url": receiver.url}, REACH)
        await delivered(sql, 1)

    assert len(receiver.received) == 1


async def test_replay_sends_again_by_time_and_by_name(
    database: Database,
    admin: Identity,
    book: Book,
    receiver: Receiver,
    sql: "asyncpg.Connection[Any]",
) -> None:
    webhook_id, secret = await subscribe(database, admin, receiver.url)
    for hour in range(3):
        await book(hour)
    async with sending(database):
        await delivered(sql, 3)
        await sql.execute(
            "UPDATE bookings.webhook_deliveries SET created_at = created_at - interval '2 hours'"
            " WHERE id = (SELECT min(id) FROM bookings.webhook_deliveries)"
        )

        async def replay(**which: Any) -> int:
            chosen = {"since": None, "until": None, "ids": None, **which}
            async with database.sessions.begin() as session:
                return await webhooks.replay(session, admin, webhook_id, **chosen)

        an_hour_ago = datetime.now(UTC) - HOUR
        assert await replay(since=an_hour_ago) == 2
        await delivered(sql, 3)
        oldest = await sql.fetchval("SELECT min(id) FROM bookings.webhook_deliveries")
        assert await replay(ids=[oldest, 10**9]) == 1
        await delivered(sql, 3)
        assert await replay(since=an_hour_ago - 2 * HOUR, until=an_hour_ago) == 1
        await delivered(sql, 3)

    assert len(receiver.received) == 3 + 2 + 1 + 1
    assert all(message.is_signed_by(secret) for message in receiver.received)
