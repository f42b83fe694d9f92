"""Passwords: argon2id, and what a new one must be.

The parameters are the smallest that OWASP's Password Storage sheet names for argon2id with 19 MiB
(two passes, one lane): a sign-in costs about 20 ms of one core.
"""

import asyncio
from typing import Final

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from common.errors import invalid_field

SHORTEST: Final = 8
LONGEST: Final = 128
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, type=Type.ID)
# A flood of sign-ins must leave a core to everybody else.
_at_once = asyncio.Semaphore(2)
# What an unknown account is checked against, so that it takes as long as a known one.
_NOBODY: Final = _hasher.hash("nobody's password")
_COMMON: Final = frozenset(
    """
    12345678 123456789 1234567890 11111111 00000000 87654321 password password1 password12
    password123 passw0rd p@ssw0rd qwertyui qwerty123 qwertyuiop 1q2w3e4r 1qaz2wsx asdfghjkl
    iloveyou sunshine princess football baseball superman trustno1 starwars welcome1 welcome123
    letmein1 letmein123 admin123 administrator changeme changeme1 computer whatever michelle
    jennifer abcd1234 abc12345 a1b2c3d4 zaq12wsx q1w2e3r4 google123 internet corvette
    """.split()
)


def check_new_password(password: str) -> None:
    """Refuse a password that is too short, too long, or among the first that anyone tries.

    Raises:
        Invalid: with the field `password`.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise invalid_field("password", f"Use {SHORTEST} to {LONGEST} characters; 15 are advised.")
    if password.lower() in _COMMON:
        raise invalid_field("password", "This password is among the most common ones.")


async def hash_password(password: str) -> str:
    """Hash a password for storing."""
    async with _at_once:
        return await asyncio.to_thread(_hasher.hash, password)


async def matches(stored: str | None, password: str) -> bool:
    """Tell whether a password is the stored one; as slow for an account that does not exist."""
    async with _at_once:
        return await asyncio.to_thread(_verify, stored, password)


def _verify(stored: str | None, password: str) -> bool:
    try:
        _hasher.verify(stored or _NOBODY, password)
    except (VerifyMismatchError, InvalidHashError):
        return False
    return stored is not None
