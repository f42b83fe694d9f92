"""Types of query parameters; an empty one is none."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import BeforeValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from common.fields import LARGEST_ID, clean_text


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
    """Read an instant; a + that came unescaped arrived as a space."""
    if not value:
        return None
    try:
        moment = datetime.fromisoformat(str(value).strip().replace(" ", "+"))
    except ValueError:
        moment = datetime.min  # noqa: DTZ901 - refused below
    if not 1900 <= moment.year <= 9000:
        raise PydanticCustomError("moment", "Enter a valid date/time.")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


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
