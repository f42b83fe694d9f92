"""The two editions of one system; they differ only where two contracts claim one path."""

from enum import StrEnum
from typing import Final

from common.contracts import Contract


class Edition(StrEnum):
    """A listener, or a Host name, that decides which document a disputed path speaks."""

    CIRCLE_TIME = "circle_time"
    UNIVERSITY = "university"


# The wording of what has no route.
ENVELOPES: Final = {
    Edition.CIRCLE_TIME: Contract.CIRCLE_TIME,
    Edition.UNIVERSITY: Contract.UNIVERSITY,
}
