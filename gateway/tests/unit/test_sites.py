"""Statement 16 of the security list: which page a write may come from."""

import pytest

from common.errors import Forbidden
from gateway.sites import Sites

HOST = b"rooms.test:8000"
SITES = Sites(frozenset({b"https://app.test"}))
OURS = [
    {"sec-fetch-site": "same-origin"},
    {"sec-fetch-site": "none"},
    # What the browser says wins: a proxy may have changed the Host.
    {"sec-fetch-site": "same-origin", "origin": "https://elsewhere.test"},
    {"sec-fetch-site": "same-site", "origin": "https://app.test"},
    {"origin": "http://rooms.test:8000"},
    {"origin": "https://rooms.test:8000"},
    {"origin": "https://app.test"},
    {"referer": "http://rooms.test:8000/page?x=1#y"},
    {"referer": "http://rooms.test:8000"},
    {"referer": "http://rooms.test:8000?x"},
    {"referer": "https://app.test/page"},
]
FOREIGN = [
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "cross-site", "origin": "http://rooms.test:8000"},
    {"sec-fetch-site": "cross-site", "origin": "https://app.test"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "same-site", "origin": "http://rooms.test:8000"},
    {"sec-fetch-site": "same-site", "origin": "https://other.test"},
    {"sec-fetch-site": ""},
    {"sec-fetch-site": "Same-Origin"},
    {"sec-fetch-site": "same-origin, cross-site"},
    {"origin": "https://evil.test"},
    {"origin": "null"},
    {"origin": ""},
    {"origin": "rooms.test:8000"},
    {"origin": "http://"},
    {"origin": "://rooms.test:8000"},
    {"origin": "ftp://rooms.test:8000"},
    {"origin": "http://rooms.test"},
    {"origin": "http://rooms.test:80"},
    {"origin": "http://rooms.test:8000.evil.test"},
    {"origin": "http://evil.test#rooms.test:8000"},
    {"origin": "http://rooms.test:8000@evil.test"},
    {"origin": "https://app.test.evil.test"},
    {"origin": "https://app.test/"},
    {"origin": "https://evil.test", "referer": "http://rooms.test:8000/"},
    {"referer": "https://evil.test/http://rooms.test:8000/"},
    {"referer": "https://evil.test?http://rooms.test:8000/"},
    {"referer": "http://rooms.test:8000\\@evil.test/"},
    {"referer": "http://rooms.test:8000@evil.test/"},
    {"referer": "about:blank"},
    {"referer": ""},
]


def raw(headers: dict[str, str], *, host: bytes = HOST) -> dict[bytes, bytes]:
    return {b"host": host, **{name.encode(): it.encode() for name, it in headers.items()}}


@pytest.mark.parametrize("headers", OURS, ids=str)
def test_a_page_of_ours_may_write(headers: dict[str, str]) -> None:
    SITES.check(raw(headers), secure=False)
    SITES.check_if_told(raw(headers), secure=False)


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_a_foreign_page_may_not_write(headers: dict[str, str]) -> None:
    with pytest.raises(Forbidden):
        SITES.check(raw(headers), secure=False)
    with pytest.raises(Forbidden):
        SITES.check_if_told(raw(headers), secure=False)


def test_who_says_nothing_of_a_page_may_sign_in_but_not_use_a_cookie() -> None:
    SITES.check_if_told(raw({}), secure=False)

    with pytest.raises(Forbidden):
        SITES.check(raw({}), secure=False)


def test_a_page_that_came_by_http_is_foreign_to_one_that_is_https() -> None:
    SITES.check(raw({"origin": "https://rooms.test:8000"}), secure=True)

    with pytest.raises(Forbidden):
        SITES.check(raw({"origin": "http://rooms.test:8000"}), secure=True)


@pytest.mark.parametrize("origin", ["http://", "https://", "", "null"])
def test_without_a_host_nothing_is_ours(origin: str) -> None:
    with pytest.raises(Forbidden):
        SITES.check(raw({"origin": origin}, host=b""), secure=False)
    with pytest.raises(Forbidden):
        SITES.check({b"origin": origin.encode()}, secure=False)
