"""The assignment, against all possible ones."""

from itertools import permutations

import numpy as np
import pytest

from edge_counter.assignment import assign


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (1, 1), (2, 5), (4, 4), (5, 3), (6, 6)])
@pytest.mark.parametrize("is_sparse", [False, True], ids=["dense", "sparse"])
def test_no_other_pairing_gains_more(shape: tuple[int, int], *, is_sparse: bool) -> None:
    for seed in range(20):
        gains = np.random.default_rng(seed).random(shape)
        if is_sparse:
            gains[gains < 0.6] = 0

        rows, columns = assign(gains)

        assert len(rows) == len(set(rows.tolist())) == min(shape)
        assert len(set(columns.tolist())) == min(shape)
        assert gains[rows, columns].sum() == pytest.approx(best(gains))


def best(gains: np.ndarray) -> float:
    if gains.shape[0] > gains.shape[1]:
        gains = gains.T
    rows = range(gains.shape[0])
    return max(
        sum(float(gains[row, column]) for row, column in zip(rows, columns, strict=True))
        for columns in permutations(range(gains.shape[1]), gains.shape[0])
    )
