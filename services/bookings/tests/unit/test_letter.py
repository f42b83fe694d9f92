"""Notifications as e-mail: what is in them begins no header, and no Persian is lost."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest
from pydantic import ValidationError

from bookings.letter import MailServer, NoAddress, sender, write
from bookings.settings import Settings

AT = datetime(2026, 3, 1, 8, tzinfo=UTC)
FROM = sender("Atrium <atrium@example.test>")


def letter(**changes: Any) -> bytes:
    values: dict[str, Any] = {
        "notification_id": "c1",
        "to": ("Ada", "ada@example.test"),
        "title": "Booking Approved",
        "message": "Fine.",
        "metadata": {"roomName": "Library", "startAt": "2026-03-02T09:00:00Z", "reason": None},
        "created_at": AT,
        "sent_by": FROM,
    }
    return write(**{**values, **changes}).as_bytes()


def test_a_letter_in_whole() -> None:
    read = message_from_bytes(letter(), policy=default)

    assert dict(read.items()) == {
        "From": "Atrium <atrium@example.test>",
        "To": "Ada <ada@example.test>",
        "Subject": "Booking Approved",
        "Date": "Sun, 01 Mar 2026 08:00:00 +0000",
        "Message-ID": "<c1@example.test>",
        "Auto-Submitted": "auto-generated",
        "Content-Type": 'text/plain; charset="utf-8"',
        "Content-Transfer-Encoding": "7bit",
        "MIME-Version": "1.0",
    }
    text = read.get_content().replace("\r\n", "\n")
    assert text == "Fine.\n\nRoom: Library\nStart: 2026-03-02T09:00:00Z\n"


def test_persian_comes_through() -> None:
    name, title, text = "آدا", "درخواست تأیید شد", "جلسه‌ی هفتگی در کتابخانه\n" * 40

    read = message_from_bytes(
        letter(to=(name, "ada@example.test"), title=title, message=text), policy=default
    )

    assert read["Subject"] == title
    assert read["To"].addresses[0].display_name == name
    assert read.get_content().replace("\r\n", "\n").startswith(text.rstrip())
    assert letter(title=title, message=text).isascii()


HOSTILE = ["x\r\nBcc: all@example.test", "x\nBcc: a@b.c", "x\rBcc: a@b.c", "x\r\n\r\nbody", "\x00"]


@pytest.mark.parametrize("text", [*HOSTILE, "x\u2028Bcc: a@b.c", '"<x@y.z>', "x" * 5000], ids=ascii)
@pytest.mark.parametrize("field", ["title", "name"])
def test_no_text_begins_a_header(field: str, text: str) -> None:
    changes: dict[str, Any] = (
        {"title": text} if field == "title" else {"to": (text, "ada@example.test")}
    )

    read = message_from_bytes(letter(**changes), policy=default)

    assert sorted(read.keys()) == sorted(message_from_bytes(letter(), policy=default).keys())
    assert [one.addr_spec for one in read["To"].addresses] == ["ada@example.test"]


@pytest.mark.parametrize(
    "address",
    ["", "x", "@example.test", "ada@", "a@b.c\r\nBcc: d@e.f", "a@b.c, d@e.f", "a b@c.d", "<a@b.c>"],
    ids=ascii,
)
def test_what_is_no_address_gets_nothing(address: str) -> None:
    with pytest.raises(NoAddress):
        letter(to=("Ada", address))


@pytest.mark.parametrize(
    ("url", "server", "start_tls"),
    [
        ("smtp://mail.test", MailServer("mail.test", 587, False, None, None), None),
        ("smtps://mail.test", MailServer("mail.test", 465, True, None, None), False),
        ("smtp://u:p%40%3A@mail.test:25", MailServer("mail.test", 25, False, "u", "p@:"), True),
        ("smtp://u:p@127.0.0.1:25/", MailServer("127.0.0.1", 25, False, "u", "p"), None),
    ],
    ids=["plain", "tls", "password", "password at home"],
)
def test_a_mail_server_s_address(url: str, server: MailServer, start_tls: object) -> None:
    assert MailServer.parse(url) == server
    assert server.start_tls is start_tls


# --- settings -------------------------------------------------------------------------------------

NEEDED = {
    "port": 0,
    "database_url": "postgresql://x/x",
    "ATRIUM_IDENTITY_PUBLIC_KEYS": "",
}


@pytest.mark.parametrize(
    "wrong",
    [
        {"secrets_key": "canary"},
        {"secrets_key": "Y2FuYXJ5"},
        {"webhook_allowed_networks": "10.0.0.1/8"},
        {"webhook_allowed_networks": "everywhere"},
        {"webhook_deadline_s": 0},
        {"webhook_deadline_s": 60},
        {"retry_first_s": 0},
        {"smtp_url": "http://mail.test", "mail_from": "a@b.c"},
        {"smtp_url": "smtp://", "mail_from": "a@b.c"},
        {"smtp_url": "smtp://u:canary@mail.test"},
        {"smtp_url": "smtp://mail.test", "mail_from": ""},
        {"smtp_url": "smtp://mail.test", "mail_from": "nobody"},
    ],
    ids=str,
)
def test_wrong_settings_are_refused_by_name_without_secrets(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(**NEEDED, **wrong)

    [finding] = refused.value.errors(include_input=False)
    assert len(finding["loc"]) == 1
    assert "canary" not in finding["msg"]


def test_without_settings_nothing_is_sent_and_an_empty_text_is_none() -> None:
    settings = Settings(**NEEDED, secrets_key="", smtp_url="")

    assert (settings.secrets_key, settings.smtp_url) == (None, None)
