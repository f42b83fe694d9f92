"""Whether a camera still sees its door, on real clips and on drawn pictures."""

from collections.abc import Callable, Iterator
from itertools import islice, repeat

import cv2
import numpy as np
import pytest

from edge_counter.assets import assets, find
from edge_counter.detections import Image
from edge_counter.picture import Look, Watch

Change = Callable[[Image], Image]
CLIPS = ("vtest", "one-by-one")
dice = np.random.default_rng(7)


def room(seed: int = 1) -> Image:
    """Draw a room: edges in all directions."""
    chance = np.random.default_rng(seed)
    picture = np.full((360, 480, 3), 120, np.uint8)
    for _ in range(25):
        x, y, side = chance.integers(0, 480), chance.integers(0, 360), chance.integers(30, 140)
        colour = tuple(int(level) for level in chance.integers(30, 230, 3))
        cv2.rectangle(picture, (x, y), (x + side, y + side // 2 + 20), colour, -1)
        cv2.line(picture, (x, y), (x + side, y - side), colour, 5)
    return picture


def noisy(picture: Image) -> Image:
    """Add what every sensor adds."""
    return np.clip(picture + dice.normal(0, 2, picture.shape), 0, 255).astype(np.uint8)


def verdicts(watch: Watch, pictures: Iterator[Image], begin_s: float = 0) -> list[str]:
    """Look once a second."""
    return [watch.see(Look.at(one), begin_s + second) for second, one in enumerate(pictures)]


def seconds_of(clip: str) -> Iterator[Image]:
    """Give the first picture of every second of a clip."""
    path = find(assets()[clip])
    if path is None:
        pytest.skip(f"the clip {clip} is not on this machine")
    capture = cv2.VideoCapture(str(path))
    index = 0
    while capture.grab():
        if index % 10 == 0:
            yield capture.retrieve()[1]
        index += 1


@pytest.mark.parametrize("clip", CLIPS)
@pytest.mark.parametrize(
    "light",
    [
        pytest.param(1.0, id="as it is"),
        pytest.param(0.3, id="at dusk"),
        pytest.param(1.4, id="glaring"),
    ],
)
def test_a_real_door_with_people_is_good_throughout(clip: str, light: float) -> None:
    pictures = (cv2.convertScaleAbs(one, alpha=light) for one in seconds_of(clip))

    seen = verdicts(Watch(), pictures)

    assert len(seen) > 60
    assert set(seen) == {"good"}


@pytest.mark.parametrize("clip", CLIPS)
def test_daylight_that_fades_slowly_is_good(clip: str) -> None:
    scenes = list(seconds_of(clip))
    fading = (
        cv2.convertScaleAbs(one, alpha=1 - 0.8 * second / len(scenes))
        for second, one in enumerate(scenes)
    )

    assert set(verdicts(Watch(), fading)) == {"good"}


def turned(picture: Image) -> Image:
    """Turn the camera by a tenth of what it sees."""
    return np.roll(picture, picture.shape[1] // 10, axis=1)


def upside_down(picture: Image) -> Image:
    return picture[::-1, ::-1]


@pytest.mark.parametrize("clip", CLIPS)
@pytest.mark.parametrize("change", [turned, upside_down], ids=["turned", "upside down"])
def test_a_moved_camera_is_told_after_20_s_and_until_it_is_put_back(
    clip: str, change: Change
) -> None:
    scenes = list(islice(seconds_of(clip), 70))
    watch = Watch()
    assert set(verdicts(watch, iter(scenes[:30]))) == {"good"}

    away = verdicts(watch, (change(one) for one in scenes[30:60]), 30)
    back = verdicts(watch, iter(scenes[60:]), 60)

    assert away[:20] == ["good"] * 20
    assert away[20:] == ["moved"] * 10
    assert set(back) == {"good"}


def test_new_lines_make_the_view_of_now_the_right_one() -> None:
    watch = Watch()
    verdicts(watch, (noisy(room()) for _ in range(15)))
    moved = verdicts(watch, (noisy(room(2)) for _ in range(25)), 15)

    watch.begin_anew()

    assert moved[-1] == "moved"
    assert set(verdicts(watch, (noisy(room(2)) for _ in range(40)), 40)) == {"good"}


def test_somebody_close_to_the_camera_who_walks_on_is_no_other_view() -> None:
    hidden = cv2.rectangle(room(), (60, 0), (460, 360), (60, 60, 60), -1)
    watch = Watch()
    verdicts(watch, (noisy(room()) for _ in range(15)))

    seen = verdicts(watch, (noisy(hidden) for _ in range(15)), 15)
    seen += verdicts(watch, (noisy(room()) for _ in range(15)), 30)

    assert set(seen) == {"good"}


def test_a_frozen_picture_is_told_after_30_s_and_noise_alone_ends_it() -> None:
    watch = Watch()
    verdicts(watch, (noisy(room()) for _ in range(15)))

    still = verdicts(watch, repeat(noisy(room()), 35), 15)
    alive = verdicts(watch, (noisy(room()) for _ in range(2)), 50)

    assert still[:31] == ["good"] * 31
    assert still[31:] == ["frozen"] * 4
    assert alive == ["good", "good"]


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        pytest.param(np.full((360, 480, 3), 8, np.uint8), "dark", id="covered"),
        pytest.param((room() * 0.03).astype(np.uint8), "dark", id="no light"),
        pytest.param(cv2.circle(room() // 12, (90, 90), 60, (250,) * 3, -1), "good", id="one lamp"),
        pytest.param(np.full((360, 480, 3), 90, np.uint8), "good", id="a grey wall"),
    ],
)
def test_a_dark_picture_is_told_after_10_s(picture: Image, expected: str) -> None:
    seen = verdicts(Watch(), (noisy(picture) for _ in range(12)))

    assert seen == ["good"] * 10 + [expected] * 2


def test_light_that_comes_back_to_the_same_view_is_good_at_once() -> None:
    watch = Watch()
    verdicts(watch, (noisy(room()) for _ in range(15)))
    dark = verdicts(watch, (noisy(room() // 40) for _ in range(40)), 15)

    light = verdicts(watch, (noisy(room()) for _ in range(30)), 55)

    assert dark[-1] == "dark"
    assert set(light) == {"good"}


def test_a_run_that_begins_at_night_takes_the_first_light_for_its_view() -> None:
    watch = Watch()
    verdicts(watch, (noisy(room() // 40) for _ in range(40)))

    assert set(verdicts(watch, (noisy(room()) for _ in range(40)), 40)) == {"good"}
