"""Document 003 (`university`), «GET /api/admin/users», on both listeners."""

from typing import Any

import httpx
import pytest
from running_system import ROLES, System

PATH = "/api/admin/users"
USER = {"id", "name", "email", "role", "department"}


@pytest.fixture(params=["base_url", "university_url"])
def path(system: System, request: pytest.FixtureRequest) -> str:
    """The address on either listener."""
    return f"{getattr(system, request.param)}{PATH}"


async def page(client: httpx.AsyncClient, path: str, **query: Any) -> dict[str, Any]:
    reply = await client.get(path, params=query)
    assert reply.status_code == 200, reply.text
    answer: dict[str, Any] = reply.json()
    assert answer.keys() == {"success", "data"}
    assert answer["success"] is True
    data: dict[str, Any] = answer["data"]
    assert data.keys() == {"data", "pagination"}
    return data


async def test_users_have_the_documents_fields_and_come_by_name(
    admin: httpx.AsyncClient, path: str
) -> None:
    users = (await page(admin, path, limit=100))["data"]

    assert all(user.keys() == USER for user in users)
    assert {f"{role.lower()}@example.test" for role in ROLES} <= {user["email"] for user in users}
    assert {user["role"] for user in users} == set(ROLES)
    names = [user["name"].lower() for user in users]
    assert names == sorted(names)


async def walk(client: httpx.AsyncClient, path: str, limit: int) -> list[str]:
    """Go from page to page as long as there is another, and return the users' ids."""
    walked: list[str] = []
    number, more = 1, True
    while more:
        part = await page(client, path, limit=limit, page=number)
        walked += [user["id"] for user in part["data"]]
        pagination = part["pagination"]
        total = pagination["total"]
        assert pagination == {
            "total": total,
            "page": number,
            "limit": limit,
            "totalPages": -(-total // limit),
            "hasNext": len(walked) < total,
            "hasPrev": number > 1,
        }
        number, more = number + 1, pagination["hasNext"]
    return walked


async def test_pages_hold_each_user_once(admin: httpx.AsyncClient, path: str) -> None:
    by_three, by_hundred = await walk(admin, path, 3), await walk(admin, path, 100)

    assert by_three == by_hundred
    assert len(by_three) == len(set(by_three)) >= 4


@pytest.mark.parametrize(
    ("query", "number", "size"),
    [
        ({}, 1, 20),
        ({"limit": 1000}, 1, 100),
        ({"limit": 0, "page": 0}, 1, 1),
        ({"limit": "x", "page": "x"}, 1, 20),
        ({"page": 10**20}, 2**31, 20),
    ],
)
async def test_page_and_limit_are_clamped(
    admin: httpx.AsyncClient, path: str, query: dict[str, Any], number: int, size: int
) -> None:
    pagination = (await page(admin, path, **query))["pagination"]

    assert (pagination["page"], pagination["limit"]) == (number, size)


async def test_it_is_for_admins_only(
    anyone: httpx.AsyncClient, student: httpx.AsyncClient, faculty: httpx.AsyncClient, path: str
) -> None:
    replies = [await client.get(path) for client in (anyone, student, faculty)]

    assert [reply.status_code for reply in replies] == [401, 403, 403]
    for reply in replies:
        answer = reply.json()
        assert answer.keys() == {"success", "error", "statusCode"}
        assert (answer["success"], answer["statusCode"]) == (False, reply.status_code)


async def test_the_answer_carries_what_is_left_of_the_limit(
    admin: httpx.AsyncClient, path: str
) -> None:
    headers = (await admin.get(path)).headers

    assert int(headers["x-ratelimit-remaining"]) < int(headers["x-ratelimit-limit"])
    assert headers["x-ratelimit-reset"].endswith("Z")
    assert headers["cache-control"] == "no-store"
