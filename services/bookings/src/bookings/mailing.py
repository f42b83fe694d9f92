"""Mails people their notifications, at least once. Any number of replicas may."""

import asyncio
import logging
import ssl
from datetime import timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from typing import Final

import aiosmtplib
from prometheus_client import Counter

from bookings import letter as writing
from bookings.letter import MailServer, NoAddress
from bookings.repository.outward import Letter, Mail
from bookings.webhook import pause_s
from common.db import UNAVAILABLE, Database, is_unavailable

_log = logging.getLogger(__name__)
_letters = Counter("mail_letters", "Notifications on their way to a mailbox.", ["outcome"])

LOOK_EVERY_S: Final = 1.0
# So few that all of them are through before a claim, a minute long, runs out.
AT_ONCE: Final = 5
_PATIENCE_S: Final = 10.0
GIVE_UP_AFTER: Final = timedelta(days=1)


class Mailer:
    """Claims notifications, hands them to a mail server, writes what became of them.

    Args:
        server: takes the mail.
        sent_by: who it is from.
        first_retry_s: the longest pause after the first failure.
    """

    def __init__(
        self, database: Database, server: MailServer, sent_by: Address, *, first_retry_s: float
    ) -> None:
        self._database = database
        self._server = server
        self._sent_by = sent_by
        self._first_retry_s = first_retry_s

    async def run(self) -> None:
        """Mail until cancelled; an outage of the database is waited out."""
        while True:
            mailed = 0
            try:
                mailed = await self.mail_some()
            except UNAVAILABLE as error:
                if not is_unavailable(error):
                    raise
                _log.warning("database away", extra={"reason": str(error)})
            if mailed < AT_ONCE:
                await asyncio.sleep(LOOK_EVERY_S)

    async def mail_some(self) -> int:
        """Mail what is due, a few; returns how many there were."""
        async with self._database.sessions.begin() as session:
            letters = await Mail(session).claim(AT_ONCE, not_older_than=GIVE_UP_AFTER)
        written: list[tuple[Letter, EmailMessage]] = []
        for one in letters:
            try:
                written.append((one, self._write(one)))
            except NoAddress:
                await self._settle(one, sent=False, again=False)
        if written:
            await self._hand_over(written)
        return len(letters)

    def _write(self, one: Letter) -> EmailMessage:
        if one.email is None:
            raise NoAddress("nobody has this account any more")
        return writing.write(
            notification_id=one.id,
            to=(one.name or "", one.email),
            title=one.title,
            message=one.message,
            metadata=one.metadata,
            created_at=one.created_at,
            sent_by=self._sent_by,
        )

    async def _hand_over(self, written: list[tuple[Letter, EmailMessage]]) -> None:
        server = self._server
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.user,
            password=server.password,
            use_tls=server.tls,
            start_tls=server.start_tls,
            timeout=_PATIENCE_S,
        )
        waiting = list(written)
        try:
            async with client:
                while waiting:
                    one, message = waiting[0]
                    sent, again = await _send(client, message)
                    await self._settle(one, sent=sent, again=again)
                    waiting.pop(0)
        except (aiosmtplib.SMTPException, ssl.SSLError) as error:
            # What a server answers may repeat what it was told: only the kind of error is logged.
            _log.warning("mail server away", extra={"reason": type(error).__name__})
            for one, _ in waiting:
                await self._settle(one, sent=False, again=True)

    async def _settle(self, one: Letter, *, sent: bool, again: bool) -> None:
        outcome = "sent" if sent else ("failed" if again else "given up")
        _letters.labels(outcome).inc()
        if not sent:
            extra = {"notification": one.id, "attempts": one.attempts, "outcome": outcome}
            _log.info("notification not mailed", extra=extra)
        pause = pause_s(one.attempts, first_s=self._first_retry_s) if again else None
        async with self._database.sessions.begin() as session:
            await Mail(session).settle(one, sent=sent, again_in_s=pause)


async def _send(client: aiosmtplib.SMTP, message: EmailMessage) -> tuple[bool, bool]:
    """Hand one message over.

    Returns:
        whether the server has it, and if not, whether to try again: not if it refuses for good
        (5xx) this person or this text. That it refuses us is for the operator to mend.

    Raises:
        SMTPException: the server is not to be spoken with.
    """
    try:
        await client.send_message(message)
    except aiosmtplib.SMTPRecipientsRefused as error:
        return False, any(one.code < 500 for one in error.recipients)
    except aiosmtplib.SMTPDataError as error:
        return False, error.code < 500
    except aiosmtplib.SMTPNotSupported:
        return False, False
    except aiosmtplib.SMTPResponseException:
        return False, True
    return True, False
