"""The schema `analytics`: copies of what others own, and the facts that follow from them.

A fact is a sum over bookings, of one room and one local day or month. Each booking's part of the
facts follows from its row alone: what of its room and organizer matters stands in it too. So
whatever changes, the part of the row as it was goes, and the part of the row as it is comes
(`repository/facts.py`), and the facts are always the sum over all rows. Seats at a time are no sum:
of a room and term that an allocation comes to or leaves, they are swept anew
(`repository/seats.py`).

What cameras tell of a room stands in its levels, each of which holds until the next one. What
follows from them, of a booking (`seen`, `empty_s`) and of a local day (`presence`), is worked out
anew whenever a level or a booking there changes (`repository/measuring.py`).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    Time,
)
from sqlalchemy.dialects.postgresql import ARRAY, INT8MULTIRANGE

from analytics.domain import HOURS
from common.consumer import processed_table
from common.events import ALLOCATIONS, BOOKINGS, CAMERAS, CROSSINGS, LEVELS, ROOMS, TERMS, USERS
from common.outbox import Outbox, outbox_table
from common.schema import Schema

metadata = MetaData(schema="analytics")
# Only for what can't be handled: the service publishes nothing of its own.
outbox = Outbox(outbox_table(metadata), source="analytics")
processed = processed_table(metadata)

_INSTANT: Final = DateTime(timezone=True)
# Of organizers; `unknown`: their account has not been heard of.
ROLES: Final = ("admin", "faculty", "student", "staff", "unknown")

# What is counted where a booking begins: on the local day, in its month.
COUNTS: Final = (
    "bookings",
    "no_shows",
    "wasted_s",
    "attendees",
    "oversized",
    "undersized",
    *(f"{role}_bookings" for role in ROLES),
    *(f"starts_{hour:02}" for hour in HOURS),
)
# What is counted wherever a booking lasts; `touches_09`: those that last into the hour from 9 on.
SPREAD: Final = (
    "booked_s",
    *(f"{role}_booked_s" for role in ROLES),
    *(f"touches_{hour:02}" for hour in HOURS),
)
MEASURES: Final = (*COUNTS, *SPREAD)


rooms = Table(
    "rooms",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("cuid", Text, nullable=False, unique=True),
    Column("version", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("building_id", Integer, nullable=False),
    Column("building", Text, nullable=False),
    Column("timezone", Text, nullable=False),
    Column("capacity", Integer, nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("opens_at", Time, nullable=False),
    Column("closes_at", Time, nullable=False),
    Column("opens_from", _INSTANT),
    Column("opens_until", _INSTANT),
    Column("recurrence_rule", Text),
    Column("created_at", _INSTANT),
)

users = Table(
    "users",
    metadata,
    Column("id", Text, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("department", Text),
)

# Without foreign keys: topics come in any order.
bookings = Table(
    "bookings",
    metadata,
    Column("id", Text, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("room_id", Integer, nullable=False),
    Column("organizer_id", Text, nullable=False),
    Column("organizer_name", Text, nullable=False),
    Column("organizer_email", Text, nullable=False),
    Column("title", Text, nullable=False),
    # With the organizer.
    Column("attendees", Integer, nullable=False),
    Column("starts_at", _INSTANT, nullable=False),
    Column("ends_at", _INSTANT, nullable=False),
    # Until when it had the room: one that was released, until then.
    Column("had_until", _INSTANT, nullable=False),
    # Confirmed, completed or released, neither a request nor cancelled.
    Column("is_booked", Boolean, nullable=False),
    # That, and no admin has put another in its place.
    Column("is_counted", Boolean, nullable=False),
    Column("is_no_show", Boolean, nullable=False),
    Column("is_override", Boolean, nullable=False),
    Column("created_at", _INSTANT, nullable=False),
    # Of its room and its organizer, as they were when the facts took it in; null: not known yet.
    Column("timezone", Text),
    Column("capacity", Integer),
    Column("role", Text),
    # The most people at once that cameras counted in it, and how long nobody was there; null: it
    # is not over yet, or the room's level is not known for all of it.
    Column("seen", Integer),
    Column("empty_s", BigInteger),
    CheckConstraint("starts_at < ends_at", name="bookings_end_after_they_start"),
    Index("bookings_of_room_by_end", "room_id", "had_until", "starts_at"),
    Index("bookings_of_organizer", "organizer_id"),
    Index("bookings_by_start", "starts_at", "id"),
    # What is over since the second before is looked for each second.
    Index("bookings_by_end", "had_until"),
)

# What was measured of a room on a local day, and the sums of whole weeks, from Monday on, and of
# months, so that a year is not read day by day.
ROLLUPS: Final[Mapping[str, Sequence[str]]] = {
    "days": MEASURES,
    "weeks": ("booked_s",),
    "months": MEASURES,
}
days, weeks, months = (
    Table(
        name,
        metadata,
        Column("room_id", Integer, primary_key=True, autoincrement=False),
        Column("start", Date, primary_key=True),
        *(
            Column(measure, BigInteger if measure.endswith("_s") else Integer, nullable=False)
            for measure in measures
        ),
        Index(f"{name}_by_start", "start"),
    )
    for name, measures in ROLLUPS.items()
)

# How many bookings begin on a room's local day with a party of a size, and how many in its year up
# to the end of a month, which begins at `start`: of a range in that year, what is known at its end
# less what is known at its beginning. Of those during which cameras looked, the most people at once
# (`seen`, of which `no_shows` are those where nobody checked in, and how long nobody was there); of
# the others, who was invited, and nobody to one that was released (`told`). Sizes that no booking
# has any more are not there.
PARTIES: Final = ("seen", "no_shows", "empty_s", "told")
party_days, parties_so_far = (
    Table(
        name,
        metadata,
        Column("room_id", Integer, primary_key=True, autoincrement=False),
        Column("start", Date, primary_key=True),
        Column("size", Integer, primary_key=True, autoincrement=False),
        *(
            Column(count, BigInteger if count.endswith("_s") else Integer, nullable=False)
            for count in PARTIES
        ),
        Index(f"{name}_by_start", "start"),
    )
    for name in ("party_days", "parties_so_far")
)

# Up to when bookings that are over were measured: one row. Who takes levels, rooms, people or
# bookings holds it, so that none of them misses what another has not committed yet.
clock = Table(
    "clock",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("at", _INSTANT, nullable=False),
    # Of the installation: of doors that are at no room.
    Column("timezone", Text, nullable=False, server_default="UTC"),
    CheckConstraint("id = 1", name="there_is_one_clock"),
)

# How many people are in a room from a moment on; of one moment, the highest version holds. Null:
# from then on no camera looks.
levels = Table(
    "levels",
    metadata,
    Column("room_id", Integer, primary_key=True, autoincrement=False),
    Column("measured_at", _INSTANT, primary_key=True),
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    Column("occupancy", Integer),
)

# For how long somebody was in a room on a local day, and outside any booking; up to the room's last
# level. The day is one of that zone.
presence = Table(
    "presence",
    metadata,
    Column("room_id", Integer, primary_key=True, autoincrement=False),
    Column("day", Date, primary_key=True),
    Column("timezone", Text, nullable=False),
    Column("occupied_s", BigInteger, nullable=False),
    Column("unbooked_s", BigInteger, nullable=False),
)

cameras = Table(
    "cameras",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False),
    # By which edges know it.
    Column("code", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("room_id", Integer),
    Column("is_active", Boolean, nullable=False),
    # By which its crossings are counted; null: they are not counted by hours yet.
    Column("timezone", Text),
    Index("cameras_of_room", "room_id"),
)

# Which crossings of an edge's camera were counted: up to `high`, but for what is `missing`.
edges = Table(
    "edges",
    metadata,
    Column("camera_id", Integer, primary_key=True, autoincrement=False),
    Column("edge_id", Text, primary_key=True),
    Column("high", BigInteger, nullable=False),
    Column("missing", INT8MULTIRANGE, nullable=False),
)

# Crossings by quarters of an hour, of which every zone's hours and days are made anew: a camera may
# come into another zone.
flow = Table(
    "flow",
    metadata,
    Column("camera_id", Integer, primary_key=True, autoincrement=False),
    Column("start", _INSTANT, primary_key=True),
    Column("entries", Integer, nullable=False),
    Column("exits", Integer, nullable=False),
)

# Crossings of a camera's local days, and of its months, by the hour of the clock.
THROUGH: Final = tuple(f"{way}_{hour:02}" for way in ("entries", "exits") for hour in HOURS)
door_days, door_months = (
    Table(
        name,
        metadata,
        Column("camera_id", Integer, primary_key=True, autoincrement=False),
        Column("start", Date, primary_key=True),
        *(Column(measure, Integer, nullable=False) for measure in THROUGH),
        Index(f"{name}_by_start", "start"),
    )
    for name in ("door_days", "door_months")
)

terms = Table(
    "terms",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("start_date", Date, nullable=False),
    Column("end_date", Date, nullable=False),
    Column("is_published", Boolean, nullable=False),
    Column("is_archived", Boolean, nullable=False),
    Column("is_deleted", Boolean, nullable=False),
)

allocations = Table(
    "allocations",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False),
    Column("term_id", Integer, nullable=False),
    Column("room_id", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("seats", Integer, nullable=False),
    # Of each occurrence, both in one order; of one that was deleted, none.
    Column("starts", ARRAY(_INSTANT), nullable=False),
    Column("ends", ARRAY(_INSTANT), nullable=False),
    # Of its room, as it was when the seats were counted; null: not known yet.
    Column("timezone", Text),
    Index("allocations_of_term", "term_id", postgresql_include=["version"]),
    Index("allocations_of_room", "room_id"),
)

# What is allocated of a room in a term on a local day; days without are left out.
seats = Table(
    "seats",
    metadata,
    Column("term_id", Integer, primary_key=True, autoincrement=False),
    Column("room_id", Integer, primary_key=True, autoincrement=False),
    Column("day", Date, primary_key=True),
    # At a time.
    Column("peak", BigInteger, nullable=False),
    # Of all allocations that touch the day, each once.
    Column("total", BigInteger, nullable=False),
    Column("allocations", Integer, nullable=False),
)

SCHEMA: Final = Schema(
    metadata,
    Path(__file__).with_name("migrations"),
    consumed=[USERS, BOOKINGS, ROOMS, TERMS, ALLOCATIONS, LEVELS, CAMERAS, CROSSINGS],
)
