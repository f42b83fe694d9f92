"""Turns Pydantic's findings into sentences by field."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

_TEXTS: Final[dict[str, str]] = {
    "missing": "This field is required.",
    "string_type": "Not a valid string.",
    "string_unicode": "Not a valid string.",
    "string_too_short": "This field may not be blank.",
    "string_too_long": "Ensure this field has no more than {max_length} characters.",
    "int_type": "A valid integer is required.",
    "int_parsing": "A valid integer is required.",
    "int_parsing_size": "A valid integer is required.",
    "int_from_float": "A valid integer is required.",
    "float_type": "A valid number is required.",
    "float_parsing": "A valid number is required.",
    "finite_number": "A valid number is required.",
    "bool_type": "Must be a valid boolean.",
    "bool_parsing": "Must be a valid boolean.",
    "list_type": "Expected a list of items.",
    "too_long": "Ensure this list has no more than {max_length} items.",
    "greater_than_equal": "Ensure this value is greater than or equal to {ge}.",
    "greater_than": "Ensure this value is greater than {gt}.",
    "less_than_equal": "Ensure this value is less than or equal to {le}.",
    "less_than": "Ensure this value is less than {lt}.",
    "literal_error": "Must be one of: {expected}.",
    "enum": "Must be one of: {expected}.",
    "extra_forbidden": "Unknown field.",
    "timezone_aware": "Datetime needs an offset, for example 2026-01-19T12:00:00Z.",
    "datetime_type": "Datetime has wrong format. Use ISO 8601, for example 2026-01-19T12:00:00Z.",
    "datetime_parsing": (
        "Datetime has wrong format. Use ISO 8601, for example 2026-01-19T12:00:00Z."
    ),
    "datetime_from_date_parsing": (
        "Datetime has wrong format. Use ISO 8601, for example 2026-01-19T12:00:00Z."
    ),
    "time_parsing": "Time has wrong format. Use HH:MM, for example 07:00.",
    "date_from_datetime_parsing": "Date has wrong format. Use YYYY-MM-DD.",
    "date_parsing": "Date has wrong format. Use YYYY-MM-DD.",
    "json_invalid": "JSON parse error: {error}",
    "model_attributes_type": "Expected a JSON object.",
    "dict_type": "Expected a JSON object.",
}
_NULL: Final = "This field may not be null."


def sentence(finding: Mapping[str, Any]) -> str:
    """Word a finding as `directory` does."""
    kind, context = finding["type"], finding.get("ctx", {})
    if finding.get("input", ...) is None and kind != "missing":
        return _NULL
    if kind == "value_error":
        return str(context["error"])
    template = _TEXTS.get(kind)
    return template.format_map(context) if template else str(finding["msg"])


_LABELS: Final = {
    "startAt": "Start time",
    "endAt": "End time",
    "roomId": "Room ID",
    "userId": "User ID",
}


def labelled_sentence(finding: Mapping[str, Any]) -> str:
    """Word a finding as the `university` document does: what is missing is named."""
    if finding["type"] in {"missing", "string_too_short"} or finding.get("input", ...) is None:
        # An entry of a list is named by the list.
        name = next(part for part in reversed(finding["loc"]) if isinstance(part, str))
        return f"{_LABELS.get(name, name[:1].upper() + name[1:])} is required"
    return sentence(finding)


def fields_of(
    findings: Sequence[Mapping[str, Any]],
    word: Callable[[Mapping[str, Any]], str] = sentence,
) -> dict[str, list[str]]:
    """Gather sentences by field.

    What is wrong with the body as a whole stands under ``__body__``.
    """
    fields: dict[str, list[str]] = {}
    for finding in findings:
        where = [part for part in finding["loc"] if isinstance(part, str)]
        whole_body = finding["type"] == "json_invalid" or len(where) < 2
        name = "__body__" if whole_body else where[1]
        text = word(finding)
        if text not in (known := fields.setdefault(name, [])):
            known.append(text)
    return fields
