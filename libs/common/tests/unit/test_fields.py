"""Texts and times from outside are safe to store."""

import pytest
from pydantic import TypeAdapter, ValidationError

from common.fields import EdgeId, Instant, Integer, Name, ZoneName, clean_text
from common.ids import is_cuid, new_cuid


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("  Room 1  ", "Room 1"),
        ("a\x00b\x07c", "abc"),
        ("line\none\ttab", "line\none\ttab"),
        ("e\u0301", "\u00e9"),
        ("\u202eevil", "evil"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("\ufeffbom", "bom"),
    ],
)
def test_a_text_is_brought_into_the_form_that_is_stored(given: str, stored: str) -> None:
    assert clean_text(given) == stored


@pytest.mark.parametrize(
    "value", ["", "   ", "\x00", "x" * 201, 5, None, ["a"], "\ud800"], ids=repr
)
def test_a_name_has_something_in_it(value: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Name).validate_python(value)


@pytest.mark.parametrize(
    "value",
    ["2025-12-11", "2025-12-11T09:00:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", 0, True],
)
def test_an_instant_is_written_with_its_offset_and_within_reason(value: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Instant).validate_python(value)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc/passwd", "utc+3"])
def test_a_zone_is_one_that_is_known(zone: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(ZoneName).validate_python(zone)


@pytest.mark.parametrize("value", [True, 1.5, "x", None])
def test_an_integer_is_one(value: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Integer).validate_python(value)


def test_cuids_differ_and_have_their_form() -> None:
    made = [new_cuid() for _ in range(10_000)]

    assert len(set(made)) == len(made)
    assert all(is_cuid(one) for one in made)
    assert [one[:9] for one in made] == sorted(one[:9] for one in made)


@pytest.mark.parametrize(
    "text", ["", "c", "C" + "a" * 24, "c" + "a" * 25, "c" + "A" * 24, "x" * 25]
)
def test_what_is_no_cuid_is_told(text: str) -> None:
    assert not is_cuid(text)


@pytest.mark.parametrize("value", ["", ".edge", "a b", "a\n", "é", "x" * 65])
def test_a_form_is_told_in_words_and_described_to_programs(value: str) -> None:
    names = TypeAdapter(EdgeId)

    with pytest.raises(ValidationError, match="Use up to 64 letters"):
        names.validate_python(value)

    assert names.validate_python("lobby-1.a_B") == "lobby-1.a_B"
    assert names.json_schema()["pattern"].startswith("^[A-Za-z0-9]")
