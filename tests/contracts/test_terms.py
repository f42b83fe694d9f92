"""`heatmap`, what it leaves silent: terms, allocations and timetables, in `directory` style."""

import asyncio
import json
import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any, Final

import httpx
import pytest
from aiokafka import AIOKafkaConsumer
from making import booking_of, make, make_location, make_room
from running_system import System, eventually

from common.ids import new_cuid

# Each test has a year of its own: blackouts and holidays of others are no business of its rooms'.
YEARS: Final = count(2040)
SEATS: Final = 100


def code() -> str:
    return new_cuid()


async def make_term(admin: httpx.AsyncClient, year: int, **changes: Any) -> dict[str, Any]:
    days = {"start_date": f"{year}-02-01", "end_date": f"{year}-06-30"}
    return await make(admin, "/api/terms/", **{"name": "Spring", "code": code(), **days, **changes})


class Course:
    """A term and a room, and what is allocated there."""

    def __init__(
        self, admin: httpx.AsyncClient, term: dict[str, Any], room: dict[str, Any]
    ) -> None:
        self.admin = admin
        self.term = term
        self.room = room
        self.year = int(term["start_date"][:4])

    def at(self, day: str = "03-07", hour: float = 9, hours: float = 2) -> dict[str, str]:
        """From when to when, in UTC."""
        start = datetime.fromisoformat(f"{self.year}-{day}T00:00:00+00:00")
        start += timedelta(hours=hour)
        end = start + timedelta(hours=hours)
        return {"start_at": iso(start), "end_at": iso(end)}

    def body(self, seats: int = 60, **changes: Any) -> dict[str, Any]:
        named = {"term": self.term["id"], "room": self.room["id"], "title": "Algebra"}
        return {**named, "allocated_seats": seats, **self.at(), **changes}

    async def add(self, seats: int = 60, **changes: Any) -> dict[str, Any]:
        return await make(self.admin, "/api/allocations/", **self.body(seats, **changes))

    async def refused(self, field: str, part: str, seats: int = 60, **changes: Any) -> None:
        reply = await self.admin.post("/api/allocations/", json=self.body(seats, **changes))
        assert_refused(reply, field, part)

    def entry(self, external_id: str, seats: int = 60, **changes: Any) -> dict[str, Any]:
        body = self.body(seats, **changes)
        del body["term"]
        return {"external_id": external_id, **body}

    async def push(self, *entries: dict[str, Any], dry_run: bool = False) -> httpx.Response:
        path = f"/api/terms/{self.term['id']}/timetable/"
        params = {"dry_run": "true"} if dry_run else {}
        return await self.admin.put(path, params=params, json={"allocations": entries}, timeout=60)

    async def all(self, **params: Any) -> list[dict[str, Any]]:
        params = {"term": self.term["id"], "limit": 100, **params}
        reply = await self.admin.get("/api/allocations/", params=params)
        results: list[dict[str, Any]] = reply.raise_for_status().json()["results"]
        return results


@pytest.fixture
async def course(admin: httpx.AsyncClient) -> Course:
    term = await make_term(admin, next(YEARS))
    return Course(admin, term, await make_room(admin, capacity=SEATS))


def iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def assert_refused(reply: httpx.Response, field: str, part: str) -> None:
    assert reply.status_code == 400, reply.text
    [(name, [message])] = reply.json().items()
    assert (name, part in message) == (field, True), reply.text


async def probe(admin: httpx.AsyncClient, body: dict[str, Any]) -> httpx.Response:
    """Try to allocate, and leave nothing behind."""
    reply = await admin.post("/api/allocations/", json=body)
    if reply.status_code == 201:
        await admin.delete(f"/api/allocations/{reply.json()['id']}/")
    return reply


def counts(reply: httpx.Response) -> tuple[int, int, int, int, int]:
    """Created, changed, removed, unchanged, conflicts."""
    found = reply.json()["counts"]
    return tuple(
        found[name] for name in ("created", "changed", "removed", "unchanged", "conflicts")
    )


