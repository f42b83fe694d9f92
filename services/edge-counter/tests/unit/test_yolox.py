"""Reading YOLOX, against a slow version that follows the definition."""

import numpy as np
import pytest

from edge_counter import yolox
from edge_counter.detections import LEAST_SCORE, Detections, Shape, overlaps

SIZE_PX = (64, 96)
PEOPLE = np.array([0])
CELLS = 8 * 12 + 4 * 6 + 2 * 3


def raw_output(seed: int, classes: int = 3) -> np.ndarray:
    rng = np.random.default_rng(seed)
    raw = rng.random((1, CELLS, 5 + classes)).astype(np.float32)
    raw[..., 2:4] = rng.normal(1, 0.5, (1, CELLS, 2))
    return raw


def read_slowly(raw: np.ndarray) -> Detections:
    """Decode cell by cell, then drop each box that a better kept one covers."""
    found, cell = [], 0
    for stride in (8, 16, 32):
        for row in range(SIZE_PX[0] // stride):
            for column in range(SIZE_PX[1] // stride):
                dx, dy, log_w, log_h, thing, person = raw[0, cell, :6]
                x, y = (column + dx) * stride, (row + dy) * stride
                w, h = np.exp(log_w) * stride, np.exp(log_h) * stride
                if thing * person >= LEAST_SCORE:
                    box = (x - w / 2, y - h / 2, x + w / 2, y + h / 2)
                    found.append((float(thing * person), box))
                cell += 1
    kept: list[tuple[float, tuple[float, ...]]] = []
    for score, box in sorted(found, reverse=True):
        if all(overlap_slowly(box, other) <= yolox.SAME_PERSON for _, other in kept):
            kept.append((score, box))
    return Detections(np.array([box for _, box in kept]), np.array([score for score, _ in kept]))


def overlap_slowly(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(width, 0) * max(height, 0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return shared / (sum(areas) - shared)


@pytest.mark.parametrize("seed", range(5))
def test_boxes_are_those_of_the_definition(seed: int) -> None:
    raw = raw_output(seed)

    found = yolox.read([raw], SIZE_PX, PEOPLE)

    expected = read_slowly(raw)
    np.testing.assert_allclose(found.scores, expected.scores, rtol=1e-5)
    np.testing.assert_allclose(found.boxes_px, expected.boxes_px, rtol=1e-4, atol=1e-3)


def test_nothing_likely_gives_no_boxes() -> None:
    found = yolox.read([raw_output(0) * 0], SIZE_PX, PEOPLE)

    assert len(found) == 0
    assert found.boxes_px.shape == (0, 4)


def test_a_box_has_the_score_of_its_surest_wanted_class() -> None:
    raw = raw_output(0)

    found = yolox.read([raw], SIZE_PX, np.array([1, 2]))

    swapped = raw.copy()
    swapped[..., 5] = raw[..., 6:8].max(axis=2)
    np.testing.assert_allclose(found.scores, read_slowly(swapped).scores, rtol=1e-5)


def test_overlaps_are_those_of_the_definition() -> None:
    rng = np.random.default_rng(0)
    corner = rng.random((12, 2)) * 50
    boxes = np.hstack([corner, corner + 1 + rng.random((12, 2)) * 40])

    matrix = overlaps(boxes[:5], boxes)

    for row, one in enumerate(boxes[:5].tolist()):
        for column, other in enumerate(boxes.tolist()):
            assert matrix[row, column] == pytest.approx(overlap_slowly(one, other))


@pytest.mark.parametrize(
    ("inputs", "outputs", "expected"),
    [
        pytest.param([[1, 3, 416, 416]], [[1, 3549, 85]], True, id="yolox-nano"),
        pytest.param([["batch", 3, 192, 192]], [["batch", 756, 6]], True, id="one class"),
        pytest.param([[1, 3, 416, 416]], [[1, 2704, 80], [1, 676, 80]], False, id="six outputs"),
        pytest.param([[1, 3, 640, 640]], [[1, 84, 8400]], False, id="no objectness"),
        pytest.param([[1, 3, "h", "w"]], [[1, "n", 85]], False, id="free size"),
        pytest.param([[1, 416, 416, 3]], [[1, 3549, 85]], False, id="channels last"),
        pytest.param([[1, 10]], [[1, 2]], False, id="no pictures"),
    ],
)
def test_a_layout_is_told_by_shapes(
    inputs: list[Shape], outputs: list[Shape], *, expected: bool
) -> None:
    assert yolox.fits(inputs, outputs) is expected
