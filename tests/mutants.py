"""Breaks the code on purpose, one invariant at a time, and shows that the tests turn red.

An invariant whose tests stay green without it is guarded by nobody.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import click

ROOT: Final = Path(__file__).parents[1]
MUTANT_WITHIN_S: Final = 180
ALL_WITHIN_S: Final = 900


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """An invariant, and a change of the code that takes it away.

    Args:
        name: the invariant, in plain words.
        path: the file that keeps it.
        old: what keeps it there, a text that occurs once.
        new: what stands there instead.
        tests: of which at least one has to fail, as pytest names them.
    """

    name: str
    path: str
    old: str
    new: str
    tests: tuple[str, ...]

    @property
    def is_page(self) -> bool:
        """Whether it is a page's that breaks."""
        return self.path.startswith("web/")

    @property
    def sources(self) -> Path:
        """The folder to import from that holds the file."""
        return next(folder for folder in (ROOT / self.path).parents if folder.name == "src")

    def text(self) -> str:
        """Return the changed file.

        Raises:
            MovedOn: the file is no more what it was when the mutant was written.
        """
        file = ROOT / self.path
        original = file.read_text() if file.is_file() else ""
        found = original.count(self.old)
        if found != 1:
            raise MovedOn(f"«{self.name}»: its text stands {found} times in {self.path}, not once")
        return original.replace(self.old, self.new)


class MovedOn(Exception):
    """The list does not fit the code any more."""


class Outcome(StrEnum):
    """What the tests said about a mutant."""

    RED = "red"
    GREEN = "GREEN"
    BROKEN = "BROKEN"


# --- the list -----------------------------------------------------------------------------------

COMMON: Final = "libs/common/src/common"
RELAY: Final = "libs/common/tests/integration/test_relay.py"
CONSUMER: Final = "libs/common/tests/integration/test_consumer.py"
LIMIT: Final = "libs/common/tests/unit/test_dead_letter_limit.py"
IDENTITY: Final = "libs/common/tests/unit/test_identity.py"
SCHEMAS: Final = "tests/services/test_schemas.py"
HISTORY: Final = "tests/e2e/test_history_through_faults.py"
FULL: Final = "tests/e2e/test_spool_through_faults.py"

OUTBOX: Final = (
    Mutant(
        name="of several relays, one sends",
        path=f"{COMMON}/relay.py",
        old="if not await connection.scalar(select(lock)):\n                return",
        new="await connection.scalar(select(lock))",
        tests=(f"{RELAY}::test_two_relays_send_each_committed_event_once_and_in_order",),
    ),
    Mutant(
        name="events are sent in the order of their rows",
        path=f"{COMMON}/relay.py",
        old=".order_by(columns.id)",
        new=".order_by(func.random())",
        tests=(f"{RELAY}::test_two_relays_send_each_committed_event_once_and_in_order",),
    ),
    Mutant(
        name="what is marked was sent",
        path=f"{COMMON}/relay.py",
        old="        await _send(producer, rows)\n",
        new="",
        tests=(f"{RELAY}::test_an_event_that_becomes_visible_late_is_still_sent",),
    ),
    Mutant(
        name="an event is marked after it was sent, not before",
        path=f"{COMMON}/relay.py",
        old="        await _send(producer, rows)\n"
        "        marked = (\n"
        "            update(self._table)\n"
        "            .where(self._table.c.id.in_([row.id for row in rows]))\n"
        "            .values(sent_at=func.clock_timestamp())\n"
        "        )\n"
        "        await connection.execute(marked)\n",
        new="        marked = (\n"
        "            update(self._table)\n"
        "            .where(self._table.c.id.in_([row.id for row in rows]))\n"
        "            .values(sent_at=func.clock_timestamp())\n"
        "        )\n"
        "        await connection.execute(marked)\n"
        "        await _send(producer, rows)\n",
        tests=(f"{RELAY}::test_what_kafka_does_not_acknowledge_stays_unsent",),
    ),
    Mutant(
        name="an event is marked when Kafka has it, not when it is on its way",
        path=f"{COMMON}/relay.py",
        old="    await asyncio.gather(*acknowledgements)\n",
        new="",
        tests=(f"{RELAY}::test_what_kafka_does_not_acknowledge_stays_unsent",),
    ),
    Mutant(
        name="an event is written in its caller's transaction",
        path=f"{COMMON}/outbox.py",
        old="        await session.execute(added, {**given,",
        new="        async with AsyncSession(session.bind) as own, own.begin():\n"
        "            await own.execute(added, {**given,",
        tests=(f"{RELAY}::test_two_relays_send_each_committed_event_once_and_in_order",),
    ),
)

EFFECTS: Final = (
    Mutant(
        name="an event that comes again finds its claim",
        path=f"{COMMON}/consumer.py",
        old="for name, one in named.items() if name in fresh]",
        new="for name, one in named.items() if fresh is not None]",
        tests=(f"{CONSUMER}::test_an_event_that_comes_again_has_no_second_effect",),
    ),
    Mutant(
        name="a claim stands in the transaction of its effect",
        path=f"{COMMON}/consumer.py",
        old="fresh = await self._claim(session, list(named)) if named else set()",
        new="async with self._database.sessions.begin() as own:\n"
        "                fresh = await self._claim(own, list(named)) if named else set()",
        tests=(f"{CONSUMER}::test_a_bug_in_the_middle_of_a_batch_leaves_nothing_half_done",),
    ),
    Mutant(
        name="an effect stands in the transaction of its claim",
        path=f"{COMMON}/consumer.py",
        old="return await subscription.handle(session, batch)",
        new="async with self._database.sessions.begin() as own:\n"
        "                return await subscription.handle(own, batch)",
        tests=(f"{CONSUMER}::test_a_batch_that_is_given_up_leaves_no_effect",),
    ),
    Mutant(
        name="an offset is committed after the effect, not before",
        path=f"{COMMON}/consumer.py",
        old="await self._until_stored(batches)\n"
        "                await self._commit_offsets(consumer, batches)",
        new="await self._commit_offsets(consumer, batches)\n"
        "                await self._until_stored(batches)",
        tests=(f"{CONSUMER}::test_a_bug_in_the_middle_of_a_batch_leaves_nothing_half_done",),
    ),
    Mutant(
        name="offsets are committed by us, not by the clock",
        path=f"{COMMON}/consumer.py",
        old="enable_auto_commit=False,",
        new="enable_auto_commit=True,",
        tests=(f"{CONSUMER}::test_a_bug_in_the_middle_of_a_batch_leaves_nothing_half_done",),
    ),
    Mutant(
        name="a message that cannot be handled becomes a dead letter",
        path=f"{COMMON}/consumer.py",
        old="await self._park(session, [(records[at], parked[at]) for at in sorted(parked)])",
        new="await self._park(session, [])",
        tests=(f"{CONSUMER}::test_a_parked_message_that_is_delivered_again_is_not_parked_again",),
    ),
    Mutant(
        name="a dead letter is written once",
        path=f"{COMMON}/consumer.py",
        old="            if name not in fresh:\n                continue\n",
        new="",
        tests=(f"{CONSUMER}::test_a_parked_message_that_is_delivered_again_is_not_parked_again",),
    ),
    Mutant(
        name="too many dead letters in a row are an error",
        path=f"{COMMON}/consumer.py",
        old="row >= self.in_row or ",
        new="",
        tests=(f"{LIMIT}::test_a_hundred_in_a_row_are_too_many",),
    ),
    Mutant(
        name="too large a share of dead letters is an error",
        path=f"{COMMON}/consumer.py",
        old=" or len(parked_at) > self.share * self.window",
        new="",
        tests=(f"{LIMIT}::test_more_than_one_in_a_hundred_of_the_last_ten_thousand_are_too_many",),
    ),
    Mutant(
        name="too many dead letters stop the consumer",
        path=f"{COMMON}/consumer.py",
        old="            self._limit.after(outcomes)\n"
        "        self._limit = self._limit.after(outcomes)",
        new="            pass",
        tests=(f"{CONSUMER}::test_a_batch_that_is_given_up_leaves_no_effect",),
    ),
)

CALLERS: Final = (
    Mutant(
        name="an identity is signed by the gateway",
        path=f"{COMMON}/identity.py",
        old="self._keys[first_part].verify(_decoded(signature), signed)",
        new="self._keys[first_part]",
        tests=(f"{IDENTITY}::test_a_token_of_another_kind_or_key_is_refused",),
    ),
    Mutant(
        name="an identity is for one service",
        path=f"{COMMON}/identity.py",
        old="(claims.iss, claims.aud) != (_ISSUER, self._service)",
        new="claims.iss != _ISSUER",
        tests=(f"{IDENTITY}::test_it_is_no_good_for_another_service",),
    ),
    Mutant(
        name="an identity ends after a minute",
        path=f"{COMMON}/identity.py",
        old=" < claims.exp + _CLOCK_SKEW_S",
        new="",
        tests=(f"{IDENTITY}::test_it_ends_after_a_minute",),
    ),
    Mutant(
        name="an identity without an end is none",
        path=f"{COMMON}/identity.py",
        old="    exp: int\n",
        new="    exp: int = 2**62\n",
        tests=(f"{IDENTITY}::test_a_token_that_leaves_out_a_bound_is_refused",),
    ),
    Mutant(
        name="an identity is for one method and path",
        path=f"{COMMON}/identity.py",
        old="if (claims.mth, claims.pth) != (method, path):",
        new="if False:",
        tests=(f"{IDENTITY}::test_it_is_no_good_for_another_call",),
    ),
)

ROLES: Final = (
    Mutant(
        name="a service's role reaches no other schema",
        path=f"{COMMON}/roles.py",
        old="GRANT USAGE ON SCHEMA {both} TO {schema};\n"
        "        {rights} SELECT, INSERT, UPDATE, DELETE ON TABLES TO {schema};",
        new="GRANT USAGE ON SCHEMA {both} TO PUBLIC;\n"
        "        {rights} SELECT, INSERT, UPDATE, DELETE ON TABLES TO PUBLIC;",
        tests=(f"{SCHEMAS}::test_a_role_that_selects_from_another_schema_is_refused",),
    ),
    Mutant(
        name="a service's role may not empty its tables at one stroke",
        path=f"{COMMON}/roles.py",
        old="{rights} SELECT, INSERT, UPDATE, DELETE ON TABLES",
        new="{rights} ALL ON TABLES",
        tests=(
            f"{SCHEMAS}::test_a_working_role_reads_and_writes_its_own_rows_and_does_nothing_else",
        ),
    ),
    Mutant(
        name="a service's role owns nothing",
        path=f"{COMMON}/roles.py",
        old="CREATE SCHEMA IF NOT EXISTS {schema} AUTHORIZATION {owner};",
        new="CREATE SCHEMA IF NOT EXISTS {schema} AUTHORIZATION {owner};\n"
        "        GRANT {owner} TO {schema} WITH INHERIT TRUE;",
        tests=(
            f"{SCHEMAS}::test_a_working_role_reads_and_writes_its_own_rows_and_does_nothing_else",
        ),
    ),
    Mutant(
        name="a role that is none of ours cannot connect",
        path=f"{COMMON}/roles.py",
        old='REVOKE ALL ON DATABASE "{_checked(database)}" FROM PUBLIC',
        new="SELECT 1",
        tests=(f"{SCHEMAS}::test_a_stranger_of_the_same_server_cannot_connect",),
    ),
)

