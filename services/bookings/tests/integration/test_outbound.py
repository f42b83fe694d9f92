"""Messages go to addresses that were checked, and nowhere else, over real connections."""

import asyncio
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from receiver import Receiver, Reply, receiving

from bookings.outbound import Answer, NotSent, Outbound, Reach, Resolve
from bookings.webhook import networks_of

LOOPBACK = Reach(allow_http=True, networks=networks_of("127.0.0.1/32"))
NOBODY = Reach(allow_http=True)


async def post(
    url: str, reach: Reach, *, resolve: Resolve | None = None, deadline_s: float = 5
) -> Answer:
    outbound = Outbound(reach, deadline_s=deadline_s, resolve=resolve)
    try:
        return await outbound.post(url, {"x-test": "1"}, b"{}")
    finally:
        await outbound.aclose()


def answering(*addresses: str) -> Resolve:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return addresses

    return resolve


def names(receiver: Receiver) -> str:
    return f"http://receiver.test:{receiver.port}/hook?x=1"


async def test_a_message_arrives_as_it_was_sent() -> None:
    async with receiving() as receiver:
        answer = await post(names(receiver), LOOPBACK, resolve=answering("127.0.0.1"))

    [message] = receiver.received
    assert answer.status == 204
    assert (message.path, message.body) == ("/hook?x=1", b"{}")
    assert message.headers["host"] == f"receiver.test:{receiver.port}"


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0.0.0.0", "0"],  # noqa: S104
)
async def test_no_way_to_write_this_machine_reaches_it(host: str) -> None:
    async with receiving() as receiver:
        with pytest.raises(NotSent):
            await post(f"http://{host}:{receiver.port}/", NOBODY)

    assert receiver.received == []


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["::ffff:127.0.0.1"],
        ["93.184.216.34", "127.0.0.1"],
        ["127.0.0.1", "93.184.216.34"],
        ["169.254.169.254"],
    ],
    ids=str,
)
async def test_a_name_that_leads_inside_is_not_called(addresses: list[str]) -> None:
    async with receiving() as receiver:
        with pytest.raises(NotSent, match="not one of the public internet"):
            await post(names(receiver), NOBODY, resolve=answering(*addresses))

    assert receiver.received == []


async def test_a_name_that_changes_its_address_leads_nowhere_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """DNS rebinding: each look at the name gives the other of an allowed and an inner address."""
    loop, looks = asyncio.get_running_loop(), 0
    look = loop.getaddrinfo

    async def flipping(host: Any, *arguments: Any, **more: Any) -> Any:
        nonlocal looks
        if host not in {"receiver.test", b"receiver.test"}:
            return await look(host, *arguments, **more)
        looks += 1
        return await look("127.0.0.1" if looks % 2 else "127.0.0.2", *arguments, **more)

    async with receiving() as allowed, receiving(host="127.0.0.2", port=allowed.port) as inner:
        monkeypatch.setattr(loop, "getaddrinfo", flipping)
        outcomes: list[Any] = []
        for _ in range(4):
            try:
                outcomes.append((await post(names(allowed), LOOPBACK)).status)
            except NotSent:
                outcomes.append("not sent")
        monkeypatch.undo()

    assert inner.received == []
    assert outcomes == [204, "not sent", 204, "not sent"]


async def test_a_redirect_is_an_answer_and_not_followed() -> None:
    async with receiving(host="127.0.0.2") as inner, receiving() as receiver:
        receiver.answer = lambda _: Reply(
            302, {"location": f"http://127.0.0.2:{inner.port}/"}, b"over there"
        )

        answer = await post(receiver.url, LOOPBACK)

    assert (answer.status, answer.beginning) == (302, b"over there")
    assert inner.received == []


async def test_of_an_endless_answer_little_is_read() -> None:
    async with receiving() as receiver:
        receiver.answer = lambda _: Reply(200, body=b"x" * 10_000, endless=True)

        answer = await post(receiver.url, LOOPBACK)

        assert (answer.status, answer.beginning) == (200, b"x" * 200)
        assert receiver.sent_bytes < 20_000_000


@pytest.mark.timeout(15)
@pytest.mark.parametrize(
    "reply",
    [
        Reply(hangs=True),
        Reply(raw=b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 100_000),
        Reply(raw=b"SSH-2.0-OpenSSH_9.9\r\n"),
        Reply(raw=b""),
    ],
    ids=["slow", "endless headers", "no HTTP", "nothing"],
)
async def test_what_does_not_answer_is_not_waited_for(reply: Reply) -> None:
    began = asyncio.get_running_loop().time()
    async with receiving() as receiver:
        receiver.answer = lambda _: reply

        with pytest.raises(NotSent):
            await post(receiver.url, LOOPBACK, deadline_s=1)

    assert asyncio.get_running_loop().time() - began < 5


async def test_a_body_that_does_not_come_does_not_undo_a_status() -> None:
    async with receiving() as receiver:
        head = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc"
        receiver.answer = lambda _: Reply(raw=head)

        answer = await post(receiver.url, LOOPBACK)

    assert (answer.status, answer.beginning) == (200, b"abc")


async def test_nobody_is_there() -> None:
    async with receiving() as receiver:
        url = receiver.url

    with pytest.raises(NotSent, match="nobody answers"):
        await post(url, LOOPBACK)


async def test_without_tls_nothing_is_sent_unless_that_is_allowed() -> None:
    async with receiving() as receiver:
        with pytest.raises(NotSent, match="https"):
            await post(receiver.url, Reach(networks=LOOPBACK.networks))

    assert receiver.received == []


# --- TLS ------------------------------------------------------------------------------------------


def certificate(folder: Path, *, name: str) -> ssl.SSLContext:
    """Make a certificate of a name; `own.pem` in the folder holds it alone."""
    key = ec.generate_private_key(ec.SECP256R1())
    called = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(called)
        .issuer_name(called)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    own, both = folder / "own.pem", folder / "both.pem"
    own.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    both.write_bytes(
        own.read_bytes()
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    return context


@pytest.mark.parametrize(("name", "arrives"), [("receiver.test", True), ("other.test", False)])
async def test_a_certificate_must_be_of_the_name_though_we_connect_to_the_address(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    arrives: bool,  # noqa: FBT001
) -> None:
    context = certificate(tmp_path, name=name)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "own.pem"))
    async with receiving(tls=context) as receiver:
        url = f"https://receiver.test:{receiver.port}/"
        sending = post(url, LOOPBACK, resolve=answering("127.0.0.1"))
        if arrives:
            assert (await sending).status == 204
        else:
            with pytest.raises(NotSent, match="certificate"):
                await sending

    assert len(receiver.received) == (1 if arrives else 0)


async def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    async with receiving(tls=certificate(tmp_path, name="receiver.test")) as receiver:
        with pytest.raises(NotSent, match="certificate"):
            await post(
                f"https://receiver.test:{receiver.port}/",
                LOOPBACK,
                resolve=answering(str(ip_address("127.0.0.1"))),
            )

    assert receiver.received == []
