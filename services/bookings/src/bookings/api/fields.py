"""Types of fields and parameters that more than one contract has."""

import re
from datetime import date
from typing import Annotated, Final

from fastapi import Depends, Request
from pydantic import BeforeValidator, Field, StringConstraints

from common.app import caller
from common.errors import NotFound, invalid_field
from common.fields import CLEAN, LARGEST_ID, clean_text
from common.identity import Identity

Caller = Annotated[Identity, Depends(caller)]


def _id(given: object) -> object:
    # A room has an integer id and a CUID; either may be sent, as a number or as text.
    if isinstance(given, int) and not isinstance(given, bool):
        return str(given)
    return clean_text(given) if isinstance(given, str) else given


AnyId = Annotated[str, BeforeValidator(_id), StringConstraints(min_length=1, max_length=64)]
Title = Annotated[str, StringConstraints(min_length=1, max_length=255), CLEAN]
Description = Annotated[str, StringConstraints(max_length=5000), CLEAN]
Rule = Annotated[str, StringConstraints(min_length=1, max_length=500), CLEAN]
MOST_ATTENDEES: Final = 500
AttendeeIds = Annotated[list[AnyId], Field(max_length=MOST_ATTENDEES)]
_DAY: Final = re.compile(r"(?!0|1[0-8]|9[1-9])[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def key_of(text: str, not_found: str) -> int:
    """Read the integer id in a path.

    Raises:
        NotFound: nothing has such an id.
    """
    if not (text.isascii() and text.isdigit() and len(text) < 11 and 0 < int(text) <= LARGEST_ID):
        raise NotFound(not_found)
    return int(text)


def local_date(request: Request, message: str) -> date:
    """Read the parameter ``date``.

    Raises:
        Invalid: it is missing or no day.
    """
    text = request.query_params.get("date", "")
    try:
        day = date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None:
        raise invalid_field("date", message)
    return day
