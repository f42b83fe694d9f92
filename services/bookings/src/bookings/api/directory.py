"""In the style of `directory`: blackouts and holidays, and the policies and quotas of booking."""

from datetime import date, datetime
from typing import Annotated, Any, Final, Literal

from fastapi import Request, Response
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, model_validator

from bookings.api.fields import AnyId, key_of
from bookings.api.terms import AllocationView, allocation_view
from bookings.domain import Period
from bookings.repository.allocations import AllocationFilter, Allocations
from bookings.repository.rules import Closures, Entries
from bookings.service import booking as service
from bookings.service.telling import iso
from bookings.tables import EVERY_ROOM, blackouts, holidays, policies, quotas
from common.app import JsonResponse, contract_router, read_by
from common.contracts import Contract
from common.db import AsyncSession, Session
from common.errors import Invalid, NotFound, invalid_field
from common.fields import Instant, Integer, Name
from common.identity import Role
from common.paging import PageLinks, PageQuery, Slice, page_of

router = contract_router(Contract.DIRECTORY)

Page = Annotated[PageQuery, read_by(PageQuery)]
_TABLES: Final = {"Blackout": blackouts, "Holiday": holidays, "Quota": quotas}
_CLOSING: Final = frozenset({"Blackout", "Holiday"})
_MOST_SHOWN: Final = 100
_FIVE_YEARS: Final = 5 * 366
_WEEK: Final = 7 * 24 * 60
Minutes = Annotated[Integer, Field(ge=0, le=_WEEK)]
SomeMinutes = Annotated[Integer, Field(ge=1, le=_WEEK)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class BlackoutBody(_Body):
    room: AnyId | None = Field(None, validation_alias=AliasChoices("room", "room_id"))
    start_at: Instant
    end_at: Instant
    reason: Name


class HolidayBody(_Body):
    date: date
    name: Name


class QuotaBody(_Body):
    """How much one person of a role may book in a period; `open` is all that has not ended."""

    role: Role
    period: Literal["day", "week", "month", "open"]
    most_bookings: Annotated[Integer, Field(ge=0, le=100_000)] | None = None
    most_minutes: Annotated[Integer, Field(ge=0, le=10_000_000)] | None = None

    @model_validator(mode="after")
    def _limits_something(self) -> "QuotaBody":
        if self.most_bookings is None and self.most_minutes is None:
            raise ValueError("A quota needs most_bookings or most_minutes.")
        return self


class PolicyBody(_Body):
    """The rules of a room; what is left out has its default, null means no rule."""

    buffer_before: Minutes = 0
    buffer_after: Minutes = 0
    pending_holds: bool = False
    checkin_opens: Minutes = 15
    checkin_closes: SomeMinutes | None = 15
    checkin_exempt_over: SomeMinutes | None = None
    horizon_days: Annotated[Integer, Field(ge=1, le=_FIVE_YEARS)] | None = None
    min_minutes: SomeMinutes | None = None
    max_minutes: SomeMinutes | None = None


# --- what goes out ------------------------------------------------------------------------------


class MetView(BaseModel):
    """How many allocations a closure meets, and the first hundred of them."""

    count: int
    results: list[AllocationView]


class BlackoutView(BaseModel):
    """`room`: `null`: all of them."""

    id: int
    room: int | None
    start_at: datetime
    end_at: datetime
    reason: str


class BlackoutPage(PageLinks):
    results: list[BlackoutView]


class BlackoutReply(BlackoutView):
    """`allocations`: only if it meets some."""

    allocations: MetView | None = None


class HolidayView(BaseModel):
    id: int
    date: date
    name: str


class HolidayPage(PageLinks):
    results: list[HolidayView]


class HolidayReply(HolidayView):
    """`allocations`: only if it meets some."""

    allocations: MetView | None = None


class QuotaView(BaseModel):
    id: int
    role: Role
    period: Literal["day", "week", "month", "open"]
    most_bookings: int | None
    most_minutes: int | None


class QuotaPage(PageLinks):
    results: list[QuotaView]


class PolicyView(BaseModel):
    """`room`: 0: all that have none of their own."""

    room: int
    buffer_before: int
    buffer_after: int
    pending_holds: bool
    checkin_opens: int
    checkin_closes: int | None
    checkin_exempt_over: int | None
    horizon_days: int | None
    min_minutes: int | None
    max_minutes: int | None


class PolicyPage(PageLinks):
    results: list[PolicyView]


def _view(row: dict[str, Any]) -> dict[str, Any]:
    """Show a row under the names that it is written with."""
    names = {"starts_at": "start_at", "ends_at": "end_at", "room_id": "room"}
    # The driver's names are a kind of text that JSON does not know.
    shown = {str(names.get(name, name)): value for name, value in row.items()}
    for name in ("start_at", "end_at"):
        if name in shown:
            shown[name] = iso(shown[name])
    return shown


# --- blackouts, holidays, quotas ----------------------------------------------------------------


async def _list(session: Session, request: Request, page: PageQuery, kind: str) -> JsonResponse:
    entries = Entries(session, _TABLES[kind])
    answer = await page_of(request, page, count=entries.count, find=entries.find)
    return JsonResponse({**answer, "results": [_view(row) for row in answer["results"]]})


def _key(text: str, kind: str) -> int:
    return key_of(text, f"No {kind} matches the given query.")


async def _existing(session: AsyncSession, kind: str, text: str) -> dict[str, Any]:
    row = await Entries(session, _TABLES[kind]).get(_key(text, kind))
    if row is None:
        raise NotFound(f"No {kind} matches the given query.")
    return row


async def _add(session: AsyncSession, kind: str, values: dict[str, Any]) -> JsonResponse:
    await _settle(session, kind)
    row = await Entries(session, _TABLES[kind]).add(values)
    if row is None:
        raise Invalid(f"There is such a {kind.lower()} already.")
    return JsonResponse({**_view(row), **await _met(session, kind, row)}, 201)


async def _settle(session: AsyncSession, kind: str) -> None:
    """Let nobody allocate what is about to be closed: it would not be met, nor refused."""
    if kind in _CLOSING:
        await Closures(session).settle(change=True)


async def _met(session: AsyncSession, kind: str, row: dict[str, Any]) -> dict[str, Any]:
    """Say which allocations a closure meets, if any; they stay, for a person to move."""
    if kind not in _CLOSING:
        return {}
    wanted = (
        AllocationFilter(on=row["date"])
        if kind == "Holiday"
        else AllocationFilter(room=row["room_id"], during=Period(row["starts_at"], row["ends_at"]))
    )
    allocations = Allocations(session)
    count = await allocations.count(wanted)
    if count == 0:
        return {}
    shown = await allocations.find(wanted, Slice(0, _MOST_SHOWN))
    results = [allocation_view(one) for one in shown]
    return {"allocations": {"count": count, "results": results}}


async def _replace(
    session: AsyncSession, kind: str, text: str, values: dict[str, Any]
) -> JsonResponse:
    await _settle(session, kind)
    await _existing(session, kind, text)
    row = await Entries(session, _TABLES[kind]).change(_key(text, kind), values)
    if row is None:
        raise Invalid(f"There is such a {kind.lower()} already.")
    return JsonResponse({**_view(row), **await _met(session, kind, row)})


async def _remove(session: AsyncSession, kind: str, text: str) -> Response:
    await _existing(session, kind, text)
    await Entries(session, _TABLES[kind]).remove(_key(text, kind))
    return Response(status_code=204)


async def _blackout(session: AsyncSession, body: BlackoutBody) -> dict[str, Any]:
    if body.end_at <= body.start_at:
        raise invalid_field("end_at", "End must be after start.")
    room_id = None
    if body.room is not None:
        try:
            room_id = (await service.find_room(session, body.room)).id
        except NotFound as error:
            raise invalid_field("room", "No Room matches the given query.") from error
    return {
        "room_id": room_id,
        "starts_at": body.start_at,
        "ends_at": body.end_at,
        "reason": body.reason,
    }


@router.get("/api/blackouts/", response_model=BlackoutPage)
async def list_blackouts(session: Session, request: Request, page: Page) -> JsonResponse:
    return await _list(session, request, page, "Blackout")


@router.post("/api/blackouts/", status_code=201, response_model=BlackoutReply)
async def create_blackout(body: BlackoutBody, session: Session) -> JsonResponse:
    return await _add(session, "Blackout", await _blackout(session, body))


@router.get("/api/blackouts/{key}/", response_model=BlackoutView)
async def retrieve_blackout(key: str, session: Session) -> JsonResponse:
    return JsonResponse(_view(await _existing(session, "Blackout", key)))


@router.put("/api/blackouts/{key}/", response_model=BlackoutReply)
async def update_blackout(key: str, body: BlackoutBody, session: Session) -> JsonResponse:
    return await _replace(session, "Blackout", key, await _blackout(session, body))


@router.delete("/api/blackouts/{key}/", status_code=204)
async def delete_blackout(key: str, session: Session) -> Response:
    return await _remove(session, "Blackout", key)


@router.get("/api/holidays/", response_model=HolidayPage)
async def list_holidays(session: Session, request: Request, page: Page) -> JsonResponse:
    return await _list(session, request, page, "Holiday")


@router.post("/api/holidays/", status_code=201, response_model=HolidayReply)
async def create_holiday(body: HolidayBody, session: Session) -> JsonResponse:
    return await _add(session, "Holiday", _holiday(body))


def _holiday(body: HolidayBody) -> dict[str, Any]:
    if not 1900 <= body.date.year <= 9000:
        raise invalid_field("date", "The year must be between 1900 and 9000.")
    return body.model_dump()


@router.get("/api/holidays/{key}/", response_model=HolidayView)
async def retrieve_holiday(key: str, session: Session) -> JsonResponse:
    return JsonResponse(_view(await _existing(session, "Holiday", key)))


@router.put("/api/holidays/{key}/", response_model=HolidayReply)
async def update_holiday(key: str, body: HolidayBody, session: Session) -> JsonResponse:
    return await _replace(session, "Holiday", key, _holiday(body))


@router.delete("/api/holidays/{key}/", status_code=204)
async def delete_holiday(key: str, session: Session) -> Response:
    return await _remove(session, "Holiday", key)


@router.get("/api/booking-quotas/", response_model=QuotaPage)
async def list_quotas(session: Session, request: Request, page: Page) -> JsonResponse:
    return await _list(session, request, page, "Quota")


@router.post("/api/booking-quotas/", status_code=201, response_model=QuotaView)
async def create_quota(body: QuotaBody, session: Session) -> JsonResponse:
    return await _add(session, "Quota", body.model_dump())


@router.get("/api/booking-quotas/{key}/", response_model=QuotaView)
async def retrieve_quota(key: str, session: Session) -> JsonResponse:
    return JsonResponse(_view(await _existing(session, "Quota", key)))


@router.put("/api/booking-quotas/{key}/", response_model=QuotaView)
async def update_quota(key: str, body: QuotaBody, session: Session) -> JsonResponse:
    return await _replace(session, "Quota", key, body.model_dump())


@router.delete("/api/booking-quotas/{key}/", status_code=204)
async def delete_quota(key: str, session: Session) -> Response:
    return await _remove(session, "Quota", key)


# --- policies -----------------------------------------------------------------------------------


@router.get("/api/booking-policies/", response_model=PolicyPage)
async def list_policies(session: Session, request: Request, page: Page) -> JsonResponse:
    """List the policies; that of room 0 is for all rooms that have none of their own."""
    entries = Entries(session, policies)
    answer = await page_of(request, page, count=entries.count, find=entries.find)
    return JsonResponse({**answer, "results": [_view(row) for row in answer["results"]]})


async def _policy_key(session: AsyncSession, text: str) -> int:
    if text == str(EVERY_ROOM):
        return EVERY_ROOM
    try:
        return (await service.find_room(session, text)).id
    except NotFound as error:
        raise NotFound("No Room matches the given query.") from error


@router.get("/api/booking-policies/{room}/", response_model=PolicyView)
async def retrieve_policy(room: str, session: Session) -> JsonResponse:
    """Show what holds for a room, or with 0 for rooms without a policy of their own."""
    entries = Entries(session, policies)
    key = await _policy_key(session, room)
    row = await entries.get(key) or await entries.get(EVERY_ROOM) or PolicyBody().model_dump()
    return JsonResponse(_view({**row, "room_id": key}))


@router.put("/api/booking-policies/{room}/", response_model=PolicyView)
async def write_policy(room: str, body: PolicyBody, session: Session) -> JsonResponse:
    """Set the rules of a room; bookings that exist keep those they were made under."""
    if None not in {body.min_minutes, body.max_minutes} and body.min_minutes > body.max_minutes:  # type: ignore[operator]
        raise invalid_field("max_minutes", "The longest may not be shorter than the shortest.")
    key = await _policy_key(session, room)
    entries = Entries(session, policies)
    values = body.model_dump()
    row = await entries.add({"room_id": key, **values}) or await entries.change(key, values)
    if row is None:
        raise AssertionError(key)
    return JsonResponse(_view(row))


@router.delete("/api/booking-policies/{room}/", status_code=204)
async def delete_policy(room: str, session: Session) -> Response:
    if not await Entries(session, policies).remove(await _policy_key(session, room)):
        raise NotFound("No Policy matches the given query.")
    return Response(status_code=204)
