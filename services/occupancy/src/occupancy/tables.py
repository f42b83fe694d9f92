"""The schema `occupancy`."""

from pathlib import Path
from typing import Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import INT8MULTIRANGE

from common.consumer import processed_table
from common.events import (
    ALERTS,
    CAMERAS,
    CROSSINGS,
    DROPPED,
    HEARTBEATS,
    LEVELS,
    ROOMS,
    SNAPSHOTS,
)
from common.migrations import UPKEEP
from common.outbox import Outbox, outbox_table
from common.schema import Schema

# Crossings of older months are among the rest.
_MAKE_MONTHS: Final = """
    SELECT occupancy.make_months(
        (now() - interval '3 months')::date, (now() + interval '1 year')::date
    )
"""
metadata = MetaData(
    schema="occupancy",
    info={UPKEEP: [_MAKE_MONTHS]},
)
outbox = Outbox(outbox_table(metadata), source="occupancy")
processed = processed_table(metadata)

cameras = Table(
    "cameras",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("camera_id", Text, nullable=False, unique=True),
    Column("camera_name", Text, nullable=False),
    Column("location", Text),
    Column("camera_type", Text, nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("max_occupancy", Integer),
    Column("resolution_width", Integer),
    Column("resolution_height", Integer),
    Column("room_id", Integer),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("version", BigInteger, nullable=False, server_default=text("1")),
    # The name of the edge-counter that watches it.
    Column("edge_id", Text),
    CheckConstraint(
        "camera_type IN ('entry_only', 'exit_only', 'bidirectional')", name="cameras_type"
    ),
    Index("cameras_of_room", "room_id", postgresql_where=text("room_id IS NOT NULL")),
    Index("cameras_of_edge", "edge_id", postgresql_where=text("edge_id IS NOT NULL")),
)

# Where cameras' pictures come from, sealed: there may be a password in it. A table of its own, so
# that whoever reads a camera has not read this.
streams = Table(
    "streams",
    metadata,
    Column("camera_id", Integer, ForeignKey("occupancy.cameras.id"), primary_key=True),
    Column("url", LargeBinary, nullable=False),
)

lines = Table(
    "lines",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("camera_id", Integer, ForeignKey("occupancy.cameras.id"), nullable=False, index=True),
    Column("line_name", Text, nullable=False),
    Column("x1", Integer, nullable=False),
    Column("y1", Integer, nullable=False),
    Column("x2", Integer, nullable=False),
    Column("y2", Integer, nullable=False),
    Column("direction", Text, nullable=False),
    Column("confidence_threshold", Float, nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    # On which side of somebody who walks from a to b those who enter come out.
    Column("entry_side", Text, nullable=False, server_default=text("'left'")),
    CheckConstraint("direction IN ('entry', 'exit', 'bidirectional')", name="lines_direction"),
    CheckConstraint("entry_side IN ('left', 'right')", name="lines_entry_side"),
    CheckConstraint("x1 <> x2 OR y1 <> y2", name="lines_have_a_length"),
)

# How lines were when somebody crossed them: which directions counted, from when until when.
watches = Table(
    "watches",
    metadata,
    Column("line_id", Integer, primary_key=True, autoincrement=False),
    Column("since", DateTime(timezone=True), primary_key=True),
    Column("until", DateTime(timezone=True), nullable=False),
    Column("camera_id", Integer, nullable=False, index=True),
    Column("entries", Boolean, nullable=False),
    Column("exits", Boolean, nullable=False),
    Column("confidence_threshold", Float, nullable=False),
)

# Which numbers have come: all up to the highest but those that are missing.
edges = Table(
    "edges",
    metadata,
    Column("camera_id", Integer, primary_key=True, autoincrement=False),
    Column("edge_id", Text, primary_key=True),
    Column("high", BigInteger, nullable=False),
    Column("missing", INT8MULTIRANGE, nullable=False),
)

# What an edge had to give up: these numbers will never come.
gaps = Table(
    "gaps",
    metadata,
    Column("camera_id", Integer, ForeignKey("occupancy.cameras.id"), primary_key=True),
    Column("edge_id", Text, primary_key=True),
    Column("first_sequence", BigInteger, primary_key=True),
    Column("last_sequence", BigInteger, nullable=False),
    Column("entries", Integer),
    Column("exits", Integer),
    Column("first_crossed_at", DateTime(timezone=True)),
    Column("last_crossed_at", DateTime(timezone=True)),
    Column("dropped_at", DateTime(timezone=True), nullable=False),
    Column("reason", Text, nullable=False),
)

# Partitioned by month. `told_at` is what an edge said whose clock can't be right.
crossings = Table(
    "crossings",
    metadata,
    Column("camera_id", Integer, primary_key=True, autoincrement=False),
    Column("crossed_at", DateTime(timezone=True), primary_key=True),
    Column("edge_id", Text, primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("line_id", Integer, nullable=False),
    Column("direction", Text, nullable=False),
    Column("track_id", Text, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("told_at", DateTime(timezone=True)),
    Column("is_counted", Boolean, nullable=False),
    Index("crossings_track", "camera_id", "edge_id", "track_id"),
    postgresql_partition_by="RANGE (crossed_at)",
)

# One row: since when crossings are kept.
kept = Table(
    "kept",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("since", DateTime(timezone=True), nullable=False),
    CheckConstraint("id = 1", name="kept_once"),
)

counts = Table(
    "counts",
    metadata,
    Column("camera_id", Integer, ForeignKey("occupancy.cameras.id"), primary_key=True),
    Column("entries", BigInteger, nullable=False),
    Column("exits", BigInteger, nullable=False),
    Column("unique_persons", BigInteger, nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    # Entries minus exits since it was last corrected, which may be below 0.
    Column("occupancy", BigInteger, nullable=False, server_default=text("0")),
    Column("corrected_at", DateTime(timezone=True)),
    # Crossings since then, and those that were given up.
    Column("crossed", BigInteger, nullable=False, server_default=text("0")),
    Column("lost", BigInteger, nullable=False, server_default=text("0")),
)

# What somebody has counted by hand, and nightly resets.
corrections = Table(
    "corrections",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("camera_id", Integer, ForeignKey("occupancy.cameras.id"), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("occupancy", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("notes", Text),
    Column("made_by", Text),
    CheckConstraint("reason IN ('calibration', 'reset')", name="corrections_reason"),
    CheckConstraint("occupancy >= 0", name="corrections_occupancy"),
    Index("corrections_at", "camera_id", "at"),
    Index(
        "corrections_one_reset",
        "camera_id",
        "at",
        unique=True,
        postgresql_where=text("reason = 'reset'"),
    ),
)

# What was last published of each room; its row is held while a room's cameras are added up.
levels = Table(
    "levels",
    metadata,
    Column("room_id", Integer, primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False),
    Column("occupancy", BigInteger, nullable=False),
    Column("measured_at", DateTime(timezone=True), nullable=False),
)

# What the crossings of a minute did; `occupancy.history.Minute` says of what unit.
minutes = Table(
    "minutes",
    metadata,
    Column("camera_id", Integer, ForeignKey("occupancy.cameras.id"), primary_key=True),
    Column("start", DateTime(timezone=True), primary_key=True),
    Column("entries", Integer, nullable=False),
    Column("exits", Integer, nullable=False),
    Column("area", BigInteger, nullable=False),
    Column("high", Integer, nullable=False),
)

# Local hours in which something happened; one that is missing keeps the level of the one before.
hours = Table(
    "hours",
    metadata,
    Column("camera_id", Integer, ForeignKey("occupancy.cameras.id"), primary_key=True),
    Column("start", DateTime(timezone=True), primary_key=True),
    Column("end", DateTime(timezone=True), nullable=False),
    Column("entries", Integer, nullable=False),
    Column("exits", Integer, nullable=False),
    Column("area", BigInteger, nullable=False),
    Column("peak", Integer, nullable=False),
    Column("level", Integer, nullable=False),
)

# Distinct tracks of an hour, a local day or a month.
persons = Table(
    "persons",
    metadata,
    Column("camera_id", Integer, ForeignKey("occupancy.cameras.id"), primary_key=True),
    Column("period", Text, primary_key=True),
    Column("start", DateTime(timezone=True), primary_key=True),
    Column("persons", Integer, nullable=False),
    CheckConstraint("period IN ('hour', 'day', 'month')", name="persons_period"),
)

# What is to be added up anew.
rebuilds = Table(
    "rebuilds",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("camera_id", Integer, ForeignKey("occupancy.cameras.id"), nullable=False),
    Column("level", Text, nullable=False),
)

# An alert is over when its cause is; somebody may have resolved it before.
alerts = Table(
    "alerts",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("camera_id", Integer, ForeignKey("occupancy.cameras.id"), nullable=False),
    Column("alert_type", Text, nullable=False),
    Column("current_occupancy", Integer, nullable=False),
    Column("message", Text, nullable=False),
    Column(
        "raised_at",
        DateTime(timezone=True),
        nullable=False,
        server_default=func.clock_timestamp(),
    ),
    Column("resolved_at", DateTime(timezone=True)),
    Column("over_at", DateTime(timezone=True)),
    Column("version", BigInteger, nullable=False, server_default=text("1")),
    # Of those that can have several at a time; what joins them is news.
    Column("causes", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    CheckConstraint(
        "alert_type IN ('capacity_exceeded', 'capacity_warning', 'anomaly_detected',"
        " 'negative_count', 'equipment_failure')",
        name="alerts_type",
    ),
    Index(
        "alerts_one_at_a_time",
        "camera_id",
        "alert_type",
        unique=True,
        postgresql_where=text("over_at IS NULL"),
    ),
)

# How a camera does, as each of its edges has said last; `occupancy.equipment` says what is what.
# Whoever judges a camera holds all of its rows, in the order of the key.
heartbeats = Table(
    "heartbeats",
    metadata,
    Column("camera_id", Integer, ForeignKey("occupancy.cameras.id"), primary_key=True),
    Column("edge_id", Text, primary_key=True),
    # Of the topic; who hears that one knows when the edge is silent.
    Column("partition", Integer, nullable=False),
    Column("heard_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("arrived_at", DateTime(timezone=True), nullable=False),
    Column("sent_at", DateTime(timezone=True), nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("picture", Text, nullable=False),
    Column("reason", Text),
    Column("picture_age_s", Float),
    Column("pictures_per_s", Float, nullable=False),
    Column("processed_per_s", Float, nullable=False),
    Column("lag_s", Float, nullable=False),
    Column("spool_depth", BigInteger, nullable=False),
    Column("dropped", BigInteger, nullable=False),
    Column("found", ARRAY(Text), nullable=False),
    Column("held", ARRAY(Text), nullable=False),
    Column("is_silent", Boolean, nullable=False),
)

# Who waits for a camera's picture, and in which process; rows of the last minute. The picture is in
# no table (docs/adr/0029).
snapshots = Table(
    "snapshots",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("camera_id", Integer, ForeignKey("occupancy.cameras.id"), nullable=False, index=True),
    # Who is to take it.
    Column("edge_id", Text, nullable=False),
    # Address of the process that has promised it to somebody.
    Column("holder", Text, nullable=False),
    Column(
        "asked_at",
        DateTime(timezone=True),
        nullable=False,
        server_default=func.clock_timestamp(),
    ),
    Column("until", DateTime(timezone=True), nullable=False),
    Column("is_open", Boolean, nullable=False, server_default=text("true")),
)

# The zones of the buildings that rooms stand in.
rooms = Table(
    "rooms",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False),
    Column("timezone", Text, nullable=False),
)

# Edges may write their topics but not make them, so that their first reader does.
SCHEMA: Final = Schema(
    metadata,
    Path(__file__).with_name("migrations"),
    published=[CROSSINGS, DROPPED, HEARTBEATS, CAMERAS, LEVELS, ALERTS, SNAPSHOTS],
    consumed=[CROSSINGS, DROPPED, HEARTBEATS, ROOMS],
)
