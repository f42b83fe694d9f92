"""What the gateway says of itself is true: each operation is asked, rightly and wrongly.

No answer is a 5xx, and none has a status that the description does not name.
"""

import os
from contextlib import suppress
from typing import Any, Final

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from running_system import System
from schemathesis import GenerationMode

pytestmark = pytest.mark.timeout(400)

EXAMPLES: Final = int(os.environ.get("FUZZ_EXAMPLES", "2"))
# Signing in and out is tried by the tests of accounts; here it would end our own session. A stream
# has no end; it is read by the tests of live counts.
NOT_ASKED: Final = ("/api/auth/", "/api/users/login/", "/api/occupancy/stream")


def described(system: System, contract: str) -> list[Any]:
    """List the operations of a contract, as its OpenAPI has them."""
    reply = httpx.get(f"{system.base_url}/openapi/{contract}.json", timeout=30)
    schema = schemathesis.openapi.from_dict(reply.raise_for_status().json())
    operations = [one.ok() for one in schema.get_all_operations()]
    return [one for one in operations if not one.path.startswith(NOT_ASKED)]


def ask(operation: Any, mode: GenerationMode, base_url: str, headers: dict[str, str]) -> list[str]:
    """Ask an operation several times; returns what was wrong with the answers."""
    allowed = {int(status) for status in operation.definition.raw["responses"]}
    wrong: list[str] = []

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def each(case: Any) -> None:
        reply = case.call(base_url=base_url, headers=headers, timeout=30)
        if reply.status_code not in allowed:
            wrong.append(
                f"{operation.label}: {reply.status_code} {reply.text[:200]}: {case.body!r}"
            )

    # Of an operation that takes nothing, nothing can be wrong.
    with suppress(Unsatisfiable):
        each()
    return wrong


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("contract", ["directory", "university", "circle_time", "occupancy"])
def test_no_answer_is_a_5xx_or_undocumented(
    system: System, contract: str, mode: GenerationMode
) -> None:
    base_url = system.university_url if contract == "university" else system.base_url
    headers = {"authorization": f"Bearer {system.tokens['ADMIN']}"}

    wrong = [
        finding
        for operation in described(system, contract)
        for finding in ask(operation, mode, base_url, headers)
    ]

    assert wrong == []
