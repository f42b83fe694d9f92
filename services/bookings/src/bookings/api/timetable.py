"""In the style of `directory`: the whole timetable of a term, pushed at once."""

import asyncio
from datetime import date, datetime
from typing import Annotated, Any, Final

import msgspec
from fastapi import Query, Request
from msgspec import Meta, Struct
from pydantic import BaseModel

from bookings.api.fields import Caller
from bookings.api.terms import AllocationView, allocation_view, term_key
from bookings.domain import Period
from bookings.recurrence import LONGEST_RULE
from bookings.service import timetable as service
from bookings.service.timetable import MOST_OCCURRENCES, TOO_LONG, Difference, Entry
from bookings.terms import MOST_EXCEPTIONS, MOST_SEATS, Allocation, Why
from common.app import JsonResponse, contract_router
from common.contracts import Contract
from common.db import Session
from common.errors import Invalid, invalid_field
from common.fields import clean_text

router = contract_router(Contract.DIRECTORY)

DryRun = Annotated[bool, Query(description="Say what would change, and change nothing.")]
_SHOWN: Final = 100
# A hundred megabytes for a long one: of several, the others wait as the bytes that they are.
_one_at_a_time: Final = asyncio.Lock()
_DATETIME: Final = "Datetime has wrong format. Use ISO 8601, for example 2026-01-19T12:00:00Z."


# --- what comes in: by msgspec, as there are thousands ------------------------------------------

_Moment = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]


class AllocationEntry(Struct, forbid_unknown_fields=True, gc=False):
    """An allocation as a timetable has it."""

    external_id: Annotated[str, Meta(min_length=1, max_length=100)]
    room: Annotated[int | str, Meta(description="Its id, either of the two.")]
    title: Annotated[str, Meta(min_length=1, max_length=255)]
    allocated_seats: Annotated[int, Meta(ge=1, le=MOST_SEATS)]
    start_at: _Moment
    end_at: _Moment
    recurrence_rule: Annotated[str, Meta(max_length=LONGEST_RULE)] | None = None
    exceptions: Annotated[
        list[str],
        Meta(
            max_length=MOST_EXCEPTIONS,
            description="Local days, or moments of them, on which it does not take place.",
        ),
    ] = []


class _Timetable(Struct, forbid_unknown_fields=True):
    allocations: list[msgspec.Raw]


class _Named(Struct):
    external_id: str


_timetable = msgspec.json.Decoder(_Timetable)
_entry = msgspec.json.Decoder(AllocationEntry)
_named = msgspec.json.Decoder(_Named)
[_], _schemas = msgspec.json.schema_components([AllocationEntry])
_BODY: Final = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "properties": {
                    "allocations": {"type": "array", "items": _schemas["AllocationEntry"]}
                },
                "required": ["allocations"],
                "additionalProperties": False,
            }
        }
    },
}


def _read(body: bytes) -> list[Entry]:
    """Read a timetable.

    Raises:
        Invalid: it is none; what is wrong of its allocations is named with each.
    """
    try:
        raws = _timetable.decode(body).allocations
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid(f"JSON parse error: {error}") from error
    if len(raws) > MOST_OCCURRENCES:
        raise invalid_field("allocations", TOO_LONG)
    entries: dict[str, Entry] = {}
    wrong = []
    for place, raw in enumerate(raws):
        try:
            entry = _clean(_entry.decode(raw))
            if entry.external_id in entries:
                raise ValueError("This external_id is there twice.")  # noqa: TRY301
            entries[entry.external_id] = entry
        except (ValueError, OverflowError, RecursionError) as error:
            wrong.append(f"{_name(raw, place)}: {error}")
    if wrong:
        more = [f"… and {len(wrong) - _SHOWN} more."] if len(wrong) > _SHOWN else []
        shown = [*wrong[:_SHOWN], *more]
        raise Invalid("Validation failed", fields={"allocations": shown})
    return list(entries.values())


def _name(raw: msgspec.Raw, place: int) -> str:
    try:
        return _named.decode(raw).external_id.strip()
    except (ValueError, RecursionError):
        return f"allocations[{place}]"


def _clean(sent: AllocationEntry) -> Entry:
    """Bring an entry into the form that is kept.

    Raises:
        ValueError: something of it is blank, or no moment.
    """
    external_id, title = clean_text(sent.external_id), clean_text(sent.title)
    if not external_id or not title:
        name = "title" if external_id else "external_id"
        raise ValueError(f"{name}: This field may not be blank.")
    return Entry(
        external_id=external_id,
        room=str(sent.room).strip(),
        title=title,
        allocated_seats=sent.allocated_seats,
        first=Period(_moment("start_at", sent.start_at), _moment("end_at", sent.end_at)),
        recurrence_rule=clean_text(sent.recurrence_rule or "") or None,
        exceptions=sent.exceptions,
    )


