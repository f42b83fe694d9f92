"""Who may do what, for every operation that the gateway describes.

Who may is written here by hand; which operations there are is read from the descriptions, so that
one that is added is for people who are signed in, and nobody else's objects, until this says so.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import httpx
import pytest
from making import booking_of, make_room, request_of, soon
from running_system import PASSWORD, System

from common.ids import new_cuid

CONTRACTS: Final = ("heatmap", "directory", "university", "circle_time", "occupancy")
METHODS: Final = ("get", "post", "put", "patch", "delete")
PEOPLE: Final = frozenset({"ADMIN", "FACULTY", "STUDENT", "STAFF"})
EVERYBODY: Final = PEOPLE | {"nobody", "panel", "edge"}
MANAGERS: Final = PEOPLE - {"STUDENT"}
ADMINS: Final = frozenset({"ADMIN"})
# Accounts have tests of their own: they sign in and out.
ACCOUNTS: Final = ("/api/auth/", "/api/users/login/")


@dataclass(frozen=True)
class Operation:
    """One thing that can be asked, as a description has it."""

    contract: str
    method: str
    path: str

    def __str__(self) -> str:
        return f"{self.method.upper()} {self.path}"

    @property
    def writes(self) -> bool:
        return self.method != "get"

    def callers(self) -> frozenset[str]:
        """Who may ask this: the first line of `WHO` that fits."""
        found = next(who for pattern, *who in WHO if re.match(pattern, f"{self.contract} {self}"))
        return found[self.writes]


# Contract, method and path; who reads, who writes.
WHO: Final = (
    ("occupancy GET /api/occupancy/equipment", frozenset({"ADMIN", "STAFF"}), frozenset()),
    ("occupancy .* /api/occupancy/edges/.*/snapshots", frozenset({"edge"}), frozenset({"edge"})),
    ("occupancy GET /api/occupancy/edges/", ADMINS | {"edge"}, frozenset()),
    ("circle_time GET /api/analytics/", ADMINS, frozenset()),
    ("heatmap", EVERYBODY, frozenset()),
    ("occupancy", EVERYBODY, frozenset({"ADMIN", "STAFF"})),
    (".* /api/(admin/|webhooks|booking-quotas/|booking-policies/)", ADMINS, ADMINS),
    ("university (PATCH /api/requests/|POST /api/bookings/override)", ADMINS, ADMINS),
    ("directory .* /api/(blackouts|holidays|terms|allocations)/", EVERYBODY, ADMINS),
    ("directory", EVERYBODY, MANAGERS),
    ("university GET /api/(rooms|buildings)", EVERYBODY, frozenset()),
    ("circle_time GET /api/calendar/", EVERYBODY, frozenset()),
    ("circle_time POST /api/bookings/.*/(checkin|end)", PEOPLE, PEOPLE | {"panel"}),
    ("circle_time POST /api/panel/pairings", EVERYBODY, EVERYBODY),
    ("circle_time PUT /api/panel/device", frozenset({"panel"}), frozenset({"panel"})),
    ("circle_time .* /api/panel/", PEOPLE | {"panel"}, PEOPLE | {"panel"}),
    ("", PEOPLE, PEOPLE),
)


def operations(system: System) -> Iterator[tuple[str, Operation, dict[str, Any]]]:
    """List every operation with the address that serves it and its description."""
    for contract in CONTRACTS:
        base_url = system.university_url if contract == "university" else system.base_url
        described = httpx.get(f"{base_url}/openapi/{contract}.json").raise_for_status().json()
        for path, item in described["paths"].items():
            for method in METHODS:
                if method in item and not path.startswith(ACCOUNTS):
                    schemas = described["components"]["schemas"]
                    yield (
                        base_url,
                        Operation(contract, method, path),
                        {**item[method], "schemas": schemas},
                    )


@pytest.fixture(scope="module")
def tokens(system: System) -> dict[str, str]:
    """The token of each caller; `nobody` has none."""
    devices = {
        kind: system.run("gateway", "devices", "add", kind, f"{kind}-{new_cuid()}")
        for kind in ("panel", "edge")
    }
    return {**system.tokens, **devices}


@dataclass(frozen=True)
class Answer:
    status_code: int
    text: str


def ask(
    client: httpx.Client, url: str, operation: Operation, token: str | None, **more: Any
) -> Answer:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    # Nothing has this id, and nothing is a body: whoever is let in does no harm.
    path = operation.path
    while "{" in path:
        before, _, rest = path.partition("{")
        path = f"{before}{more.get('id', 'c' + '0' * 24)}{rest.partition('}')[2]}"
    body = more.get("body", {}) if operation.method in {"post", "put", "patch"} else None
    with client.stream(operation.method, url + path, headers=headers, json=body) as reply:
        if not reply.headers.get("content-type", "").startswith("text/event-stream"):
            return Answer(reply.status_code, reply.read().decode())
        # A stream has no end; its first events are all cameras, and then the facility.
        text = ""
        for part in reply.iter_text():
            text += part
            if "event: facility" in text:
                break
        return Answer(reply.status_code, text)


@pytest.mark.parametrize("caller", sorted(EVERYBODY))
def test_who_may_call_what(system: System, tokens: dict[str, str], caller: str) -> None:
    refused = 401 if caller == "nobody" else 403
    wrong = []
    with httpx.Client(timeout=30) as client:
        for url, operation, _ in operations(system):
            reply = ask(client, url, operation, tokens.get(caller))
            let_in = caller in operation.callers()
            if let_in == (reply.status_code in {401, 403}) or (
                not let_in and reply.status_code != refused
            ):
                wrong.append(f"{operation}: {reply.status_code}")

    assert wrong == []


def test_no_body_takes_what_it_does_not_know(system: System) -> None:
    bodies = {
        str(operation): schema
        for _, operation, described in operations(system)
        for schema in _schemas_of_body(described)
    }

    assert len(bodies) > 25
    assert [one for one, schema in bodies.items() if schema["additionalProperties"]] == []


def _schemas_of_body(described: dict[str, Any]) -> Iterator[dict[str, Any]]:
    content = described.get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    for one in schema.get("anyOf", [schema] if schema else []):
        if "$ref" in one:
            yield {"additionalProperties": True} | described["schemas"][one["$ref"].split("/")[-1]]


async def test_what_is_somebody_elses_cannot_be_seen_or_changed(
    system: System, student: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    room = await make_room(admin)
    booking = (await student.post("/api/bookings", json=booking_of(room, soon(1)))).json()["data"]
    requests, notifications = (
        f"{system.university_url}/api/{name}" for name in ("requests", "notifications")
    )
    request = (await student.post(requests, json=request_of(room, soon(600)))).json()
    notes = (await student.get(notifications)).json()["data"]["notifications"]
    feed = (await student.post("/api/feeds", json={})).json()["data"]
    moved = {"startTime": booking["endTime"]}
    theirs = {
        "PATCH /api/bookings/{booking_id}": {"id": booking["id"], "body": moved},
        "DELETE /api/bookings/{booking_id}": {"id": booking["id"]},
        "POST /api/bookings/{booking_id}/end": {"id": booking["id"]},
        "POST /api/panel/meetings/{meeting_id}/end": {"id": booking["id"]},
        "POST /api/panel/meetings/{meeting_id}/extend": {"id": booking["id"]},
        "POST /api/requests/{request_id}/cancel": {"id": request["data"]["id"]},
        "POST /api/notifications/{notification_id}/read": {"id": notes[0]["id"]},
        "DELETE /api/feeds/{feed_id}": {"id": feed["id"]},
    }
    # Everybody sees the rooms and what is booked in them; whoever stands at the door checks in.
    shared = {
        "GET /api/rooms/{room_id}",
        "GET /api/rooms/{room_id}/bookings",
        "POST /api/bookings/{booking_id}/checkin",
        "GET /api/panel/rooms/{room_id}/state",
        "POST /api/panel/rooms/{room_id}/book",
        "POST /api/panel/meetings/{meeting_id}/checkin",
    }

    async def state() -> list[Any]:
        day = booking["startTime"][:10]
        asked = [
            await student.get(f"/api/rooms/{room['id']}/bookings?date={day}"),
            await student.get(requests),
            await student.get(notifications),
            await student.get("/api/feeds"),
        ]
        return [reply.raise_for_status().json()["data"] for reply in asked]

    before = await state()
    allowed = []
    with httpx.Client(timeout=30) as client:
        for url, operation, _ in operations(system):
            of_somebody = "{" in operation.path and PEOPLE <= operation.callers() < EVERYBODY
            if not of_somebody or str(operation) in shared:
                continue
            token = system.tokens["FACULTY"]
            reply = ask(client, url, operation, token, **theirs[str(operation)])
            if reply.status_code not in {403, 404}:
                allowed.append(f"{operation}: {reply.status_code} {reply.text}")

    assert allowed == []
    assert await state() == before


async def test_no_answer_shows_a_secret(
    system: System, tokens: dict[str, str], admin: httpx.AsyncClient
) -> None:
    url = {"url": "https://example.test/hook"}
    webhook = (await admin.post("/api/webhooks", json=url)).raise_for_status().json()["data"]
    feed = (await admin.post("/api/feeds", json={})).raise_for_status().json()["data"]
    secrets = [PASSWORD, "argon2", "password_hash", webhook["secret"], *tokens.values()]
    secrets.append(feed["url"].rpartition("/")[2].partition(".")[0])

    shown = []
    with httpx.Client(timeout=30) as client:
        for address, operation, _ in operations(system):
            if not operation.writes:
                text = ask(client, address, operation, tokens["ADMIN"], id=webhook["id"]).text
                shown += [f"{operation}: {one}" for one in secrets if one in text]
    await admin.delete(f"/api/webhooks/{webhook['id']}")

    assert shown == []