class TestTerms:
    async def test_made_shown_changed_published_and_deleted(
        self, admin: httpx.AsyncClient, anyone: httpx.AsyncClient
    ) -> None:
        sent = {
            "name": "Spring 1403",
            "code": code(),
            "start_date": "2024-03-20",
            "end_date": "2024-06-20",
        }
        term = await make(admin, "/api/terms/", **sent)
        path = f"/api/terms/{term['id']}/"
        assert list(term.items()) == [
            ("id", term["id"]),
            *sent.items(),
            ("is_published", False),
            ("is_archived", False),
        ]

        hidden = await anyone.get(path)
        assert (hidden.status_code, hidden.json()) == (
            404,
            {"detail": "No Term matches the given query."},
        )
        changed = await admin.patch(path, json={"name": "Spring", "is_archived": True})
        published = await admin.post(f"{path}publish/")
        term |= {"name": "Spring", "is_archived": True}
        assert (changed.status_code, changed.json()) == (200, term)
        assert (published.status_code, published.json()) == (200, term | {"is_published": True})
        assert (await anyone.get(path)).json() == published.json()
        assert (await admin.delete(path)).status_code == 204
        assert (await admin.get(path)).status_code == 404

    async def test_the_list_shows_an_admin_more_than_others(
        self, admin: httpx.AsyncClient, anyone: httpx.AsyncClient, faculty: httpx.AsyncClient
    ) -> None:
        hidden = await make_term(admin, next(YEARS))
        shown = await make_term(admin, next(YEARS), is_published=True)
        for client, both in ((admin, True), (anyone, False), (faculty, False)):
            page = (await client.get("/api/terms/?limit=100")).json()
            ids = {term["id"] for term in page["results"]}
            assert list(page) == ["count", "next", "previous", "results"]
            assert shown["id"] in ids
            assert (hidden["id"] in ids) is both
            out = await client.get("/api/terms/?page=99999")
            assert (out.status_code, out.json()) == (404, {"detail": "Invalid page."})

    @pytest.mark.parametrize(
        ("changes", "field", "part"),
        [
            ({"name": ""}, "name", "may not be blank"),
            ({"name": None}, "name", "may not be null"),
            ({"code": "x" * 33}, "code", "no more than 32"),
            ({"start_date": "soon"}, "start_date", "YYYY-MM-DD"),
            ({"end_date": "2040-01-31"}, "end_date", "End must not be before start."),
            ({"end_date": "2046-01-31"}, "end_date", "five years"),
            ({"start_date": "0001-01-01"}, "start_date", "1900"),
            ({"is_published": "perhaps"}, "is_published", "boolean"),
            ({"colour": "red"}, "colour", "Unknown field."),
        ],
        ids=str,
    )
    async def test_wrong_ones_are_400_by_field(
        self, admin: httpx.AsyncClient, changes: dict[str, Any], field: str, part: str
    ) -> None:
        days = {"start_date": "2040-02-01", "end_date": "2040-06-30"}
        reply = await admin.post(
            "/api/terms/", json={"name": "Spring", "code": code(), **days, **changes}
        )

        assert_refused(reply, field, part)

    async def test_what_is_missing_is_named(self, admin: httpx.AsyncClient) -> None:
        reply = await admin.post("/api/terms/", json={})

        missing = ["This field is required."]
        names = ("name", "code", "start_date", "end_date")
        assert (reply.status_code, reply.json()) == (400, dict.fromkeys(names, missing))

    async def test_a_code_is_one_terms(self, admin: httpx.AsyncClient) -> None:
        one, other = [await make_term(admin, 2040) for _ in range(2)]
        taken = {"code": ["Term with this code already exists."]}

        del one["id"]
        made = await admin.post("/api/terms/", json=one)
        changed = await admin.patch(f"/api/terms/{other['id']}/", json={"code": one["code"]})

        assert (made.status_code, made.json()) == (400, taken)
        assert (changed.status_code, changed.json()) == (400, taken)

    async def test_allocations_stay_inside_and_keep_it(self, course: Course) -> None:
        await course.add(title="Algebra")
        path = f"/api/terms/{course.term['id']}/"

        late = await course.admin.patch(path, json={"start_date": f"{course.year}-03-08"})
        early = await course.admin.patch(path, json={"end_date": f"{course.year}-03-06"})
        gone = await course.admin.delete(path)
        fits = await course.admin.patch(
            path, json={"start_date": f"{course.year}-03-07", "end_date": f"{course.year}-03-07"}
        )

        assert late.json() == {"start_date": ["Allocations would be outside: Algebra."]}
        assert early.json() == {"end_date": ["Allocations would be outside: Algebra."]}
        assert (gone.status_code, gone.json()) == (
            400,
            {"detail": "This term is in use by: Algebra."},
        )
        assert fits.status_code == 200

    async def test_unknown_ones_and_other_methods(
        self, admin: httpx.AsyncClient, anyone: httpx.AsyncClient
    ) -> None:
        for key in ("0", "x", "99999999999", "2147483647", "0000000001999999999999"):
            for reply in (
                await anyone.get(f"/api/terms/{key}/"),
                await admin.patch(f"/api/terms/{key}/", json={}),
                await admin.post(f"/api/terms/{key}/publish/"),
                await admin.put(f"/api/terms/{key}/timetable/", json={"allocations": []}),
                await admin.delete(f"/api/terms/{key}/"),
            ):
                assert (reply.status_code, reply.json()) == (
                    404,
                    {"detail": "No Term matches the given query."},
                )
        reply = await admin.delete("/api/terms/")
        assert (reply.status_code, reply.json()) == (
            405,
            {"detail": 'Method "DELETE" not allowed.'},
        )
        reply = await admin.get("/api/terms/1/timetable/")
        assert reply.status_code == 405


