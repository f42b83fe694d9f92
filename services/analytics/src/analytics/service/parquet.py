"""Facts as Parquet files, a folder a month, for whatever else reads them.

A file is written beside its place and then put there at once: who reads the folder meanwhile finds
the old one or the new one. Names and addresses of people, and what they meet about, stay here.
"""

import os
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import pyarrow as pa
from pyarrow import parquet

from analytics.repository.months import WHOLE, Months, snapshot
from analytics.tables import MEASURES
from common.db import Database

_MOMENT: Final = pa.timestamp("us", tz="UTC")
_IDS: Final = {"term_id": pa.int32(), "room_id": pa.int32()}
_TIMES: Final = {"day": pa.date32(), "starts_at": _MOMENT, "ends_at": _MOMENT}

# What each file has: the columns of `tables` by their names, and `day`, which is local to the room.
SCHEMAS: Final[Mapping[str, pa.Schema]] = {
    name: pa.schema(columns)
    for name, columns in {
        "bookings": {
            "id": pa.string(),
            "room_id": pa.int32(),
            **_TIMES,
            "had_until": _MOMENT,
            "attendees": pa.int32(),
            "capacity": pa.int32(),
            "role": pa.string(),
            "is_no_show": pa.bool_(),
            "is_override": pa.bool_(),
            "created_at": _MOMENT,
        },
        "days": {"room_id": pa.int32(), "day": pa.date32(), **dict.fromkeys(MEASURES, pa.int64())},
        "allocations": {"id": pa.int32(), **_IDS, "seats": pa.int32(), **_TIMES},
        "seats": {
            **_IDS,
            "day": pa.date32(),
            "peak": pa.int64(),
            "total": pa.int64(),
            "allocations": pa.int64(),
        },
        "terms": {
            "id": pa.int32(),
            "name": pa.string(),
            "code": pa.string(),
            "start_date": pa.date32(),
            "end_date": pa.date32(),
            "is_published": pa.bool_(),
            "is_archived": pa.bool_(),
        },
        "rooms": {
            "id": pa.int32(),
            "cuid": pa.string(),
            "name": pa.string(),
            "building_id": pa.int32(),
            "building": pa.string(),
            "timezone": pa.string(),
            "capacity": pa.int32(),
            "is_active": pa.bool_(),
        },
    }.items()
}


async def export(
    database: Database, folder: Path, month: date | None
) -> AsyncIterator[tuple[Path, int]]:
    """Write facts into a folder; says of each file how many rows it has.

    Args:
        month: its first day; None: all months that have something, or have a file by now.
    """
    async with snapshot(database) as months:
        for name in SCHEMAS:
            if name in WHOLE:
                path = folder / f"{name}.parquet"
                yield path, await _write(months, name, None, path)
                continue
            wanted = [month] if month else {*await months.listed(name), *_written(folder / name)}
            for first in sorted(wanted):
                path = folder / name / f"month={first:%Y-%m}" / f"{name}.parquet"
                yield path, await _write(months, name, first, path)


def _written(folder: Path) -> Iterator[date]:
    """List the months of which there are files: of one that is empty now, so is its file."""
    for one in folder.glob("month=*"):
        if re.fullmatch(r"month=\d{4}-\d{2}", one.name):
            yield date.fromisoformat(f"{one.name.removeprefix('month=')}-01")


async def _write(months: Months, name: str, first: date | None, path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    span = None if first is None else (first, (first + timedelta(days=31)).replace(day=1))
    try:
        count = await _write_rows(months, name, span, beside)
        beside.replace(path)
    finally:
        with suppress(FileNotFoundError):
            beside.unlink()
    return count


async def _write_rows(months: Months, name: str, span: tuple[date, date] | None, path: Path) -> int:
    schema, count = SCHEMAS[name], 0
    with path.open("wb") as file:
        with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
            async for rows in months.rows(name, schema.names, span):
                columns = zip(*rows, strict=True)
                arrays = [
                    pa.array(column, kind)
                    for column, kind in zip(columns, schema.types, strict=True)
                ]
                # Each part is a row group: no more than that is ever in memory.
                writer.write_batch(pa.record_batch(arrays, schema=schema))
                count += len(rows)
        file.flush()
        os.fsync(file.fileno())
    return count
