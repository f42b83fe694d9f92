"""Figures, the heatmap, and what it is made of answer as the descriptions say, word for word.

Pages and other teams' clients are written from the descriptions: what is missing there does not
exist for them, and what is there and never comes breaks them.
"""

from typing import Any, Final

import httpx
import schemathesis
from making import make_location, make_room, unique
from running_system import System

from common.ids import new_cuid

RANGE: Final = {"start_date": "2039-03-01", "end_date": "2039-03-07"}
FIGURES: Final = ("kpi", "utilization", "ghosting", "capacity", "reality", "right-size", "flow")
REPORTS: Final = ("utilization", "peak-hours", "bookings-by-role")
# What says nothing of a value.
SAYS: Final = frozenset({"type", "$ref", "anyOf", "oneOf", "enum", "const"})


def exact(schema: Any) -> Any:
    """Let objects have no fields but those that are described."""
    if isinstance(schema, list):
        return [exact(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {"additionalProperties": False} if isinstance(schema.get("properties"), dict) else {}
    for name, field in schema.get("properties", {}).items():
        assert SAYS & set(field), (schema.get("title"), name)
        # A kind of object, or of what it has, or a kind of what is listed.
        is_open = "properties" not in field and field.get("additionalProperties", True) is True
        assert field.get("type") != "object" or not is_open, (schema.get("title"), name)
        assert field.get("type") != "array" or SAYS & set(field["items"]), name
    return {**{key: exact(value) for key, value in schema.items()}, **closed}


class Descriptions:
    """What the gateway says of itself, and an admin who asks for it."""

    def __init__(self, system: System, admin: httpx.AsyncClient) -> None:
        self._system = system
        self._admin = admin
        self._known: dict[str, Any] = {}

    async def _of(self, contract: str) -> Any:
        if contract not in self._known:
            described = (await self._admin.get(f"/openapi/{contract}.json")).json()
            schemas = described["components"]["schemas"]
            refusal = schemas.pop("Refusal")
            described["components"]["schemas"] = {**exact(schemas), "Refusal": refusal}
            self._known[contract] = schemathesis.openapi.from_dict(described)
        return self._known[contract]

    async def check(
        self, contract: str, path: str, method: str = "GET", status: int = 200, **asked: Any
    ) -> Any:
        """Ask, and hold the answer to its description; returns it."""
        key = asked.pop("key", "")
        name = path.partition("{")[2].partition("}")[0]
        reply = await self._admin.request(
            method, path.replace(f"{{{name}}}", str(key)), timeout=60, **asked
        )
        assert reply.status_code == status, reply.text
        operation = (await self._of(contract))[path][method]
        answer = operation.definition.raw["responses"][str(status)]
        assert SAYS & set(answer["content"]["application/json"]["schema"]), (method, path)
        operation.validate_response(reply)
        return reply.json()


async def test_answers_are_as_they_are_described(system: System, admin: httpx.AsyncClient) -> None:
    described = Descriptions(system, admin)
    location = await make_location(admin)
    room = await make_room(admin, location=location["id"])
    bounds = {"start_date": "2039-02-01", "end_date": "2039-06-30"}
    names = {"name": "Spring", "code": new_cuid()}
    term = await described.check("directory", "/api/terms/", "POST", 201, json={**names, **bounds})
    times = {"start_at": "2039-03-02T09:00:00Z", "end_at": "2039-03-02T11:00:00Z"}
    entry = {"room": room["id"], "title": "Algebra", "allocated_seats": 5, **times}
    weekly = {"recurrence_rule": "FREQ=WEEKLY;COUNT=3", "exceptions": ["2039-03-09"]}
    made = await described.check(
        "directory", "/api/allocations/", "POST", 201, json={"term": term["id"], **entry, **weekly}
    )
    timetable = "/api/terms/{term_id}/timetable/"
    known = {"external_id": "known", **entry}
    changed = {**known, "title": "Analysis", "allocated_seats": 6}
    for entries, dry_run in (([known], False), ([changed, {**known, "external_id": "new"}], True)):
        await described.check(
            "directory",
            timetable,
            "PUT",
            key=term["id"],
            json={"allocations": entries},
            params={"dry_run": dry_run},
        )
    closed = {"start_at": "2039-03-02T08:00:00Z", "end_at": "2039-03-02T10:00:00Z"}
    blackout = {"room": room["id"], "reason": "Paint", **closed}
    holiday = {"date": "2039-03-02", "name": unique("Holiday")}
    quota = {"role": "STAFF", "period": "month", "most_bookings": 100_000}
    for kind, body in (("blackouts", blackout), ("holidays", holiday), ("booking-quotas", quota)):
        path, one = f"/api/{kind}/", f"/api/{kind}/{{key}}/"
        key = (await described.check("directory", path, "POST", 201, json=body))["id"]
        try:
            await described.check("directory", path)
            await described.check("directory", one, key=key)
            await described.check("directory", one, "PUT", key=key, json=body)
        finally:
            (await admin.delete(f"{path}{key}/")).raise_for_status()
    for path in ("/api/terms/", "/api/allocations/", "/api/booking-policies/"):
        await described.check("directory", path)
    await described.check("directory", "/api/terms/{term_id}/", key=term["id"])
    await described.check("directory", "/api/allocations/{allocation_id}/", key=made["id"])
    await described.check(
        "directory", "/api/booking-policies/{room}/", "PUT", key=room["id"], json={}
    )

    await described.check(
        "heatmap", "/api/rooms/capacity-heatmap/", params={"term": term["id"], "room": room["id"]}
    )
    for name in FIGURES:
        await described.check("circle_time", f"/api/analytics/{name}", params=RANGE)
    for name in REPORTS:
        await described.check("university", f"/api/admin/reports/{name}")
