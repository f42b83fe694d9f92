"""`heatmap`: figures worked out by hand, both calendars, every refusal, and pictures."""

from datetime import date
from typing import Any, Final
from xml.etree import ElementTree as ET

import httpx
import pytest
from making import make, make_location, make_room, unique
from running_system import eventually

from common.ids import new_cuid

HEATMAP: Final = "/api/rooms/capacity-heatmap/"
PICTURE: Final = "/api/analytics/heatmap.svg"
HOURS: Final = "/api/analytics/hours.svg"
TWO_DAYS: Final = {"start_date": "2024-04-10", "end_date": "2024-04-11"}
PERSIAN: Final = {"accept-language": "fa-IR,fa;q=0.9,en;q=0.5"}
FREE: Final = (0, 0, 0, 0)


class Hall:
    """The document's term and room, and what is allocated there."""

    def __init__(self, admin: httpx.AsyncClient, term: Any, room: Any) -> None:
        self.admin = admin
        self.term = term
        self.room = room

    async def add(self, seats: int, start: str, end: str, **more: Any) -> Any:
        times = {"start_at": start, "end_at": end}
        of = {"term": self.term["id"], "room": self.room["id"], "title": "Algebra"}
        return await make(
            self.admin, "/api/allocations/", allocated_seats=seats, **of, **times, **more
        )

    async def shown(self, client: httpx.AsyncClient, **params: Any) -> httpx.Response:
        asked = {"term": self.term["id"], "room": self.room["id"], **TWO_DAYS, **params}
        return await client.get(HEATMAP, params=asked)

    async def days(
        self, client: httpx.AsyncClient, *expected: tuple[float, ...], **params: Any
    ) -> None:
        """Wait until the days have these peaks, totals, counts and utilisations."""

        async def look() -> Any:
            reply = await self.shown(client, **params)
            rooms = reply.json().get("rooms", [])
            return [tuple(list(day.values())[1:]) for room in rooms for day in room["days"]]

        await eventually(look, lambda seen: seen == list(expected))


@pytest.fixture
async def hall(admin: httpx.AsyncClient) -> Hall:
    bounds = {"start_date": "2024-03-20", "end_date": "2024-06-20"}
    term = await make(admin, "/api/terms/", name="Spring 1403", code=new_cuid(), **bounds)
    tehran = await make_location(admin, timezone="Asia/Tehran")
    room = await make_room(admin, name=unique("Auditorium"), capacity=100, location=tehran["id"])
    return Hall(admin, term, room)


async def test_the_documents_example(hall: Hall, anyone: httpx.AsyncClient) -> None:
    # Ten to noon and eleven to one in Tehran.
    await hall.add(60, "2024-04-10T06:30:00Z", "2024-04-10T08:30:00Z")
    await hall.add(30, "2024-04-10T07:30:00Z", "2024-04-10T09:30:00Z")

    await hall.days(anyone, (90, 90, 2, 0.9), FREE)

    reply = await hall.shown(anyone)
    day = {
        "date": {"iso": "2024-04-10", "jalali": "1403-01-22"},
        "peak_allocated_seats": 90,
        "total_allocated_seats": 90,
        "allocation_count": 2,
        "utilisation": 0.9,
    }
    expected = {
        "term": {
            "id": hall.term["id"],
            "name": "Spring 1403",
            "code": hall.term["code"],
            "start_date": {"iso": "2024-03-20", "jalali": "1403-01-01"},
            "end_date": {"iso": "2024-06-20", "jalali": "1403-03-31"},
            "is_published": False,
            "is_archived": False,
        },
        "start_date": {"iso": "2024-04-10", "jalali": "1403-01-22"},
        "end_date": {"iso": "2024-04-11", "jalali": "1403-01-23"},
        "rooms": [
            {
                "id": hall.room["id"],
                "name": hall.room["name"],
                "capacity": 100,
                "days": [
                    day,
                    {
                        "date": {"iso": "2024-04-11", "jalali": "1403-01-23"},
                        "peak_allocated_seats": 0,
                        "total_allocated_seats": 0,
                        "allocation_count": 0,
                        "utilisation": 0.0,
                    },
                ],
            }
        ],
    }
    # In this order, too.
    assert reply.text == httpx.Response(200, json=expected).text
    assert reply.headers["content-type"] == "application/json"


