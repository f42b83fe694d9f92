"""Signing in through any contract: one count of the attempts for all of them."""

import time
from typing import Final

from fastapi import Request

from gateway.accounts import service
from gateway.limits import too_many

ATTEMPTS_A_MINUTE: Final = 10
ATTEMPTS_OF_ALL_A_MINUTE: Final = 100


async def sign_in(request: Request, login: str, password: str) -> service.SignedIn:
    """Start a session.

    Raises:
        Unauthorized: the account or the password is wrong.
        TooManyRequests: there were too many attempts at this account.
    """
    state = request.app.state
    # One client may try an account less often than all of them together, so that guessing is slow
    # from anywhere and still nobody locks the owner out.
    account, now = ("account", login.lower()), time.time()
    for key, limit in (
        ((*account, request.scope["client_key"]), ATTEMPTS_A_MINUTE),
        (account, ATTEMPTS_OF_ALL_A_MINUTE),
    ):
        attempts = state.windows.take(key, limit, now)
        if attempts.retry_after_s:
            raise too_many(attempts)
    return await service.sign_in(
        state.database.sessions, login, password, days=state.settings.session_days
    )
