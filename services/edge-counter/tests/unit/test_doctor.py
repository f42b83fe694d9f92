"""What the doctor makes of the clock that an answer tells."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from edge_counter.doctor import _clock

NOW = datetime(2026, 11, 21, 10, 0, 0, 900_000, UTC)


def answer_of(headers: dict[str, str]) -> httpx.Response:
    return httpx.Response(200, headers=headers)


@pytest.mark.parametrize(
    ("told", "verdict"),
    [
        pytest.param("Sat, 21 Nov 2026 10:00:00 GMT", "ok", id="the same second"),
        pytest.param("Sat, 21 Nov 2026 09:59:59 GMT", "ok", id="told a second late"),
        pytest.param("Sat, 21 Nov 2026 10:00:01 GMT", "ok", id="within a second ahead"),
        pytest.param("Sat, 21 Nov 2026 10:00:03 GMT", "fail", id="we are behind"),
        pytest.param("Sat, 21 Nov 2026 09:59:57 GMT", "fail", id="we are ahead"),
    ],
)
def test_clocks_a_second_and_more_apart_are_a_fault(told: str, verdict: str) -> None:
    finding = _clock(answer_of({"Date": told}), NOW, NOW + timedelta(milliseconds=50))

    assert finding is not None
    assert finding.verdict == verdict


@pytest.mark.parametrize("headers", [{}, {"Date": "yesterday"}])
def test_an_answer_that_tells_no_time_tells_nothing(headers: dict[str, str]) -> None:
    assert _clock(answer_of(headers), NOW, NOW) is None