async def test_seats_follow_whatever_becomes_of_allocations_and_rooms(
    hall: Hall, admin: httpx.AsyncClient, anyone: httpx.AsyncClient
) -> None:
    # One leaves as the next arrives; then one from 22:00 to 02:00 in Tehran, on both days.
    morning = await hall.add(60, "2024-04-10T06:30:00Z", "2024-04-10T08:30:00Z")
    await hall.add(50, "2024-04-10T08:30:00Z", "2024-04-10T10:30:00Z")
    night = await hall.add(35, "2024-04-10T18:30:00Z", "2024-04-10T22:30:00Z")
    await hall.days(anyone, (60, 145, 3, 0.6), (35, 35, 1, 0.35))

    # By London's clock, all of it is on one day.
    path = f"/api/locations/{hall.room['location']['id']}/"
    (await admin.patch(path, json={"timezone": "Europe/London"})).raise_for_status()
    await hall.days(anyone, (60, 145, 3, 0.6), FREE)

    room = f"/api/rooms/{hall.room['id']}/"
    (await admin.patch(room, json={"capacity": 90, "name": unique("Aula")})).raise_for_status()
    await hall.days(anyone, (60, 145, 3, 0.6667), FREE)
    other = await make_room(admin, capacity=70)
    moved = {"room": other["id"]}
    (await admin.patch(f"/api/allocations/{morning['id']}/", json=moved)).raise_for_status()
    await hall.days(anyone, (50, 85, 2, 0.5556), FREE)
    await hall.days(anyone, (60, 60, 1, 0.8571), FREE, room=other["id"])
    (await admin.delete(f"/api/allocations/{night['id']}/")).raise_for_status()
    await hall.days(anyone, (50, 50, 1, 0.5556), FREE)

    # Whoever names a room that is no longer in use sees it; it is none of all rooms.
    (await admin.patch(room, json={"is_active": False})).raise_for_status()
    everything = {"term": hall.term["id"], **TWO_DAYS}

    async def names() -> Any:
        return [one["id"] for one in (await anyone.get(HEATMAP, params=everything)).json()["rooms"]]

    ids = await eventually(names, lambda seen: hall.room["id"] not in seen)
    assert other["id"] in ids
    await hall.days(anyone, (50, 50, 1, 0.5556), FREE)
    rooms = (await anyone.get(HEATMAP, params=everything)).json()["rooms"]
    assert [one["name"] for one in rooms] == sorted(one["name"] for one in rooms)


async def test_the_window_is_cut_to_the_term(
    hall: Hall, admin: httpx.AsyncClient, anyone: httpx.AsyncClient
) -> None:
    await hall.days(anyone, FREE, FREE)
    for asked, first, last in (
        ({"start_date": "", "end_date": ""}, "2024-03-20", "2024-06-20"),
        ({"start_date": "0001-01-01", "end_date": "9999-12-31"}, "2024-03-20", "2024-06-20"),
        ({"start_date": "2024-06-19", "end_date": ""}, "2024-06-19", "2024-06-20"),
    ):
        shown = (await hall.shown(anyone, **asked)).json()
        assert (shown["start_date"]["iso"], shown["end_date"]["iso"]) == (first, last)
        days = [date.fromisoformat(day["date"]["iso"]) for day in shown["rooms"][0]["days"]]
        length = date.fromisoformat(last) - date.fromisoformat(first)
        assert len(days) == length.days + 1
        assert days == sorted(set(days))

    (await admin.delete(f"/api/terms/{hall.term['id']}/")).raise_for_status()
    gone = await eventually(lambda: hall.shown(anyone), lambda reply: reply.status_code == 404)
    assert gone.json() == {"detail": "No Term matches the given query."}


NO_TERM: Final = "No Term matches the given query."
REFUSED: Final = (
    ({"term": ""}, "term", "This field is required.", "این فیلد الزامی است."),
    ({"term": "x"}, "term", "Enter a number.", "یک عدد وارد کنید."),
    ({"term": "-1"}, "term", "Enter a number.", "یک عدد وارد کنید."),
    ({"term": "9" * 40}, None, NO_TERM, "هیچ ترمی با این مشخصات یافت نشد."),
    ({"start_date": "2024-02-30"}, "date", "YYYY-MM-DD", "YYYY-MM-DD"),
    ({"end_date": "10.04.2024"}, "date", "YYYY-MM-DD", "YYYY-MM-DD"),
    ({"end_date": "۲۰۲۴-۰۴-۱۰"}, "date", "YYYY-MM-DD", "YYYY-MM-DD"),
    ({"room": "Auditorium"}, "room", "Enter a number.", "یک عدد وارد کنید."),
    ({"room": "2147483647"}, "room", "No Room", "هیچ اتاقی"),
    ({"start_date": "2024-06-21", "end_date": ""}, "start_date", "No day", "هیچ روزی"),
    ({"start_date": "2024-04-12"}, "start_date", "No day", "هیچ روزی"),
)


async def test_every_refusal_is_in_the_callers_language(
    hall: Hall, anyone: httpx.AsyncClient
) -> None:
    await hall.days(anyone, FREE, FREE)
    for path in (HEATMAP, PICTURE):
        for changes, field, english, persian in REFUSED:
            asked = {"term": hall.term["id"], "room": hall.room["id"], **TWO_DAYS, **changes}
            for headers, text in (({}, english), (PERSIAN, persian)):
                reply = await anyone.get(path, params=asked, headers=headers)
                assert reply.status_code == (400 if field else 404), changes
                [(name, said)] = reply.json().items()
                assert name == (field or "detail")
                assert text in (said[0] if field else said), changes
                assert reply.headers["vary"].lower() == "accept-language"
    for headers, text in (({}, 'Method "POST" not allowed.'), (PERSIAN, "روش «POST» مجاز نیست.")):
        reply = await anyone.post(HEATMAP, json={}, headers=headers)
        assert (reply.status_code, reply.json()) == (405, {"detail": text})


