"""What a panel shows follows from what is known and from the time alone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panel.domain import Hearing, Meeting, Room, RoomFacts, RoomState, Status, next_change, state_at

ROOM = Room(1, "c1", "Aula", "Main", 0, 10, "Asia/Tehran", is_bookable=True)
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
ALWAYS = Hearing(NOON - timedelta(days=900), NOON + timedelta(days=900))


def meeting(start: datetime, minutes: float = 60, name: str = "m") -> Meeting:
    end = start + timedelta(minutes=minutes)
    return Meeting(name, "Talk", "Ann", "ann@example.test", start, end, 3, None, None)


def facts(*meetings: Meeting, room: Room = ROOM) -> RoomFacts:
    return RoomFacts(room, meetings, NOON - timedelta(days=3), None)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def test_a_meeting_comes_near_begins_and_ends_each_at_its_moment() -> None:
    known = facts(meeting(NOON))
    seen = {
        delta: state_at(known, NOON + minutes(delta), ALWAYS).status
        for delta in (-15.1, -15, -0.1, 0, 59)
    }

    assert seen == {
        -15.1: Status.AVAILABLE,
        -15: Status.UPCOMING,
        -0.1: Status.UPCOMING,
        0: Status.OCCUPIED,
        59: Status.OCCUPIED,
    }
    assert state_at(known, NOON + minutes(60), ALWAYS).status is Status.AVAILABLE


def test_back_to_back_it_is_occupied_and_the_next_one_is_named() -> None:
    first, second = meeting(NOON, name="1"), meeting(NOON + minutes(60), name="2")

    state = state_at(facts(first, second), NOON + minutes(59), ALWAYS)

    assert (state.status, state.current, state.next) == (Status.OCCUPIED, first, second)
    assert state_at(facts(first, second), NOON + minutes(60), ALWAYS).current == second


def test_upcoming_are_todays_and_the_next_whenever_it_is() -> None:
    # In Tehran, 3:30 ahead, midnight is at 20:30 UTC.
    late = datetime(2026, 11, 22, 20, tzinfo=UTC)
    tomorrow = [meeting(late + minutes(40 + 90 * n), name=str(n)) for n in range(2)]

    state = state_at(facts(*tomorrow), late, ALWAYS)

    assert state.upcoming == [tomorrow[0]]
    today = [meeting(NOON + minutes(20 * n), 20, str(n)) for n in range(15)]
    assert state_at(facts(*today), NOON, ALWAYS).upcoming == today[1:11]
    assert state_at(facts(meeting(NOON + timedelta(hours=25))), NOON, ALWAYS).next is None


def test_a_locked_room_and_one_of_which_nothing_is_heard_are_offline_and_still_tell() -> None:
    known = facts(meeting(NOON))
    locked = state_at(replace(known, room=replace(ROOM, is_bookable=False)), NOON, ALWAYS)
    stale = state_at(known, NOON, Hearing(NOON - minutes(9), NOON - minutes(1)))
    not_yet = state_at(known, NOON, Hearing(NOON + minutes(1), NOON + minutes(9)))

    assert {one.status for one in (locked, stale, not_yet)} == {Status.OFFLINE}
    assert locked.current == stale.current == not_yet.current == known.meetings[0]
    later = NOON + minutes(30)
    assert state_at(known, later, Hearing(NOON, NOON + minutes(20))).since == NOON + minutes(20)
    assert state_at(known, later, Hearing(NOON + minutes(9), later + minutes(9))).since == (
        NOON + minutes(9)
    )


def shown(state: RoomState) -> RoomState:
    return replace(state, since=NOON)


moments = st.integers(0, 3 * 24 * 60).map(lambda count: NOON - timedelta(days=1) + minutes(count))
zones = st.sampled_from(["UTC", "Asia/Tehran", "America/New_York", "Pacific/Apia"])


@st.composite
def days(draw: st.DrawFn) -> RoomFacts:
    """Meetings that do not overlap."""
    starts = sorted(draw(st.sets(moments, max_size=8)))
    found = []
    for number, start in enumerate(starts):
        longest = starts[number + 1] - start if number + 1 < len(starts) else minutes(600)
        length = draw(st.integers(1, max(1, int(longest / minutes(1)))))
        found.append(meeting(start, length, str(number)))
    return facts(*found, room=replace(ROOM, timezone=draw(zones)))


@given(known=days(), now=moments, later=st.integers(0, 2000))
def test_nothing_changes_before_it_was_said_to_and_versions_only_grow(
    known: RoomFacts, now: datetime, later: int
) -> None:
    state, change = state_at(known, now, ALWAYS), next_change(known, now)
    assert state.since <= now < change
    assert shown(state_at(known, change - timedelta(microseconds=1), ALWAYS)) == shown(state)
    assert state_at(known, now + minutes(later), ALWAYS).since >= state.since
    assert state_at(known, change, ALWAYS).since == change


@pytest.mark.parametrize("hours", [23, 24, 25])
def test_the_day_is_the_buildings_whatever_its_clocks_do(hours: int) -> None:
    # New York's days in 2026: 23 hours on March 8, 25 on November 1.
    midnight = {
        23: datetime(2026, 3, 8, 5, tzinfo=UTC),
        24: datetime(2026, 6, 1, 4, tzinfo=UTC),
        25: datetime(2026, 11, 1, 4, tzinfo=UTC),
    }[hours]
    known = RoomFacts(
        replace(ROOM, timezone="America/New_York"), (), midnight - timedelta(days=9), None
    )

    assert state_at(known, midnight + timedelta(hours=hours, seconds=-1), ALWAYS).since == midnight
    assert next_change(known, midnight) == midnight + timedelta(hours=hours)