class TestAllocations:
    async def test_made_shown_changed_and_deleted(
        self, course: Course, anyone: httpx.AsyncClient
    ) -> None:
        made = await course.add(room=str(course.room["id"]))
        path = f"/api/allocations/{made['id']}/"
        assert list(made.items()) == [
            ("id", made["id"]),
            *course.body().items(),
            ("recurrence_rule", None),
            ("exceptions", []),
            ("external_id", None),
        ]
        nothing = {"detail": "No Allocation matches the given query."}
        assert (await anyone.get(path)).json() == nothing
        mine = f"/api/allocations/?term={course.term['id']}"
        assert (await anyone.get(mine)).json()["count"] == 0

        await course.admin.post(f"/api/terms/{course.term['id']}/publish/")

        assert (await anyone.get(path)).json() == made
        assert (await anyone.get(mine)).json()["results"] == [made]
        changed = await course.admin.patch(path, json={"title": "Analysis", "allocated_seats": 70})
        made |= {"title": "Analysis", "allocated_seats": 70}
        assert (changed.status_code, changed.json()) == (200, made)
        assert (await course.admin.delete(path)).status_code == 204
        for reply in (
            await anyone.get(path),
            await course.admin.patch(path, json={}),
            await course.admin.delete(path),
        ):
            assert (reply.status_code, reply.json()) == (404, nothing)

    async def test_they_are_found_by_term_and_room(
        self, course: Course, admin: httpx.AsyncClient
    ) -> None:
        other = await make_room(admin)
        made = [await course.add(10), await course.add(10, room=other["id"], **course.at("03-08"))]
        cuid = (await admin.get(f"/api/rooms/{other['id']}")).json()["data"]["id"]

        assert await course.all() == made
        assert await course.all(room=other["id"]) == made[1:]
        assert await course.all(room=cuid) == made[1:]
        assert await course.all(term=10**12) == []
        assert await course.all(term="0000000001999999999999") == []
        for name in ("term", "room"):
            reply = await admin.get(f"/api/allocations/?{name}=x")
            assert_refused(reply, name, "Enter a number.")

    async def test_seats_are_shared_up_to_the_last(self, course: Course) -> None:
        """60 from 9 to 11; 40 more fit in it, and 60 after it, but nothing more."""
        await course.add(60)
        full = f"has {SEATS} seats; 101 would be allocated at {course.year}-03-07T10:00:00Z."
        await course.refused("allocated_seats", full, 41, **course.at(hour=10))

        await course.add(40, **course.at(hour=10))
        after = await course.add(60, **course.at(hour=11))

        await course.refused("allocated_seats", "101 would be", 1, **course.at(hour=8, hours=24))
        path = f"/api/allocations/{after['id']}/"
        for change in ({"allocated_seats": 61}, course.at(hour=10.5)):
            reply = await course.admin.patch(path, json=change)
            assert list(reply.json()) == ["allocated_seats"], reply.text
        assert (await course.admin.get(path)).json() == after
        smaller = await course.admin.patch(path, json={"allocated_seats": 1})
        assert smaller.status_code == 200
        await course.add(59, **course.at(hour=11))

    async def test_of_many_who_write_at_once_none_gets_a_seat_that_is_taken(
        self, course: Course
    ) -> None:
        """Eight terms, a writer each, in one room; what stands there is looked at all the while."""
        admin, outcomes = course.admin, Counter[int]()
        await course.add(10, **course.at(hour=10))
        terms = [await make_term(admin, course.year) for _ in range(8)]

        async def write(seed: int, term: dict[str, Any]) -> None:
            chance, mine, body = random.Random(seed), [], {**course.body(), "term": term["id"]}
            for _ in range(9):
                # All of them are there from 10 to 11.
                when = course.at(hour=chance.choice((9, 10)))
                body |= {"allocated_seats": chance.choice((30, 45)), **when}
                what = chance.random() if mine else 0
                if what < 0.5:
                    reply = await admin.post("/api/allocations/", json=body)
                elif what < 0.8:
                    reply = await admin.patch(chance.choice(mine), json=body)
                else:
                    reply = await admin.delete(mine.pop())
                outcomes[reply.status_code] += 1
                if reply.status_code == 201:
                    mine.append(f"/api/allocations/{reply.json()['id']}/")
                elif reply.status_code not in {200, 204}:
                    assert_refused(reply, "allocated_seats", f"has {SEATS} seats")

        async def taken() -> int:
            asked = {"room": course.room["id"], "limit": 100}
            reply = await admin.get("/api/allocations/", params=asked)
            # Each holds from 10 to 11, when the room is fullest.
            return sum(one["allocated_seats"] for one in reply.raise_for_status().json()["results"])

        seen = []
        async with asyncio.TaskGroup() as group:
            writing = [group.create_task(write(seed, term)) for seed, term in enumerate(terms)]
            while not all(task.done() for task in writing):
                seen.append(await taken())

        assert SEATS - 30 < max([*seen, await taken()]) <= SEATS
        assert set(outcomes) == {200, 201, 204, 400}

    async def test_a_room_that_shrinks_keeps_what_it_has_and_takes_no_more(
        self, course: Course, admin: httpx.AsyncClient
    ) -> None:
        made = await course.add(60)
        path = f"/api/allocations/{made['id']}/"
        room = f"/api/rooms/{course.room['id']}/"
        (await admin.patch(room, json={"capacity": 50})).raise_for_status()
        # Its event has come as soon as the small room refuses what the large one would take.
        body = course.body(51, **course.at("04-01"))
        await eventually(
            lambda: probe(admin, body), lambda reply: "has 50 seats; 51 would be" in reply.text
        )

        await course.refused("allocated_seats", "has 50 seats; 61 would be", 1)
        for change in ({"title": "Analysis"}, {"allocated_seats": 59}):
            assert (await admin.patch(path, json=change)).status_code == 200
        (await admin.patch(room, json={"is_active": False})).raise_for_status()
        inactive = {"room": ["The room is not active."]}
        await eventually(lambda: probe(admin, body), lambda reply: reply.json() == inactive)
        assert (await admin.patch(path, json={"title": "Algebra"})).status_code == 200

    async def test_recurrences_are_local_and_exceptions_are_left_out(
        self, course: Course, admin: httpx.AsyncClient
    ) -> None:
        """Daily at 23:00 of Berlin through the change of the clocks; one day and one moment out."""
        berlin = await make_location(admin, timezone="Europe/Berlin")
        room = await make_room(admin, location=berlin["id"], capacity=SEATS)
        last_sunday = max(
            day
            for day in (date(course.year, 3, number) for number in range(25, 32))
            if day.weekday() == 6
        )
        first, third = last_sunday - timedelta(days=1), last_sunday + timedelta(days=1)
        fourth = third + timedelta(days=1)
        at = {"start_at": f"{first}T23:00:00+01:00", "end_at": f"{last_sunday}T00:30:00+01:00"}
        made = await course.add(
            room=room["id"],
            recurrence_rule="FREQ=DAILY;COUNT=5",
            exceptions=[str(third), f"{fourth}T21:00:00Z"],
            **at,
        )
        assert made["exceptions"] == [str(third), str(fourth)]
        hour = timedelta(hours=1)

        async def taken(moment: datetime) -> bool:
            body = course.body(SEATS, room=room["id"])
            body |= {"start_at": iso(moment), "end_at": iso(moment + hour / 60)}
            reply = await admin.post("/api/allocations/", json=body)
            assert reply.status_code in {201, 400}, reply.text
            return reply.status_code == 400

        def utc(day: date, hours: float) -> datetime:
            return datetime(day.year, day.month, day.day, tzinfo=UTC) + hours * hour

        # 22:00 of UTC in winter, 21:00 in summer.
        fifth = fourth + timedelta(days=1)
        held = {(first, 22), (last_sunday, 21), (fifth, 21)}
        free = {(first, 21.9), (last_sunday, 22.5), (third, 21), (fourth, 21), (fifth, 22.5)}
        assert [one for one in held if not await taken(utc(*one))] == []
        assert [one for one in free if await taken(utc(*one))] == []

    @pytest.mark.parametrize(
        ("changes", "field", "part"),
        [
            ({"term": 2**31 - 1}, "term", "No Term matches the given query."),
            ({"term": "x"}, "term", "A valid integer is required."),
            ({"room": 2**31 - 1}, "room", "No Room matches the given query."),
            ({"room": "0000000001999999999999"}, "room", "No Room matches the given query."),
            ({"room": "c" + "0" * 24}, "room", "No Room matches the given query."),
            ({"title": " \0"}, "title", "may not be blank"),
            ({"allocated_seats": 0}, "allocated_seats", "greater than or equal to 1"),
            ({"allocated_seats": True}, "allocated_seats", "A valid integer is required."),
            ({"allocated_seats": SEATS + 1}, "allocated_seats", "101 would be allocated"),
            ({"start_at": "2040-03-07T09:00:00"}, "start_at", "needs an offset"),
            ({"recurrence_rule": "FREQ=HOURLY;COUNT=2"}, "recurrence_rule", "FREQ="),
            ({"recurrence_rule": "FREQ=DAILY"}, "recurrence_rule", "COUNT or UNTIL"),
            ({"recurrence_rule": "FREQ=DAILY;COUNT=200"}, "recurrence_rule", "The term ends on"),
            ({"exceptions": ["soon"]}, "exceptions", "YYYY-MM-DD"),
            ({"exceptions": "x"}, "exceptions", "list"),
        ],
        ids=str,
    )
    async def test_wrong_ones_are_400_by_field(
        self, course: Course, changes: dict[str, Any], field: str, part: str
    ) -> None:
        await course.refused(field, part, **changes)

        assert await course.all() == []

    async def test_times_that_cannot_be(self, course: Course) -> None:
        ends = course.at()["start_at"]
        await course.refused("end_at", "End must be after start.", end_at=ends)
        outside = {"01-31": "start_at", "06-30": "end_at", "07-01": "end_at"}
        for day, field in outside.items():
            await course.refused(field, "The term ", **course.at(day, 23))
        day = course.at()["start_at"][:10]
        await course.refused("exceptions", "No occurrence is left.", exceptions=[day])
        await course.refused(
            "recurrence_rule", "one of the", recurrence_rule="FREQ=DAILY;COUNT=2;BYMONTH=5"
        )
        made = await course.add()
        other = await make_term(course.admin, course.year)
        reply = await course.admin.patch(
            f"/api/allocations/{made['id']}/", json={"term": other["id"]}
        )
        assert reply.json() == {"term": ["An allocation stays in its term."]}

    async def test_blackouts_and_holidays_refuse_new_ones_and_name_old_ones(
        self, course: Course, admin: httpx.AsyncClient
    ) -> None:
        made = await course.add(recurrence_rule="FREQ=DAILY;COUNT=3")
        day = course.at()["start_at"][:10]
        times = course.at(hour=10, hours=0.5)
        body = {"room": course.room["id"], **times, "reason": "Painting"}
        blackout = await make(admin, "/api/blackouts/", **body)
        holiday = await make(admin, "/api/holidays/", date=f"{course.year}-03-09", name="Nowruz")
        try:
            met = {"count": 1, "results": [made]}
            assert (blackout["allocations"], holiday["allocations"]) == (met, met)
            closed = f"It cannot take place on {day}. The room is closed then: Painting."
            await course.refused("start_at", closed, 1)
            await course.refused("start_at", "03-09 is a holiday: Nowruz.", 1, **course.at("03-09"))
            # A day that is left out, or before and after it, is none of its business.
            await course.add(1, **course.at(hours=1))
            assert (await course.push(course.entry("x", 1, **course.at("03-09")))).json()[
                "conflicts"
            ] == [
                {
                    "external_id": "x",
                    "field": "start_at",
                    "reason": f"It cannot take place on {course.year}-03-09."
                    f" {course.year}-03-09 is a holiday: Nowruz.",
                    "code": "holiday",
                    "values": {"day": f"{course.year}-03-09", "name": "Nowruz"},
                }
            ]
            path = f"/api/allocations/{made['id']}/"
            assert (await admin.patch(path, json={"title": "Analysis"})).status_code == 200
            later = await admin.patch(path, json=course.at(hour=9.5))
            assert list(later.json()) == ["start_at"]
            freed = {**course.at("03-08"), "recurrence_rule": "FREQ=DAILY;COUNT=2"}
            freed["exceptions"] = [holiday["date"]]
            assert (await admin.patch(path, json=freed)).status_code == 200
            changed = await admin.put(f"/api/blackouts/{blackout['id']}/", json=body)
            assert changed.json() == {"id": blackout["id"], **body}
        finally:
            await admin.delete(f"/api/holidays/{holiday['id']}/")
            await admin.delete(f"/api/blackouts/{blackout['id']}/")

    async def test_bookings_have_nothing_to_do_with_them(self, course: Course) -> None:
        await course.add(SEATS)
        start = datetime.fromisoformat(course.at()["start_at"])

        reply = await course.admin.post("/api/bookings", json=booking_of(course.room, start))

        assert reply.status_code == 201, reply.text

    async def test_the_same_key_allocates_once(self, course: Course) -> None:
        headers = {"idempotency-key": code()}
        replies = [
            await course.admin.post("/api/allocations/", json=course.body(), headers=headers)
            for _ in range(2)
        ]

        assert [reply.status_code for reply in replies] == [201, 201]
        assert replies[0].json() == replies[1].json()
        assert len(await course.all()) == 1


