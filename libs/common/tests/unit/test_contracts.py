"""Every contract words a refusal in its own shape, exactly."""

import json

import pytest

from common.contracts import Contract, refusal_body
from common.errors import Conflict, Invalid, invalid_field

FIELDS = Invalid("Validation failed", fields={"name": ["Missing.", "Too short."], "x": ["No."]})
PLAIN = Conflict("Taken.")


@pytest.mark.parametrize(
    ("contract", "plain", "fields"),
    [
        (
            Contract.DIRECTORY,
            {"detail": "Taken."},
            {"name": ["Missing.", "Too short."], "x": ["No."]},
        ),
        (
            Contract.HEATMAP,
            {"detail": "Taken."},
            {"name": ["Missing.", "Too short."], "x": ["No."]},
        ),
        (
            Contract.OCCUPANCY,
            {"detail": "Taken."},
            {"detail": "name: Missing.; name: Too short.; x: No."},
        ),
        (
            Contract.UNIVERSITY,
            {"success": False, "error": "Taken.", "statusCode": 409},
            {
                "success": False,
                "error": "Validation failed",
                "fields": {"name": "Missing.", "x": "No."},
                "statusCode": 400,
            },
        ),
        (
            Contract.CIRCLE_TIME,
            {"success": False, "message": "Taken.", "code": "conflict"},
            {
                "success": False,
                "message": "Validation failed",
                "code": "validation_error",
                "errors": ["name: Missing.", "name: Too short.", "x: No."],
            },
        ),
    ],
)
def test_a_refusal_has_its_contracts_shape(
    contract: Contract, plain: dict[str, object], fields: dict[str, object]
) -> None:
    assert json.loads(refusal_body(contract, PLAIN)) == plain
    assert json.loads(refusal_body(contract, FIELDS)) == fields


def test_one_field_is_named_with_its_text() -> None:
    error = invalid_field("seats", "Too many.")

    assert json.loads(refusal_body(Contract.DIRECTORY, error)) == {"seats": ["Too many."]}
