"""Terms: written by admins, each change told on `bookings.term.v1`."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, Final

from bookings.repository.allocations import AllocationFilter, Allocations
from bookings.repository.rules import Entries
from bookings.repository.told import Audit
from bookings.service.telling import audit_entry
from bookings.tables import outbox, terms
from bookings.terms import Refused, Term, check_term
from common.db import AsyncSession
from common.errors import Invalid, NotFound, invalid_field
from common.events import TERMS, TermV1
from common.identity import Identity
from common.paging import Slice

NO_TERM: Final = "No Term matches the given query."
_TAKEN: Final = "Term with this code already exists."
_SHOWN: Final = 20


async def get_term(
    session: AsyncSession, term_id: int, *, only_published: bool = False, lock: bool = False
) -> Term:
    """Find a term; with a lock nobody else writes it or its allocations until the end.

    Raises:
        NotFound: there is none, or not for everybody.
    """
    row = await Entries(session, terms).get(term_id, lock=lock)
    if row is None or (only_published and not row["is_published"]):
        raise NotFound(NO_TERM)
    return Term(**row)


async def create_term(session: AsyncSession, identity: Identity, values: Mapping[str, Any]) -> Term:
    """Make a term.

    Raises:
        Invalid: its days are wrong, or its code is another's.
    """
    _check(values["start_date"], values["end_date"])
    row = await Entries(session, terms).add(values)
    if row is None:
        raise invalid_field("code", _TAKEN)
    term = Term(**row)
    await _tell(session, identity, "TERM_CREATED", term)
    return term


async def change_term(
    session: AsyncSession,
    identity: Identity,
    term_id: int,
    values: Mapping[str, Any],
    action: str = "TERM_CHANGED",
) -> Term:
    """Change a part of a term.

    Raises:
        NotFound
        Invalid: its days would be wrong or leave allocations outside, or its code is another's.
    """
    term = await get_term(session, term_id, lock=True)
    changed = replace(term, **values)
    if changed == term:
        return term
    _check(changed.start_date, changed.end_date)
    if (changed.start_date, changed.end_date) != (term.start_date, term.end_date):
        await _keep_allocations_inside(session, term, changed)
    row = await Entries(session, terms).change(term_id, {**values, "version": term.version + 1})
    if row is None:
        raise invalid_field("code", _TAKEN)
    changed = Term(**row)
    await _tell(session, identity, action, changed)
    return changed


async def remove_term(session: AsyncSession, identity: Identity, term_id: int) -> None:
    """Delete a term.

    Raises:
        NotFound
        Invalid: it has allocations; they are named.
    """
    term = await get_term(session, term_id, lock=True)
    if shown := await _titles(session, AllocationFilter(term_id=term_id)):
        raise Invalid(f"This term is in use by: {shown}.")
    await Entries(session, terms).remove(term_id)
    gone = replace(term, version=term.version + 1)
    await _tell(session, identity, "TERM_DELETED", gone, is_deleted=True)


def _check(start: date, end: date) -> None:
    try:
        check_term(start, end)
    except Refused as refused:
        raise invalid_field(refused.field, str(refused)) from refused


async def _keep_allocations_inside(session: AsyncSession, term: Term, changed: Term) -> None:
    wanted = AllocationFilter(term_id=term.id, beside=(changed.start_date, changed.end_date))
    if shown := await _titles(session, wanted):
        later = changed.start_date > term.start_date
        raise invalid_field(
            "start_date" if later else "end_date", f"Allocations would be outside: {shown}."
        )


async def _titles(session: AsyncSession, wanted: AllocationFilter) -> str:
    found = await Allocations(session).find(wanted, Slice(0, _SHOWN + 1))
    more = " …" if len(found) > _SHOWN else ""
    return ", ".join(one.title for one in found[:_SHOWN]) + more


async def _tell(
    session: AsyncSession,
    identity: Identity,
    action: str,
    term: Term,
    *,
    is_deleted: bool = False,
) -> None:
    await Audit(session).add([audit_entry(identity.id, action, "TERM", term.id)])
    event = TermV1(
        id=term.id,
        version=term.version,
        name=term.name,
        code=term.code,
        start_date=term.start_date,
        end_date=term.end_date,
        is_published=term.is_published,
        is_archived=term.is_archived,
        is_deleted=is_deleted,
    )
    await outbox.publish(
        session,
        TERMS,
        event,
        key=term.id,
        event_id=f"term/{term.id}/{term.version}",
        subject=f"term/{term.id}",
        at=datetime.now(UTC),
    )