GATEWAY_SOURCES: Final = "gateway/src/gateway"
HYGIENE: Final = "gateway/tests/unit/test_hygiene.py"
LIMITS: Final = "gateway/tests/unit/test_limits.py"
HOSTILE: Final = "gateway/tests/integration/test_hostile_requests.py"
FORGED: Final = f"{HOSTILE}::test_a_header_that_claims_an_identity_reaches_no_service"
TWO_WAYS: Final = f"{HOSTILE}::test_a_path_that_could_be_read_in_two_ways_reaches_no_service"
REFUSALS: Final = "gateway/tests/integration/test_refusals.py"
PROXYING: Final = "gateway/tests/integration/test_proxying.py"
ACCOUNTS: Final = "gateway/tests/integration/test_accounts.py"
WEBSOCKETS: Final = "gateway/tests/integration/test_websockets.py"

GATEWAY: Final = (
    Mutant(
        name="a client's headers pass by name, so that none can name a caller",
        path=f"{GATEWAY_SOURCES}/proxy.py",
        old='[pair for pair in scope["headers"] if pair[0] in FORWARDED]',
        new='[pair for pair in scope["headers"] if pair[0] != b"host"]',
        tests=(f"{FORGED}[X-User-Id: forged]",),
    ),
    Mutant(
        name="a client's own atrium-identity goes no further",
        path=f"{GATEWAY_SOURCES}/hygiene.py",
        old='        b"accept",\n',
        new='        b"accept",\n        b"atrium-identity",\n',
        tests=(f"{FORGED}[atrium-identity: forged]",),
    ),
    Mutant(
        name="a path that can be read in two ways is none",
        path=f"{GATEWAY_SOURCES}/hygiene.py",
        old='if _PLAIN_PATH(path) is None or not path.startswith(b"/"):',
        new="if False:",
        tests=(f"{HYGIENE}::test_paths_that_could_be_read_in_two_ways_are_refused",),
    ),
    Mutant(
        name="every request's path is looked at",
        path=f"{GATEWAY_SOURCES}/proxy.py",
        old='        check_target(path, scope["query_string"])\n',
        new="",
        tests=(f"{TWO_WAYS}[/api/occupancy/../rooms/]",),
    ),
    Mutant(
        name="every handshake's path is looked at",
        path=f"{GATEWAY_SOURCES}/websocket.py",
        old='        check_target(scope["raw_path"], scope["query_string"])\n',
        new="",
        tests=(f"{WEBSOCKETS}::test_a_refusal_is_a_close_code",),
    ),
    Mutant(
        name="a window admits no more than its limit",
        path=f"{GATEWAY_SOURCES}/limits.py",
        old="if len(window) >= limit:",
        new="if False:",
        tests=(f"{LIMITS}::test_a_window_admits_its_limit_and_slides",),
    ),
    Mutant(
        name="one request too many is refused",
        path=f"{GATEWAY_SOURCES}/proxy.py",
        old="if allowance.retry_after_s:",
        new="if False:",
        tests=(f"{REFUSALS}::test_limited_answers_have_their_headers_and_the_last_one_a_way_out",),
    ),
    Mutant(
        name="an address counts only if a proxy of ours vouches for it",
        path=f"{GATEWAY_SOURCES}/hygiene.py",
        old="return entries[-trusted_proxies].decode",
        new="return entries[0].decode",
        tests=(f"{HOSTILE}::test_spoofed_addresses_do_not_open_new_limits",),
    ),
    Mutant(
        name="guessing tokens is limited",
        path=f"{GATEWAY_SOURCES}/callers.py",
        old="if guesses.retry_after_s:",
        new="if False:",
        tests=(f"{REFUSALS}::test_guesses_at_tokens_are_counted_by_address",),
    ),
    Mutant(
        name="a body that says it is too large is not taken",
        path=f"{GATEWAY_SOURCES}/proxy.py",
        old='if int(headers.get(b"content-length", b"0")) > route.body_limit:',
        new="if False:",
        tests=(f"{PROXYING}::test_a_declared_body_over_its_limit_is_413_before_it_is_sent",),
    ),
    Mutant(
        name="a body that grows too large on its way to a service is cut off",
        path=f"{GATEWAY_SOURCES}/proxy.py",
        old="if sent > route.body_limit:",
        new="if False:",
        tests=(
            f"{PROXYING}::test_a_chunked_body_over_its_limit_is_413_and_the_service_is_told_so",
        ),
    ),
    Mutant(
        name="a body that grows too large for the gateway itself is not kept",
        path=f"{GATEWAY_SOURCES}/proxy.py",
        old="if len(body) > route.body_limit:",
        new="if False:",
        tests=(f"{ACCOUNTS}::test_a_body_that_grows_too_large_is_413",),
    ),
    Mutant(
        name="a body that is too large in its first part is not taken",
        path=f"{GATEWAY_SOURCES}/proxy.py",
        old="if len(part) > route.body_limit:",
        new="if False:",
        tests=(f"{HOSTILE}::test_what_is_too_much_is_refused_before_it_is_kept[chunks]",),
    ),
    Mutant(
        name="a route is for those who may call it",
        path=f"{GATEWAY_SOURCES}/proxy.py",
        old="if admits(route.callers(method), principal.identity):",
        new="if True:",
        tests=(f"{REFUSALS}::test_roles_decide_who_may_write",),
    ),
    Mutant(
        name="who may read may not therefore write",
        path=f"{GATEWAY_SOURCES}/routes.py",
        old="return self.read if method in _READS else self.write",
        new="return self.read",
        tests=(f"{REFUSALS}::test_roles_decide_who_may_write",),
    ),
    Mutant(
        name="a WebSocket is for those who may read its route",
        path=f"{GATEWAY_SOURCES}/websocket.py",
        old="if not admits(route.read, principal.identity):",
        new="if False:",
        tests=(f"{WEBSOCKETS}::test_a_refusal_is_a_close_code",),
    ),
    Mutant(
        name="floods leave no rings for the garbage collector to find",
        path=f"{COMMON}/websocket_protocol.py",
        old="        self.conn.parser.close()\n",
        new="",
        tests=(f"{WEBSOCKETS}::test_who_was_refused_leaves_nothing_to_the_garbage_collector",),
    ),
    Mutant(
        name="nor does what an application finds in its scope",
        path=f"{COMMON}/websocket_protocol.py",
        old="            del extensions[EXTENSION]\n",
        new="            pass\n",
        tests=(f"{WEBSOCKETS}::test_who_was_refused_leaves_nothing_to_the_garbage_collector",),
    ),
    Mutant(
        name="who goes on talking is told why a service has closed",
        path=f"{GATEWAY_SOURCES}/websocket.py",
        old="        with suppress(ConnectionClosed):\n            await upstream.send(",
        new="        if True:\n            await upstream.send(",
        tests=(
            f"{WEBSOCKETS}::test_the_services_close_code_reaches_a_client_that_goes_on_talking",
        ),
    ),
)

OCCUPANCY_SOURCES: Final = "services/occupancy/src/occupancy"
OCCUPANCY_HISTORY: Final = "services/occupancy/tests/integration/test_history.py"
OCCUPANCY_INGEST: Final = "services/occupancy/tests/integration/test_ingest.py"
OCCUPANCY_ALERTS: Final = "services/occupancy/tests/integration/test_alerts.py"
OCCUPANCY_EQUIPMENT: Final = "services/occupancy/tests/unit/test_equipment.py"

