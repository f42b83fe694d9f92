"""Reading NanoDet, against a slow version that follows the definition."""

import numpy as np
import pytest

from edge_counter import nanodet
from edge_counter.detections import LEAST_SCORE, Shape

SIZE_PX = (64, 96)
CELLS = {8: 8 * 12, 16: 4 * 6, 32: 2 * 3}
STEPS = 8
INPUT: Shape = [1, 3, 416, 416]
CELLS_416 = (2704, 676, 169)


def raw_outputs(seed: int, classes: int = 3) -> list[np.ndarray]:
    """Make outputs in which a few cells, far from each other, are sure of something."""
    rng = np.random.default_rng(seed)
    scores, sides = [], []
    for stride, cells in CELLS.items():
        score = rng.random((1, cells, classes)) * 0.9 * LEAST_SCORE
        score[0, rng.choice(cells, 2), rng.integers(classes)] = rng.uniform(0.3, 0.9, 2)
        scores.append(score.astype(np.float32))
        # Small boxes do not cover each other.
        logits = rng.normal(0, 1, (1, cells, 4, STEPS)) - np.arange(STEPS) * 32 / stride
        sides.append(logits.reshape(1, cells, 4 * STEPS).astype(np.float32))
    return [*scores, *sides]


def read_slowly(outputs: list[np.ndarray], classes: list[int]) -> list[tuple[float, ...]]:
    """Decode cell by cell: left, top, right, bottom and score of each box, by score."""
    found = []
    for scale, stride in enumerate(CELLS):
        columns = SIZE_PX[1] // stride
        for cell in range(CELLS[stride]):
            score = max(float(outputs[scale][0, cell, one]) for one in classes)
            if score < LEAST_SCORE:
                continue
            x, y = (cell % columns + 0.5) * stride, (cell // columns + 0.5) * stride
            far = []
            for side in range(4):
                logits = outputs[3 + scale][0, cell, side * STEPS : (side + 1) * STEPS]
                shares = np.exp(logits) / np.exp(logits).sum()
                far.append(stride * float(sum(step * share for step, share in enumerate(shares))))
            found.append((score, x - far[0], y - far[1], x + far[2], y + far[3]))
    return sorted(found, reverse=True)


@pytest.mark.parametrize("classes", [[0], [1, 2]])
@pytest.mark.parametrize("seed", range(5))
def test_boxes_are_those_of_the_definition(seed: int, classes: list[int]) -> None:
    outputs = raw_outputs(seed)

    found = nanodet.read(outputs, SIZE_PX, np.array(classes))

    expected = np.array(read_slowly(outputs, classes)).reshape(-1, 5)
    np.testing.assert_allclose(found.scores, expected[:, 0], rtol=1e-5)
    np.testing.assert_allclose(found.boxes_px, expected[:, 1:], rtol=1e-4, atol=1e-3)


def test_a_box_that_a_better_one_covers_is_dropped() -> None:
    outputs = [np.zeros_like(output) for output in raw_outputs(0)]
    # Neighbours 8 px apart say boxes of 56 px: three quarters are shared.
    outputs[0][0, [40, 41], 0] = 0.9, 0.8

    found = nanodet.read(outputs, SIZE_PX, np.array([0]))

    assert found.scores.tolist() == pytest.approx([0.9])


def test_nothing_likely_gives_no_boxes() -> None:
    outputs = [output * 0 for output in raw_outputs(0)]

    assert nanodet.read(outputs, SIZE_PX, np.array([0])).boxes_px.shape == (0, 4)


@pytest.mark.parametrize(
    ("inputs", "classes", "sides", "expected"),
    [
        pytest.param([INPUT], 80, 32, True, id="nanodet-m"),
        pytest.param([INPUT], 1, 32, True, id="one class"),
        pytest.param([INPUT], 80, 33, False, id="no four sides"),
        pytest.param([[1, 3, 320, 320]], 80, 32, False, id="cells of another size"),
        pytest.param([[1, 3, "h", "w"]], 80, 32, False, id="free size"),
        pytest.param([INPUT], "classes", 32, False, id="free number of classes"),
        pytest.param([INPUT, INPUT], 80, 32, False, id="two pictures"),
    ],
)
def test_a_layout_is_told_by_shapes(
    inputs: list[Shape], classes: int | str, sides: int, *, expected: bool
) -> None:
    outputs: list[Shape] = [[1, cells, classes] for cells in CELLS_416]
    outputs += [[1, cells, sides] for cells in CELLS_416]

    assert nanodet.fits(inputs, outputs) is expected


def test_another_models_outputs_are_none_of_it() -> None:
    assert not nanodet.fits([INPUT], [[1, 3549, 85]])
    assert not nanodet.fits([INPUT], [[1, 3549]] * 6)
