"""Dead letters have a limit, so that bad code does not empty a topic into them."""

import pytest

from common.consumer import DeadLetterLimit, TooManyDeadLetters


def test_a_hundred_in_a_row_are_too_many() -> None:
    limit = DeadLetterLimit().after([True] * 99)

    with pytest.raises(TooManyDeadLetters, match="restart"):
        limit.after([True])


def test_a_good_message_ends_a_row() -> None:
    limit = DeadLetterLimit(share=1)

    for _ in range(10):
        limit = limit.after([True] * 99).after([False])


def test_more_than_one_in_a_hundred_of_the_last_ten_thousand_are_too_many() -> None:
    limit = DeadLetterLimit()
    for _ in range(100):
        limit = limit.after([True, *[False] * 50])

    with pytest.raises(TooManyDeadLetters):
        limit.after([True])


def test_what_is_long_ago_is_forgotten() -> None:
    limit = DeadLetterLimit()

    for _ in range(300):
        limit = limit.after([True, *[False] * 120])


def test_a_batch_that_is_not_stored_is_not_counted() -> None:
    limit = DeadLetterLimit()

    for _ in range(10):
        limit.after([True] * 60)