OCCUPANCY: Final = (
    Mutant(
        name="a crossing of days ago moves the hours since",
        path=f"{OCCUPANCY_SOURCES}/repository/history.py",
        old="        if not for_each:",
        new="        if for_each is not None:",
        tests=(
            f"{OCCUPANCY_HISTORY}::test_a_crossing_of_days_ago_moves_the_hours_since_and_no_others",
        ),
    ),
    Mutant(
        name="a headcount outweighs what came before it",
        path=f"{OCCUPANCY_SOURCES}/repository/ingest.py",
        old="crossed_at >= coalesce(corrected_at, '-infinity') AS is_later",
        new="true AS is_later",
        tests=(
            f"{OCCUPANCY_HISTORY}::test_a_headcount_outweighs_what_came_before_it_however_late",
        ),
    ),
    Mutant(
        name="a track is one person of a day, however often it is seen",
        path=f"{OCCUPANCY_SOURCES}/repository/ingest.py",
        old="GROUP BY camera_id, edge_id, track_id, day HAVING bool_and(is_new)",
        new="GROUP BY camera_id, edge_id, track_id, day",
        tests=(
            f"{OCCUPANCY_HISTORY}::test_the_order_of_crossings_and_how_often_they_come_change_nothing",
        ),
    ),
    Mutant(
        name="a number that was claimed is not claimed again",
        path=f"{OCCUPANCY_SOURCES}/repository/ingest.py",
        old="(sequence > high OR claimed.missing @> sequence)",
        new="true",
        tests=(f"{OCCUPANCY_INGEST}::test_the_first_of_two_with_one_number_counts",),
    ),
    Mutant(
        name="a number that is missing is still waited for",
        path=f"{OCCUPANCY_SOURCES}/repository/ingest.py",
        old="(sequence > high OR claimed.missing @> sequence)",
        new="sequence > high",
        tests=(
            f"{OCCUPANCY_INGEST}::test_numbers_are_claimed_once_in_any_order_and_gaps_are_remembered",
        ),
    ),
    Mutant(
        name="history does not depend on what came in between, nor in which order",
        path=f"{OCCUPANCY_SOURCES}/repository/ingest.py",
        old="            * (excluded.missing + int8multirange(",
        new="            * ('{}'::int8multirange + int8multirange(",
        tests=(HISTORY,),
    ),
    Mutant(
        name="a clock that cannot be right is not believed",
        path=f"{OCCUPANCY_SOURCES}/domain.py",
        old="        if self.was_in_time:\n            return self.crossed_at",
        new="        if self:\n            return self.crossed_at",
        tests=(
            f"{OCCUPANCY_INGEST}::test_a_clock_that_cannot_be_right_is_not_believed_and_what_it_said_is_kept",
        ),
    ),
    Mutant(
        name="a line counts as it was when somebody crossed it",
        path=f"{OCCUPANCY_SOURCES}/repository/ingest.py",
        old="AND crossed_at >= watched.since AND crossed_at < watched.until",
        new="AND watched.until = 'infinity'",
        tests=(
            f"{OCCUPANCY_INGEST}::test_who_a_line_counts_is_decided_by_how_it_was_when_they_crossed",
        ),
    ),
    Mutant(
        name="what is no longer kept is not taken for never having been",
        path=f"{OCCUPANCY_SOURCES}/repository/history.py",
        old="return since or BEGINNING",
        new="return BEGINNING if since else BEGINNING",
        tests=(
            f"{OCCUPANCY_INGEST}::test_crossings_of_old_months_are_forgotten_and_what_they_added_up_to_stays",
        ),
    ),
    Mutant(
        name="a day counted anew is taken out before it is taken in",
        path=f"{OCCUPANCY_SOURCES}/service/recounting.py",
        old="    await ingest.forget(session, camera_id, since, until, told)\n",
        new="",
        tests=(f"{OCCUPANCY_INGEST}::test_a_day_counted_anew_is_the_same_bit_for_bit",),
    ),
    Mutant(
        name="doors of one room are one area",
        path=f"{OCCUPANCY_SOURCES}/domain.py",
        old='("camera", camera.camera_id) if camera.room_id is None else ("room", camera.room_id)',
        new='("camera", camera.camera_id)',
        tests=(
            "tests/contracts/test_occupancy_live.py::test_who_comes_by_one_door_of_a_room_and_leaves_by_another_is_gone",
        ),
    ),
    Mutant(
        name="a stream goes on where it was left",
        path=f"{OCCUPANCY_SOURCES}/live.py",
        old="        return int(number)",
        new="        return 0 * int(number)",
        tests=(
            "tests/contracts/test_occupancy_live.py::test_a_stream_tells_all_then_what_changes_and_goes_on_where_it_was_left",
        ),
    ),
    Mutant(
        name="who counts and who changes a camera do not wait for each other",
        path=f"{OCCUPANCY_SOURCES}/repository/cameras.py",
        old="found.with_for_update(key_share=True)",
        new="found.with_for_update()",
        tests=(f"{OCCUPANCY_HISTORY}::test_headcounts_and_crossings_at_once_do_not_deadlock",),
    ),
    Mutant(
        name="silence is judged only where it would have been heard",
        path=f"{OCCUPANCY_SOURCES}/repository/heartbeats.py",
        old="                heartbeats.c.partition.in_(partitions),\n",
        new="",
        tests=(f"{OCCUPANCY_ALERTS}::test_silence_is_only_judged_where_it_would_have_been_heard",),
    ),
    Mutant(
        name="a partition was heard without a gap, or the time before does not count",
        path=f"{COMMON}/consumer.py",
        old="        if self.ended_at - self.until > LONGEST_GAP_S:\n",
        new="        if False:\n",
        tests=(f"{CONSUMER}::test_it_knows_where_it_has_heard_everything_and_for_how_long",),
    ),
    Mutant(
        name="who judges a camera holds all that its edges have said",
        path=f"{OCCUPANCY_SOURCES}/repository/heartbeats.py",
        old=".order_by(heartbeats.c.camera_id, heartbeats.c.edge_id).with_for_update()",
        new=".order_by(heartbeats.c.camera_id, heartbeats.c.edge_id)",
        tests=(OCCUPANCY_ALERTS,),
    ),
    Mutant(
        name="two heartbeats in a row prove what one does not",
        path=f"{OCCUPANCY_SOURCES}/equipment.py",
        old="held = (found & known.found) |",
        new="held = found |",
        tests=(OCCUPANCY_EQUIPMENT,),
    ),
    Mutant(
        name="what waited on its way says nothing of a clock",
        path=f"{OCCUPANCY_SOURCES}/equipment.py",
        old="is_on_time = abs(on_its_way) <= _ON_TIME and",
        new="is_on_time =",
        tests=(OCCUPANCY_EQUIPMENT,),
    ),
    Mutant(
        name="weeks that are all alike are not believed to scatter by nothing",
        path=f"{OCCUPANCY_SOURCES}/anomaly.py",
        old="max(deviation, MAD_OF_NORMAL * sqrt(max(middle, 1)))",
        new="max(deviation, 0.001)",
        tests=("services/occupancy/tests/unit/test_anomaly.py",),
    ),
    Mutant(
        name="a camera goes out of use before or after an anomaly is raised, not meanwhile",
        path=f"{OCCUPANCY_SOURCES}/service/anomalies.py",
        old="findings, hold=True)",
        new="findings)",
        tests=(OCCUPANCY_ALERTS,),
    ),
    Mutant(
        name="an edge-counter hears of no other",
        path=f"{OCCUPANCY_SOURCES}/service/edges.py",
        old="if is_edge and identity.name != edge_id:",
        new="if False:",
        tests=("tests/contracts/test_occupancy_edges.py::test_nobody_else_is_told",),
    ),
    Mutant(
        name="where pictures come from is shown to edge-counters only",
        path=f"{OCCUPANCY_SOURCES}/service/edges.py",
        old="    if is_edge:\n        sealed",
        new="    if True:\n        sealed",
        tests=("tests/contracts/test_occupancy_edges.py::test_nobody_else_is_told",),
    ),
)

BOOKING_SOURCES: Final = "services/bookings/src/bookings"
BOOKING_TESTS: Final = "services/bookings/tests"
CONTENTION: Final = f"{BOOKING_TESTS}/integration/test_contention.py"
MODEL: Final = f"{BOOKING_TESTS}/integration/test_model.py"

SENDING: Final = f"{BOOKING_TESTS}/integration/test_sending.py"

BOOKINGS: Final = (
    Mutant(
        name="a booking is undone with the transaction that it is part of",
        path=f"{COMMON}/db.py",
        old="if not session.info.get(_BEGUN):",
        new="if True:",
        tests=(f"{SENDING}::test_a_booking_that_is_undone_tells_nobody",),
    ),
    Mutant(
        name="who waits for a new room keeps no connection from others",
        path=f"{BOOKING_SOURCES}/repository/rooms.py",
        old="        look = LOOK_BY_ID if",
        new="        await self._session.connection()\n        look = LOOK_BY_ID if",
        tests=(f"{BOOKING_TESTS}/integration/test_new_room.py",),
    ),
    Mutant(
        name="what is somebody else's stays as it is",
        path=f"{BOOKING_SOURCES}/service/booking.py",
        old="if identity.id != booking.organizer.id and identity.role is not Role.ADMIN:",
        new="if False:",
        tests=("tests/contracts/test_access.py",),
    ),
    Mutant(
        name="the database refuses two bookings of a room at one time",
        path=f"{BOOKING_SOURCES}/migrations/2026-11-21-1100_start_bookings.py",
        old="EXCLUDE USING gist (room_id WITH =, held WITH &&) WHERE (",
        new="CHECK (",
        tests=(f"{CONTENTION}::test_every_slot_has_one_winner",),
    ),
    Mutant(
        name="and so a list of intervals says what is booked",
        path=f"{BOOKING_SOURCES}/migrations/2026-11-21-1100_start_bookings.py",
        old="EXCLUDE USING gist (room_id WITH =, held WITH &&) WHERE (",
        new="CHECK (true OR",
        tests=(MODEL,),
    ),
    Mutant(
        name="a booking is one statement, not SELECT … FOR UPDATE and then an insert",
        path=f"{BOOKING_SOURCES}/repository/bookings.py",
        old="""        checkin = booking.checkin
        made = await fetch_hot(
            self._session,
            BOOK,""",
        new="""        checkin = booking.checkin
        of_room = bookings.c.room_id == booking.room.id
        overlapping = bookings.c.held.overlaps(range_of(booking.held))
        seen = select(bookings.c.id).where(of_room, overlapping, _holds)
        if (await self._session.execute(seen.with_for_update())).first() is not None:
            return False
        made = await fetch_hot(
            self._session,
            BOOK.replace("ON CONFLICT DO NOTHING", ""),""",
        tests=(f"{CONTENTION}::test_every_slot_has_one_winner",),
    ),
    Mutant(
        name="what takes several times of a room goes one after the other, and does not deadlock",
        path=f"{BOOKING_SOURCES}/service/requests.py",
        old="""    if room_id is not None:
        await Rooms(session).lock(room_id)
    request =""",
        new="""    request =""",
        tests=(f"{CONTENTION}::test_a_series_and_an_approval_across_it_do_not_deadlock",),
    ),
    Mutant(
        name="the audit cannot be changed",
        path=f"{BOOKING_SOURCES}/migrations/2026-11-21-1100_start_bookings.py",
        old="BEFORE UPDATE OR DELETE OR TRUNCATE ON",
        new="BEFORE TRUNCATE ON",
        tests=(f"{BOOKING_TESTS}/integration/test_audit.py",),
    ),
    Mutant(
        name="a series keeps the time on the wall",
        path=f"{BOOKING_SOURCES}/recurrence.py",
        old="start = local_time(first.start, zone)",
        new="zone = ZoneInfo('UTC')\n    start = local_time(first.start, zone)",
        tests=(f"{BOOKING_TESTS}/unit/test_recurrence.py",),
    ),
    Mutant(
        name="a booking is told in the statement that makes it",
        path=f"{BOOKING_SOURCES}/booking_statements.py",
        old="'{}' FROM made",
        new="'{}' FROM made WHERE false",
        tests=(f"{CONTENTION}::test_every_slot_has_one_winner",),
    ),
    Mutant(
        name="each change of a booking is told",
        path=f"{BOOKING_SOURCES}/service/telling.py",
        old="in self._changed.values():",
        new="in list(self._changed.values())[1:]:",
        tests=(
            f"{CONTENTION}::test_creating_cancelling_moving_approving_and_overriding_all_at_once",
        ),
    ),
)

OUTBOUND: Final = f"{BOOKING_TESTS}/integration/test_outbound.py"
FEED_TOKENS: Final = f"{BOOKING_TESTS}/integration/test_feed_tokens.py"
FEED: Final = f"{BOOKING_TESTS}/unit/test_feed.py"
LETTER: Final = f"{BOOKING_TESTS}/unit/test_letter.py"
WEBHOOK: Final = f"{BOOKING_TESTS}/unit/test_webhook.py"

