"""Who calls, and types of query parameters; an empty one is none."""

from datetime import UTC, date, datetime
from typing import Annotated

from fastapi import Depends
from pydantic import BeforeValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from common.app import caller
from common.fields import LARGEST_ID, clean_text
from common.identity import Identity

Caller = Annotated[Identity, Depends(caller)]


class NoInstant(ValueError):
    """What is no moment in time."""


class OnlyADate(NoInstant):
    """A day where a moment is wanted."""


def read_instant(text: str) -> datetime:
    """Read a moment; a + that came unescaped arrived as a space, and without an offset it is UTC.

    Raises:
        NoInstant: it is none, or too far away to reckon with.
    """
    # The first space may stand between date and time.
    text = text.strip()
    text = text[:11] + text[11:].replace(" ", "+")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise NoInstant(text) from None
    if not 1900 <= moment.year <= 9000:
        raise NoInstant(text)
    if _is_date(text):
        raise OnlyADate(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _text(value: object) -> object:
    return clean_text(str(value)) or None


def _number(value: object) -> object:
    if not value:
        return None
    try:
        number = float(str(value))
    except ValueError:
        number = float("nan")
    if not number.is_integer() or abs(number) > LARGEST_ID:
        raise PydanticCustomError("number", "Enter a number.")
    return int(number)


def _moment(value: object) -> object:
    if not value:
        return None
    try:
        return read_instant(str(value))
    except OnlyADate as day:
        return datetime.fromisoformat(str(day)).replace(tzinfo=UTC)
    except NoInstant:
        raise PydanticCustomError("moment", "Enter a valid date/time.") from None


def _names(value: object) -> object:
    # The parameter may be given more than once, each time with several names.
    given = value if isinstance(value, list | tuple) else [value]
    names = (clean_text(name) for part in given for name in str(part).split(","))
    return tuple(name for name in names if name)


_Text = Annotated[str, StringConstraints(max_length=200)]
QueryText = Annotated[_Text | None, BeforeValidator(_text)]
QueryNumber = Annotated[int | None, BeforeValidator(_number)]
QueryMoment = Annotated[datetime | None, BeforeValidator(_moment)]
QueryNames = Annotated[tuple[str, ...], BeforeValidator(_names), Field(max_length=20)]
