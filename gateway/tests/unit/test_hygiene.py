"""What may pass, and whose address counts."""

import pytest

from common.errors import Invalid
from gateway.hygiene import check_target, client_address, client_scheme, rate_key


@pytest.mark.parametrize("path", [b"/", b"/api/rooms", b"/api/rooms/", b"/docs/a.b-c_d~1"])
def test_plain_paths_pass(path: bytes) -> None:
    check_target(path, b"a=1&b=%20%2F..%00")


@pytest.mark.parametrize(
    "path",
    [
        b"//",
        b"/api//rooms",
        b"/api/./rooms",
        b"/api/../admin",
        b"/api/rooms/..",
        b"/api/rooms/.",
        b"/api/%2e%2e/admin",
        b"/api%2frooms",
        b"/api/rooms;x=1",
        b"/api/rooms%00",
        b"/api\\rooms",
        b"/api/rooms/%5c",
        b"/api/rooms/\xc3\xa9",
        b"/api/rooms/a b",
        b"/api/rooms/{1}",
        b"api/rooms",
        b"*",
        b"",
    ],
    ids=repr,
)
def test_paths_that_could_be_read_in_two_ways_are_refused(path: bytes) -> None:
    with pytest.raises(Invalid):
        check_target(path, b"")


@pytest.mark.parametrize("query", [b"\x00", b"a=\xff", b"a b", b"&".join([b"a=1"] * 101)], ids=len)
def test_odd_and_endless_queries_are_refused(query: bytes) -> None:
    with pytest.raises(Invalid):
        check_target(b"/api", query)


@pytest.mark.parametrize(
    ("trusted", "entries", "address"),
    [
        (0, [b"1.1.1.1"], "9.9.9.9"),
        (1, [], "9.9.9.9"),
        (1, [b"6.6.6.6, 1.1.1.1"], "1.1.1.1"),
        (1, [b"6.6.6.6", b"1.1.1.1"], "1.1.1.1"),
        (2, [b"6.6.6.6, 1.1.1.1, 2.2.2.2"], "1.1.1.1"),
        (2, [b"1.1.1.1"], "9.9.9.9"),
    ],
)
def test_only_our_own_proxies_are_believed(
    trusted: int, entries: list[bytes], address: str
) -> None:
    assert client_address("9.9.9.9", entries, trusted) == address


@pytest.mark.parametrize(
    ("trusted", "entries", "scheme"),
    [
        (0, [b"https"], "http"),
        (1, [], "http"),
        (1, [b""], "http"),
        (1, [b"https"], "https"),
        (1, [b"HTTPS"], "https"),
        (1, [b"http"], "http"),
        (1, [b"https, http"], "http"),
        (1, [b"http", b"https"], "https"),
        (2, [b"https, http"], "https"),
        (2, [b"http, https, http"], "https"),
        (2, [b"https"], "https"),  # the second proxy left it as it was
        (1, [b"gopher"], "http"),
    ],
)
def test_only_our_own_proxies_say_that_a_client_came_by_https(
    trusted: int, entries: list[bytes], scheme: str
) -> None:
    assert client_scheme("http", entries, trusted) == scheme


def test_an_ipv6_network_is_one_client() -> None:
    assert rate_key("2001:db8:1:2:3:4:5:6") == rate_key("2001:db8:1:2:9:9:9:9")
    assert rate_key("10.0.0.1") != rate_key("10.0.0.2")