SEATS: Final = f"{BOOKING_TESTS}/integration/test_seats.py"
TERMS: Final = "tests/contracts/test_terms.py::TestAllocations"
ALLOCATIONS: Final = (
    Mutant(
        name="a room's seats are counted and given by one at a time",
        path=f"{BOOKING_SOURCES}/repository/rooms.py",
        old="\n            .with_for_update(of=rooms, key_share=True)",
        new="",
        tests=(f"{SEATS}::test_of_many_who_want_the_last_seats_as_many_get_them_as_there_are",),
    ),
    Mutant(
        name="nobody sees more seats allocated than there are, whoever writes meanwhile",
        path=f"{BOOKING_SOURCES}/repository/rooms.py",
        old="\n            .with_for_update(of=rooms, key_share=True)",
        new="",
        tests=(f"{TERMS}::test_of_many_who_write_at_once_none_gets_a_seat_that_is_taken",),
    ),
    Mutant(
        name="a room never has more seats allocated than it has",
        path=f"{BOOKING_SOURCES}/repository/allocations.py",
        old="WHERE levels.after > rooms.capacity AND",
        new="WHERE levels.after > rooms.capacity + 1 AND",
        tests=(f"{SEATS}::test_who_leaves_makes_room_also_in_a_room_that_has_lost_seats",),
    ),
    Mutant(
        name="what has too many seats already can shrink",
        path=f"{BOOKING_SOURCES}/repository/allocations.py",
        old=" AND levels.after > levels.before",
        new="",
        tests=(f"{SEATS}::test_who_leaves_makes_room_also_in_a_room_that_has_lost_seats",),
    ),
    Mutant(
        name="who leaves a timetable makes room for who comes",
        path=f"{BOOKING_SOURCES}/service/timetable.py",
        old=" + [one.id for one in difference.removed]",
        new="",
        tests=(f"{SEATS}::test_who_leaves_makes_room_also_in_a_room_that_has_lost_seats",),
    ),
    Mutant(
        name="of a timetable with a conflict nothing is done",
        path=f"{BOOKING_SOURCES}/service/timetable.py",
        old="if not dry_run and not difference.conflicts:",
        new="if not dry_run:",
        tests=(f"{SEATS}::test_who_leaves_makes_room_also_in_a_room_that_has_lost_seats",),
    ),
    Mutant(
        name="of two timetables at once one waits for the other",
        path=f"{BOOKING_SOURCES}/repository/rules.py",
        old="        if lock:\n",
        new="        if lock and self._table.name != 'terms':\n",
        tests=(f"{SEATS}::test_of_two_timetables_at_once_one_stays_whole",),
    ),
)

OUTWARD: Final = (
    Mutant(
        name="a webhook goes to the very address that was checked",
        path=f"{BOOKING_SOURCES}/outbound.py",
        old="str(address), port, timeout,",
        new="host, port, timeout,",
        tests=(f"{OUTBOUND}::test_a_name_that_changes_its_address_leads_nowhere_else",),
    ),
    Mutant(
        name="each address of a webhook's name is checked",
        path=f"{BOOKING_SOURCES}/outbound.py",
        old="if not all(may_be_called(",
        new="if not any(may_be_called(",
        tests=(f"{OUTBOUND}::test_a_name_that_leads_inside_is_not_called",),
    ),
    Mutant(
        name="no way to write this machine's address reaches it",
        path=f"{BOOKING_SOURCES}/outbound.py",
        old="if not all(may_be_called(",
        new="if False and not all(may_be_called(",
        tests=(f"{OUTBOUND}::test_no_way_to_write_this_machine_reaches_it",),
    ),
    Mutant(
        name="IPv6 addresses outside the internet are refused",
        path=f"{BOOKING_SOURCES}/webhook.py",
        old="address not in _GLOBAL_V6 or any(address in tunnel for tunnel in _TUNNELS)",
        new="False",
        tests=(f"{WEBHOOK}::test_nothing_goes_inside",),
    ),
    Mutant(
        name="multicast is refused",
        path=f"{BOOKING_SOURCES}/webhook.py",
        old="and not address.is_multicast",
        new="",
        tests=(f"{WEBHOOK}::test_nothing_goes_inside",),
    ),
    Mutant(
        name="of an answer little is read",
        path=f"{BOOKING_SOURCES}/outbound.py",
        old="if len(beginning) >= KEPT_ANSWER_BYTES:",
        new="if False:",
        tests=(f"{OUTBOUND}::test_of_an_endless_answer_little_is_read",),
    ),
    Mutant(
        name="an attempt has a deadline",
        path=f"{BOOKING_SOURCES}/outbound.py",
        old="async with asyncio.timeout(self._deadline_s):",
        new="async with asyncio.timeout(None):",
        tests=(f"{OUTBOUND}::test_what_does_not_answer_is_not_waited_for",),
    ),
    Mutant(
        name="a signature covers the id and the time",
        path=f"{BOOKING_SOURCES}/webhook.py",
        old='signed = f"{message_id}.{timestamp}.".encode() + body',
        new="signed = body",
        tests=(f"{SENDING}::test_what_arrives_is_the_event_of_the_topic_signed",),
    ),
    Mutant(
        name="webhooks' secrets are sealed in the database",
        path=f"{BOOKING_SOURCES}/service/webhooks.py",
        old="seal.close(secret, of=webhook_id)",
        new="secret",
        tests=(f"{SENDING}::test_secrets_are_sealed_in_the_database",),
    ),
    Mutant(
        name="one booking's deliveries keep their order",
        path=f"{BOOKING_SOURCES}/repository/outward.py",
        old="                columns.id == oldest,\n",
        new="",
        tests=(
            f"{SENDING}::test_one_booking_s_events_keep_their_order_though_each_fails_at_first",
        ),
    ),
    Mutant(
        name="of replicas one sends a delivery",
        path=f"{BOOKING_SOURCES}/repository/outward.py",
        old=".with_for_update(of=webhook_deliveries, skip_locked=True)",
        new="",
        tests=(f"{SENDING}::test_what_one_replica_is_taking_another_does_not_wait_for",),
    ),
    Mutant(
        name="a delivery that another has claimed is not settled",
        path=f"{BOOKING_SOURCES}/repository/outward.py",
        old="webhook_deliveries.c.claims == attempt.claim",
        new="webhook_deliveries.c.claims > 0",
        tests=(f"{SENDING}::test_what_a_killed_process_has_taken_is_sent_by_another",),
    ),
    Mutant(
        name="a delivery is its taker's until the longest attempt has ended",
        path=f"{BOOKING_SOURCES}/repository/outward.py",
        old="_LEASE: Final = timedelta(seconds=60)",
        new="_LEASE: Final = timedelta(seconds=20)",
        tests=(f"{SENDING}::test_a_claim_outlasts_the_longest_attempt",),
    ),
    Mutant(
        name="a webhook that takes something has five days anew",
        path=f"{BOOKING_SOURCES}/service/webhooks.py",
        old="        await webhooks.well(attempt.webhook_id)\n",
        new="",
        tests=(f"{SENDING}::test_one_success_begins_the_five_days_anew",),
    ),
    Mutant(
        name="a calendar's token stands nowhere",
        path=f"{BOOKING_SOURCES}/service/feeds.py",
        old="return hashlib.sha256(token.encode()).digest()",
        new="return token.encode()",
        tests=(f"{FEED_TOKENS}::test_the_token_stands_nowhere",),
    ),
    Mutant(
        name="who has left has no calendar",
        path=f"{BOOKING_SOURCES}/repository/outward.py",
        old="and_(feeds.c.token_hash == token_hash, users.c.is_active)",
        new="feeds.c.token_hash == token_hash",
        tests=(f"{FEED_TOKENS}::test_a_disabled_account_s_calendar_is_gone",),
    ),
    Mutant(
        name="a calendar is revoked by its maker",
        path=f"{BOOKING_SOURCES}/repository/outward.py",
        old="feeds.c.id == feed_id, feeds.c.user_id == user_id",
        new="feeds.c.id == feed_id",
        tests=(f"{FEED_TOKENS}::test_only_its_maker_revokes_it",),
    ),
    Mutant(
        name="no title begins a line of a calendar",
        path=f"{BOOKING_SOURCES}/feed.py",
        old='return _LINE_ENDS.sub("\\n", text)',
        new="return text",
        tests=(f"{FEED}::test_no_text_writes_a_line_of_its_own",),
    ),
    Mutant(
        name="of an hour that comes twice the second is meant when it is",
        path=f"{BOOKING_SOURCES}/feed.py",
        old="if any(moment.fold for moment in local)",
        new="if False",
        tests=(f"{FEED}::test_the_second_of_two_hours_of_one_name_stands_in_utc",),
    ),
    Mutant(
        name="clocks change by the clock as it was until then",
        path=f"{BOOKING_SOURCES}/vtimezone.py",
        old="onset=(instant + before).replace(tzinfo=None)",
        new="onset=changed.replace(tzinfo=None)",
        tests=(f"{FEED}::test_a_reader_who_only_has_the_vtimezone_finds_the_same_instant",),
    ),
    Mutant(
        name="no title begins a header of a letter",
        path=f"{BOOKING_SOURCES}/letter.py",
        old='return " ".join("".join(one if one.isprintable() else " " for one in text).split())',
        new="return text",
        tests=(f"{LETTER}::test_no_text_begins_a_header",),
    ),
    Mutant(
        name="a password goes to a mail server under TLS alone",
        path=f"{BOOKING_SOURCES}/letter.py",
        old="return True if self.user is not None and self.host not in _LOOPBACK else None",
        new="return None",
        tests=(
            f"{BOOKING_TESTS}/integration/test_mailing.py::test_a_password_is_not_shown_to_a_server_without_tls",
        ),
    ),
    Mutant(
        name="no log shows a calendar's token",
        path=f"{COMMON}/log.py",
        old="at[adfprst]_",
        new="at[adprst]_",
        tests=("libs/common/tests/unit/test_log.py",),
    ),
    Mutant(
        name="a secret that is shown once is not kept to be repeated",
        path=f"{COMMON}/idempotency.py",
        old='getattr(response, "repeated", response.body)',
        new="response.body",
        tests=(f"{BOOKING_TESTS}/integration/test_without_key.py",),
    ),
)

EDGE_SOURCES: Final = "services/edge-counter/src/edge_counter"
EDGE_TESTS: Final = "services/edge-counter/tests"
UPLINK: Final = f"{EDGE_TESTS}/integration/test_uplink.py"
SPOOL: Final = f"{EDGE_TESTS}/integration/test_spool.py"
LIMITS_OF_SPOOL: Final = f"{EDGE_TESTS}/integration/test_spool_limits.py"
SALVAGE: Final = f"{EDGE_TESTS}/integration/test_spool_salvage.py"
FLIPS: Final = f"{SALVAGE}::test_flipped_bits_lose_at_most_the_crossings_that_they_hit"
FULL_DISK: Final = f"{LIMITS_OF_SPOOL}::test_on_a_full_disk_the_oldest_are"
IN_FLIGHT: Final = f"{LIMITS_OF_SPOOL}::test_what_kafka_may_have_is_not_given_up"
RUN: Final = f"{EDGE_TESTS}/integration/test_run.py"
RTSP: Final = f"{EDGE_TESTS}/integration/test_rtsp.py"
SEVERAL: Final = f"{EDGE_TESTS}/integration/test_several_cameras.py"
PICTURE: Final = f"{EDGE_TESTS}/unit/test_picture.py"
HEARTBEAT: Final = f"{EDGE_TESTS}/unit/test_heartbeat.py"
CONFIGURATION: Final = f"{EDGE_TESTS}/unit/test_configuration.py"
COUNTING: Final = f"{EDGE_TESTS}/unit/test_counting.py"
RECORDING: Final = f"{EDGE_TESTS}/unit/test_recording.py"
DOCTOR: Final = f"{EDGE_TESTS}/integration/test_doctor.py"
PRIVACY: Final = f"{EDGE_TESTS}/integration/test_privacy.py"
WATCHED: Final = (
    f"{PRIVACY}::test_a_running_edge_counter_sends_no_picture_but_the_one_that_was_asked_for"
)
LOOKS: Final = "detections = self._detector.detect(frame.image_bgr)\n"

