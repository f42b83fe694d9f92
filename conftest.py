"""For all tests: what takes long begins first, and what shares a system stays together."""

import ast
import gc
import sys
from typing import Any

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

# pytest names test modules by their folders, and the folder `gateway` would hide the package.
import gateway  # noqa: F401 - for what its import does

if sys.version_info < (3, 11, 8):
    # Until then a parse failed ("AST constructor recursion depth mismatch") when the collector ran
    # in the middle of it, and with it another thread. Hypothesis parses in the middle of tests.
    _parse = ast.parse

    def _parse_uncollected(*given: Any, **more: Any) -> Any:  # noqa: ANN401 - as `ast.parse`
        gc.disable()
        try:
            return _parse(*given, **more)
        finally:
            gc.enable()

    ast.parse = _parse_uncollected

_LONGEST_FIRST = (
    "tests/pages/",
    "tests/e2e/",
    "tests/contracts/",
    "edge-counter/tests/integration/",
)
_SHARES_A_SYSTEM = ("tests/contracts/", "tests/pages/")


class OneSystem(LoadScopeScheduling):
    """Gives the tests that share a running system, of contracts and of pages, to one worker each.

    xdist's own way to say so, the mark `xdist_group`, is without effect in pytest 9.
    """

    def _split_scope(self, nodeid: str) -> str:
        return next((one for one in _SHARES_A_SYSTEM if nodeid.startswith(one)), nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> OneSystem:
    return OneSystem(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def rank(item: pytest.Item) -> int:
        path = item.path.as_posix()
        found = [at for at, part in enumerate(_LONGEST_FIRST) if part in path]
        return found[0] if found else len(_LONGEST_FIRST)

    items.sort(key=rank)
