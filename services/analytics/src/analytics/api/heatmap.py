"""The contract `heatmap`, and the same as a picture. For everybody."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Final

from fastapi import Query as Parameter
from fastapi import Request
from pydantic import BaseModel
from starlette.responses import Response

from analytics.service import pictures
from analytics.service.heatmap import VARY, Heatmaps, Query, Write, as_json, refused
from analytics.texts import Language, preferred, say
from common.app import contract_router, knows, read_by
from common.contracts import Contract
from common.errors import MethodNotAllowed

router = contract_router(Contract.HEATMAP)

PATH: Final = "/api/rooms/capacity-heatmap/"
# Everybody gets the same; whoever keeps it asks first whether it is still so.
_CACHED: Final = {"cache-control": "public, no-cache", **VARY}
_LARGEST_ID: Final = 2**31 - 1


# --- what comes in ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HeatmapQuery:
    """What is asked for, as it was written."""

    term: Annotated[str | None, Parameter(description="Id of the term; required.")] = None
    start_date: Annotated[
        str | None, Parameter(description="First day, YYYY-MM-DD. [the term's]")
    ] = None
    end_date: Annotated[str | None, Parameter(description="Last day, included. [the term's]")] = (
        None
    )
    room: Annotated[
        list[str] | None, Parameter(description="Ids of rooms, also inactive ones. [all active]")
    ] = None

    def read(self, language: Language) -> Query:
        """Return what is asked for.

        Raises:
            Invalid: something is missing or wrong.
        """
        if not self.term:
            raise refused("term", "required", language)
        return Query(
            _id("term", self.term, language),
            _day(self.start_date, language),
            _day(self.end_date, language),
            frozenset(_id("room", text, language) for text in self.room or ()),
            language,
        )


def _id(field: str, text: str, language: Language) -> int:
    digits = text.strip().lstrip("0") or "0"
    if not re.fullmatch(r"\d+", digits, re.ASCII):
        raise refused(field, "number", language)
    # Nothing has an id as large.
    return int(digits) if len(digits) <= 10 and int(digits) <= _LARGEST_ID else 0


def _day(text: str | None, language: Language) -> date | None:
    if not text:
        return None
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise refused("date", "date", language)


HeatmapOf = Annotated[HeatmapQuery, read_by(HeatmapQuery)]


# --- what goes out ------------------------------------------------------------------------------


class DateView(BaseModel):
    iso: date
    jalali: str


class TermView(BaseModel):
    id: int
    name: str
    code: str
    start_date: DateView
    end_date: DateView
    is_published: bool
    is_archived: bool


class DayView(BaseModel):
    """`utilisation`: the peak of the seats, 0 to 1."""

    date: DateView
    peak_allocated_seats: int
    total_allocated_seats: int
    allocation_count: int
    utilisation: float


class RoomView(BaseModel):
    id: int
    name: str
    capacity: int
    days: list[DayView]


class HeatmapView(BaseModel):
    """Every day from the first to the last; days are local to a room's building."""

    term: TermView
    start_date: DateView
    end_date: DateView
    rooms: list[RoomView]


# --- routes -------------------------------------------------------------------------------------


@router.get(PATH, response_model=HeatmapView)
async def get_heatmap(request: Request, query: HeatmapOf) -> Response:
    return await _answer(request, query, as_json, "application/json")


@router.get(
    "/api/analytics/heatmap.svg",
    response_class=Response,
    responses={200: {"content": {"image/svg+xml": {"schema": {"type": "string"}}}}},
)
async def draw_heatmap(request: Request, query: HeatmapOf) -> Response:
    return await _answer(request, query, pictures.heatmap, "image/svg+xml")


async def _answer(request: Request, query: HeatmapQuery, write: Write, kind: str) -> Response:
    heatmaps: Heatmaps = request.app.state.heatmaps
    language = _language(request)
    found = await heatmaps.find(query.read(language))
    # What is data has no language.
    etag = found.etag(kind if write is as_json else f"{kind}/{language}")
    headers = {"etag": etag, **_CACHED}
    if knows(request, etag):
        return Response(status_code=304, headers=headers)
    content = await heatmaps.answer(found, etag, write)
    return Response(content, headers=headers, media_type=kind)


@router.api_route(PATH, methods=["POST", "PUT", "PATCH", "DELETE"], include_in_schema=False)
async def refuse_to_write(request: Request) -> Any:  # noqa: ANN401 - never answers
    text = say(_language(request), "method", method=request.method)
    raise MethodNotAllowed(text, headers={"allow": "GET", **VARY})


def _language(request: Request) -> Language:
    return preferred(request.headers.get("accept-language", ""))