EDGE: Final = (
    Mutant(
        name="a crossing leaves the spool after Kafka has it, not before",
        path=f"{EDGE_SOURCES}/uplink.py",
        old="await self._send(producer, entries)\n"
        "                await self._forget_through(entries[-1].position)",
        new="await self._forget_through(entries[-1].position)\n"
        "                await self._send(producer, entries)",
        tests=(f"{UPLINK}::test_a_crossing_that_kafka_does_not_acknowledge_stays_here",),
    ),
    Mutant(
        name="a crossing leaves the spool when Kafka has it, not when it is on its way",
        path=f"{EDGE_SOURCES}/uplink.py",
        old="await (await producer.send_batch(batch, topic, partition=partition))",
        new="await producer.send_batch(batch, topic, partition=partition)",
        tests=(f"{UPLINK}::test_a_crossing_that_kafka_does_not_acknowledge_stays_here",),
    ),
    Mutant(
        name="a number that was sent is never another crossing's",
        path=f"{EDGE_SOURCES}/spool_file.py",
        old="set_last(connection, camera, sent(camera))",
        new="pass",
        tests=(f"{SPOOL}::test_a_spool_that_forgot_what_it_sent_goes_on_above_it",),
    ),
    Mutant(
        name="how far a recording is stands in the transaction of its crossings",
        path=f"{EDGE_SOURCES}/spool.py",
        old="self._store_recording(camera[1], recording)\n",
        new="self._store_recording(camera[1], recording)\n"
        "                    connection.commit()\n",
        tests=(f"{SPOOL}::test_a_recording_is_stored_with_its_crossings_or_not_at_all",),
    ),
    Mutant(
        name="what was counted of a recording is not counted again after a kill",
        path=f"{EDGE_SOURCES}/player.py",
        old="if frame.index > run.frame:\n                done =",
        new="if True:\n                done =",
        tests=(f"{RUN}::test_a_run_killed_again_and_again_reports_what_an_undisturbed_one_does",),
    ),
    Mutant(
        name="a recording that was counted to its end is not counted again",
        path=f"{EDGE_SOURCES}/recording.py",
        old='return "begin" if is_looped else "done"',
        new='return "begin"',
        tests=(f"{RECORDING}::test_a_file_is_counted_once_and_a_loop_goes_round",),
    ),
    Mutant(
        name="what Kafka may have is not given up",
        path=f"{EDGE_SOURCES}/spool.py",
        old="self._handed_out = max(self._handed_out, rows[-1][0])",
        new="pass",
        tests=(f"{IN_FLIGHT}_and_a_gap_that_was_read_grows_no_more",),
    ),
    Mutant(
        name="what was given up is told in its place",
        path=f"{EDGE_SOURCES}/spool.py",
        old="self._add_or_grow(camera, gap, gone[0][0])",
        new="pass",
        tests=(
            f"{LIMITS_OF_SPOOL}::test_the_oldest_are_given_up_and_a_gap_in_their_place_says_which",
        ),
    ),
    Mutant(
        name="what is acknowledged can be deleted on a full disk",
        path=f"{EDGE_SOURCES}/reserve.py",
        old="self._path.unlink(missing_ok=True)",
        new="pass",
        tests=(f"{LIMITS_OF_SPOOL}::test_a_start_on_a_full_disk_finds_all_that_was_stored",),
    ),
    Mutant(
        name="on a full disk SQLite's log is begun anew",
        path=f"{EDGE_SOURCES}/spool.py",
        old='self._connection.execute("PRAGMA wal_checkpoint(RESTART)")',
        new="pass",
        tests=(f"{FULL_DISK}_given_up_and_acknowledged_ones_still_go",),
    ),
    Mutant(
        name="a number whose bits have flipped is not believed",
        path=f"{EDGE_SOURCES}/salvage.py",
        old="== checksum(event)",
        new="!= b''",
        tests=(f"{FLIPS}[200-spool.sqlite3]",),
    ),
    Mutant(
        name="what was lost with a broken spool is told",
        path=f"{EDGE_SOURCES}/spool_file.py",
        old='    add_gap(connection, gaps.gap(*camera, first, last, reason="spool_broken"))\n',
        new="",
        tests=(f"{FLIPS}[200-spool.sqlite3]",),
    ),
    Mutant(
        name="a gap says how many went each way, to the one who counts",
        path=f"{EDGE_SOURCES}/gaps.py",
        old='each["entry"], each["exit"]',
        new='each["exit"], each["entry"]',
        tests=(
            f"{FULL}::test_a_spool_at_its_limit_gives_up_the_oldest_and_says_how_many_each_way",
        ),
    ),
    Mutant(
        name="what was given up is sent",
        path=f"{EDGE_SOURCES}/uplink.py",
        old="            rest = list(group)\n",
        new="            rest = list(group) if topic == CROSSINGS.name else []\n",
        tests=(
            f"{FULL}::test_a_spool_at_its_limit_gives_up_the_oldest_and_says_how_many_each_way",
        ),
    ),
    Mutant(
        name="people who walk through are no other view",
        path=f"{EDGE_SOURCES}/picture.py",
        old="_LIKE: Final = 0.5",
        new="_LIKE: Final = 0.9",
        tests=(f"{PICTURE}::test_daylight_that_fades_slowly_is_good",),
    ),
    Mutant(
        name="a camera that has moved is told",
        path=f"{EDGE_SOURCES}/picture.py",
        old='"moved": not is_dark and self._view.is_left(look.grey)',
        new='"moved": False',
        tests=(f"{PICTURE}::test_a_moved_camera_is_told_after_20_s_and_until_it_is_put_back",),
    ),
    Mutant(
        name="too few processed pictures are told",
        path=f"{EDGE_SOURCES}/heartbeat.py",
        old="and processed_per_s < LEAST_PER_S",
        new="and False",
        tests=(f"{HEARTBEAT}::test_too_few_processed_pictures_are_told",),
    ),
    Mutant(
        name="entries go to the side that Atrium says",
        path=f"{EDGE_SOURCES}/configuration.py",
        old='if self.entry_side == "left" else',
        new="if True else",
        tests=(f"{CONFIGURATION}::test_a_line_whose_entries_go_to_the_right_runs_the_other_way",),
    ),
    Mutant(
        name="a camera that refuses a password is left alone",
        path=f"{EDGE_SOURCES}/player.py",
        old="_REFUSED_PAUSE_S if is_refused else ",
        new="",
        tests=(f"{RTSP}::test_a_wrong_password_is_not_tried_again_at_once",),
    ),
    Mutant(
        name="a camera that is taken away is no longer counted",
        path=f"{EDGE_SOURCES}/fleet.py",
        old="                station.stop.set()\n                if",
        new="                if",
        tests=(f"{SEVERAL}::test_cameras_come_change_their_address_and_go_without_a_restart",),
    ),
    Mutant(
        name="who stands on the line is not counted",
        path=f"{EDGE_SOURCES}/counting.py",
        old="DEAD_BAND: Final = 0.09",
        new="DEAD_BAND: Final = 0.0",
        tests=(f"{COUNTING}::test_somebody_who_stands_on_the_line_is_not_counted",),
    ),
    Mutant(
        name="no picture is written",
        path=f"{EDGE_SOURCES}/pipeline.py",
        old=LOOKS,
        new=f"{LOOKS}        __import__('cv2').imwrite('seen.png', frame.image_bgr)\n",
        tests=(WATCHED,),
    ),
    Mutant(
        name="no piece of a picture is written, also not to the state folder",
        path=f"{EDGE_SOURCES}/pipeline.py",
        old=LOOKS,
        new=f"{LOOKS}        place = __import__('os').environ['EDGE_STATE_DIR'] + '/spool.old'\n"
        "        frame.image_bgr[:9, :9].tofile(place)\n",
        tests=(WATCHED,),
    ),
    Mutant(
        name="no library reports to its makers",
        path=f"{EDGE_SOURCES}/__init__.py",
        old='os.environ["ORT_DISABLE_TELEMETRY"] = "1"',
        new="os.environ",
        tests=(WATCHED,),
    ),
    Mutant(
        name="what is counted is what was asked for",
        path=f"{EDGE_SOURCES}/yolox.py",
        old="_FIRST_CLASS + classes]",
        new="_FIRST_CLASS + 0 * classes]",
        tests=(f"{EDGE_TESTS}/unit/test_yolox.py",),
    ),
    Mutant(
        name="nobody is counted of whom the model was never as sure as asked for",
        path=f"{EDGE_SOURCES}/tracking.py",
        old="is_new = detections.scores >= self._activation",
        new="is_new = detections.scores >= LOW",
        tests=(f"{EDGE_TESTS}/unit/test_tracking.py",),
    ),
    Mutant(
        name="a snapshot writes over nothing that is there",
        path=f"{EDGE_SOURCES}/snapshot.py",
        old="output.exists() and not is_forced",
        new="False and is_forced",
        tests=(f"{EDGE_TESTS}/integration/test_snapshot.py",),
    ),
    Mutant(
        name="the doctor sees that Kafka forbids to write",
        path=f"{EDGE_SOURCES}/kafka_rights.py",
        old="error_code == 0 and bool(operations & _WRITE)",
        new="error_code == 0",
        tests=(f"{DOCTOR}::test_a_broker_that_forbids_writing_is_a_fault",),
    ),
)

PANEL_SOURCES: Final = "services/panel/src/panel"
PANELS: Final = "tests/contracts/test_circle_time_panel.py"

