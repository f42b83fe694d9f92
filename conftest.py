"""For all tests: what takes long begins first, and what shares a system stays together."""

import pytest

# pytest names test modules by their folders, and the folder `gateway` would hide the package.
import gateway  # noqa: F401

_LONGEST_FIRST = ("tests/e2e/", "tests/contracts/", "edge-counter/tests/integration/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def rank(item: pytest.Item) -> int:
        path = item.path.as_posix()
        found = [at for at, part in enumerate(_LONGEST_FIRST) if part in path]
        return found[0] if found else len(_LONGEST_FIRST)

    items.sort(key=rank)
    for item in items:
        if "tests/contracts/" in item.path.as_posix():
            item.add_marker(pytest.mark.xdist_group("system"))
