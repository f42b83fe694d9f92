"""The contracts that Atrium serves, and how each of them words a refusal.

heatmap, directory   {"field": ["…"]} or {"detail": "…"}
occupancy            {"detail": "…"}
university           {"success": false, "error": "…", "fields"?: {…}, "statusCode": 400}
circle_time          {"success": false, "message": "…", "code": "…", "errors"?: ["…"]}
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final

import orjson

from common.errors import AppError, Fields


class Contract(StrEnum):
    """A document that the product serves word for word; it words every answer of its routes."""

    HEATMAP = "heatmap"
    DIRECTORY = "directory"
    OCCUPANCY = "occupancy"
    UNIVERSITY = "university"
    CIRCLE_TIME = "circle_time"


class InternalError(AppError):
    """What a caller is told of a bug: nothing but that there was one."""

    code, status = "internal_error", 500


def _by_field(error: AppError) -> dict[str, Any]:
    return dict(error.fields) if error.fields else {"detail": error.message}


def _one_line(fields: Fields) -> str:
    return "; ".join(f"{name}: {text}" for name, texts in fields.items() for text in texts)


def _detail(error: AppError) -> dict[str, Any]:
    return {"detail": _one_line(error.fields) if error.fields else error.message}


def _university(error: AppError) -> dict[str, Any]:
    body: dict[str, Any] = {"success": False, "error": error.message}
    if error.fields:
        body["fields"] = {name: texts[0] for name, texts in error.fields.items()}
    return body | {"statusCode": error.status}


def _circle_time(error: AppError) -> dict[str, Any]:
    body: dict[str, Any] = {"success": False, "message": error.message, "code": error.code}
    if error.fields:
        body["errors"] = [
            f"{name}: {text}" for name, texts in error.fields.items() for text in texts
        ]
    return body


_WORDINGS: Final[dict[Contract, Callable[[AppError], dict[str, Any]]]] = {
    Contract.HEATMAP: _by_field,
    Contract.DIRECTORY: _by_field,
    Contract.OCCUPANCY: _detail,
    Contract.UNIVERSITY: _university,
    Contract.CIRCLE_TIME: _circle_time,
}


def refusal_body(contract: Contract, error: AppError) -> bytes:
    """Word a refusal as the contract's document does; the status is the error's own."""
    return orjson.dumps(_WORDINGS[contract](error))


_TEXT: Final = {"type": "string"}
_SCHEMAS: Final[dict[Contract, dict[str, Any]]] = {
    Contract.HEATMAP: {
        "type": "object",
        "description": 'By field {"field": ["…"]}, or {"detail": "…"}.',
        "additionalProperties": {"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]},
    },
    Contract.OCCUPANCY: {
        "type": "object",
        "required": ["detail"],
        "properties": {"detail": _TEXT},
    },
    Contract.UNIVERSITY: {
        "type": "object",
        "required": ["success", "error", "statusCode"],
        "properties": {
            "success": {"const": False},
            "error": _TEXT,
            "fields": {"type": "object", "additionalProperties": _TEXT},
            "statusCode": {"type": "integer"},
        },
    },
    Contract.CIRCLE_TIME: {
        "type": "object",
        "required": ["success", "message", "code"],
        "properties": {
            "success": {"const": False},
            "message": _TEXT,
            "code": _TEXT,
            "errors": {"type": "array", "items": _TEXT},
        },
    },
}


def refusal_schema(contract: Contract) -> dict[str, Any]:
    """Describe a refusal of a contract as JSON Schema."""
    alike = Contract.HEATMAP if contract is Contract.DIRECTORY else contract
    return {"title": "Refusal", **_SCHEMAS[alike]}