PANEL: Final = (
    Mutant(
        name="time itself changes a room's state and its version",
        path=f"{PANEL_SOURCES}/domain.py",
        old="        yield meeting.starts_at\n",
        new="",
        tests=(
            "services/panel/tests/unit/test_domain.py::test_nothing_changes_before_it_was_said_to_and_versions_only_grow",
        ),
    ),
    Mutant(
        name="a panel is told at the moment at which time changes its room",
        path=f"{PANEL_SOURCES}/board.py",
        old="                if door.changes_at == moment:",
        new="                if door.changes_at != moment:",
        tests=(f"{PANELS}::TestPush::test_time_alone_changes_it_at_its_moment",),
    ),
    Mutant(
        name="a panel of one room sees no other",
        path=f"{PANEL_SOURCES}/access.py",
        old='identity.kind == "panel" and identity.room_id not in {None, found}',
        new='identity.kind == "no panel"',
        tests=(f"{PANELS}::TestPush::test_no_such_room_is_4004_and_another_panels_4003",),
    ),
    Mutant(
        name="a panel acts for its own room alone",
        path=f"{BOOKING_SOURCES}/service/attendance.py",
        old='identity.kind == "panel" and identity.room_id not in {None, room.id}',
        new='identity.kind == "no panel"',
        tests=(f"{PANELS}::TestAtTheDoor::test_who_may_and_for_what",),
    ),
    Mutant(
        name="a panel that says too much is let go",
        path=f"{PANEL_SOURCES}/api/websocket.py",
        old="            if left < 0:",
        new="            if left < -1e9:",
        tests=(f"{PANELS}::TestPush::test_who_says_too_much_is_let_go",),
    ),
    Mutant(
        name="a client that pings too much is let go",
        path=f"{COMMON}/websocket_protocol.py",
        old="        if self._pings_left < 0:",
        new="        if self._pings_left < -1e12:",
        tests=("tests/contracts/test_panel_floods.py::test_panels_at_doors_notice_nothing[pings]",),
    ),
    Mutant(
        name="a look-up while the database is away is no guess",
        path=f"{GATEWAY_SOURCES}/callers.py",
        old="    is_guess = False\n",
        new="    is_guess = True\n",
        tests=(
            "gateway/tests/integration/test_refusals.py::test_who_asks_while_the_database_is_away_has_guessed_nothing",
        ),
    ),
    Mutant(
        name="a time at which something was done is signed",
        path=f"{GATEWAY_SOURCES}/device_time.py",
        old="    if not hmac.compare_digest(signature.strip().lower(), expected):",
        new="    if not expected:",
        tests=(f"{PANELS}::TestAtTheDoor::test_a_time_that_nobody_signed_is_refused",),
    ),
    Mutant(
        name="a check-in counts when it was made",
        path=f"{BOOKING_SOURCES}/service/attendance.py",
        old="min(identity.acted_at or booking.now, booking.now)",
        new="booking.now",
        tests=(f"{PANELS}::TestAtTheDoor::test_a_check_in_that_came_late_counts_when_it_was_made",),
    ),
    Mutant(
        name="an old code pairs no panel",
        path=f"{GATEWAY_SOURCES}/accounts/repository.py",
        old="                pairings.c.expires_at > func.now(),\n",
        new="",
        tests=(f"{PANELS}::TestPairing::test_a_code_is_good_for_ten_minutes",),
    ),
    Mutant(
        name="an old code gives no token",
        path=f"{GATEWAY_SOURCES}/accounts/repository.py",
        old=".where(pairings.c.secret_sha256 == secret, pairings.c.expires_at > func.now())",
        new=".where(pairings.c.secret_sha256 == secret)",
        tests=(f"{PANELS}::TestPairing::test_a_code_is_good_for_ten_minutes",),
    ),
    Mutant(
        name="a ticket is good once",
        path=f"{GATEWAY_SOURCES}/accounts/repository.py",
        old="        taken = delete(tickets).where(tickets.c.ticket_sha256 == ticket)",
        new="        taken = update(tickets).where(tickets.c.ticket_sha256 == ticket)"
        ".values(ticket_sha256=ticket)",
        tests=(f"{PANELS}::TestPush::test_a_ticket_opens_one_connection",),
    ),
    Mutant(
        name="streams have connections of their own",
        path=f"{GATEWAY_SOURCES}/proxy.py",
        old="shared.streams if route.streams else shared.upstreams",
        new="shared.upstreams",
        tests=(
            "gateway/tests/integration/test_proxying.py::test_streams_leave_the_connections_of_everybody_else_free",
        ),
    ),
    Mutant(
        name="the gateway lets go of a client that does not read",
        path=f"{GATEWAY_SOURCES}/websocket.py",
        old="async with asyncio.timeout(TAKEN_WITHIN_S):",
        new="async with asyncio.timeout(None):",
        tests=(
            "gateway/tests/integration/test_websockets.py::test_a_client_that_does_not_read_is_let_go",
        ),
    ),
    Mutant(
        name="no lane of a consumer waits for another",
        path=f"{COMMON}/consumer.py",
        old="if one.partition % self._lanes == lane]",
        new="if lane == 0]",
        tests=(f"{CONSUMER}::test_a_lane_does_not_wait_for_another",),
    ),
)

PANEL_PAGE: Final = "tests/pages/test_panel_page.py"
APP_PAGES: Final = "tests/pages/test_app_booking.py"
PAGES: Final = (
    Mutant(
        name="what was sent when the session ended goes on after signing in",
        path="web/src/app/api.ts",
        old="if (answer.status === 401 && (await signedInAgain())) {",
        new="if (answer.status === 401 && !(await signedInAgain())) {",
        tests=(f"{APP_PAGES}::test_a_student_asks_is_approved_is_told_and_checks_in",),
    ),
    Mutant(
        name="what others book appears on a timeline without reloading",
        path="web/src/app/pages/booking/data.ts",
        old="    refetchInterval: LOOK_EVERY_MS,\n    placeholderData",
        new="    placeholderData",
        tests=(f"{APP_PAGES}::test_two_people_want_the_same_time",),
    ),
    Mutant(
        name="a booking that is moved stays where it was put",
        path="web/src/app/pages/booking/data.ts",
        old="() => changed(told, changes)",
        new="() => changed(told, [])",
        tests=(f"{APP_PAGES}::test_a_booking_is_moved_and_stretched_by_pointer_and_by_keys",),
    ),
    Mutant(
        name="a check-in that was kept counts at its own time",
        path="web/src/panel/door.ts",
        old='{ "x-device-time": `${at};${bytesToHex(signature)}` }',
        new="{}",
        tests=(f"{PANEL_PAGE}::test_the_network_is_cut_and_comes_back",),
    ),
    Mutant(
        name="the panel page begins without a network",
        path="web/src/panel/sw.js",
        old="(await caches.match(PAGE)) ?? Response.error()",
        new="Response.error()",
        tests=(f"{PANEL_PAGE}::test_the_network_is_cut_and_comes_back",),
    ),
    Mutant(
        name="cut off, a panel goes with the time",
        path="web/src/panel/day.ts",
        old="  if (isLinked) {",
        new="  if (isLinked || now) {",
        tests=(f"{PANEL_PAGE}::test_time_goes_on_without_the_network",),
    ),
    Mutant(
        name="a panel's clock is the server's",
        path="web/src/shared/clock.ts",
        old="return this.#origin + performance.now();",
        new="return Date.now();",
        tests=(f"{PANEL_PAGE}::test_the_clock_is_the_servers",),
    ),
    Mutant(
        name="a panel is told where no WebSocket gets through",
        path="web/src/panel/connection.ts",
        old="if (this.#unopened >= UNOPENED_UNTIL_POLLING) await this.#poll();",
        new="",
        tests=(f"{PANEL_PAGE}::test_where_no_websocket_gets_through",),
    ),
    Mutant(
        name="a panel that was removed forgets its room",
        path="web/src/panel/device.ts",
        old="for (const drawer of Object.values(kept)) drawer.put(undefined);",
        new="",
        tests=(f"{PANEL_PAGE}::test_a_panel_that_an_admin_removes",),
    ),
    Mutant(
        name="a page runs our own scripts alone",
        path=f"{GATEWAY_SOURCES}/web.py",
        old="script-src 'self';",
        new="script-src 'self' 'unsafe-inline';",
        tests=(f"{PANEL_PAGE}::test_the_page_is_safe",),
    ),
)

ANALYTICS_SOURCES: Final = "services/analytics/src/analytics"
FACTS: Final = "services/analytics/tests/integration/test_facts.py"
MEASURED: Final = "services/analytics/tests/integration/test_measuring.py"
RANGES: Final = "services/analytics/tests/integration/test_ranges.py"
FOLLOWS: Final = f"{MEASURED}::test_what_is_measured_follows_from_what_was_told_in_whatever_order"
CROSSED: Final = (
    f"{MEASURED}::test_a_crossing_counts_once_however_late_and_often_it_comes"
    "_and_wherever_its_door_is"
)
FIGURES: Final = "services/analytics/tests/unit/test_domain.py"
EXPORTED: Final = "services/analytics/tests/integration/test_export.py"
SEATS: Final = "services/analytics/tests/integration/test_seats.py"
FILES: Final = "services/analytics/tests/integration/test_parquet.py"
GUIDE: Final = "services/analytics/tests/integration/test_metrics_guide.py"
SHOWN_SEATS: Final = "tests/contracts/test_heatmap.py"
SEEN: Final = "tests/contracts/test_analytics_reality.py"
IN_ANY_ORDER: Final = (
    f"{SEATS}::test_seats_are_those_of_the_last_states_in_whatever_order_they_are_told"
)
REBUILT: Final = "services/analytics/tests/integration/test_rebuild.py"
KILLED_REBUILD: Final = (
    f"{REBUILT}::test_killed_anywhere_while_others_write_and_read_it_ends"
    "_with_what_the_live_tables_have"
)

