"""In the style of `directory`: terms and the allocations in them."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final

from fastapi import Query, Request, Response
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, StringConstraints

from bookings.api.fields import AnyId, Caller, Title, key_of
from bookings.repository.allocations import AllocationFilter, Allocations
from bookings.repository.rules import Entries
from bookings.service import allocations as service
from bookings.service import terms as term_service
from bookings.service.telling import iso
from bookings.tables import terms
from bookings.terms import MOST_EXCEPTIONS, MOST_SEATS, Allocation, Term
from common.app import JsonResponse, contract_router, read_by
from common.contracts import Contract
from common.db import Session
from common.errors import invalid_field
from common.fields import CLEAN, LARGEST_ID, Instant, Integer, IntegerId, Name
from common.identity import Identity, Role
from common.ids import is_cuid
from common.paging import PageLinks, PageQuery, page_of

router = contract_router(Contract.DIRECTORY)

Page = Annotated[PageQuery, read_by(PageQuery)]
_NO_MOMENT: Final = datetime.min.replace(tzinfo=UTC)
_NO_DAY: Final = date.min


# --- what comes in ------------------------------------------------------------------------------


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class TermBody(_Body):
    name: Name
    code: Annotated[str, StringConstraints(min_length=1, max_length=32), CLEAN]
    start_date: date
    end_date: Annotated[date, Field(description="Included.")]
    is_published: bool = False
    is_archived: bool = False


class TermPart(TermBody):
    """Any of a term's fields; what is left out stays as it is."""

    name: Name = ""
    code: Annotated[str, StringConstraints(min_length=1, max_length=32), CLEAN] = ""
    start_date: date = _NO_DAY
    end_date: date = _NO_DAY


class AllocationBody(_Body):
    """Seats of a room, once or by a recurrence rule (RFC 5545, with COUNT or UNTIL)."""

    term: IntegerId
    room: AnyId = Field(validation_alias=AliasChoices("room", "room_id"))
    title: Title
    allocated_seats: Annotated[Integer, Field(ge=1, le=MOST_SEATS)]
    start_at: Instant
    end_at: Instant
    recurrence_rule: Annotated[str, StringConstraints(max_length=500), CLEAN] | None = None
    exceptions: Annotated[
        list[Annotated[str, StringConstraints(max_length=40)]],
        Field(
            max_length=MOST_EXCEPTIONS,
            description="Local days, or moments of them, on which it does not take place.",
        ),
    ] = []


class AllocationPart(AllocationBody):
    """Any of an allocation's fields; what is left out stays as it is."""

    term: IntegerId = 0
    room: AnyId = Field("", validation_alias=AliasChoices("room", "room_id"))
    title: Title = ""
    allocated_seats: Annotated[Integer, Field(ge=1, le=MOST_SEATS)] = 0
    start_at: Instant = _NO_MOMENT
    end_at: Instant = _NO_MOMENT


def term_key(text: str) -> int:
    """Read the id of a term in a path.

    Raises:
        NotFound: no term has such an id.
    """
    return key_of(text, term_service.NO_TERM)


def _allocation_key(text: str) -> int:
    return key_of(text, service.NO_ALLOCATION)


def _sees_published_only(identity: Identity) -> bool:
    return identity.role is not Role.ADMIN


# --- what goes out ------------------------------------------------------------------------------


class TermView(BaseModel):
    id: int
    name: str
    code: str
    start_date: date
    end_date: date
    is_published: bool
    is_archived: bool


class TermPage(PageLinks):
    results: list[TermView]


class AllocationView(BaseModel):
    """An allocation; `external_id` is what the timetable that brought it calls it."""

    id: int
    term: int
    room: int
    title: str
    allocated_seats: int
    start_at: datetime
    end_at: datetime
    recurrence_rule: str | None
    exceptions: list[date]
    external_id: str | None


class AllocationPage(PageLinks):
    results: list[AllocationView]


def _term_view(term: Term) -> dict[str, Any]:
    return {
        "id": term.id,
        "name": term.name,
        "code": term.code,
        "start_date": term.start_date,
        "end_date": term.end_date,
        "is_published": term.is_published,
        "is_archived": term.is_archived,
    }


def allocation_view(allocation: Allocation) -> dict[str, Any]:
    """Show an allocation under the names that it is written with."""
    return {
        "id": allocation.id or None,
        "term": allocation.term_id,
        "room": allocation.room_id,
        "title": allocation.title,
        "allocated_seats": allocation.allocated_seats,
        "start_at": iso(allocation.first.start),
        "end_at": iso(allocation.first.end),
        "recurrence_rule": allocation.recurrence_rule,
        "exceptions": list(allocation.exceptions),
        "external_id": allocation.external_id,
    }


# --- terms --------------------------------------------------------------------------------------


