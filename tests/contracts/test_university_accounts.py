"""Document 003 (`university`), «GET /api/admin/users», on both listeners."""

from typing import Any

import httpx
import pytest
from running_system import ROLES, System, eventually

from common.ids import new_cuid

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


# --- beyond the document: admins make and change accounts ---------------------------------------


def account(**changes: Any) -> dict[str, Any]:
    name = new_cuid()
    person = {"email": f"{name}@example.test", "name": f"New {name}", "role": "STAFF"}
    return {**person, "password": "a long password", "department": None, **changes}


async def test_an_admin_makes_changes_and_closes_an_account(
    admin: httpx.AsyncClient, anyone: httpx.AsyncClient, system: System, path: str
) -> None:
    new = account()
    made = await admin.post(path, json=new)
    user = made.json()["data"]
    one = f"{path}/{user['id']}"
    shown = {name: new[name] for name in ("email", "name", "role", "department")}

    async def signs_in(password: str) -> int:
        body = {"email": new["email"], "password": password}
        return (await anyone.post("/api/auth/login", json=body)).status_code

    assert made.status_code == 201
    assert user == {**shown, "id": user["id"], "username": None, "isActive": True}
    assert (await admin.get(one)).json()["data"] == user
    assert await signs_in(new["password"]) == 200
    again = await admin.post(path, json=new)
    assert (again.status_code, again.json()["success"]) == (409, False)

    changed = await admin.patch(one, json={"role": "FACULTY", "department": "Physics"})
    assert changed.json()["data"] == {**user, "role": "FACULTY", "department": "Physics"}
    await admin.patch(one, json={"password": "another long one"})
    assert [await signs_in(word) for word in (new["password"], "another long one")] == [401, 200]
    closed = await admin.patch(one, json={"isActive": False})
    assert closed.json()["data"]["isActive"] is False
    assert await signs_in("another long one") == 401

    query = {"search": new["name"].upper(), "whole": True}
    assert (await page(admin, path, **query))["data"] == [closed.json()["data"]]
    assert (await page(admin, path, search="%_"))["data"] == []

    async def audited() -> list[str]:
        audit = f"{system.university_url}/api/admin/audit"
        rows = (await admin.get(audit, params={"targetId": user["id"]})).json()["data"]["data"]
        assert all(row["actor"]["role"] == "ADMIN" for row in rows)
        return [row["actionType"] for row in rows]

    wanted = ["USER_DEACTIVATED", "USER_UPDATED", "USER_UPDATED", "USER_CREATED"]
    await eventually(audited, lambda seen: seen == wanted)


async def test_no_admin_locks_himself_out_and_nobody_gets_a_weak_password(
    admin: httpx.AsyncClient, path: str
) -> None:
    session = (await admin.get("/api/auth/me")).json()["data"]
    one = f"{path}/{session['id']}"
    replies = [
        await admin.patch(one, json={"role": "STUDENT"}),
        await admin.patch(one, json={"isActive": False}),
        await admin.patch(f"{path}/{'c' + '0' * 24}", json={"name": "x"}),
        await admin.get(f"{path}/{'c' + '0' * 24}"),
        await admin.patch(one, json={"password": "short"}),
        await admin.patch(one, json={"id": "x"}),
        await admin.post(path, json=account(password="12345678")),
        await admin.post(path, json=account(role="KING")),
        await admin.post(path, json=account(email="a@b@c")),
        await admin.post(path, json=account(username="a@b")),
    ]

    assert [reply.status_code for reply in replies] == [409, 409, 404, 404, *[400] * 6]
    assert replies[-2].json()["fields"] == {"email": "Enter a valid email address."}
    told = "Enter a user name without spaces and without @."
    assert replies[-1].json()["fields"] == {"username": told}
    assert all(reply.json()["success"] is False for reply in replies)


async def test_the_audit_is_asked_by_time(admin: httpx.AsyncClient, system: System) -> None:
    audit = f"{system.university_url}/api/admin/audit"

    async def found(**query: str) -> list[str]:
        reply = await admin.get(audit, params={"actionType": "USER_CREATED", **query})
        assert reply.status_code == 200, reply.text
        return [row["createdAt"] for row in reply.json()["data"]["data"]]

    for _ in range(2):
        await admin.post(f"{system.base_url}{PATH}", json=account())
    newest, older = (await eventually(found, lambda seen: len(seen) > 1))[:2]

    assert (await found(**{"from": newest}))[-1] == newest
    assert older not in await found(**{"from": newest})
    assert (await found(to=newest))[0] == older
    wrong = await admin.get(audit, params={"from": "yesterday"})
    assert (wrong.status_code, list(wrong.json()["fields"])) == (400, ["from"])