def _moment(name: str, text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{name}: {_DATETIME}") from None
    if moment.tzinfo is None:
        raise ValueError(f"{name}: Datetime needs an offset, for example 2026-01-19T12:00:00Z.")
    if not 1900 <= moment.year <= 9000:
        raise ValueError(f"{name}: The year must be between 1900 and 9000.")
    return moment


# --- what goes out ------------------------------------------------------------------------------


class AllocationFields(BaseModel):
    """Some fields of an allocation."""

    room: int | None = None
    title: str | None = None
    allocated_seats: int | None = None
    start_at: datetime | None = None
    end_at: datetime | None = None
    recurrence_rule: str | None = None
    exceptions: list[date] | None = None


class ChangeView(BaseModel):
    """A changed allocation, with those of its fields that change."""

    id: int
    external_id: str
    before: AllocationFields
    after: AllocationFields


class CreatedView(AllocationView):
    """`id`: `null`: it would be created."""

    id: int | None  # type: ignore[assignment] # wider, as nothing reads it


class ConflictView(BaseModel):
    """Why an allocation cannot be as the timetable has it.

    `reason` is a sentence in English; `code` and `values` are for whoever says it in other words.
    `values` by code: `before_term`, `after_term`: `day`; `blackout`: `day`, `reason`; `holiday`:
    `day`, `name`; `too_few_seats`: `room`, `capacity`, `seats`, `at`; `wrong_exception`: `value`.
    """

    external_id: str
    field: str
    reason: str
    code: Why
    values: dict[str, str | int]


class CountsView(BaseModel):
    created: int
    changed: int
    removed: int
    unchanged: int
    conflicts: int


class DifferenceView(BaseModel):
    """What a timetable changes, or would; `unchanged` lists external ids."""

    term: int
    dry_run: bool
    applied: bool
    counts: CountsView
    created: list[CreatedView]
    changed: list[ChangeView]
    removed: list[AllocationView]
    unchanged: list[str]
    conflicts: list[ConflictView]


def _view(difference: Difference) -> dict[str, Any]:
    view: dict[str, list[Any]] = {
        "created": [allocation_view(one) for one in difference.created],
        "changed": [_change_view(old, new) for old, new in difference.changed],
        "removed": [allocation_view(one) for one in difference.removed],
        "unchanged": [one.external_id for one in difference.unchanged],
        "conflicts": [
            {
                "external_id": one.external_id,
                "field": one.field,
                "reason": one.reason,
                "code": one.why,
                "values": one.values,
            }
            for one in difference.conflicts
        ],
    }
    return {"counts": {name: len(entries) for name, entries in view.items()}, **view}


def _change_view(old: Allocation, new: Allocation) -> dict[str, Any]:
    before, after = allocation_view(old), allocation_view(new)
    names = [name for name in before if before[name] != after[name]]
    return {
        "id": new.id,
        "external_id": new.external_id,
        "before": {name: before[name] for name in names},
        "after": {name: after[name] for name in names},
    }


@router.put(
    "/api/terms/{term_id}/timetable/",
    response_model=DifferenceView,
    openapi_extra={"requestBody": _BODY},
)
async def push_timetable(
    term_id: str,
    session: Session,
    identity: Caller,
    request: Request,
    dry_run: DryRun = False,  # noqa: FBT002 - a parameter of the address
) -> JsonResponse:
    """Make a term's allocations that have an external id those of this timetable, all or none.

    New ones are created, changed ones changed, missing ones removed; what was written by hand
    stays.

    With a conflict nothing is done: 409, with what it would have changed. A dry run answers 200.
    """
    key = term_key(term_id)
    body = await request.body()
    async with _one_at_a_time:
        entries = await asyncio.to_thread(_read, body)
        found = await service.push_timetable(session, identity, key, entries, dry_run=dry_run)
        conflicts = bool(found.conflicts)
        answer = {"term": key, "dry_run": dry_run, "applied": not dry_run and not conflicts}
        answer |= await asyncio.to_thread(_view, found)
    if conflicts and not dry_run:
        detail = "Nothing was done: the timetable has conflicts."
        return JsonResponse({"detail": detail, **answer}, 409)
    return JsonResponse(answer)