ANALYTICS: Final = (
    Mutant(
        name="what a booking was is taken away from the facts",
        path=f"{ANALYTICS_SOURCES}/repository/counting.py",
        old="SELECT -1 AS sign, was AS one",
        new="SELECT 0 AS sign, was AS one",
        tests=(
            f"{FACTS}::test_facts_are_those_of_the_last_states_in_whatever_order_they_are_told",
        ),
    ),
    Mutant(
        name="a party is how many came, else who was told to come, and nobody of a no-show",
        path=f"{ANALYTICS_SOURCES}/repository/counting.py",
        old="CASE WHEN seen IS NULL AND is_no_show THEN 0 ELSE party END AS size",
        new="party AS size",
        tests=(FOLLOWS,),
    ),
    Mutant(
        name="a size that no booking has any more is not there",
        path=f"{ANALYTICS_SOURCES}/repository/counting.py",
        old="known.seen + more.seen = 0 AND known.told + more.told = 0 THEN DELETE",
        new="false THEN DELETE",
        tests=(FOLLOWS,),
    ),
    Mutant(
        name="a range is its nearest months less the days that are not in it",
        path=f"{ANALYTICS_SOURCES}/repository/ranges.py",
        old="by, is_taken_away=True)",
        new="by, is_taken_away=False)",
        tests=(RANGES,),
    ),
    Mutant(
        name="what was known of parties as a range begins is not of it",
        path=f"{ANALYTICS_SOURCES}/repository/reality.py",
        old="known.add_columns(*(-one for one in counts))",
        new="known.add_columns(*counts)",
        tests=(RANGES,),
    ),
    Mutant(
        name="parties of a range are those of each of its years",
        path=f"{ANALYTICS_SOURCES}/repository/reality.py",
        old="for year in range(first.year, last.year)",
        new="for year in ()",
        tests=(RANGES,),
    ),
    Mutant(
        name="a party is known in each month that is left of its year",
        path=f"{ANALYTICS_SOURCES}/repository/counting.py",
        old="interval '11 months'",
        new="interval '10 months'",
        tests=(MEASURED,),
    ),
    Mutant(
        name="the 95th of a hundred parties is the least that so many are not above",
        path=f"{ANALYTICS_SOURCES}/repository/reality.py",
        old="ranked.c.up_to_here * 100 >= ranked.c.of_all * 95",
        new="ranked.c.up_to_here * 100 >= ranked.c.of_all * 50",
        tests=(f"{MEASURED}::test_95_of_a_hundred_parties_are_not_above_it",),
    ),
    Mutant(
        name="an older version of a booking changes no fact",
        path=f"{ANALYTICS_SOURCES}/repository/facts.py",
        old="        WHERE known.version < excluded.version\n",
        new="",
        tests=(
            f"{FACTS}::test_facts_are_those_of_the_last_states_in_whatever_order_they_are_told",
        ),
    ),
    Mutant(
        name="a room that changes counts its bookings anew",
        path=f"{ANALYTICS_SOURCES}/repository/facts.py",
        old="await fetch_all_hot(self._session, _PUT_IN_ROOMS + COUNT, ids)",
        new="del ids",
        tests=(
            f"{FACTS}::test_facts_are_those_of_the_last_states_in_whatever_order_they_are_told",
        ),
    ),
    Mutant(
        name="a booking and its room that come at once see each other",
        path=f"{ANALYTICS_SOURCES}/repository/measuring.py",
        old='text("SELECT at FROM analytics.clock FOR UPDATE")',
        new='text("SELECT 1")',
        tests=(
            f"{FACTS}::test_a_booking_and_its_room_that_come_at_the_same_time_see_each_other",
            f"{MEASURED}::test_a_booking_and_a_level_that_come_at_the_same_time_see_each_other",
        ),
    ),
    Mutant(
        name="a level that comes late measures bookings anew",
        path=f"{ANALYTICS_SOURCES}/repository/measuring.py",
        old='await self.measure([row["id"] for row in beside])',
        new="del beside",
        tests=(FOLLOWS,),
    ),
    Mutant(
        name="a booking is measured when its level is known for all of it",
        path=f"{ANALYTICS_SOURCES}/repository/measuring.py",
        old="HAVING sum(until - since) = had_until - starts_at AND",
        new="HAVING",
        tests=(FOLLOWS,),
    ),
    Mutant(
        name="a booking is measured when it is over",
        path=f"{ANALYTICS_SOURCES}/repository/measuring.py",
        old=" AS found ON is_counted AND had_until <= (SELECT at FROM analytics.clock)",
        new=" AS found ON is_counted",
        tests=(FOLLOWS,),
    ),
    Mutant(
        name="a booking that changes changes when its room was used without one",
        path=f"{ANALYTICS_SOURCES}/repository/facts.py",
        old="count_days(days + await self._measuring.days_of(ids))",
        new="count_days(days)",
        tests=(FOLLOWS,),
    ),
    Mutant(
        name="a booking that is over before its room is known is measured",
        path=f"{ANALYTICS_SOURCES}/repository/measuring.py",
        old="    SELECT id FROM analytics.bookings\n    WHERE is_counted",
        new="    SELECT id FROM analytics.bookings\n    WHERE timezone IS NOT NULL AND is_counted",
        tests=(FOLLOWS,),
    ),
    Mutant(
        name="where no camera is left nothing is measured",
        path=f"{ANALYTICS_SOURCES}/service/measuring.py",
        old="    if dark:\n",
        new="    if not dark:\n",
        tests=(f"{MEASURED}::test_where_no_camera_is_left_nothing_is_measured",),
    ),
    Mutant(
        name="a crossing that comes again is not counted in the flow again",
        path=f"{ANALYTICS_SOURCES}/repository/doors.py",
        old="    WHERE sequence > high OR claimed.missing @> sequence\n",
        new="",
        tests=(CROSSED,),
    ),
    Mutant(
        name="a crossing that comes late is counted in the flow",
        path=f"{ANALYTICS_SOURCES}/repository/doors.py",
        old="    WHERE sequence > high OR claimed.missing @> sequence\n",
        new="    WHERE sequence > high\n",
        tests=(CROSSED,),
    ),
    Mutant(
        name="a level holds for three days at most",
        path=f"{ANALYTICS_SOURCES}/domain.py",
        old="HOLDS_DAYS: Final = 3",
        new="HOLDS_DAYS: Final = 300",
        tests=(GUIDE,),
    ),
    Mutant(
        name="hours open are those that the room's owner says",
        path=f"{ANALYTICS_SOURCES}/domain.py",
        old="    return found or OTHERWISE_OPEN_S * len(days)",
        new="    return OTHERWISE_OPEN_S * len(days)",
        tests=(
            f"{FIGURES}::test_open_hours_kept_by_year_are_those_of_the_windows",
            GUIDE,
        ),
    ),
    Mutant(
        name="no utilisation is over 100 %",
        path=f"{ANALYTICS_SOURCES}/domain.py",
        old="    return min(100.0, rounded(100 * part, whole))",
        new="    return rounded(100 * part, whole)",
        tests=(f"{FIGURES}::test_a_share_is_never_over_100_percent",),
    ),
    Mutant(
        name="an export leaves no booking out between its parts",
        path=f"{ANALYTICS_SOURCES}/repository/export.py",
        old="_EXPORTED.where(place > tuple_(*after), ",
        new="_EXPORTED.where(bookings.c.starts_at > after[0], ",
        tests=(f"{EXPORTED}::test_parts_leave_none_out_and_write_none_twice",),
    ),
    Mutant(
        name="no cell of an export is run as a formula",
        path=f"{ANALYTICS_SOURCES}/service/reports.py",
        old="if text.startswith(_FORMULA) else text",
        new="if not text else text",
        tests=(f"{EXPORTED}::test_what_a_sheet_would_run_is_text",),
    ),
    Mutant(
        name="who leaves a room makes place for who arrives at that moment",
        path=f"{ANALYTICS_SOURCES}/repository/seats.py",
        old="ORDER BY moment, change)",
        new="ORDER BY moment, change DESC)",
        tests=(IN_ANY_ORDER,),
    ),
    Mutant(
        name="an allocation counts once on a day",
        path=f"{ANALYTICS_SOURCES}/repository/seats.py",
        old="SELECT DISTINCT term_id, room_id, day, id",
        new="SELECT term_id, room_id, day, id",
        tests=(IN_ANY_ORDER,),
    ),
    Mutant(
        name="a room that an allocation leaves is swept, too",
        path=f"{ANALYTICS_SOURCES}/repository/seats.py",
        old="SELECT (was).term_id, (was).room_id FROM changed WHERE (was).id IS NOT NULL\nUNION ",
        new="",
        tests=(IN_ANY_ORDER,),
    ),
    Mutant(
        name="allocations of a room are not swept two at a time",
        path=f"{ANALYTICS_SOURCES}/repository/seats.py",
        old="        await self._session.execute(_HOLD)\n",
        new="",
        tests=(f"{SEATS}::test_two_who_change_one_room_at_once_each_see_the_others_seats",),
    ),
    Mutant(
        name="a heatmap's ETag follows from its allocations",
        path=f"{ANALYTICS_SOURCES}/repository/heatmap.py",
        old="of_rooms, of_term.scalar_subquery())",
        new="of_rooms)",
        tests=(f"{SHOWN_SEATS}::test_who_knows_it_is_told_so",),
    ),
    Mutant(
        name="what is allocated of a room is shown of no other",
        path=f"{ANALYTICS_SOURCES}/service/heatmap.py",
        old="        ended = free.copy()\n",
        new="        ended = free\n",
        tests=("services/analytics/tests/unit/test_heatmap_writing.py",),
    ),
    Mutant(
        name="a room whose parties fill half of it is large enough",
        path=f"{ANALYTICS_SOURCES}/domain.py",
        old="2 * largest < capacity",
        new="2 * largest <= capacity",
        tests=(f"{FIGURES}::test_a_room_is_too_large_when_no_party_fills_half_of_it",),
    ),
    Mutant(
        name="a heatmap's ETag follows from its rooms",
        path=f"{ANALYTICS_SOURCES}/repository/heatmap.py",
        old="terms.c.version, of_rooms, ",
        new="terms.c.version, ",
        tests=(f"{SHOWN_SEATS}::test_seats_follow_whatever_becomes_of_allocations_and_rooms",),
    ),
    Mutant(
        name="who goes by a door does so by its room's clock",
        path=f"{ANALYTICS_SOURCES}/repository/doors.py",
        old="coalesce(rooms.timezone, clock.timezone) AS timezone",
        new="clock.timezone AS timezone",
        tests=(f"{SEEN}::test_who_goes_by_a_door_is_counted_once_by_its_rooms_clock",),
    ),
    Mutant(
        name="nobody goes out by a door that only lets in",
        path=f"{ANALYTICS_SOURCES}/service/reality.py",
        old='_NOBODY.exits if door.type == "entry_only" else counted.exits',
        new="counted.exits",
        tests=(f"{SEEN}::test_who_goes_by_a_door_is_counted_once_by_its_rooms_clock",),
    ),
    Mutant(
        name="a file of facts is put in its place whole",
        path=f"{ANALYTICS_SOURCES}/service/parquet.py",
        old='    beside = path.with_name(f".{path.name}.{os.getpid()}")\n',
        new="    beside = path\n",
        tests=(f"{FILES}::test_files_are_by_month_in_parts_and_put_in_place_at_once",),
    ),
    Mutant(
        name="who goes by a door that comes into another zone is counted by its hours",
        path=f"{ANALYTICS_SOURCES}/repository/doors.py",
        old="            await fetch_hot(self._session, _ROLL_UP_ANEW, ids)\n",
        new="",
        tests=(CROSSED,),
    ),
    Mutant(
        name="a door that comes into another zone forgets the hours of the one before",
        path=f"{ANALYTICS_SOURCES}/repository/doors.py",
        old="            for forget in _FORGET_HOURS:",
        new="            for forget in ():",
        tests=(CROSSED,),
    ),
    Mutant(
        name="no door moves while somebody goes by",
        path=f"{ANALYTICS_SOURCES}/repository/doors.py",
        old='        await self._session.execute(_SHARE, {"cameras": sorted(set(camera_ids))})\n',
        new="",
        tests=(
            f"{MEASURED}::test_a_door_that_moves_while_somebody_goes_by_counts_them_by_its_new_clock",
        ),
    ),
    Mutant(
        name="a rebuild that was killed takes no event twice and leaves none out",
        path=f"{ANALYTICS_SOURCES}/rebuild.py",
        old="{one: records[-1].offset + 1 for one",
        new="{one: records[-1].offset + 2 for one",
        tests=(KILLED_REBUILD,),
    ),
    Mutant(
        name="a rebuild that was killed counts no room twice",
        path=f"{ANALYTICS_SOURCES}/repository/anew.py",
        old="WHERE NOT EXISTS (SELECT FROM {SCHEMA}.counted WHERE ",
        new="WHERE NOT EXISTS (SELECT FROM {SCHEMA}.counted WHERE false AND ",
        tests=(KILLED_REBUILD,),
    ),
    Mutant(
        name="rooms that change during a rebuild correct nothing that is not counted",
        path=f"{ANALYTICS_SOURCES}/rebuild.py",
        old='if "first" not in done:',
        new='if "filled" not in done:',
        tests=(KILLED_REBUILD,),
    ),
    Mutant(
        name="what the topic has lost survives a rebuild",
        path=f"{ANALYTICS_SOURCES}/repository/anew.py",
        old="WHERE kept.created_at < :before",
        new="WHERE kept.created_at IS NULL AND now() < :before",
        tests=(f"{REBUILT}::test_what_topics_have_lost_is_taken_over_and_said",),
    ),
    Mutant(
        name="nobody waits for a Kafka that stalls while tables are swapped",
        path=f"{ANALYTICS_SOURCES}/rebuild.py",
        old="asyncio.timeout(_LONGEST_HELD_S)",
        new="asyncio.timeout(None)",
        tests=(f"{REBUILT}::test_nobody_waits_for_a_kafka_that_stalls_while_tables_are_swapped",),
    ),
    Mutant(
        name="there is one rebuild at a time",
        path=f"{ANALYTICS_SOURCES}/rebuild.py",
        old="if not await lock.scalar(anew.GUARD):",
        new="if await lock.scalar(anew.GUARD) is None:",
        tests=(f"{REBUILT}::test_what_can_not_be_done_is_refused_with_what_helps",),
    ),
    Mutant(
        name="reports are limited as admin writes are",
        path=f"{GATEWAY_SOURCES}/routes.py",
        old='    reports = {**admins, "read_rate": Rate.ADMIN}',
        new="    reports = admins",
        tests=("gateway/tests/unit/test_routes.py::test_requests_are_counted_by_class",),
    ),
)

