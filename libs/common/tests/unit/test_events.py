"""The samples of the events are read by whoever consumes them, and broken ones are refused."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from common.asyncapi import document
from common.errors import BrokenEvent
from common.events import CROSSINGS, TOPICS, CrossingV1

# Of the design, word for word: what everything starts from.
SAMPLE = (
    b'{"specversion":"1.0","type":"edge.crossing.v1","id":"lobby-1/7/1042",'
    b'"source":"edge/lobby-1","subject":"camera/7","time":"2026-11-21T10:00:00.123Z",'
    b'"datacontenttype":"application/json","data":{"edge_id":"lobby-1","camera_id":7,'
    b'"sequence":1042,"line_id":3,"direction":"entry","track_id":"8f3a-55","confidence":0.83,'
    b'"crossed_at":"2026-11-21T10:00:00.123Z"}}'
)
AT = datetime(2026, 11, 21, 10, 0, 0, 123000, tzinfo=UTC)


def test_the_designs_sample_is_a_crossing() -> None:
    event = CROSSINGS.decode(SAMPLE)

    assert event.data == CrossingV1(
        edge_id="lobby-1",
        camera_id=7,
        sequence=1042,
        line_id=3,
        direction="entry",
        track_id="8f3a-55",
        confidence=0.83,
        crossed_at=AT,
    )


def test_what_is_written_is_read() -> None:
    event = CROSSINGS.decode(SAMPLE)

    raw = CROSSINGS.encode(
        event.data, event_id=event.id, source=event.source, subject="camera/7", at=event.time
    )

    assert CROSSINGS.decode(raw) == event


def test_an_event_may_grow_by_fields_that_old_readers_do_not_know() -> None:
    grown = SAMPLE.replace(b'"line_id":3', b'"line_id":3,"lane":"left"').replace(
        b'"id":', b'"dataschema":"x","id":', 1
    )

    assert CROSSINGS.decode(grown) == CROSSINGS.decode(SAMPLE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"specversion":"1.0"', b'"specversion":"2.0"'),
        (b"edge.crossing.v1", b"edge.crossing.v2"),
        (b'"id":"lobby-1/7/1042",', b""),
        (b'"camera_id":7', b'"camera_id":0'),
        (b'"camera_id":7', b'"camera_id":"7"'),
        (b'"sequence":1042', b'"sequence":0'),
        (b'"sequence":1042', b'"sequence":9223372036854775808'),
        (b'"sequence":1042', b'"sequence":1.5'),
        (b'"direction":"entry"', b'"direction":"in"'),
        (b'"confidence":0.83', b'"confidence":1.83'),
        (b'"confidence":0.83', b'"confidence":NaN'),
        (b'"crossed_at":"2026-11-21T10:00:00.123Z"', b'"crossed_at":"2026-11-21T10:00:00"'),
        (b'"edge_id":"lobby-1"', b'"edge_id":"../x"'),
        (b'"edge_id":"lobby-1"', b'"edge_id":"lobby\\u0000"'),
        (b'"track_id":"8f3a-55"', b'"track_id":""'),
    ],
)
def test_a_broken_event_is_refused_with_its_reason(old: bytes, new: bytes) -> None:
    assert old in SAMPLE

    with pytest.raises(BrokenEvent, match=r".+"):
        CROSSINGS.decode(SAMPLE.replace(old, new, 1))


def test_the_published_description_is_that_of_the_code() -> None:
    """Run `make asyncapi` after a change of `common.events`."""
    published = Path(__file__).parents[4] / "docs/asyncapi.yaml"

    assert published.read_text() == document()


def test_every_topic_is_described_with_a_schema() -> None:
    described = document()

    for topic in TOPICS:
        assert f"address: {topic.name}" in described
        assert topic.data.__name__ in described
    assert json.dumps(described)