@router.get("/api/terms/", response_model=TermPage)
async def list_terms(
    session: Session, identity: Caller, request: Request, page: Page
) -> JsonResponse:
    entries = Entries(session, terms)
    wanted = {"is_published": True if _sees_published_only(identity) else None}
    answer = await page_of(
        request,
        page,
        count=lambda: entries.count(**wanted),
        find=lambda part: entries.find(part, **wanted),
    )
    return JsonResponse(
        {**answer, "results": [_term_view(Term(**one)) for one in answer["results"]]}
    )


@router.post("/api/terms/", status_code=201, response_model=TermView)
async def create_term(body: TermBody, session: Session, identity: Caller) -> JsonResponse:
    term = await term_service.create_term(session, identity, body.model_dump())
    return JsonResponse(_term_view(term), 201)


@router.get("/api/terms/{term_id}/", response_model=TermView)
async def retrieve_term(term_id: str, session: Session, identity: Caller) -> JsonResponse:
    term = await term_service.get_term(
        session, term_key(term_id), only_published=_sees_published_only(identity)
    )
    return JsonResponse(_term_view(term))


@router.put("/api/terms/{term_id}/", response_model=TermView)
@router.patch("/api/terms/{term_id}/", response_model=TermView)
async def update_term(
    term_id: str, body: TermPart, session: Session, identity: Caller
) -> JsonResponse:
    values = body.model_dump(exclude_unset=True)
    term = await term_service.change_term(session, identity, term_key(term_id), values)
    return JsonResponse(_term_view(term))


@router.delete("/api/terms/{term_id}/", status_code=204)
async def delete_term(term_id: str, session: Session, identity: Caller) -> Response:
    await term_service.remove_term(session, identity, term_key(term_id))
    return Response(status_code=204)


@router.post("/api/terms/{term_id}/publish/", response_model=TermView)
async def publish_term(term_id: str, session: Session, identity: Caller) -> JsonResponse:
    """Let everybody see a term and its allocations."""
    term = await term_service.change_term(
        session, identity, term_key(term_id), {"is_published": True}, "TERM_PUBLISHED"
    )
    return JsonResponse(_term_view(term))


# --- allocations --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AllocationQuery:
    """Which allocations are wanted."""

    term: Annotated[str | None, Query(description="Its id.")] = None
    room: Annotated[str | None, Query(description="Its id, either of the two.")] = None

    def wanted(self, identity: Identity) -> AllocationFilter:
        """Return the filter.

        Raises:
            Invalid: a parameter is no id.
        """
        return AllocationFilter(
            term_id=_number("term", self.term) if self.term else None,
            room=self._room(),
            only_published=_sees_published_only(identity),
        )

    def _room(self) -> int | str | None:
        if not self.room or is_cuid(self.room):
            return self.room or None
        return _number("room", self.room)


def _number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise invalid_field(name, "Enter a number.")
    # Nothing has id 0, nor one that is larger than any.
    return int(text) if len(text) < 11 and int(text) <= LARGEST_ID else 0


@router.get("/api/allocations/", response_model=AllocationPage)
async def list_allocations(
    session: Session,
    identity: Caller,
    request: Request,
    query: Annotated[AllocationQuery, read_by(AllocationQuery)],
    page: Page,
) -> JsonResponse:
    allocations, wanted = Allocations(session), query.wanted(identity)
    answer = await page_of(
        request,
        page,
        count=lambda: allocations.count(wanted),
        find=lambda part: allocations.find(wanted, part),
    )
    results = [allocation_view(one) for one in answer["results"]]
    return JsonResponse({**answer, "results": results})


@router.post("/api/allocations/", status_code=201, response_model=AllocationView)
async def create_allocation(
    body: AllocationBody, session: Session, identity: Caller
) -> JsonResponse:
    made = await service.create_allocation(session, identity, body.model_dump())
    return JsonResponse(allocation_view(made), 201)


@router.get("/api/allocations/{allocation_id}/", response_model=AllocationView)
async def retrieve_allocation(
    allocation_id: str, session: Session, identity: Caller
) -> JsonResponse:
    found = await service.get_allocation(
        session, _allocation_key(allocation_id), only_published=_sees_published_only(identity)
    )
    return JsonResponse(allocation_view(found))


@router.put("/api/allocations/{allocation_id}/", response_model=AllocationView)
@router.patch("/api/allocations/{allocation_id}/", response_model=AllocationView)
async def update_allocation(
    allocation_id: str, body: AllocationPart, session: Session, identity: Caller
) -> JsonResponse:
    values = body.model_dump(exclude_unset=True)
    changed = await service.change_allocation(
        session, identity, _allocation_key(allocation_id), values
    )
    return JsonResponse(allocation_view(changed))


@router.delete("/api/allocations/{allocation_id}/", status_code=204)
async def delete_allocation(allocation_id: str, session: Session, identity: Caller) -> Response:
    await service.remove_allocation(session, identity, _allocation_key(allocation_id))
    return Response(status_code=204)
