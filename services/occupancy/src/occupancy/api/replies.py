"""What the routes of the contract share: refusals, and how rows and times are written."""

from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel


class Refusal(BaseModel):
    detail: str


def only(view: type[BaseModel], row: Any) -> dict[str, Any]:  # noqa: ANN401 - a table's row
    shown = {name: row[name] for name in view.model_fields}
    if "created_at" in shown:
        shown["created_at"] = iso(shown["created_at"])
    return shown


def iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


_Status = Literal[400, 404, 409, 413, 429, 504]


def refusals(*statuses: _Status) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": Refusal} for status in (*statuses, 503)}
