"""Where webhooks may go, how they are signed, when they are tried again."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from ipaddress import ip_address

import pytest

from bookings.service.telling import Action
from bookings.webhook import (
    EVENT_OF,
    EVENTS,
    WrongUrl,
    check_url,
    may_be_called,
    networks_of,
    pause_s,
    retry_after_s,
    secret_bytes,
    secret_text,
    shown_answer,
    signature,
)
from common.sealing import CannotOpen, Seal

INSIDE = """
0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 100.127.255.254 127.0.0.1 127.255.255.254 169.254.169.254
172.16.0.1 172.31.255.255 192.0.0.1 192.0.2.1 192.168.0.1 198.18.0.1 198.51.100.1 203.0.113.1
224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255
:: ::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::127.0.0.1 fe80::1 fe80::1%1
fec0::1 fc00::1 fd00:ec2::254 ff02::1 ff0e::1 2001:db8::1 2002:7f00:1::1 2002:a00:1::1
64:ff9b::7f00:1 64:ff9b:1::1 2001::1 100::1 5f00::1
""".split()
OUTSIDE = "1.1.1.1 93.184.216.34 172.32.0.1 100.128.0.1 2606:4700::1111 ::ffff:1.1.1.1".split()


@pytest.mark.parametrize("address", INSIDE)
def test_nothing_goes_inside(address: str) -> None:
    assert not may_be_called(ip_address(address), ())


@pytest.mark.parametrize("address", OUTSIDE)
def test_the_internet_may_be_called(address: str) -> None:
    assert may_be_called(ip_address(address), ())


@pytest.mark.parametrize(
    ("address", "may"),
    [
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("10.2.0.0", False),
        ("127.0.0.1", False),
        ("fd00::1", True),
        ("1.1.1.1", True),
    ],
)
def test_networks_that_are_allowed(address: str, may: bool) -> None:  # noqa: FBT001 - a case
    assert may_be_called(ip_address(address), networks_of("10.1.0.0/16, fd00::/8")) is may


@pytest.mark.parametrize(
    "url",
    [
        "http://example.test/",
        "ftp://example.test/",
        "file:///etc/passwd",
        "gopher://example.test/",
        "//example.test/",
        "example.test",
        "https://",
        "https:///x",
        "https://user@example.test/",
        "https://user:password@example.test/",
        "https://:@example.test/",
        "https://example.test:0/",
        "https://example.test:65536/",
        "https://example.test:x/",
        "https://example.test/#x",
        "https://example.test\\@127.0.0.1/",
        "https://example.test/ x",
        "https://example.test/\r\nx: y",
        "https://exämple.test/",
        "https://example.test/" + "x" * 2000,
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[::1",
        "https://169.254.169.254/latest/meta-data",
    ],
)
def test_addresses_that_no_webhook_has(url: str) -> None:
    with pytest.raises(WrongUrl):
        check_url(url, allow_http=False, networks=())


@pytest.mark.parametrize(
    "url", ["https://example.test/x?y=z", "https://example.test:8443", "https://1.1.1.1/"]
)
def test_addresses_that_a_webhook_may_have(url: str) -> None:
    check_url(url, allow_http=False, networks=())


def test_signatures_are_those_of_standard_webhooks() -> None:
    # The example of the specification's reference libraries.
    secret = secret_bytes("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")

    signed = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')

    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert secret_text(secret) == "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_pauses_grow_to_six_hours_and_are_never_the_same() -> None:
    pauses = [pause_s(attempts, first_s=5.0) for attempts in range(1, 60)]

    assert 2.5 <= pauses[0] <= 5
    assert 22.5 <= pauses[3 - 1] <= 45
    assert all(3 * 3600 <= pause <= 6 * 3600 for pause in pauses[10:])
    assert len({pause_s(20, first_s=5.0) for _ in range(20)}) > 1
    assert pause_s(10_000, first_s=5.0) <= 6 * 3600


def test_what_the_receiver_asks_for_is_waited_for_but_not_for_ever() -> None:
    assert pause_s(1, first_s=5.0, retry_after_s=120) == 120
    assert pause_s(1, first_s=5.0, retry_after_s=1e9) == 24 * 3600
    assert pause_s(8, first_s=5.0, retry_after_s=1) > 1


NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("120", 120),
        (" 5 ", 5),
        ("-5", None),
        ("soon", None),
        ("9" * 400, 999_999_999),
        (format_datetime(NOW + timedelta(minutes=5), usegmt=True), 300),
        (format_datetime(NOW - timedelta(minutes=5), usegmt=True), 0),
        ("Sun, 99 Foo 2026 00:00:00 GMT", None),
    ],
    ids=lambda value: str(value)[:12],
)
def test_retry_after(header: str | None, seconds: float | None) -> None:
    assert retry_after_s(header, NOW) == seconds


def test_of_an_answer_little_is_kept_and_nothing_that_moves_a_cursor() -> None:
    assert shown_answer(b"no\r\n\x1b[2J" + b"x" * 500) == "no   [2J" + "x" * 192
    assert shown_answer(b"\xff\xfe") == "\ufffd\ufffd"


def test_whatever_is_done_with_a_booking_has_an_event() -> None:
    assert set(EVENT_OF) == set(Action.__args__)  # type: ignore[attr-defined] # of a Literal
    assert all(event.startswith("booking.") for event in EVENTS)


# --- sealing ----------------------------------------------------------------------------------

KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
OTHER = "HxwdHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA="


def test_what_is_sealed_opens_under_its_key_and_name_alone() -> None:
    sealed = Seal(KEY).close(b"secret", of="a")

    assert b"secret" not in sealed
    assert Seal(KEY).open(sealed, of="a") == b"secret"
    assert sealed != Seal(KEY).close(b"secret", of="a")
    for seal, name, text in (
        (Seal(OTHER), "a", sealed),
        (Seal(KEY), "b", sealed),
        (Seal(KEY), "a", sealed[:-1] + bytes([sealed[-1] ^ 1])),
        (Seal(KEY), "a", b"\x02" + sealed[1:]),
        (Seal(KEY), "a", b""),
    ):
        with pytest.raises(CannotOpen):
            seal.open(text, of=name)


def test_a_key_can_be_replaced() -> None:
    sealed = Seal(KEY).close(b"secret", of="a")
    both = Seal(f"{OTHER}, {KEY}")

    assert both.open(sealed, of="a") == b"secret"
    assert Seal(OTHER).open(both.close(b"new", of="a"), of="a") == b"new"


@pytest.mark.parametrize("text", ["", "x", "AAAA", KEY + "AAAA", f"{KEY},", "not base64!"])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="32 bytes in base64"):
        Seal(text)
