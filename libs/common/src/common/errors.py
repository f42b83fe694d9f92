"""What can be refused, and why.

    AppError                status and code over HTTP; in a consumer it parks the message
    ├── Invalid             400  the request's own fault, with the fields that are wrong
    ├── Unauthorized        401  nobody is signed in, or no longer
    ├── Forbidden           403  signed in, but not allowed to
    ├── NotFound            404
    ├── MethodNotAllowed    405
    ├── Conflict            409  right in itself, but not as things stand
    ├── TooLarge            413
    ├── Mismatch            422  an Idempotency-Key that was used for another request
    ├── TooManyRequests     429
    ├── Unavailable         503  something that is needed does not answer; try again
    ├── Unanswered          504  somebody outside was asked and did not answer in time
    └── BrokenEvent         400  a message that is no event

Anything else that is raised is a bug: 500 over HTTP, and a consumer stops.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

Fields = Mapping[str, Sequence[str]]


class AppError(Exception):
    """Over HTTP it becomes ``status`` and ``code``; in a consumer it parks the message.

    Args:
        message: a sentence for a person; clients switch on the code, never on this.
        fields: what is wrong by field of the request, if it is fields that are wrong.
        headers: sent with the answer.
    """

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 500

    def __init__(
        self,
        message: str,
        *,
        fields: Fields | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.fields = fields
        self.headers = headers


class Invalid(AppError):
    code, status = "validation_error", 400


class Unauthorized(AppError):
    code, status = "unauthorized", 401


class Forbidden(AppError):
    code, status = "forbidden", 403


class NotFound(AppError):
    code, status = "not_found", 404


class MethodNotAllowed(AppError):
    code, status = "method_not_allowed", 405


class Conflict(AppError):
    code, status = "conflict", 409


class TooLarge(AppError):
    code, status = "too_large", 413


class Mismatch(AppError):
    code, status = "idempotency_mismatch", 422


class TooManyRequests(AppError):
    code, status = "rate_limited", 429


class Unavailable(AppError):
    code, status = "unavailable", 503


class Unanswered(AppError):
    code, status = "unanswered", 504


class BrokenEvent(AppError):
    code, status = "broken_event", 400


def invalid_field(name: str, message: str) -> Invalid:
    """Make the refusal of one field."""
    return Invalid(message, fields={name: [message]})
