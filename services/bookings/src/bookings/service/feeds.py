"""Calendars that somebody makes for a calendar program, which fetches them by a secret address."""

import asyncio
import hashlib
import secrets
from datetime import UTC, datetime
from typing import Final

from bookings import feed as writing
from bookings.repository.outward import Feed, Feeds
from bookings.repository.people import Users
from bookings.service.booking import find_room, person_of
from common.db import AsyncSession
from common.errors import Conflict, NotFound
from common.identity import Identity
from common.ids import is_cuid, new_cuid

NO_FEED: Final = "Feed not found"
NO_CALENDAR: Final = "Calendar not found"
MOST_FEEDS: Final = 50
# What Outlook and Google take without complaint.
MOST_ENTRIES: Final = 5000
_TOKEN_BYTES: Final = 32


async def make(session: AsyncSession, identity: Identity, room_id: str | None) -> tuple[Feed, str]:
    """Make a feed of a room, or of the caller's own bookings.

    Returns:
        the feed, and the token that opens it, which is known to nobody from here on.

    Raises:
        Unauthorized: the caller is no person.
        NotFound: there is no such room.
        Conflict: they have the most feeds that one may have.
    """
    person = person_of(identity)
    room = await find_room(session, room_id) if room_id is not None else None
    await Users(session).ensure(person)
    # What it begins with is what the logs know tokens by.
    token = f"atf_{secrets.token_urlsafe(_TOKEN_BYTES)}"
    feeds, feed_id = Feeds(session), new_cuid()
    values = {
        "id": feed_id,
        "user_id": person.id,
        "room_id": room.id if room else None,
        "token_hash": _hash(token),
    }
    if not await feeds.add(values, most=MOST_FEEDS):
        raise Conflict(f"You have {MOST_FEEDS} feeds: delete one that is not used.")
    made = await feeds.get(feed_id)
    if made is None:
        raise AssertionError(feed_id)
    return made, token


async def of_caller(session: AsyncSession, identity: Identity) -> list[Feed]:
    """List the caller's feeds, newest first.

    Raises:
        Unauthorized: the caller is no person.
    """
    return await Feeds(session).of_person(person_of(identity).id)


async def revoke(session: AsyncSession, identity: Identity, feed_id: str) -> None:
    """Delete a feed of the caller; its address is worthless at once.

    Raises:
        NotFound: they have none with this id.
    """
    person = person_of(identity)
    if not is_cuid(feed_id) or not await Feeds(session).remove(person.id, feed_id):
        raise NotFound(NO_FEED)


async def calendar(session: AsyncSession, token: str) -> bytes:
    """Write the calendar that a token opens.

    Every token costs the same to refuse: one hash, one look-up by that hash.

    Raises:
        NotFound: it opens none.
    """
    feeds = Feeds(session)
    feed = await feeds.opened_by(_hash(token))
    if feed is None:
        raise NotFound(NO_CALENDAR)
    now = datetime.now(UTC)
    entries = await feeds.entries(feed, now, MOST_ENTRIES)
    name = feed.room[2] if feed.room else f"Atrium: {feed.user_name}"
    # Thousands of bookings take a while to write; others are answered meanwhile.
    return await asyncio.to_thread(writing.calendar, name, entries, now)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
