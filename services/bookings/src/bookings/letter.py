"""Writes a notification as an e-mail, and reads where mail is handed over. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any, Final
from urllib.parse import unquote, urlsplit

# Seven bits, which every server on the way takes.
_FORM: Final = SMTP.clone(cte_type="7bit")
_TLS_PORT: Final = 465
_SUBMISSION_PORT: Final = 587
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class NoAddress(ValueError):
    """Mail cannot go there or come from there."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed over.

    Args:
        tls: from the first byte; else by STARTTLS, which a password needs.
    """

    host: str
    port: int
    tls: bool
    user: str | None
    password: str | None

    @classmethod
    def parse(cls, url: str) -> "MailServer":
        """Read ``smtp(s)://user:password@host:port``.

        Raises:
            ValueError: it is not that.
        """
        parts = urlsplit(url)
        if (
            parts.scheme not in {"smtp", "smtps"}
            or not parts.hostname
            or parts.path not in {"", "/"}
        ):
            raise ValueError("use smtp://user:password@host:port, or smtps://")
        tls = parts.scheme == "smtps"
        return cls(
            host=parts.hostname,
            port=parts.port or (_TLS_PORT if tls else _SUBMISSION_PORT),
            tls=tls,
            user=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
        )

    @property
    def start_tls(self) -> bool | None:
        """True: must be; None: if the server offers it."""
        if self.tls:
            return False
        return True if self.user is not None and self.host not in _LOOPBACK else None


def sender(text: str) -> Address:
    """Read who mail is from: ``Atrium <atrium@example.org>`` or the address alone.

    Raises:
        NoAddress
    """
    name, bracket, rest = text.rpartition("<")
    return _address(name.strip().strip('"'), rest.removesuffix(">") if bracket else text.strip())


def write(
    *,
    notification_id: str,
    to: tuple[str, str],
    title: str,
    message: str,
    metadata: Mapping[str, Any],
    created_at: datetime,
    sent_by: Address,
) -> EmailMessage:
    """Write a notification as a message of plain text.

    Args:
        notification_id: the same notification has the same Message-ID, so that one which is sent
            twice can be known.
        to: name and address.

    Raises:
        NoAddress: the address is none.
    """
    letter = EmailMessage(policy=_FORM)
    letter["From"] = sent_by
    letter["To"] = _address(*to)
    letter["Subject"] = _one_line(title)
    letter["Date"] = created_at.astimezone(UTC)
    letter["Message-ID"] = f"<{notification_id}@{sent_by.domain}>"
    letter["Auto-Submitted"] = "auto-generated"
    details = {
        "Room": metadata.get("roomName"),
        "Start": metadata.get("startAt"),
        "End": metadata.get("endAt"),
        "Reason": metadata.get("reason"),
    }
    lines = [f"{label}: {_one_line(str(value))}" for label, value in details.items() if value]
    letter.set_content("\n".join([message, "", *lines]).rstrip() + "\n")
    return letter


def _address(name: str, address: str) -> Address:
    try:
        made = Address(display_name=_one_line(name), addr_spec=address)
        if not made.domain or not made.username or made.addr_spec != address:
            raise NoAddress("not an address")
    except (ValueError, MessageError, IndexError) as error:
        raise NoAddress("not an address") from error
    if not address.isprintable() or not made.domain.isascii():
        raise NoAddress("not an address")
    return made


def _one_line(text: str) -> str:
    """Bring a text into one line: what is in a header cannot begin another."""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())