_USERS = "tests/contracts/test_university_accounts.py"
_GIVEN = "tests/e2e/test_edge_given_its_cameras.py"
_SNAPSHOTS = "tests/contracts/test_occupancy_snapshots.py"
APP: Final = (
    Mutant(
        name="no admin locks himself out",
        path="gateway/src/gateway/accounts/users.py",
        old='_HIMSELF: Final = frozenset({"role", "is_active"})',
        new="_HIMSELF: Final = frozenset({})",
        tests=(f"{_USERS}::test_no_admin_locks_himself_out_and_nobody_gets_a_weak_password",),
    ),
    Mutant(
        name="a camera's picture is brought by its own edge",
        path="services/occupancy/src/occupancy/desk.py",
        old="waiter is None or waiter.edge_id != edge_id or waiter.answer.done()",
        new="waiter is None or waiter.answer.done()",
        tests=(f"{_SNAPSHOTS}::test_only_the_cameras_edge_brings_its_picture_and_only_a_picture",),
    ),
    Mutant(
        name="a picture finds whoever waits in another process",
        path="services/occupancy/src/occupancy/service/snapshots.py",
        old="if holder is None or holder == desk.address:",
        new="if holder is None or holder != desk.address:",
        tests=(f"{_SNAPSHOTS}::test_a_picture_finds_whoever_waits_in_another_process",),
    ),
    Mutant(
        name="who asks for a camera's picture is audited",
        path="services/occupancy/src/occupancy/service/snapshots.py",
        old="        await _audit(session, row, identity)\n",
        new="",
        tests=(f"{_SNAPSHOTS}::test_who_asks_is_shown_the_picture_once_and_it_is_nowhere",),
    ),
    Mutant(
        name="a camera's host can forbid pictures",
        path="services/edge-counter/src/edge_counter/on_request.py",
        old="taken = await self._taken(wanted.camera_id) if self._is_allowed else None",
        new="taken = await self._taken(wanted.camera_id)",
        tests=(f"{_GIVEN}::test_a_line_is_drawn_on_a_picture_that_the_edge_sends",),
    ),
)

MUTANTS: Final = (
    *OUTBOX,
    *EFFECTS,
    *CALLERS,
    *ROLES,
    *GATEWAY,
    *OCCUPANCY,
    *APP,
    *BOOKINGS,
    *ALLOCATIONS,
    *OUTWARD,
    *EDGE,
    *PANEL,
    *PAGES,
    *ANALYTICS,
)


# --- running ------------------------------------------------------------------------------------


def run_tests(
    tests: Iterable[str],
    folder: Path,
    *,
    within_s: float,
    sources: Path | None = None,
    pages: Path | None = None,
) -> tuple[Outcome, str]:
    """Run tests, up to the first that fails; returns what came of it, and what pytest wrote.

    Args:
        tests: as pytest names them.
        folder: for what Python compiles, so that it does so once, and not in the work tree.
        sources: imported before what is installed, also by the processes that tests start.
        pages: served in place of what was built.
    """
    before = [str(sources)] if sources else []
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([*before, *filter(None, [os.environ.get("PYTHONPATH")])]),
        "PYTHONPYCACHEPREFIX": str(folder / "compiled"),
        "PYTHONDONTWRITEBYTECODE": "",
        **({"GATEWAY_WEB_DIR": str(pages)} if pages else {}),
    }
    command = [sys.executable, "-m", "pytest", "-n", "0", "-x", "-q", "-p", "no:cacheprovider"]
    try:
        done = subprocess.run(
            [*command, *tests],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=within_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Outcome.BROKEN, f"the tests took longer than {within_s} s"
    if done.returncode == 0:
        return Outcome.GREEN, done.stdout
    # A test that failed is an answer. A fixture, a selector or an import that failed is none.
    has_failed = done.returncode == 1 and re.search(r"^FAILED ", done.stdout, re.MULTILINE)
    return (Outcome.RED if has_failed else Outcome.BROKEN), done.stdout


def try_out(mutant: Mutant, folder: Path) -> tuple[Outcome, str]:
    """Run a mutant's tests on a copy of its package that is changed."""
    if mutant.is_page:
        pages = _build_pages(mutant, Path(tempfile.mkdtemp(dir=folder)) / "web")
        return run_tests(mutant.tests, folder, within_s=MUTANT_WITHIN_S, pages=pages)
    # No two mutants have one path: what was compiled for one is never taken for the other.
    sources = Path(tempfile.mkdtemp(dir=folder)) / "src"
    shutil.copytree(mutant.sources, sources, ignore=shutil.ignore_patterns("__pycache__"))
    (sources / (ROOT / mutant.path).relative_to(mutant.sources)).write_text(mutant.text())
    return run_tests(mutant.tests, folder, within_s=MUTANT_WITHIN_S, sources=sources)


def _build_pages(mutant: Mutant, web: Path) -> Path:
    shutil.copytree(ROOT / "web", web, ignore=shutil.ignore_patterns("node_modules", "dist"))
    (web / "node_modules").symlink_to(ROOT / "web/node_modules")
    (web / (ROOT / mutant.path).relative_to(ROOT / "web")).write_text(mutant.text())
    vite = [web / "node_modules/.bin/vite", "build"]
    subprocess.run(vite, cwd=web, stdout=subprocess.DEVNULL, check=True)
    return web / "dist"


def _is(test: str) -> bool:
    """Tell whether a file names a test; of a file or folder alone, whether it is there."""
    path, *names = test.partition("[")[0].split("::")
    file = ROOT / path
    if not names:
        return file.exists()
    return file.is_file() and all(
        re.search(rf"\b(def|class) {name}\b", file.read_text()) for name in names
    )


def check_list(mutants: Sequence[Mutant]) -> None:
    """Hold the list to the code, before any test runs.

    Raises:
        click.ClickException: a text is not where it was, what replaces it is no Python, or a test
            has another name.
    """
    faults = []
    for mutant in mutants:
        try:
            text = mutant.text()
            if not mutant.is_page:
                compile(text, mutant.path, "exec")
        except (MovedOn, SyntaxError) as fault:
            faults.append(str(fault))
        faults += [f"«{mutant.name}»: there is no {test}" for test in mutant.tests if not _is(test)]
    if faults:
        told = "\n  ".join(faults)
        raise click.ClickException(f"The code has moved on; mend tests/mutants.py:\n  {told}")


@click.command()
@click.option("--only", metavar="TEXT", default="", help="Of the mutants, those that hold TEXT.")
@click.option("--list", "is_listed", is_flag=True, help="Say what there is, and run nothing.")
@click.option("--verbose", is_flag=True, help="Show, for each mutant, which test failed and why.")
def main(only: str, *, is_listed: bool, verbose: bool) -> None:
    """Break the code on purpose, and see the tests go red.

    Each mutant takes one invariant out of a copy of the code and runs the tests that guard it.
    They have to fail: «red». «GREEN» means that nothing guards the invariant: write the test.
    «BROKEN» means that nothing was shown, because the tests could not be run on the mutant.
    First the same tests run on the code as it is, where all have to pass. The work tree is not
    touched.

    Exits with 1 if any mutant is not red. All of them take some minutes.

    \b
    To try one, with what its tests say:
      python tests/mutants.py --only "order of their rows" --verbose
    All of one file:
      python tests/mutants.py --only relay.py
    """
    mutants = [one for one in MUTANTS if only.lower() in f"{one.name} {one.path}".lower()]
    if not mutants:
        raise click.ClickException(f"No mutant holds «{only}»; --list shows all.")
    check_list(mutants)
    if is_listed:
        for mutant in mutants:
            click.echo(f"{mutant.name}\n    {mutant.path}")
            click.echo("".join(f"    {test}\n" for test in mutant.tests), nl=False)
        return
    with tempfile.TemporaryDirectory(prefix="atrium-mutants-") as name:
        folder = Path(name)
        _check_tests(mutants, folder)
        outcomes = [_report(mutant, folder, verbose=verbose) for mutant in mutants]
    click.echo(f"{outcomes.count(Outcome.RED)} of {len(outcomes)} mutants are red.")
    if set(outcomes) != {Outcome.RED}:
        sys.exit(1)


def _check_tests(mutants: Sequence[Mutant], folder: Path) -> None:
    tests = list(dict.fromkeys(test for mutant in mutants for test in mutant.tests))
    began_s = time.monotonic()
    outcome, output = run_tests(tests, folder, within_s=ALL_WITHIN_S)
    if outcome is not Outcome.GREEN:
        click.echo(output)
        raise click.ClickException("The tests fail on the code as it is; nothing can be shown.")
    click.echo(f"green   {time.monotonic() - began_s:5.1f} s  the code as it is")


def _report(mutant: Mutant, folder: Path, *, verbose: bool) -> Outcome:
    began_s = time.monotonic()
    outcome, output = try_out(mutant, folder)
    click.echo(f"{outcome:<6}  {time.monotonic() - began_s:5.1f} s  {mutant.name}")
    if outcome is Outcome.BROKEN:
        click.echo(output)
    elif verbose:
        said = [line for line in output.splitlines() if line.startswith(("FAILED ", "E  "))]
        click.echo("".join(f"    {line}\n" for line in said or mutant.tests), nl=False)
    return outcome


if __name__ == "__main__":
    main()
