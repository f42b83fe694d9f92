"""CSRF tokens: signed, and bound to a session."""

import pytest

from common.testing.plugin import SIGNING_KEY
from gateway.accounts.csrf import CsrfTokens, same

TOKENS = CsrfTokens(SIGNING_KEY)
OTHER_KEY = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="


def test_a_cookie_of_ours_holds_its_token() -> None:
    cookie = TOKENS.cookie(b"session")

    token = TOKENS.token(cookie, b"session")

    assert token == cookie.partition("|")[0]
    assert CsrfTokens(SIGNING_KEY).token(cookie, b"session") == token


def test_no_two_tokens_are_alike() -> None:
    assert len({TOKENS.cookie(b"") for _ in range(100)}) == 100


def test_a_token_is_worth_nothing_in_another_session() -> None:
    cookie = TOKENS.cookie(b"session")

    assert TOKENS.token(cookie, b"another") is None
    assert TOKENS.token(cookie, b"") is None


def test_a_token_of_another_installation_is_worth_nothing() -> None:
    assert TOKENS.token(CsrfTokens(OTHER_KEY).cookie(b""), b"") is None


@pytest.mark.parametrize(
    "cookie",
    ["", "|", "a|b", "0" * 64, "0" * 64 + "|", "0" * 64 + "|" + "0" * 64, "0" * 64 + "|\xe9", "\n"],
)
def test_what_nobody_signed_holds_no_token(cookie: str) -> None:
    assert TOKENS.token(cookie, b"") is None


@pytest.mark.parametrize("index", [0, 63, 64, 65, 128])
def test_a_cookie_that_was_changed_holds_no_token(index: int) -> None:
    cookie = TOKENS.cookie(b"")
    changed = "0" if cookie[index] != "0" else "1"

    assert TOKENS.token(cookie[:index] + changed + cookie[index + 1 :], b"") is None


def test_nothing_is_not_the_same_as_nothing() -> None:
    assert same("a", "a")
    assert not same(None, None)
    assert not same("a", None)
    assert not same("a", "b")
    assert not same("\xe9", "a")