class TestTimetables:
    async def test_a_push_says_what_it_does_and_does_it_once(self, course: Course) -> None:
        kept = await course.add(1, title="By hand")
        weekly = {"recurrence_rule": "FREQ=WEEKLY;COUNT=8", "exceptions": []}
        entries = [course.entry("A", 60, **weekly), course.entry("B", 39), course.entry("C", 100)]
        entries[2] |= course.at("03-08")
        preview = await course.push(*entries, dry_run=True)
        assert (preview.status_code, counts(preview)) == (200, (3, 0, 0, 0, 0))
        assert preview.json()["applied"] is False
        assert await course.all() == [kept]

        pushed = await course.push(*entries)

        assert (pushed.status_code, counts(pushed)) == (200, (3, 0, 0, 0, 0))
        assert pushed.json()["applied"] is True
        stored = {one["external_id"]: one for one in await course.all()}
        assert stored.keys() == {None, "A", "B", "C"}
        assert pushed.json()["created"] == [stored[name] for name in "ABC"]
        again = await course.push(*reversed(entries))
        assert counts(again) == (0, 0, 0, 3, 0)
        assert again.json()["unchanged"] == ["C", "B", "A"]

        # B goes, A takes B's seats and another title, D comes.
        entries[0] |= {"title": "Analysis", "allocated_seats": 99}
        new = [entries[0], entries[2], course.entry("D", 1, **course.at("03-09"))]
        preview = await course.push(*new, dry_run=True)
        pushed = await course.push(*new)
        assert counts(preview) == counts(pushed) == (1, 1, 1, 1, 0)
        assert pushed.json()["changed"] == [
            {
                "id": stored["A"]["id"],
                "external_id": "A",
                "before": {"title": "Algebra", "allocated_seats": 60},
                "after": {"title": "Analysis", "allocated_seats": 99},
            }
        ]
        assert pushed.json()["removed"] == [stored["B"]]
        assert counts(await course.push()) == (0, 0, 3, 0, 0)
        assert await course.all() == [kept]

    async def test_with_a_conflict_nothing_is_done(self, course: Course) -> None:
        await course.add(50)
        await course.push(course.entry("A", 1), course.entry("gone", 1, **course.at("03-08")))
        before = await course.all()
        entries = [
            course.entry("A", 30),
            course.entry("B", 30, room=str(course.room["id"])),
            course.entry("fits", 30, **course.at(hour=11)),
            course.entry("room", 1, room=2**31 - 1),
            course.entry("end", 1, end_at=course.at()["start_at"]),
            course.entry("late", 1, **course.at("07-01")),
            course.entry("rule", 1, recurrence_rule="FREQ=DAILY"),
            course.entry("days", 1, exceptions=["soon"]),
        ]

        refused = await course.push(*entries)
        preview = await course.push(*entries, dry_run=True)

        assert (refused.status_code, preview.status_code) == (409, 200)
        assert refused.json()["applied"] is False
        assert refused.json()["detail"] == "Nothing was done: the timetable has conflicts."
        assert refused.json()["conflicts"] == preview.json()["conflicts"]
        conflicts = refused.json()["conflicts"]
        assert [(one["external_id"], one["field"], one["code"]) for one in conflicts] == [
            ("room", "room", "room_unknown"),
            ("end", "end_at", "ends_before_start"),
            ("late", "end_at", "after_term"),
            ("rule", "recurrence_rule", "wrong_rule"),
            ("days", "exceptions", "wrong_exception"),
            ("B", "allocated_seats", "too_few_seats"),
            ("A", "allocated_seats", "too_few_seats"),
        ]
        at = f"{course.year}-03-07T09:00:00Z"
        assert conflicts[-1]["reason"].endswith(
            f"has {SEATS} seats; 110 would be allocated at {at}."
        )
        about = {"room": course.room["name"], "capacity": SEATS, "seats": 110, "at": at}
        assert conflicts[-1]["values"] == about
        assert await course.all() == before

    async def test_what_is_no_timetable_is_400(self, course: Course) -> None:
        path = f"/api/terms/{course.term['id']}/timetable/"
        for body in (b"", b"{", b"[]", b"{}", b'{"allocations": 1}', b'{"allocations":[],"x":1}'):
            reply = await course.admin.put(path, content=body)
            assert (reply.status_code, list(reply.json())) == (400, ["detail"]), reply.text
        entries = [
            course.entry("A"),
            course.entry("A "),
            {**course.entry("B"), "allocated_seats": "60"},
            {**course.entry("C"), "start_at": "tomorrow"},
            {**course.entry("D"), "colour": "red"},
            {**course.entry("E"), "title": "\u200e\0 "[1:]},
            {**course.entry("F"), "end_at": "2040-01-01T00:00:00"},
            7,
        ]

        for dry_run in (False, True):
            reply = await course.push(*entries, dry_run=dry_run)
            assert reply.status_code == 400
            [messages] = reply.json().values()
            assert [message.partition(": ")[0] for message in messages] == [
                "A",
                "B",
                "C",
                "D",
                "E",
                "F",
                "allocations[7]",
            ]
        assert (await course.admin.put(f"{path}?dry_run=perhaps", json={})).status_code == 400
        assert await course.all() == []

    async def test_a_long_one_is_pushed_at_once(
        self, course: Course, admin: httpx.AsyncClient
    ) -> None:
        """20,000 occurrences: 200 courses of 100 days, in ten rooms."""
        rooms = [await make_room(admin, capacity=SEATS) for _ in range(10)]
        entries = [
            course.entry(
                f"C{number}",
                SEATS,
                room=rooms[number % 10]["id"],
                recurrence_rule="FREQ=DAILY;COUNT=100",
                **course.at("02-01", hour=number // 10, hours=1),
            )
            for number in range(200)
        ]

        assert counts(await course.push(*entries)) == (200, 0, 0, 0, 0)
        assert counts(await course.push(*entries)) == (0, 0, 0, 200, 0)
        entries[0] = course.entry("C0", 1, room=rooms[1]["id"], **course.at("02-01", hour=0))
        assert counts(await course.push(*entries)) == (0, 1, 0, 199, 1)
        singles = [
            course.entry(f"S{number}", 1, room=rooms[0]["id"], **course.at(hour=number / 60))
            for number in range(20_000)
        ]
        reply = await course.push(*singles[:10_000])
        assert counts(reply)[:4] == (10_000, 0, 200, 0)
        assert reply.status_code == 409  # 120 at a time
        assert len(await course.all()) == 100

    async def test_too_long_a_one_is_refused(self, course: Course) -> None:
        days = {"recurrence_rule": "FREQ=DAILY;COUNT=140", **course.at("02-01")}
        entries = [course.entry(f"C{number}", 1, **days) for number in range(180)]

        reply = await course.push(*entries)
        singles = {"allocations": [0] * 25_001}
        path = f"/api/terms/{course.term['id']}/timetable/"
        longer = await course.admin.put(path, json=singles)

        assert_refused(longer, "allocations", "25000 occurrences at most")
        assert_refused(reply, "allocations", "25000 occurrences at most")


async def test_events_and_audit_tell_each_change_once(
    course: Course, system: System, admin: httpx.AsyncClient
) -> None:
    made = await course.add()
    path = f"/api/allocations/{made['id']}/"
    await admin.patch(path, json={})
    await admin.patch(path, json={"allocated_seats": 60})
    await admin.patch(path, json={"allocated_seats": 61})
    await admin.delete(path)
    weekly = {"recurrence_rule": "FREQ=WEEKLY;COUNT=2"}
    for entries in ([course.entry("A", **weekly)], [course.entry("A", **weekly)], []):
        pushed = (await course.push(*entries)).json()
        created = pushed["created"][0]["id"] if pushed["created"] else None
        first = created or first  # noqa: F821 - the first push has made it
    term = f"/api/terms/{course.term['id']}/"
    await admin.post(f"{term}publish/")
    await admin.post(f"{term}publish/")
    await admin.delete(term)

    told = await events_of(system, "bookings.allocation.v1", "term_id", course.term["id"], 5)
    of_terms = await events_of(system, "bookings.term.v1", "id", course.term["id"], 3)

    assert [
        (one["version"], one["allocated_seats"], one["is_deleted"]) for one in told[made["id"]]
    ] == [
        (1, 60, False),
        (2, 61, False),
        (3, 61, True),
    ]
    new, gone = told[first]
    at = course.at()
    assert (new["external_id"], new["room_id"], len(new["occurrences"])) == (
        "A",
        course.room["id"],
        2,
    )
    assert new["occurrences"][0] == {"starts_at": at["start_at"], "ends_at": at["end_at"]}
    assert gone == new | {"version": 2, "is_deleted": True}
    changes = [
        (one["version"], one["is_published"], one["is_deleted"])
        for one in of_terms[course.term["id"]]
    ]
    assert changes == [(1, False, False), (2, True, False), (3, True, True)]

    async def audited(kind: str, target: int) -> list[str]:
        found = await admin.get(
            f"{system.university_url}/api/admin/audit",
            params={"targetType": kind, "limit": 100},
        )
        entries = found.raise_for_status().json()["data"]
        rows = next(value for value in entries.values() if isinstance(value, list))
        return [one["actionType"] for one in rows if one["targetId"] == str(target)][::-1]

    assert await audited("ALLOCATION", made["id"]) == [
        "ALLOCATION_CREATED",
        "ALLOCATION_CHANGED",
        "ALLOCATION_DELETED",
    ]
    assert await audited("TERM", course.term["id"]) == [
        "TERM_CREATED",
        "TIMETABLE_PUSHED",
        "TIMETABLE_PUSHED",
        "TERM_PUBLISHED",
        "TERM_DELETED",
    ]


async def events_of(
    system: System, topic: str, name: str, value: int, count: int
) -> dict[int, list[dict[str, Any]]]:
    """Read the events with a value from a topic, until there are so many; by entity, in order."""
    found: dict[int, list[dict[str, Any]]] = {}
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=system.kafka, auto_offset_reset="earliest")
    async with consumer:
        async for record in consumer:
            event = json.loads(record.value)
            assert record.key.decode() == str(event["data"]["id"])
            if event["data"][name] == value:
                found.setdefault(event["data"]["id"], []).append(event["data"])
                if sum(map(len, found.values())) == count:
                    break
    return found


async def test_anyone_reads_and_admins_write(
    course: Course, anyone: httpx.AsyncClient, faculty: httpx.AsyncClient
) -> None:
    made, term = await course.add(), course.term["id"]
    paths = [
        ("POST", "/api/terms/"),
        ("PATCH", f"/api/terms/{term}/"),
        ("DELETE", f"/api/terms/{term}/"),
        ("POST", f"/api/terms/{term}/publish/"),
        ("PUT", f"/api/terms/{term}/timetable/"),
        ("POST", "/api/allocations/"),
        ("PATCH", f"/api/allocations/{made['id']}/"),
        ("DELETE", f"/api/allocations/{made['id']}/"),
    ]
    for method, path in paths:
        for client, status in ((anyone, 401), (faculty, 403)):
            reply = await client.request(method, path, json={})
            assert (reply.status_code, list(reply.json())) == (status, ["detail"])
    assert (await faculty.get(f"/api/allocations/{made['id']}/")).status_code == 404
