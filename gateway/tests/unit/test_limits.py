"""Sliding windows count exactly, and forget."""

from gateway.limits import SlidingWindows


def test_a_window_admits_its_limit_and_slides() -> None:
    windows = SlidingWindows()

    admitted = [windows.take("who", 3, now).retry_after_s == 0 for now in (0, 10, 20, 30, 59.9)]
    later = windows.take("who", 3, 60.1)

    assert admitted == [True, True, True, False, False]
    assert later.retry_after_s == 0
    assert later.remaining == 0


def test_a_refused_request_is_told_when_the_oldest_leaves() -> None:
    windows = SlidingWindows()
    windows.take("who", 1, 100.0)

    refused = windows.take("who", 1, 130.0)

    assert refused.retry_after_s == 31
    assert dict(refused.headers())[b"x-ratelimit-reset"] == b"1970-01-01T00:02:41Z"


def test_callers_do_not_share_a_window() -> None:
    windows = SlidingWindows()
    windows.take("one", 1, 0)

    assert windows.take("other", 1, 0).retry_after_s == 0


def test_callers_who_stay_away_are_forgotten() -> None:
    windows = SlidingWindows()
    for caller in range(1000):
        windows.take(caller, 5, 0.0)

    windows.take("who", 5, 100.0)

    assert len(windows._windows) == 1


def test_what_is_given_back_was_never_counted() -> None:
    windows = SlidingWindows()

    windows.give_back("somebody")
    for second in range(5):
        assert windows.take("somebody", 1, second).retry_after_s == 0
        windows.give_back("somebody")
    windows.take("somebody", 1, 5)

    assert windows.take("somebody", 1, 6).retry_after_s > 0
