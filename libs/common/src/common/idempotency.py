"""One effect and one answer for a POST that is sent again under the same `Idempotency-Key`.

The key is claimed in the transaction of the effect, and the answer stored in it: there is no
moment at which one is there without the other. Whoever sends the same at the same time waits for
that transaction, and gets its answer.

A refusal is an answer too, and stays one: its effect is undone by a savepoint. What is not stored
are failures that another attempt may not have: 401, 429, 5xx, and a request that could not be read.
"""

import asyncio
import hashlib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from fastapi import Request, Response
from sqlalchemy import (
    Column,
    ColumnElement,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from common.db import UNAVAILABLE, Database, is_unavailable, lend_session
from common.errors import AppError, Invalid, Mismatch
from common.identity import Call

HEADER: Final = "idempotency-key"
REPLAYED: Final = {"idempotency-replayed": "true"}
LONGEST_KEY: Final = 255
KEEP: Final = timedelta(hours=48)
_PURGE_EVERY_S: Final = 3600.0
_MAY_PASS: Final = frozenset({401, 429})

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
Refuse = Callable[[AppError], Response]


def idempotency_table(metadata: MetaData) -> Table:
    """Describe where a schema keeps keys and answers; its migration creates the same."""
    return Table(
        "idempotency_keys",
        metadata,
        # A key means something only to whoever sent it, and on the path it was sent to.
        Column("caller", Text, primary_key=True),
        Column("path", Text, primary_key=True),
        Column("key", Text, primary_key=True),
        Column("request", LargeBinary, nullable=False),
        Column("status", Integer),
        Column("answer", LargeBinary),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        Index("idempotency_keys_at", "created_at"),
    )


@dataclass(frozen=True, slots=True)
class _Claim:
    caller: str
    path: str
    key: str
    request: bytes


@dataclass(frozen=True, slots=True)
class IdempotencyKeys:
    """The keys of one service.

    Args:
        table: made by `idempotency_table`.
        database: where it and the effects are.
    """

    table: Table
    database: Database

    async def answer(self, request: Request, handle: Handler, refuse: Refuse) -> Response:
        """Handle a request, or repeat the answer that its key has already had.

        Raises:
            Invalid: the key is empty or too long.
            Mismatch: the key was used for another request.
        """
        claim = await _claim(request)
        async with self.database.sessions.begin() as session:
            if not await self._is_first(session, claim):
                return await self._answered(session, claim)
            lend_session(request, session)
            try:
                async with session.begin_nested():
                    response = await handle(request)
            except AppError as error:
                if error.status in _MAY_PASS or error.status >= 500:
                    raise
                response = refuse(error)
            answered = update(self.table).where(*self._is(claim))
            # A secret that is shown once stands nowhere.
            body = getattr(response, "repeated", response.body)
            values = {"status": response.status_code, "answer": bytes(body)}
            await session.execute(answered.values(values))
            return response

    async def run(self) -> None:
        """Forget keys older than two days, every hour, until cancelled."""
        while True:
            try:
                async with self.database.sessions.begin() as session:
                    old = self.table.c.created_at < func.now() - KEEP
                    await session.execute(delete(self.table).where(old))
            except UNAVAILABLE as error:
                if not is_unavailable(error):
                    raise
            await asyncio.sleep(_PURGE_EVERY_S)

    async def _is_first(self, session: AsyncSession, claim: _Claim) -> bool:
        values = {name: getattr(claim, name) for name in ("caller", "path", "key", "request")}
        claimed = insert(self.table).values(values).on_conflict_do_nothing()
        return await session.scalar(claimed.returning(self.table.c.key)) is not None

    async def _answered(self, session: AsyncSession, claim: _Claim) -> Response:
        row = (await session.execute(select(self.table).where(*self._is(claim)))).one()
        if row.request != claim.request:
            raise Mismatch("This Idempotency-Key was used for another request.")
        return Response(row.answer, row.status, dict(REPLAYED), media_type="application/json")

    def _is(self, claim: _Claim) -> list[ColumnElement[bool]]:
        columns = self.table.c
        return [
            columns.caller == claim.caller,
            columns.path == claim.path,
            columns.key == claim.key,
        ]


async def _claim(request: Request) -> _Claim:
    key = request.headers[HEADER]
    if not 1 <= len(key) <= LONGEST_KEY or not key.isprintable():
        raise Invalid(f"Idempotency-Key must have 1 to {LONGEST_KEY} printable characters.")
    call: Call = request.scope["call"]
    caller = f"{call.identity.kind}/{call.identity.id or ''}"
    target = f"{call.contract} {request.url.path}?{request.url.query}".encode()
    said = hashlib.sha256(target + b"\0" + await request.body()).digest()
    return _Claim(caller, request.url.path, key, said)
