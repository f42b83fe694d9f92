"""Which cookies of a request may be a session of ours."""

import time

import pytest

from gateway.cookies import session_tokens

ONE, TWO = b"ata_" + b"1" * 43, b"ata_" + b"2" * 43


@pytest.mark.parametrize(
    ("cookies", "tokens"),
    [
        (b"authjs.session-token=" + ONE, [ONE]),
        (b"next-auth.session-token=" + ONE, [ONE]),
        (b"__Secure-authjs.session-token=" + ONE, [ONE]),
        (b"__Secure-next-auth.session-token=" + ONE, [ONE]),
        (b"a=b; authjs.session-token=" + ONE + b"; c=d", [ONE]),
        (b"a=b;authjs.session-token=" + ONE + b";", [ONE]),
        (b"authjs.session-token=" + ONE + b"; next-auth.session-token=" + ONE, [ONE]),
        # The best guarded first, whatever the order.
        (b"authjs.session-token=" + ONE + b"; __Secure-authjs.session-token=" + TWO, [TWO, ONE]),
        # Of one name the first that can be ours: browsers send the nearest path first.
        (b"authjs.session-token=" + ONE + b"; authjs.session-token=" + TWO, [ONE]),
        (b"authjs.session-token=x; authjs.session-token=" + TWO, [TWO]),
        # Another application's, a device's, a refresh token, and what is no token at all.
        (b"authjs.session-token=eyJhbGciOiJkaXIifQ..x.y.z", []),
        (b"authjs.session-token=atd_" + b"1" * 43, []),
        (b"authjs.session-token=atr_" + b"1" * 43, []),
        (b"authjs.session-token=" + ONE + b"x", []),
        (b"authjs.session-token=" + ONE[:-1], []),
        (b'authjs.session-token="' + ONE + b'"', []),
        (b"authjs.session-token=" + ONE[:-1] + b"\n", []),
        (b"Authjs.Session-Token=" + ONE, []),
        (b"xauthjs.session-token=" + ONE, []),
        (b"authjs.session-token.0=" + ONE, []),
        (b"session-token=" + ONE, []),
        (b"=" + ONE, []),
        (b"authjs.session-token", []),
        (b";;;==;", []),
        (b"\xff\xfe=\x00", []),
        (b"", []),
    ],
)
def test_only_what_has_the_name_and_the_form_of_a_session_is_looked_up(
    cookies: bytes, tokens: list[bytes]
) -> None:
    assert session_tokens([(b"host", b"a"), (b"cookie", cookies)]) == tokens


def test_several_cookie_headers_are_read_as_one() -> None:
    headers = [(b"cookie", b"a=b"), (b"cookie", b"authjs.session-token=" + ONE)]

    assert session_tokens(headers) == [ONE]


def test_however_many_cookies_there_are_at_most_four_are_looked_up() -> None:
    names = [b"authjs.session-token", b"__Secure-authjs.session-token", b"x"]
    many = b"; ".join(b"%s=ata_%043d" % (names[n % 3], n) for n in range(10_000))

    began = time.process_time()
    found = session_tokens([(b"cookie", many)])

    assert found == [b"ata_%043d" % 1, b"ata_%043d" % 0]
    assert time.process_time() - began < 0.5
