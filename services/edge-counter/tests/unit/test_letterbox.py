"""Putting pictures into the input of a model."""

import numpy as np
import pytest

from edge_counter.letterbox import Letterbox

COLOUR_BGR = (10, 20, 30)


def filled_with(picture: tuple[int, int], colour: tuple[int, ...]) -> np.ndarray:
    frame = np.zeros((*picture, 3), np.uint8)
    frame[:] = colour
    return frame


@pytest.mark.parametrize(
    ("picture", "scale", "filled"),
    [
        pytest.param((32, 48), 2.0, (64, 96), id="enlarged"),
        pytest.param((128, 96), 0.5, (64, 48), id="tall"),
        pytest.param((64, 192), 0.5, (32, 96), id="wide"),
        pytest.param((1, 3000), 0.032, (1, 96), id="never less than a pixel"),
    ],
)
def test_a_picture_goes_into_the_top_left_and_nowhere_else(
    picture: tuple[int, int], scale: float, filled: tuple[int, int]
) -> None:
    tensor = np.empty((1, 3, 64, 96), np.float32)

    letterbox = Letterbox(filled_with(picture, (0, 0, 0)), tensor, blank=114)
    letterbox.fill(filled_with(picture, COLOUR_BGR))

    rows, columns = filled
    assert letterbox.scale == pytest.approx(scale)
    assert np.unique(tensor[0, :, :rows, :columns], axis=0).reshape(3, -1)[:, 0].tolist() == [
        10,
        20,
        30,
    ]
    assert (tensor[0, :, rows:] == 114).all()
    assert (tensor[0, :, :, columns:] == 114).all()


def test_colours_are_told_as_distances_from_the_mean_in_deviations() -> None:
    frame = filled_with((64, 96), COLOUR_BGR)
    tensor = np.empty((1, 3, 64, 96), np.float32)

    letterbox = Letterbox(frame, tensor, blank=0, mean_bgr=(10, 10, 40), deviation_bgr=(2, 4, 5))
    letterbox.fill(frame)

    np.testing.assert_allclose(tensor[0, :, 10, 10], (0, 2.5, -2), rtol=1e-6)
