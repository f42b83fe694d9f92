"""What the answers must be: DuckDB over the events as they were written.

By the words of docs/guides/metrics.md, and by nothing that the service has.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from fractions import Fraction
from math import floor
from pathlib import Path
from typing import Any

import duckdb

DAY = timedelta(days=1)

_BOOKINGS = """
CREATE TABLE booked AS
WITH told AS (
    SELECT e.data.id AS id, e.data.version AS version, e.data.room_id AS room_id,
        e.data.status AS status, e.data.overridden_by AS overridden_by,
        e.data.organizer.id AS person_id, e.data.attendee_ids AS guests,
        e.data.starts_at::TIMESTAMPTZ AS starts_at, e.data.ends_at::TIMESTAMPTZ AS ends_at,
        e.data.checkin_until::TIMESTAMPTZ AS checkin_until
    FROM read_json(?, format = 'newline_delimited', columns = {data: 'STRUCT(
        id VARCHAR, version BIGINT, room_id BIGINT, status VARCHAR, overridden_by VARCHAR,
        organizer STRUCT(id VARCHAR), attendee_ids VARCHAR[], starts_at VARCHAR, ends_at VARCHAR,
        checkin_until VARCHAR)'}) AS e
), last AS (
    SELECT * FROM told QUALIFY row_number() OVER (PARTITION BY id ORDER BY version DESC) = 1
)
SELECT last.*, zone, seats, coalesce(role, 'UNKNOWN') AS role,
    len(list_distinct(list_append(guests, person_id))) AS party,
    CASE WHEN status = 'no_show' AND checkin_until IS NOT NULL
        THEN greatest(starts_at, least(ends_at, checkin_until)) ELSE ends_at END AS until,
    timezone(zone, starts_at) AS local_start
FROM last JOIN rooms ON rooms.id = room_id LEFT JOIN users ON users.id = person_id
WHERE status IN ('confirmed', 'completed', 'no_show') AND overridden_by IS NULL
"""
_ROOMS = """
CREATE TABLE rooms AS
SELECT e.data.id AS id, e.data.cuid AS cuid, e.data.name AS name, e.data.capacity AS seats,
    e.data.is_active AS is_active, e.data.building.timezone AS zone,
    e.data.building.name AS building, e.data.recurrence_rule IS NOT NULL AS has_office_hours,
    hour(e.data.building.closes_at::TIME) - hour(e.data.building.opens_at::TIME) AS open_h,
    timezone(e.data.building.timezone, e.data.created_at::TIMESTAMPTZ)::DATE AS made_on
FROM read_json(?, format = 'newline_delimited', columns = {data: 'STRUCT(
    id BIGINT, cuid VARCHAR, name VARCHAR, capacity BIGINT, is_active BOOLEAN,
    building STRUCT(name VARCHAR, timezone VARCHAR, opens_at VARCHAR, closes_at VARCHAR),
    recurrence_rule VARCHAR, created_at VARCHAR)'}) AS e
"""
_USERS = """
CREATE TABLE users AS
SELECT e.data.id AS id, e.data.role AS role
FROM read_json(?, format = 'newline_delimited', columns = {data: 'STRUCT(
    id VARCHAR, role VARCHAR)'}) AS e
"""
# Of a range of local days: what begins in it, and for how long of it rooms are booked.
_MEASURED = """
WITH parts AS (
    SELECT booked.*, local_start::DATE BETWEEN $1 AND $2 AS begins,
        coalesce(seen, party) AS came,
        coalesce(empty_s, epoch(until) - epoch(starts_at))::BIGINT AS wasted_s,
        greatest(0, epoch(least(until, timezone(zone, ($2 + 1)::TIMESTAMP)))
            - epoch(greatest(starts_at, timezone(zone, $1::TIMESTAMP))))::BIGINT AS booked_s
    FROM booked LEFT JOIN seen USING (id)
    WHERE starts_at < $2 + INTERVAL 3 DAY AND until > $1 - INTERVAL 3 DAY
)
SELECT room_id, count(*) FILTER (begins) AS bookings,
    count(*) FILTER (begins AND status = 'no_show') AS no_shows,
    coalesce(sum(wasted_s) FILTER (begins AND status = 'no_show'), 0)::BIGINT AS wasted_s,
    coalesce(sum(came) FILTER (begins), 0)::BIGINT AS people,
    count(*) FILTER (begins AND 2 * came < seats) AS oversized,
    count(*) FILTER (begins AND came > seats) AS undersized,
    sum(booked_s)::BIGINT AS booked_s
FROM parts GROUP BY room_id
"""
_HOURS = """
SELECT room_id, hour(local_start) AS hour, count(*) AS count
FROM booked WHERE local_start::DATE BETWEEN $1 AND $2 GROUP BY 1, 2
"""
_TOUCHED = """
WITH touched AS (
    SELECT unnest(range(date_trunc('hour', local_start),
        greatest(local_start, timezone(zone, until - INTERVAL 1 MICROSECOND))
            + INTERVAL 1 MICROSECOND, INTERVAL 1 HOUR)) AS hour
    FROM booked WHERE starts_at < $2 + INTERVAL 3 DAY AND until > $1 - INTERVAL 3 DAY
)
SELECT hour(hour), count(*) FROM touched WHERE hour::DATE BETWEEN $1 AND $2 GROUP BY 1
"""
_BY_ROLE = """
SELECT role, count(*) FILTER (local_start::DATE BETWEEN $1 AND $2),
    sum(greatest(0, epoch(least(until, timezone(zone, ($2 + 1)::TIMESTAMP)))
        - epoch(greatest(starts_at, timezone(zone, $1::TIMESTAMP)))))::BIGINT
FROM booked WHERE starts_at < $2 + INTERVAL 3 DAY AND until > $1 - INTERVAL 3 DAY GROUP BY role
"""


_LEVELS = """
CREATE TABLE held AS
WITH told AS (
    SELECT e.data.room_id AS room_id, e.data.measured_at::TIMESTAMPTZ AS "at",
        e.data.version AS version, e.data.occupancy AS people
    FROM read_json(?, format = 'newline_delimited', columns = {data: 'STRUCT(
        room_id BIGINT, version BIGINT, occupancy BIGINT, measured_at VARCHAR)'}) AS e
), last AS (
    SELECT * FROM told
    QUALIFY row_number() OVER (PARTITION BY room_id, "at" ORDER BY version DESC) = 1
)
SELECT room_id, people, "at" AS since, lead("at") OVER of_room AS next,
    least(lead("at") OVER of_room, "at" + INTERVAL 72 HOUR) AS until
FROM last WINDOW of_room AS (PARTITION BY room_id ORDER BY "at")
"""
_SEEN = """
CREATE TABLE seen AS
SELECT id, max(people) AS seen,
    coalesce(sum(epoch(least(b.until, h.until)) - epoch(greatest(starts_at, since)))
        FILTER (people = 0), 0) AS empty_s
FROM booked AS b JOIN held AS h
    ON h.room_id = b.room_id AND h.since < b.until AND h.until > starts_at
GROUP BY id, b.until, starts_at
HAVING sum(epoch(least(b.until, h.until)) - epoch(greatest(starts_at, since)))
    = epoch(b.until) - epoch(starts_at)
"""
# Somebody was there; and whenever it was booked, as times that do not touch.
_THERE = """
CREATE TABLE there AS
SELECT room_id, zone, since, until FROM held JOIN rooms ON rooms.id = room_id
WHERE people > 0 AND next IS NOT NULL
"""
_HAD = """
CREATE TABLE had AS
WITH begun AS (
    SELECT room_id, starts_at, until, starts_at > coalesce(max(until) OVER (
        PARTITION BY room_id ORDER BY starts_at, until
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), '-infinity') AS is_new
    FROM booked
), numbered AS (
    SELECT *, sum(is_new::INT) OVER (PARTITION BY room_id ORDER BY starts_at, until) AS number
    FROM begun
)
SELECT room_id, min(starts_at) AS since, max(until) AS until FROM numbered GROUP BY room_id, number
"""
_CROSSINGS = """
CREATE TABLE crossed AS
SELECT DISTINCT ON (camera_id, edge_id, sequence) * FROM (
    SELECT e.data.camera_id AS camera_id, e.data.edge_id AS edge_id, e.data.sequence AS sequence,
        e.data.direction AS direction, e.data.crossed_at::TIMESTAMPTZ AS "at"
    FROM read_json(?, format = 'newline_delimited', columns = {data: 'STRUCT(
        camera_id BIGINT, edge_id VARCHAR, sequence BIGINT, direction VARCHAR, crossed_at VARCHAR)'
    }) AS e
)
"""
_CAMERAS = """
CREATE TABLE cameras AS
SELECT e.data.id AS id, e.data.camera_id AS code, e.data.camera_name AS name,
    e.data.camera_type AS type, e.data.room_id AS room_id
FROM read_json(?, format = 'newline_delimited', columns = {data: 'STRUCT(
    id BIGINT, camera_id VARCHAR, camera_name VARCHAR, camera_type VARCHAR, room_id BIGINT)'}) AS e
"""
_PRESENCE = """
WITH clipped AS (
    SELECT room_id, zone, greatest(since, timezone(zone, $1::TIMESTAMP)) AS since,
        least(until, timezone(zone, ($2 + 1)::TIMESTAMP)) AS until
    FROM there
), times AS (
    SELECT * FROM clipped WHERE since < until
)
SELECT room_id, sum(epoch(until) - epoch(since))::BIGINT AS occupied_s,
    coalesce(sum(booked_s), 0)::BIGINT AS booked_s
FROM times LEFT JOIN (
    SELECT t.room_id, t.since,
        sum(epoch(least(t.until, had.until)) - epoch(greatest(t.since, had.since))) AS booked_s
    FROM times AS t JOIN had
        ON had.room_id = t.room_id AND had.since < t.until AND had.until > t.since
    GROUP BY t.room_id, t.since
) AS beside USING (room_id, since)
GROUP BY room_id
"""
# Of rooms in use; null is all of them.
_PARTIES = """
SELECT room_id, count(seen) AS measured, count(*) FILTER (seen = 0) AS ghosts,
    count(*) FILTER (seen IS NOT NULL AND status = 'no_show') AS no_shows,
    coalesce(sum(empty_s), 0)::BIGINT AS empty_s,
    list(seen ORDER BY seen) FILTER (seen > 0) AS sizes,
    list(coalesce(seen, CASE WHEN status = 'no_show' THEN 0 ELSE party END)) AS parties
FROM booked LEFT JOIN seen USING (id)
WHERE local_start::DATE BETWEEN $1 AND $2
    AND room_id IN (SELECT id FROM rooms WHERE is_active)
GROUP BY GROUPING SETS ((room_id), ())
"""
_FLOW = """
SELECT cameras.id AS id, hour(timezone(coalesce(zone, 'UTC'), "at")) AS hour,
    count(*) FILTER (direction = 'entry' AND type <> 'exit_only') AS entries,
    count(*) FILTER (direction = 'exit' AND type <> 'entry_only') AS exits
FROM crossed JOIN cameras ON cameras.id = camera_id LEFT JOIN rooms ON rooms.id = room_id
WHERE timezone(coalesce(zone, 'UTC'), "at")::DATE BETWEEN $1 AND $2
GROUP BY 1, 2
"""


def rounded(value: Fraction | int, decimals: int = 1) -> float:
    """Round halves up."""
    power = int(10**decimals)
    return float(Fraction(floor(value * power + Fraction(1, 2)), power))


def share(part: int, whole: int) -> float:
    return min(100.0, rounded(Fraction(100 * part, whole))) if whole else 0.0


class Judge:
    """Answers as the service must.

    Args:
        folder: with `rooms.json` and so on, of each topic: an event a line.
    """

    def __init__(self, folder: Path) -> None:
        self._db = duckdb.connect()
        self._db.execute("SET timezone = 'UTC'")
        for statement, name in (
            (_ROOMS, "rooms"),
            (_USERS, "users"),
            (_BOOKINGS, "bookings"),
            (_CAMERAS, "cameras"),
            (_LEVELS, "levels"),
            (_CROSSINGS, "crossings"),
        ):
            self._db.execute(statement, [str(folder / f"{name}.json")])
        for statement in (_SEEN, _THERE, _HAD):
            self._db.execute(statement)

    def _rows(self, statement: str, *values: object) -> list[dict[str, Any]]:
        found = self._db.execute(statement, list(values))
        names = [one[0] for one in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def _rooms(self) -> list[dict[str, Any]]:
        return self._rows("SELECT * FROM rooms WHERE is_active ORDER BY name")

    def _measured(self, first: date, last: date) -> dict[int, dict[str, Any]]:
        return {row["room_id"]: row for row in self._rows(_MEASURED, first, last)}

    def _open_s(self, room: dict[str, Any], first: date, last: date) -> int:
        days = [first + n * DAY for n in range((last - first).days + 1)]
        if not room["has_office_hours"]:
            return len(days) * room["open_h"] * 3600
        return 8 * 3600 * sum(day.weekday() < 5 for day in days) or 12 * 3600 * len(days)

    def kpi(self, first: date, last: date) -> list[dict[str, Any]]:
        length = last - first + DAY
        now = self._kpis(first, last, None)
        then = self._kpis(first - length, last - length, first)
        labels = ("Total Rooms", "Avg Utilization", "Ghosting Rate", "Total Bookings")
        return [
            {"label": label, "value": now[n], "change": round(now[n] - then[n], 1)}
            for n, label in enumerate(labels)
        ]

    def _kpis(self, first: date, last: date, made_before: date | None) -> list[float]:
        measured = self._measured(first, last)
        rooms = [
            room for room in self._rooms() if made_before is None or room["made_on"] < made_before
        ]
        booked_s = sum(measured[room["id"]]["booked_s"] for room in rooms if room["id"] in measured)
        bookings = sum(one["bookings"] for one in measured.values())
        return [
            len(rooms),
            share(booked_s, sum(self._open_s(room, first, last) for room in rooms)),
            share(sum(one["no_shows"] for one in measured.values()), bookings),
            bookings,
        ]

    def utilization(self, first: date, last: date) -> list[dict[str, Any]]:
        measured = self._measured(first, last)
        begun: dict[int, list[tuple[int, int]]] = {}
        for row in self._rows(_HOURS, first, last):
            begun.setdefault(row["room_id"], []).append((-row["count"], row["hour"]))
        shown = []
        for room in self._rooms():
            one = measured.get(room["id"], {"booked_s": 0, "bookings": 0})
            peaks = sorted(begun.get(room["id"], ()))[:3]
            shown.append(
                {
                    "roomId": room["cuid"],
                    "roomName": room["name"],
                    "utilizationRate": share(one["booked_s"], self._open_s(room, first, last)),
                    "totalBookings": one["bookings"],
                    "totalHoursBooked": rounded(Fraction(one["booked_s"], 3600), 2),
                    "peakHours": [f"{hour:02}:00" for _, hour in peaks],
                }
            )
        return shown

    def ghosting(self, first: date, last: date) -> list[dict[str, Any]]:
        measured, none = self._measured(first, last), {"bookings": 0, "no_shows": 0}
        shown = []
        for room in self._rooms():
            one = measured.get(room["id"], none)
            minutes = Fraction(one["wasted_s"], 60 * one["no_shows"]) if one["no_shows"] else 0
            shown.append(
                {
                    "roomId": room["cuid"],
                    "roomName": room["name"],
                    "ghostingRate": share(one["no_shows"], one["bookings"]),
                    "totalNoShows": one["no_shows"],
                    "totalBookings": one["bookings"],
                    "averageWastedMinutes": rounded(minutes),
                }
            )
        return shown

    def capacity(self, first: date, last: date) -> list[dict[str, Any]]:
        measured = self._measured(first, last)
        none = {"bookings": 0, "people": 0, "oversized": 0, "undersized": 0}
        shown = []
        for room in self._rooms():
            one = measured.get(room["id"], none)
            count, people = one["bookings"], one["people"]
            shown.append(
                {
                    "roomId": room["cuid"],
                    "roomName": room["name"],
                    "roomCapacity": room["seats"],
                    "averageAttendees": rounded(Fraction(people, count)) if count else 0.0,
                    "capacityUtilization": share(people, room["seats"] * count),
                    "oversizedBookings": one["oversized"],
                    "undersizedBookings": one["undersized"],
                }
            )
        return shown

    def weekly(self, first: date, last: date) -> list[dict[str, Any]]:
        mondays = [first - first.weekday() * DAY]
        while mondays[-1] + 7 * DAY <= last:
            mondays.append(mondays[-1] + 7 * DAY)
        weeks = [
            self._measured(max(first, monday), min(last, monday + 6 * DAY)) for monday in mondays
        ]
        names = [f"{monday:%G-W%V}" for monday in mondays]
        shown = []
        for room in sorted(self._rooms(), key=lambda one: (one["building"], one["name"])):
            booked = [week.get(room["id"], {"booked_s": 0})["booked_s"] for week in weeks]
            breakdown = zip(names, booked, strict=True)
            count = (last - first + DAY).days // 7
            shown.append(
                {
                    "roomId": room["cuid"],
                    "roomName": room["name"],
                    "building": room["building"],
                    "totalHours": rounded(Fraction(sum(booked), 3600)),
                    "avgHoursPerWeek": rounded(Fraction(sum(booked), 3600 * count)),
                    "weeklyBreakdown": [
                        {"week": name, "hours": rounded(Fraction(one, 3600))}
                        for name, one in breakdown
                    ],
                }
            )
        return shown

    def peak_hours(self, first: date, last: date) -> list[int]:
        found = dict(self._tuples(_TOUCHED, first, last))
        return [found.get(hour, 0) for hour in range(24)]

    def by_role(self, first: date, last: date) -> dict[str, tuple[int, float]]:
        return {
            role: (count, rounded(Fraction(booked_s, 3600)))
            for role, count, booked_s in self._tuples(_BY_ROLE, first, last)
        }

    def reality(self, first: date, last: date) -> dict[str, Any]:
        measured = self._measured(first, last)
        there = {row["room_id"]: row for row in self._rows(_PRESENCE, first, last)}
        watched = {row["room_id"] for row in self._rows(_WATCHED, first, last)}
        parties = {row["room_id"]: row for row in self._rows(_PARTIES, first, last)}
        shown, nothing = [], {"bookings": 0, "no_shows": 0, "booked_s": 0}
        rooms = self._rooms()
        for room in rooms:
            number = room["id"]
            seen = there.get(number, _NOT_THERE) if number in watched else None
            known = parties.get(number, _NO_PARTIES)
            shown.append(
                {"roomId": room["cuid"], "roomName": room["name"], "capacity": room["seats"]}
                | _reality(measured.get(number, nothing), seen, known)
                | {"suggestedCapacity": _suggested(room["seats"], known["parties"])}
            )
        ids = {room["id"] for room in rooms}
        ours = [one for number, one in measured.items() if number in ids]
        total = {name: sum(one[name] for one in ours) for name in nothing}
        seen_there = [one for number, one in there.items() if number in ids]
        both = {name: sum(one[name] for one in seen_there) for name in _NOT_THERE}
        of_all = parties.get(None, _NO_PARTIES)
        return {"rooms": shown, "totals": _reality(total, both if watched & ids else None, of_all)}

    def right_size(self, first: date, last: date) -> list[dict[str, Any]]:
        known = {row["room_id"]: row for row in self._rows(_PARTIES, first, last)}
        shown = []
        for room in self._rooms():
            one = known.get(room["id"], _NO_PARTIES)
            suggested = _suggested(room["seats"], one["parties"])
            if suggested is not None:
                shown.append(
                    {
                        "roomId": room["cuid"],
                        "roomName": room["name"],
                        "roomCapacity": room["seats"],
                        "parties": sum(size > 0 for size in one["parties"]),
                        "measuredParties": len(one["sizes"] or ()),
                        "largestParty": suggested,
                        "suggestedCapacity": suggested,
                    }
                )
        return sorted(shown, key=lambda one: Fraction(one["largestParty"], one["roomCapacity"]))

    def flow(self, first: date, last: date) -> dict[str, Any]:
        found = self._rows(_FLOW, first, last)
        hours = [_both(row for row in found if row["hour"] == hour) for hour in range(24)]
        doors = {
            camera: _both(row for row in found if row["id"] == camera)
            for (camera,) in self._tuples("SELECT id FROM cameras")
        }
        return {"hours": hours, "doors": doors, "totals": _both(found)}

    def _tuples(self, statement: str, *values: object) -> Sequence[tuple[Any, ...]]:
        return self._db.execute(statement, list(values)).fetchall()


# --- what cameras saw ---------------------------------------------------------------------------

# Of a room whose levels are known, how long it was empty is known, too.
_WATCHED = """
SELECT DISTINCT room_id FROM held JOIN rooms ON rooms.id = room_id
WHERE next IS NOT NULL AND timezone(zone, since)::DATE <= $2 AND timezone(zone, until)::DATE >= $1
"""
_NOT_THERE = {"occupied_s": 0, "booked_s": 0}
_NO_PARTIES: dict[str, Any] = {
    "measured": 0, "ghosts": 0, "no_shows": 0, "empty_s": 0, "sizes": (), "parties": (),
}  # fmt: skip


def _reality(
    booked: dict[str, Any], there: dict[str, Any] | None, known: dict[str, Any]
) -> dict[str, Any]:
    measured, sizes = known["measured"], known["sizes"] or ()
    unbooked_s = None if there is None else there["occupied_s"] - there["booked_s"]
    return {
        "plannedSeatHours": None,
        "bookedHours": rounded(Fraction(booked["booked_s"], 3600), 2),
        "occupiedHours": None if there is None else rounded(Fraction(there["occupied_s"], 3600), 2),
        "unbookedHours": None if unbooked_s is None else rounded(Fraction(unbooked_s, 3600), 2),
        "totalBookings": booked["bookings"],
        "noShowRate": share(booked["no_shows"], booked["bookings"]),
        "measuredBookings": measured,
        "ghostBookings": known["ghosts"],
        "ghostRate": share(known["ghosts"], measured) if measured else None,
        "checkedGhostRate": share(known["no_shows"], measured) if measured else None,
        "emptyHours": rounded(Fraction(known["empty_s"], 3600), 2) if measured else None,
        "averageParty": rounded(Fraction(sum(sizes), len(sizes))) if sizes else None,
        # The least that 95 of 100 are not above.
        "p95Party": sizes[-(-95 * len(sizes) // 100) - 1] if sizes else None,
    }


def _suggested(seats: int, parties: Sequence[int]) -> int | None:
    return max(parties) if any(parties) and 2 * max(parties) < seats else None


def _both(rows: Iterable[dict[str, Any]]) -> tuple[int, int]:
    counts = [(row["entries"], row["exits"]) for row in rows]
    return sum(one for one, _ in counts), sum(one for _, one in counts)
