"""Notifications, from the database to a real SMTP server."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import default
from typing import Any

import asyncpg
import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope
from booking_people import person
from running_system import eventually

from bookings.letter import MailServer, sender
from bookings.mailing import Mailer
from bookings.repository.told import Notifications
from common.db import Database
from common.identity import Identity, Role
from common.ids import new_cuid
from common.tasks import end
from common.testing.plugin import TestDatabase


@dataclass
class Mailbox:
    """An SMTP server on loopback; `answer` is what it says to a message."""

    port: int = 0
    answer: str = "250 OK"
    refuse: str | None = None
    received: list[Any] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    refusals: int = 0
    passwords: list[bytes] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's
        self, _server: Any, _session: Any, envelope: Envelope, address: str, _options: Any
    ) -> str:
        if self.refuse:
            self.refusals += 1
            return self.refuse
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's
        self, _server: Any, _session: Any, envelope: Envelope
    ) -> str:
        if self.answer.startswith("250"):
            assert isinstance(envelope.content, bytes)
            self.received.append(message_from_bytes(envelope.content, policy=default))
            self.recipients += envelope.rcpt_tos
        else:
            self.refusals += 1
        return self.answer

    def authenticate(
        self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any
    ) -> AuthResult:
        self.passwords.append(data.password)
        return AuthResult(success=data.password == b"right", handled=False)


@asynccontextmanager
async def mailbox(*, auth: bool = False, port: int = 0) -> AsyncIterator[Mailbox]:
    box = Mailbox()
    options = {"authenticator": box.authenticate, "auth_require_tls": False} if auth else {}
    loop = asyncio.get_running_loop()
    protocols: list[SMTP] = []

    def protocol() -> SMTP:
        protocols.append(SMTP(box, hostname="mail.test", **options))
        return protocols[-1]

    server = await loop.create_server(protocol, "127.0.0.1", port)
    box.port = server.sockets[0].getsockname()[1]
    try:
        yield box
    finally:
        server.close()
        for one in protocols:
            if one.transport is not None:
                one.transport.close()
        # Closed in the next turn of the loop.
        await asyncio.sleep(0)


@pytest.fixture
async def box() -> AsyncIterator[Mailbox]:
    async with mailbox() as one:
        yield one


@pytest.fixture
async def sql(bookings_database: TestDatabase) -> AsyncIterator["asyncpg.Connection[Any]"]:
    connection = await asyncpg.connect(bookings_database.url)
    yield connection
    await connection.close()


@pytest.fixture
async def ada(database: Database) -> Identity:
    return await person(database, Role.FACULTY)


async def notify(database: Database, user_id: str | None, **changes: Any) -> str:
    note = {
        "id": new_cuid(),
        "user_id": user_id,
        "type": "BOOKING_APPROVED",
        "title": "تأیید شد",
        "message": "جلسه‌ی شما\nتأیید شد.",
        "metadata": {"roomName": "کتابخانه"},
        **changes,
    }
    async with database.sessions.begin() as session:
        await Notifications(session).add([note])
    return str(note["id"])


@asynccontextmanager
async def mailing(
    database: Database, port: int, *, replicas: int = 1, url: str = "smtp://127.0.0.1"
) -> AsyncIterator[None]:
    server = MailServer.parse(f"{url}:{port}")
    tasks = [
        asyncio.create_task(
            Mailer(database, server, sender("Atrium <a@mail.test>"), first_retry_s=0.05).run()
        )
        for _ in range(replicas)
    ]
    try:
        yield
    finally:
        ended = await end(*tasks, again_after_s=1)
        assert all(isinstance(one, asyncio.CancelledError) for one in ended), ended


async def settled(sql: "asyncpg.Connection[Any]") -> list[tuple[bool, int]]:
    """Wait until nothing is to be mailed; gives whether each was, and its attempts."""

    async def look() -> Any:
        return await sql.fetch("SELECT * FROM bookings.notifications ORDER BY id")

    rows = await eventually(look, lambda seen: all(row["mail_due_at"] is None for row in seen))
    return [(row["mailed_at"] is not None, row["mail_attempts"]) for row in rows]


async def test_a_notification_arrives_once(
    database: Database, ada: Identity, box: Mailbox, sql: "asyncpg.Connection[Any]"
) -> None:
    notification = await notify(database, ada.id)

    async with mailing(database, box.port):
        assert await settled(sql) == [(True, 1)]

    [letter] = box.received
    assert letter["Message-ID"] == f"<{notification}@mail.test>"
    assert letter["Subject"] == "تأیید شد"
    assert letter.get_content().replace("\r\n", "\n") == "جلسه‌ی شما\nتأیید شد.\n\nRoom: کتابخانه\n"
    assert box.recipients == [ada.email]


async def test_replicas_mail_nothing_twice(
    database: Database, ada: Identity, box: Mailbox, sql: "asyncpg.Connection[Any]"
) -> None:
    for _ in range(30):
        await notify(database, ada.id)

    async with mailing(database, box.port, replicas=3):
        assert await settled(sql) == [(True, 1)] * 30

    assert len({letter["Message-ID"] for letter in box.received}) == len(box.received) == 30


async def test_a_server_that_was_down_gets_it_later(
    database: Database, ada: Identity, sql: "asyncpg.Connection[Any]"
) -> None:
    async with mailbox() as gone:
        port = gone.port
    await notify(database, ada.id)

    async def attempts() -> Any:
        return await sql.fetchval("SELECT mail_attempts FROM bookings.notifications")

    async with mailing(database, port):
        await eventually(attempts, lambda seen: seen >= 2)
        async with mailbox(port=port) as box:
            [(mailed, tried)] = await settled(sql)

    assert (mailed, tried >= 2, len(box.received)) == (True, True, 1)


@pytest.mark.parametrize(
    ("answer", "refuse", "mailed"),
    [
        ("451 later", None, True),
        ("250 OK", "450 mailbox busy", True),
        ("554 spam", None, False),
        ("250 OK", "550 no such user", False),
    ],
)
async def test_what_is_refused_for_now_goes_later_and_what_is_refused_is_given_up(
    database: Database,
    ada: Identity,
    box: Mailbox,
    sql: "asyncpg.Connection[Any]",
    answer: str,
    refuse: str | None,
    mailed: bool,  # noqa: FBT001 - a case
) -> None:
    box.answer, box.refuse = answer, refuse
    await notify(database, ada.id)

    async def refusals() -> int:
        return box.refusals

    async with mailing(database, box.port):
        await eventually(refusals, lambda seen: seen >= (2 if mailed else 1))
        box.answer, box.refuse = "250 OK", None
        [(was_mailed, tried)] = await settled(sql)

    assert was_mailed is mailed
    assert (tried > 1) is mailed
    assert len(box.received) == (1 if mailed else 0)


async def test_one_who_cannot_be_reached_holds_up_nobody(
    database: Database, ada: Identity, box: Mailbox, sql: "asyncpg.Connection[Any]"
) -> None:
    stranger, hostile = "nobody", await person(database, Role.STUDENT)
    await sql.execute(
        "UPDATE bookings.users SET email = $1 WHERE id = $2",
        "x@y.z\r\nBcc: all@mail.test",
        hostile.id,
    )
    for user_id in (stranger, hostile.id, ada.id):
        await notify(database, user_id)

    async with mailing(database, box.port):
        states = await settled(sql)

    assert sorted(states) == [(False, 1), (False, 1), (True, 1)]
    assert box.recipients == [ada.email]


async def test_who_has_left_gets_no_mail_and_what_is_old_is_not_sent(
    database: Database, ada: Identity, box: Mailbox, sql: "asyncpg.Connection[Any]"
) -> None:
    gone = await person(database, Role.STUDENT)
    await sql.execute("UPDATE bookings.users SET is_active = false WHERE id = $1", gone.id)
    await notify(database, gone.id)
    old = await notify(database, ada.id)
    await sql.execute(
        "UPDATE bookings.notifications SET created_at = now() - interval '25 hours' WHERE id = $1",
        old,
    )

    async with mailing(database, box.port):
        states = await settled(sql)

    assert states == [(False, 1), (False, 0)]
    assert box.received == []


async def test_a_wrong_password_is_tried_again_and_stands_in_no_log(
    database: Database,
    ada: Identity,
    sql: "asyncpg.Connection[Any]",
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    await notify(database, ada.id)

    async def attempts() -> Any:
        return await sql.fetchval("SELECT mail_attempts FROM bookings.notifications")

    async with mailbox(auth=True) as box:
        async with mailing(database, box.port, url="smtp://ada:canary@127.0.0.1"):
            await eventually(attempts, lambda seen: seen >= 2)
        assert b"canary" in box.passwords
        # It may have been stopped with a claim in its hand.
        await sql.execute("UPDATE bookings.notifications SET mail_due_at = now()")
        async with mailing(database, box.port, url="smtp://ada:right@127.0.0.1"):
            [(mailed, _)] = await settled(sql)

    assert mailed
    ours = [record for record in caplog.records if record.name.startswith("bookings")]
    assert "mail server away" in {record.getMessage() for record in ours}
    assert not any("canary" in str(vars(record)) for record in ours)


async def test_a_password_is_not_shown_to_a_server_without_tls(
    database: Database,
    ada: Identity,
    sql: "asyncpg.Connection[Any]",
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # What is not this machine must offer STARTTLS; here it is this machine by another name.
    monkeypatch.setattr("bookings.letter._LOOPBACK", frozenset())
    await notify(database, ada.id)

    async def attempts() -> Any:
        return await sql.fetchval("SELECT mail_attempts FROM bookings.notifications")

    async with (
        mailbox(auth=True) as box,
        mailing(database, box.port, url="smtp://ada:right@127.0.0.1"),
    ):
        await eventually(attempts, lambda seen: seen >= 2)

    assert (box.passwords, box.received) == ([], [])
