"""The list of users for admins, in the words of `university`."""

from typing import Any

import pytest
from running_gateway import Running, StartGateway

from common.identity import Role
from gateway.accounts import service
from gateway.accounts.repository import Accounts, User

PATH = "/api/admin/users"


async def listed(running: Running, **query: Any) -> dict[str, Any]:
    headers = await running.authorization()
    reply = await running.client.get(PATH, params=query, headers=headers)
    assert reply.status_code == 200, reply.text
    answer: dict[str, Any] = reply.json()
    assert answer.keys() == {"success", "data"}
    assert answer["success"] is True
    data: dict[str, Any] = answer["data"]
    return data


async def test_users_are_listed_by_name_with_what_the_document_shows(running: Running) -> None:
    async with running.gateway.database.sessions.begin() as session:
        await service.change_user(session, "faculty", department="Physics")
        # Whoever is disabled is a user nevertheless, and no name comes first for its small letter.
        await service.change_user(session, "staff", is_active=False, name="bert")

    data = await listed(running)

    assert data.keys() == {"data", "pagination"}
    assert [user["name"] for user in data["data"]] == ["Admin", "bert", "Faculty", "Student"]
    faculty = data["data"][2]
    assert faculty.pop("id").startswith("c")
    assert faculty == {
        "name": "Faculty",
        "email": "faculty@example.test",
        "role": "FACULTY",
        "department": "Physics",
    }
    assert data["pagination"] == {
        "total": 4,
        "page": 1,
        "limit": 20,
        "totalPages": 1,
        "hasNext": False,
        "hasPrev": False,
    }


async def add_people(running: Running, count: int) -> None:
    async with running.gateway.database.sessions.begin() as session:
        accounts = Accounts(session)
        for number in range(count):
            name = f"p{number:03}"
            await accounts.add(
                User(name, 1, f"{name}@b.c", None, name, Role.STUDENT, None, "x", is_active=True)
            )


@pytest.mark.parametrize(
    ("query", "page", "limit", "first", "shown", "has"),
    [
        ({}, 1, 20, "Admin", 20, (True, False)),
        ({"page": 2}, 2, 20, "p019", 20, (True, True)),
        ({"page": 6}, 6, 20, "p099", 10, (False, True)),
        ({"page": 7}, 7, 20, None, 0, (False, True)),
        ({"limit": 100, "page": 2}, 2, 100, "p099", 10, (False, True)),
        ({"limit": 1}, 1, 1, "Admin", 1, (True, False)),
        # Clamped, and nonsense means the default.
        ({"limit": 101}, 1, 100, "Admin", 100, (True, False)),
        ({"limit": 10**30}, 1, 100, "Admin", 100, (True, False)),
        ({"limit": 0}, 1, 1, "Admin", 1, (True, False)),
        ({"limit": -5}, 1, 1, "Admin", 1, (True, False)),
        ({"limit": "many"}, 1, 20, "Admin", 20, (True, False)),
        ({"limit": ""}, 1, 20, "Admin", 20, (True, False)),
        ({"limit": "1e3"}, 1, 20, "Admin", 20, (True, False)),
        ({"page": 0}, 1, 20, "Admin", 20, (True, False)),
        ({"page": -(10**30)}, 1, 20, "Admin", 20, (True, False)),
        ({"page": 10**30}, 2**31, 20, None, 0, (False, True)),
        ({"page": "9" * 5000, "limit": 100}, 2**31, 100, None, 0, (False, True)),
        ({"page": "\x00"}, 1, 20, "Admin", 20, (True, False)),
        ({"page": "2.5"}, 1, 20, "Admin", 20, (True, False)),
        ({"unknown": "x", "page": 1}, 1, 20, "Admin", 20, (True, False)),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_pages_are_clamped(
    start_gateway: StartGateway,
    query: dict[str, Any],
    page: int,
    limit: int,
    first: str | None,
    shown: int,
    has: tuple[bool, bool],
) -> None:
    running = await start_gateway()
    await running.add_account(Role.ADMIN)
    await add_people(running, 109)

    data = await listed(running, **query)

    assert len(data["data"]) == shown
    assert [user["name"] for user in data["data"][:1]] == ([first] if first else [])
    pagination = data["pagination"]
    assert (pagination["total"], pagination["page"], pagination["limit"]) == (110, page, limit)
    assert pagination["totalPages"] == -(-110 // limit)
    assert (pagination["hasNext"], pagination["hasPrev"]) == has


@pytest.mark.parametrize(
    ("who", "status"), [(None, 401), ("student", 403), ("faculty", 403), ("staff", 403)]
)
async def test_nobody_but_admins_may_list_users(
    running: Running, who: str | None, status: int
) -> None:
    headers = await running.authorization(f"{who}@example.test") if who else {}

    for base in (running.url, running.university_url):
        reply = await running.client.get(f"{base}{PATH}", headers=headers)

        assert reply.status_code == status
        assert reply.json().keys() == {"success", "error", "statusCode"}


async def test_no_device_may_list_users(running: Running) -> None:
    for kind in ("panel", "edge"):
        async with running.gateway.database.sessions.begin() as session:
            token = await service.add_device(session, kind, "one", replace=False)
        headers = {"authorization": f"Bearer {token}"}

        assert (await running.client.get(PATH, headers=headers)).status_code == 403


async def test_the_list_is_neither_replaced_nor_deleted(running: Running) -> None:
    headers = await running.authorization()

    for method in ("PUT", "PATCH", "DELETE"):
        reply = await running.client.request(method, PATH, headers=headers, json={})

        assert reply.status_code == 405
        assert reply.json().keys() == {"success", "error", "statusCode"}


async def test_the_list_shows_no_secret(running: Running) -> None:
    headers = await running.authorization()

    reply = await running.client.get(PATH, headers=headers)

    assert "argon2" not in reply.text
    assert "username" not in reply.text
    assert headers["authorization"].split()[1] not in reply.text
