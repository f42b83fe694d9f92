"""Follows people from picture to picture: ByteTrack on the real time between them.

After Zhang et al., "ByteTrack: Multi-Object Tracking by Associating Every Detection Box"
(ECCV 2022): boxes of high score are matched to the tracks first, those of low score only to what
is left. Unlike there, time is in seconds, not in frames, so that lost pictures and slow cameras
change how far a track is expected to have moved.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge_counter.assignment import assign
from edge_counter.detections import Detections, overlaps

ACTIVATION: Final = 0.6  # score from which an unmatched box begins a track
HIGH: Final = 0.5  # score from which a box is matched first; activation, if that is lower
LOW: Final = 0.2  # score under which a box is ignored
HITS: Final = 2  # pictures with the same person until a track is confirmed
BUFFER_S: Final = 1.0  # how long a track outlives its last box
GRACE_S: Final = 0.35  # the same for one that is not confirmed; see benchmarks/counting
OVERLAP: Final = 0.02  # least intersection over union of a match; see benchmarks/counting

# Standard deviations, as shares of the height of the box.
_MEASURED: Final = 0.05  # of a detector's box edges
_FIRST_SPEED: Final = np.array([1.0, 1.0, 0.3, 0.3])  # per second; a walker does about 0.8
# Of the speed in a second: with more, people who meet go on as each other (benchmarks/counting).
_SPEED_DRIFT: Final = np.array([0.3, 0.3, 0.09, 0.09])

_Doubles = NDArray[np.float64]

# Centre x, centre y, width and height are four independent constant-velocity Kalman filters:
# position, velocity, and the three different entries of their covariance.
_TRACK: Final = np.dtype(
    [
        ("position", np.float64, 4),
        ("velocity", np.float64, 4),
        ("position_variance", np.float64, 4),
        ("covariance", np.float64, 4),
        ("velocity_variance", np.float64, 4),
        ("id", np.int64),  # 0 until confirmed
        ("hits", np.int64),
        ("seen_at_s", np.float64),
        ("confidence", np.float64),
    ]
)


@dataclass(frozen=True, slots=True)
class Tracks:
    """The confirmed tracks that were seen in one picture.

    Args:
        ids: (n,), from 1, never used again.
        boxes_px: (n, 4), as the detector found them.
        confidences: (n,), the best score that each track has had.
        ended: ids of tracks that will not be seen again.
    """

    ids: NDArray[np.int64]
    boxes_px: NDArray[np.float32]
    confidences: NDArray[np.float64]
    ended: tuple[int, ...]


class Tracker:
    """Gives the boxes of one person one id, from picture to picture.

    Args:
        activation: score from which an unmatched box begins a track.
    """

    def __init__(self, activation: float = ACTIVATION) -> None:
        self._activation = activation
        self._high = min(HIGH, activation)
        self._tracks = np.empty(0, _TRACK)
        self._time_s = 0.0
        self._last_id = 0

    def update(self, detections: Detections, time_s: float) -> Tracks:
        """Take the boxes of the next picture.

        Args:
            detections: of the picture.
            time_s: when it was taken; not before the last one.
        """
        patience_s = np.where(self._tracks["id"] > 0, BUFFER_S, GRACE_S)
        gone = self._keep(time_s - self._tracks["seen_at_s"] <= patience_s)
        elapsed_s, was_at_s = time_s - self._time_s, self._time_s
        self._time_s = time_s
        _predict(self._tracks, elapsed_s)
        found = self._match(detections, was_at_s)
        is_hit = found >= 0
        _correct(self._tracks, is_hit, detections, found[is_hit], time_s)
        self._confirm()
        seen = is_hit & (self._tracks["id"] > 0)
        tracks = Tracks(
            ids=self._tracks["id"][seen],
            boxes_px=detections.boxes_px[found[seen]],
            confidences=self._tracks["confidence"][seen],
            ended=gone,
        )
        self._begin(detections, found, time_s)
        return tracks

    def _match(self, detections: Detections, was_at_s: float) -> NDArray[np.int64]:
        """Return for each track the index of its box, or -1.

        First the boxes of high score with confirmed tracks; then those of low score with what
        is left of the tracks that the last picture still had; last, what is left of the high
        ones with unconfirmed tracks.
        """
        found = np.full(len(self._tracks), -1, np.int64)
        is_free = detections.scores >= LOW
        is_high = detections.scores >= self._high
        is_confirmed = self._tracks["id"] > 0
        is_fresh = self._tracks["seen_at_s"] >= was_at_s
        overlap = overlaps(_boxes_px(self._tracks), detections.boxes_px).astype(np.float64)
        for tracks, boxes in (
            (is_confirmed, is_high),
            (is_confirmed & is_fresh, ~is_high),
            (~is_confirmed, is_high),
        ):
            rows = np.flatnonzero(tracks & (found < 0))
            columns = np.flatnonzero(boxes & is_free)
            if not rows.size or not columns.size:
                continue
            row, column = _pair(overlap[rows[:, None], columns])
            found[rows[row]] = columns[column]
            is_free[columns[column]] = False
        return found

    def _confirm(self) -> None:
        new = np.flatnonzero((self._tracks["id"] == 0) & (self._tracks["hits"] >= HITS))
        self._tracks["id"][new] = self._last_id + 1 + np.arange(len(new))
        self._last_id += len(new)

    def _begin(self, detections: Detections, found: NDArray[np.int64], time_s: float) -> None:
        is_new = detections.scores >= self._activation
        is_new[found[found >= 0]] = False
        tracks = np.zeros(int(is_new.sum()), _TRACK)
        tracks["position"] = _measured(detections.boxes_px[is_new])
        height_px = tracks["position"][:, 3:]
        tracks["position_variance"] = (_MEASURED * height_px) ** 2
        tracks["velocity_variance"] = (_FIRST_SPEED * height_px) ** 2
        tracks["hits"] = 1
        tracks["seen_at_s"] = time_s
        tracks["confidence"] = detections.scores[is_new]
        self._tracks = np.concatenate([self._tracks, tracks])

    def _keep(self, is_kept: NDArray[np.bool_]) -> tuple[int, ...]:
        """Drop the other tracks; return the ids that they had."""
        dropped = self._tracks["id"][~is_kept]
        self._tracks = self._tracks[is_kept]
        return tuple(int(track) for track in dropped if track > 0)


def _predict(tracks: NDArray[np.void], elapsed_s: float) -> None:
    """Move tracks on by their velocity; white-noise acceleration widens the covariance."""
    density = (_SPEED_DRIFT * tracks["position"][:, 3:]) ** 2
    tracks["position"] += elapsed_s * tracks["velocity"]
    tracks["position_variance"] += (
        2 * elapsed_s * tracks["covariance"]
        + elapsed_s**2 * tracks["velocity_variance"]
        + elapsed_s**3 / 3 * density
    )
    tracks["covariance"] += elapsed_s * tracks["velocity_variance"] + elapsed_s**2 / 2 * density
    tracks["velocity_variance"] += elapsed_s * density


def _correct(
    tracks: NDArray[np.void],
    is_hit: NDArray[np.bool_],
    detections: Detections,
    found: NDArray[np.int64],
    time_s: float,
) -> None:
    """Pull the tracks that were seen towards their boxes: the Kalman update."""
    hit = tracks[is_hit]
    innovation = _measured(detections.boxes_px[found]) - hit["position"]
    noise = (_MEASURED * hit["position"][:, 3:]) ** 2
    total = hit["position_variance"] + noise
    gain = hit["position_variance"] / total
    velocity_gain = hit["covariance"] / total
    hit["position"] += gain * innovation
    hit["velocity"] += velocity_gain * innovation
    hit["velocity_variance"] -= velocity_gain * hit["covariance"]
    hit["covariance"] *= 1 - gain
    hit["position_variance"] *= 1 - gain
    hit["hits"] += 1
    hit["seen_at_s"] = time_s
    hit["confidence"] = np.maximum(hit["confidence"], detections.scores[found])
    tracks[is_hit] = hit


def _pair(overlap: _Doubles) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pair rows with columns so that the sum of overlaps is largest, without slight ones."""
    is_near = overlap >= OVERLAP
    if (is_near.sum(axis=0) <= 1).all() and (is_near.sum(axis=1) <= 1).all():
        row, column = np.nonzero(is_near)  # nobody is near two: most pictures, and far faster
        return row, column
    row, column = assign(np.where(is_near, overlap, 0))
    is_match = is_near[row, column]
    return row[is_match], column[is_match]


def _measured(boxes_px: NDArray[np.float32]) -> _Doubles:
    """Turn corners into centre x, centre y, width and height."""
    size = boxes_px[:, 2:] - boxes_px[:, :2]
    return np.concatenate([boxes_px[:, :2] + size / 2, size], axis=1, dtype=np.float64)


def _boxes_px(tracks: NDArray[np.void]) -> _Doubles:
    centre, size = tracks["position"][:, :2], tracks["position"][:, 2:]
    return np.concatenate([centre - size / 2, centre + size / 2], axis=1)