async def test_who_knows_it_is_told_so(
    hall: Hall, admin: httpx.AsyncClient, anyone: httpx.AsyncClient
) -> None:
    await hall.days(anyone, FREE, FREE)
    asked = {"term": hall.term["id"], "room": hall.room["id"]}
    replies = {}
    for path in (HEATMAP, PICTURE):
        first = await anyone.get(path, params=asked)
        known = {"if-none-match": f'"x", W/{first.headers["etag"]}'}
        again = await anyone.get(path, params=asked, headers=known)
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
        assert "no-cache" in first.headers["cache-control"]
        assert (
            await anyone.get(path, params={**asked, **TWO_DAYS}, headers=known)
        ).status_code == 200
        replies[path] = known
    picture = replies[PICTURE] | PERSIAN
    assert (await anyone.get(PICTURE, params=asked, headers=picture)).status_code == 200

    await hall.add(60, "2024-04-10T06:30:00Z", "2024-04-10T08:30:00Z")
    for path, known in replies.items():
        changed = await eventually(
            lambda: anyone.get(path, params=asked, headers=known),  # noqa: B023 - awaited here
            lambda reply: reply.status_code == 200,
        )
        assert changed.headers["etag"] not in known["if-none-match"]


SVG: Final = "{http://www.w3.org/2000/svg}"


def texts_of(reply: httpx.Response) -> list[str]:
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-type"] == "image/svg+xml"
    root = ET.fromstring(reply.content)  # noqa: S314 - our own
    assert {element.tag for element in root.iter()} == {
        f"{SVG}{name}" for name in ("svg", "title", "desc", "rect", "text")
    }
    assert not [name for element in root.iter() for name in element.attrib if name == "style"]
    texts = [element.text or "" for element in root.iter() if element.tag != f"{SVG}svg"]
    # Names are set apart from what stands around them.
    return [text.replace("\u2068", "").replace("\u2069", "") for text in texts]


async def test_a_picture_says_it_in_numbers_and_in_both_languages(
    hall: Hall, admin: httpx.AsyncClient, anyone: httpx.AsyncClient
) -> None:
    name = unique("<script>&\"'")
    (await admin.patch(f"/api/rooms/{hall.room['id']}/", json={"name": name})).raise_for_status()
    await hall.add(60, "2024-04-10T06:30:00Z", "2024-04-10T08:30:00Z")
    await hall.add(40, "2024-04-11T06:30:00Z", "2024-04-11T08:30:00Z")
    await hall.add(60, "2024-04-11T06:30:00Z", "2024-04-11T08:30:00Z")
    await hall.days(anyone, (60, 60, 1, 0.6), (100, 100, 2, 1.0))
    asked = {"term": hall.term["id"], "room": hall.room["id"], **TWO_DAYS}

    english = texts_of(await anyone.get(PICTURE, params=asked))
    persian = texts_of(await anyone.get(PICTURE, params=asked, headers=PERSIAN))
    whole = texts_of(await anyone.get(PICTURE, params={"term": hall.term["id"]}))

    assert english[0] == f"Seats allocated: Spring 1403 ({hall.term['code']})"
    assert {"04-10", "04-11", "60", "100"} <= set(english)
    assert any(text.startswith("<script>&\"'") for text in english)
    assert {"۰۱/۲۲", "۰۱/۲۳", "۶۰", "۱۰۰"} <= set(persian)
    assert "صندلی" in persian[0]
    # A term is shown by weeks.
    assert {"03-20", "03-25", "06-17", "100"} <= set(whole)


async def test_the_hours_of_the_day_as_a_picture(
    admin: httpx.AsyncClient, anyone: httpx.AsyncClient
) -> None:
    # Two rooms, one of them booked from 9 to 11 on one of two days.
    building = await make_location(admin)
    room, _ = [await make_room(admin, location=building["id"]) for _ in range(2)]
    times = {"startTime": "2031-03-03T09:00:00Z", "endTime": "2031-03-03T11:00:00Z"}
    booking = {"roomId": room["id"], "title": "Planning", **times}
    (await admin.post("/api/bookings", json=booking)).raise_for_status()
    asked = {"start_date": "2031-03-03", "end_date": "2031-03-04", "building": building["name"]}

    async def look() -> list[str]:
        reply = await admin.get(HOURS, params=asked)
        return texts_of(reply) if reply.status_code == 200 else []

    texts = await eventually(look, lambda texts: "25" in texts)

    assert texts.count("25") == 2
    assert texts[0] == f"Rooms in use, by hour of the day: {building['name']}"
    assert "Most at 09:00: 25 %" in texts[1]
    reply = await admin.get(HOURS, params=asked, headers=PERSIAN)
    assert texts_of(reply).count("۲۵") == 2
    known = {"if-none-match": reply.headers["etag"], **PERSIAN}
    assert (await admin.get(HOURS, params=asked, headers=known)).status_code == 304
    assert (await anyone.get(HOURS, params=asked)).status_code == 401
    wrong = await admin.get(HOURS, params={**asked, "start_date": "x"})
    assert (wrong.status_code, wrong.json()["code"]) == (400, "validation_error")
