"""What the gateway itself refuses is worded by the route's contract, or by the edition."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from running_gateway import Running, StartGateway


async def test_an_unknown_path_is_worded_by_the_edition(running: Running) -> None:
    circle_time = await running.client.get("/api/nothing")
    async with httpx.AsyncClient() as client:
        address = f"http://127.0.0.1:{running.university_port}/api/nothing"
        university = await client.get(address)

    assert circle_time.status_code == university.status_code == 404
    assert circle_time.json() == {"success": False, "message": "Not found", "code": "not_found"}
    assert university.json() == {"success": False, "error": "Not found", "statusCode": 404}


async def test_a_host_name_may_mean_the_university_edition(start_gateway: StartGateway) -> None:
    running = await start_gateway(university_hosts="rooms.university.test")

    reply = await running.client.get("/api/nothing", headers={"host": "Rooms.University.test:80"})

    assert reply.json()["statusCode"] == 404


@pytest.mark.parametrize(
    ("method", "path", "status", "body"),
    [
        ("GET", "/api/rooms", 401, {"success", "message", "code"}),
        ("POST", "/api/rooms/", 401, {"detail"}),
        ("DELETE", "/api/rooms/1/", 401, {"detail"}),
        ("POST", "/api/occupancy/cameras", 401, {"detail"}),
        ("PUT", "/api/occupancy/cameras/1", 401, {"detail"}),
        ("OPTIONS", "/api/occupancy/cameras", 405, {"detail"}),
        ("POST", "/", 405, {"success", "message", "code"}),
    ],
)
async def test_a_refusal_has_the_shape_of_its_route(
    running: Running, method: str, path: str, status: int, body: set[str]
) -> None:
    reply = await running.client.request(method, path)

    assert reply.status_code == status
    assert reply.json().keys() == body
    assert running.rooms.seen == running.occupancy.seen == []


async def test_an_anonymous_write_is_refused_in_the_documents_words(running: Running) -> None:
    reply = await running.client.post("/api/rooms/", json={})

    assert reply.json() == {"detail": "Authentication credentials were not provided."}


@pytest.mark.parametrize(
    ("who", "path", "status"),
    [
        ("student", "/api/rooms/", 403),
        ("faculty", "/api/rooms/", 200),
        ("staff", "/api/rooms/", 200),
        ("admin", "/api/rooms/", 200),
        ("student", "/api/occupancy/cameras", 403),
        ("faculty", "/api/occupancy/cameras", 403),
        ("staff", "/api/occupancy/cameras", 200),
        ("admin", "/api/occupancy/cameras", 200),
    ],
)
async def test_roles_decide_who_may_write(
    running: Running, who: str, path: str, status: int
) -> None:
    headers = await running.authorization(f"{who}@example.test")

    reply = await running.client.post(path, headers=headers, json={})

    assert reply.status_code == status


async def test_counts_may_be_for_those_who_are_signed_in_only(
    start_gateway: StartGateway,
) -> None:
    running = await start_gateway(occupancy_public=False)

    reply = await running.client.get("/api/occupancy/facility/live")

    assert reply.status_code == 401
    assert running.occupancy.seen == []


async def test_limited_answers_have_their_headers_and_the_last_one_a_way_out(
    start_gateway: StartGateway,
) -> None:
    running = await start_gateway(read_limit=3)

    replies = [await running.client.get("/api/rooms/") for _ in range(4)]

    assert [reply.status_code for reply in replies] == [200, 200, 200, 429]
    assert [reply.headers["x-ratelimit-remaining"] for reply in replies] == ["2", "1", "0", "0"]
    last = replies[-1]
    assert last.headers["x-ratelimit-limit"] == "3"
    assert last.headers["x-ratelimit-reset"].endswith("Z")
    assert 0 < int(last.headers["retry-after"]) <= 61
    assert last.json() == {"detail": "Too many requests. Please try again later."}


LIMITED = [
    # method, path, edition, who, what is counted together; the words in the contract's shape
    ("GET", "/api/rooms/", 8000, None, "read", {"detail"}),
    ("GET", "/api/occupancy/x", 8000, None, "read", {"detail"}),
    ("GET", "/api/rooms", 8000, "admin", "read", {"success", "message", "code"}),
    ("GET", "/api/rooms", 3000, None, "read", {"success", "error", "statusCode"}),
    ("GET", "/api/bookings", 8000, "student", "read", {"success", "error", "statusCode"}),
    ("POST", "/api/bookings", 8000, "student", "write", {"success", "message", "code"}),
    ("POST", "/api/requests", 8000, "student", "request", {"success", "error", "statusCode"}),
    ("POST", "/api/admin/rooms", 3000, "admin", "admin", {"success", "error", "statusCode"}),
    ("PATCH", "/api/requests/1", 3000, "admin", "admin", {"success", "error", "statusCode"}),
    ("POST", "/api/bookings/override", 3000, "admin", "admin", {"success", "error", "statusCode"}),
    (
        "GET",
        "/api/admin/reports/export",
        3000,
        "admin",
        "admin",
        {"success", "error", "statusCode"},
    ),
    ("GET", "/api/analytics/kpi", 8000, "admin", "read", {"success", "message", "code"}),
    ("POST", "/api/users/login/", 8000, None, "sign_in", {"detail"}),
]


@pytest.mark.parametrize(
    ("method", "path", "edition", "who", "rate", "shape"),
    LIMITED,
    ids=[f"{method} {path} {edition}" for method, path, edition, *_ in LIMITED],
)
async def test_one_request_too_many_is_429_in_the_routes_shape_with_all_four_headers(
    start_gateway: StartGateway,
    method: str,
    path: str,
    edition: int,
    who: str | None,
    rate: str,
    shape: set[str],
) -> None:
    running = await start_gateway(**{f"{rate}_limit": 2})
    headers = await running.authorization_of_a_new(who) if who else {}
    base = running.university_url if edition == 3000 else str(running.client.base_url)

    replies = [
        await running.client.request(method, f"{base}{path}", headers=headers) for _ in range(3)
    ]

    assert [reply.status_code == 429 for reply in replies] == [False, False, True]
    for reply, remaining in zip(replies, ["1", "0", "0"], strict=True):
        assert reply.headers["x-ratelimit-limit"] == "2"
        assert reply.headers["x-ratelimit-remaining"] == remaining
        assert seconds_until(reply.headers["x-ratelimit-reset"]) <= 61
    assert "retry-after" not in replies[1].headers
    assert 0 < int(replies[2].headers["retry-after"]) <= 61
    answer = replies[2].json()
    assert answer.keys() == shape
    assert "Too many requests. Please try again later." in answer.values()


def seconds_until(moment: str) -> float:
    assert moment.endswith("Z")
    return (datetime.fromisoformat(moment) - datetime.now(UTC)).total_seconds()


async def test_a_class_is_counted_for_each_user_by_itself(start_gateway: StartGateway) -> None:
    running = await start_gateway(request_limit=2)
    first = await running.authorization_of_a_new("student")
    second = await running.authorization_of_a_new("faculty")

    async def ask(path: str, headers: dict[str, str]) -> int:
        return (await running.client.post(path, headers=headers, json={})).status_code

    asked = [await ask("/api/requests", first) for _ in range(3)]
    others = [await ask("/api/requests", second), await ask("/api/bookings", first)]

    assert asked == [200, 200, 429]
    assert others == [200, 200]


async def test_attempts_to_sign_in_are_counted_by_address_and_by_account(
    start_gateway: StartGateway,
) -> None:
    running = await start_gateway(sign_in_limit=30)
    body = {"email": "a@b.c", "password": "x"}

    same = [
        (await running.client.post("/api/auth/login", json=body)).status_code for _ in range(12)
    ]
    others = [
        (
            await running.client.post("/api/auth/login", json={**body, "email": f"{n}@b.c"})
        ).status_code
        for n in range(20)
    ]

    assert same == [401] * 10 + [429] * 2
    assert others == [401] * 18 + [429] * 2


async def test_guesses_at_tokens_are_counted_by_address(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.callers.LOOK_UPS_A_MINUTE", 3)

    statuses = []
    for number in range(5):
        guess = {"authorization": f"Bearer {number:040}"}
        statuses.append((await running.client.get("/api/rooms/", headers=guess)).status_code)

    assert statuses == [401] * 3 + [429] * 2


async def test_a_site_that_is_not_listed_gets_no_cross_origin_leave(
    start_gateway: StartGateway,
) -> None:
    running = await start_gateway(cors_origins="https://app.test")
    ask = {"access-control-request-method": "POST", "origin": "https://app.test"}

    listed = await running.client.options("/api/rooms/", headers=ask)
    foreign = await running.client.get("/api/rooms/", headers={"origin": "https://evil.test"})

    assert listed.headers["access-control-allow-origin"] == "https://app.test"
    assert "access-control-allow-origin" not in foreign.headers


async def test_without_its_database_the_gateway_says_so_and_public_reads_go_on(
    start_gateway: StartGateway,
) -> None:
    running = await start_gateway(database_url="postgresql://accounts:x@127.0.0.1:9/nothing")
    unknown = {"authorization": "Bearer " + "x" * 40}

    private = await running.client.get("/api/occupancy/x", headers=unknown)
    public = await running.client.get("/api/rooms/")
    ready = await running.client.get(
        f"http://127.0.0.1:{running.gateway.settings.operations_port}/readyz"
    )

    assert (private.status_code, public.status_code) == (503, 200)
    assert private.json() == {"detail": "Occupancy service not initialized"}
    assert ready.json()["reasons"] == {"database": "the database does not answer"}


async def test_who_asks_while_the_database_is_away_has_guessed_nothing(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.callers.LOOK_UPS_A_MINUTE", 2)
    headers = await running.authorization()
    authenticator = running.gateway.shared.authenticator
    find = authenticator._find

    async def away(_: bytes) -> Any:
        raise ConnectionRefusedError

    authenticator._find = away
    asked = [await running.client.get("/api/auth/me", headers=headers) for _ in range(5)]
    authenticator._find = find

    assert [reply.status_code for reply in asked] == [503] * 5
    assert (await running.client.get("/api/auth/me", headers=headers)).status_code == 200


async def test_who_shows_a_token_many_times_at_once_is_looked_up_once(running: Running) -> None:
    headers = await running.authorization()
    authenticator = running.gateway.shared.authenticator
    find, looked_up = authenticator._find, 0

    async def counting(digest: bytes) -> Any:
        nonlocal looked_up
        looked_up += 1
        await asyncio.sleep(0.2)
        return await find(digest)

    authenticator._find = counting
    asked = [running.client.get("/api/auth/me", headers=headers) for _ in range(20)]
    replies = await asyncio.gather(*asked)

    assert {reply.status_code for reply in replies} == {200}
    assert looked_up == 1
