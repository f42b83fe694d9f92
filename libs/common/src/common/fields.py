"""Types of fields that come from outside: what they hold is safe to store."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, time
from functools import cache
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StringConstraints,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from common.events import EDGE_ID
from common.ids import is_cuid

LARGEST_ID: Final = 2**31 - 1
_KEPT_CONTROLS: Final = frozenset("\t\n\r")


def clean_text(text: str) -> str:
    """Bring a text into the form that is stored: NFC, trimmed, no control characters.

    Tabs and line ends stay. NUL, which Postgres refuses, and the marks that turn the direction of
    text around (a way to disguise names) go.
    """
    if text.isascii() and text.isprintable():
        return text.strip()
    kept = (
        character
        for character in unicodedata.normalize("NFC", text)
        if character in _KEPT_CONTROLS
        or not (
            unicodedata.category(character) == "Cc" or character in "\u202a\u202b\u202d\u202e\ufeff"
        )
    )
    return "".join(kept).strip()


def parse_room_id(text: str) -> int | str | None:
    """Read a room's id as it stands in a path, either of its two; None if no room can have it."""
    if text.isascii() and text.isdigit():
        return int(text) if len(text) < 11 and 0 < int(text) <= LARGEST_ID else None
    return text if is_cuid(text) else None


def _clean(value: object) -> object:
    return clean_text(value) if isinstance(value, str) else value


@cache
def known_zones() -> frozenset[str]:
    """Return the names of the time zones that this machine knows; its disk is searched once."""
    return frozenset(available_timezones())


def _known_zone(name: str) -> str:
    if name not in known_zones():
        raise ValueError(f"{name!r} is not an IANA time zone, such as Asia/Tehran.")
    ZoneInfo(name)
    return name


def _representable(moment: datetime) -> datetime:
    # Room for every zone's offset and for a day's arithmetic before Python and Postgres overflow.
    if not 1900 <= moment.year <= 9000:
        raise ValueError("The year must be between 1900 and 9000.")
    return moment


def _whole(value: object) -> object:
    # Python takes true for 1; a client that sends it means something else.
    if isinstance(value, bool):
        raise PydanticCustomError("int_type", "A valid integer is required.")
    return value


def _local(moment: time) -> time:
    if moment.tzinfo is not None:
        raise ValueError("A time of day is local to its building and has no offset.")
    return moment


def _written(value: object) -> object:
    # Pydantic takes a bare number for seconds since 1970.
    if not isinstance(value, str | datetime):
        raise PydanticCustomError("datetime_type", "Datetime has wrong format.")
    return value


@dataclass(frozen=True, slots=True)
class Form:
    """The form of a text: who sends another is told in words, and programs by the description.

    Args:
        pattern: what all of the text matches, a regular expression as JSON Schema has them.
        sentence: what is said of a text that does not.
    """

    pattern: str
    sentence: str

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {**handler(schema), "pattern": self.pattern}

    def _check(self, text: str) -> str:
        if re.fullmatch(self.pattern, text) is None:
            raise ValueError(self.sentence)
        return text


# Comes after the length in an annotation, so that the length is that of the cleaned text.
CLEAN: Final = BeforeValidator(_clean)
Name = Annotated[str, StringConstraints(min_length=1, max_length=200), CLEAN]
EdgeId = Annotated[
    str,
    Form(
        EDGE_ID,
        "Use up to 64 letters, digits, dots, dashes and underscores, a letter or digit first.",
    ),
]
ZoneName = Annotated[str, AfterValidator(_known_zone)]
LocalTime = Annotated[time, AfterValidator(_local)]
Integer = Annotated[int, BeforeValidator(_whole)]
IntegerId = Annotated[Integer, Field(ge=1, le=LARGEST_ID)]
Instant = Annotated[AwareDatetime, BeforeValidator(_written), AfterValidator(_representable)]
