"""Pages as `directory` knows them: 10 entries by default, with the way to the neighbours."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import Query, Request
from pydantic import BaseModel

from common.errors import NotFound
from rooms.repository.rooms import Slice

PAGE_SIZE: Final = 10
LARGEST_LIMIT: Final = 100
_FARTHEST: Final = 2**31


class PageLinks(BaseModel):
    """What every page has; the results are the endpoint's own."""

    count: int
    next: str | None
    previous: str | None


@dataclass(frozen=True, slots=True)
class PageQuery:
    """Which part of a list is wanted; declared so that the descriptions name the parameters."""

    page: Annotated[str | None, Query(description="From 1; 10 entries each.")] = None
    limit: Annotated[str | None, Query(description="Entries, at most 100.")] = None
    offset: Annotated[str | None, Query(description="Entries to leave out.")] = None


async def page_of(
    request: Request,
    query: PageQuery,
    *,
    count: Callable[[], Awaitable[int]],
    find: Callable[[Slice], Awaitable[Sequence[Any]]],
) -> dict[str, Any]:
    """Answer with the wanted part of a list.

    Raises:
        NotFound: the page is out of range.
    """
    total = await count()
    if query.limit is not None:
        part = Slice(_number(query.offset, 0), min(_number(query.limit, PAGE_SIZE), LARGEST_LIMIT))
        part = Slice(part.offset, part.limit or PAGE_SIZE)
        links = _offset_links(request, part, total)
    else:
        part = _page(query.page or "1", total)
        links = _page_links(request, part, total)
    results = await find(part) if part.offset < total else []
    return {"count": total, **links, "results": results}


def _number(text: str | None, default: int) -> int:
    """Read a number as the framework that clients know does: nonsense means the default."""
    if text is None or not (text.isascii() and text.isdigit()):
        return default
    return min(int(text[:11]), _FARTHEST)


def _page(text: str, total: int) -> Slice:
    pages = max(1, -(-total // PAGE_SIZE))
    if text == "last":
        text = str(pages)
    number = int(text[:11]) if text.isascii() and text.isdigit() else 0
    if not 1 <= number <= pages:
        raise NotFound("Invalid page.")
    return Slice((number - 1) * PAGE_SIZE, PAGE_SIZE)


def _page_links(request: Request, part: Slice, total: int) -> dict[str, str | None]:
    number = part.offset // PAGE_SIZE + 1
    more = part.offset + PAGE_SIZE < total
    return {
        "next": _link(request, page=number + 1) if more else None,
        "previous": _link(request, page=number - 1 if number > 2 else None) if number > 1 else None,
    }


def _offset_links(request: Request, part: Slice, total: int) -> dict[str, str | None]:
    after, before = part.offset + part.limit, max(0, part.offset - part.limit)
    return {
        "next": _link(request, limit=part.limit, offset=after) if after < total else None,
        "previous": _link(request, limit=part.limit, offset=before or None)
        if part.offset
        else None,
    }


def _link(request: Request, **changes: int | None) -> str:
    """Address the same list with other parameters; None leaves a parameter out."""
    kept = [
        (name, value) for name, value in request.query_params.multi_items() if name not in changes
    ]
    query = urlencode(
        [*kept, *((name, value) for name, value in changes.items() if value is not None)]
    )
    proto = request.headers.get("x-forwarded-proto", "http")
    host = request.headers.get("x-forwarded-host", request.headers.get("host", "localhost"))
    address = f"{proto}://{host}{request.url.path}"
    return f"{address}?{query}" if query else address
