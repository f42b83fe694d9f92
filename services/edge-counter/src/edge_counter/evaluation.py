"""Holds what was counted against what somebody has marked by hand. No I/O but reading the marks."""

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, get_args

from edge_counter.counting import Direction
from edge_counter.errors import BadMarks

TOLERANCE_S: Final = 1.0
_NEAR_S: Final = 5.0  # mistakes no further apart are of one moment
_DIRECTIONS: Final = get_args(Direction)


@dataclass(frozen=True, slots=True)
class Mark:
    """A crossing, marked by hand or counted.

    Args:
        time_s: on the clock of the clip.
        who: the person as somebody described them, or the name of a track.
    """

    time_s: float
    direction: Direction
    who: str = ""


@dataclass(frozen=True, slots=True)
class Moment:
    """Some seconds in which mistakes were made."""

    from_s: float
    to_s: float
    missed: int
    false: int


@dataclass(frozen=True, slots=True)
class Score:
    """How many were right, of one direction or both."""

    marked: int
    counted: int
    right: int

    @property
    def precision(self) -> float:
        """The share of what was counted that is right; 1 if nothing was counted."""
        return self.right / self.counted if self.counted else 1.0

    @property
    def recall(self) -> float:
        """The share of what is marked that was counted; 1 if nothing is marked."""
        return self.right / self.marked if self.marked else 1.0


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was counted, held against the marks.

    Args:
        right: pairs of a mark and what was counted of it.
        missed: marks of which nothing was counted.
        false: counted, and marked by nobody.
    """

    right: list[tuple[Mark, Mark]]
    missed: list[Mark]
    false: list[Mark]

    def score(self, direction: Direction | None = None) -> Score:
        """Count up one direction, or both."""

        def among(marks: Iterable[Mark]) -> int:
            return sum(direction in {None, mark.direction} for mark in marks)

        right = among(mark for mark, _ in self.right)
        return Score(right + among(self.missed), right + among(self.false), right)

    @property
    def worst_offset_s(self) -> float:
        """How far from its mark a right crossing was counted, at most."""
        return max((abs(mark.time_s - one.time_s) for mark, one in self.right), default=0.0)

    def moments(self) -> list[Moment]:
        """List the moments with mistakes, the worst first."""
        mistakes = [(one.time_s, True) for one in self.missed]
        mistakes += [(one.time_s, False) for one in self.false]
        groups: list[list[tuple[float, bool]]] = []
        for mistake in sorted(mistakes):
            if groups and mistake[0] - groups[-1][-1][0] <= _NEAR_S:
                groups[-1].append(mistake)
            else:
                groups.append([mistake])
        found = []
        for group in groups:
            missed = sum(is_missed for _, is_missed in group)
            found.append(Moment(group[0][0], group[-1][0], missed, len(group) - missed))
        return sorted(found, key=lambda one: (-one.missed - one.false, one.from_s))


def evaluate(
    counted: Sequence[Mark], marked: Sequence[Mark], *, tolerance_s: float = TOLERANCE_S
) -> Evaluation:
    """Pair what was counted with the marks: the nearest first, each once, in its direction."""
    pairs = sorted(
        (abs(mark.time_s - one.time_s), at, index)
        for at, mark in enumerate(marked)
        for index, one in enumerate(counted)
        if mark.direction == one.direction and abs(mark.time_s - one.time_s) <= tolerance_s
    )
    taken: dict[int, int] = {}
    used: set[int] = set()
    for _, at, index in pairs:
        if at not in taken and index not in used:
            taken[at] = index
            used.add(index)
    return Evaluation(
        right=[(marked[at], counted[index]) for at, index in sorted(taken.items())],
        missed=[mark for at, mark in enumerate(marked) if at not in taken],
        false=[one for index, one in enumerate(counted) if index not in used],
    )


def read_marks(path: Path, names: Mapping[str, Direction]) -> list[Mark]:
    """Read marks from a CSV file.

    It has a column `t_s`, seconds from the start, and `direction` or `dir`; `who` may describe the
    person. Lines that begin with # are notes.

    Args:
        names: what the file calls an entry and an exit.

    Raises:
        BadMarks: the file is missing, or is not that.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadMarks(f"{path}: cannot be read: {error}") from None
    numbered = [(at, line) for at, line in enumerate(lines, 1) if line and line[0] != "#"]
    rows = csv.DictReader(line for _, line in numbered)
    columns = set(rows.fieldnames or ())
    column = next((name for name in ("direction", "dir") if name in columns), None)
    if column is None or "t_s" not in columns:
        raise BadMarks(f"{path}: its first line must name the columns t_s and direction")
    marks = []
    for (at, _), row in zip(numbered[1:], rows, strict=False):
        said = (row[column] or "").strip()
        try:
            time_s = float(row["t_s"] or "")
        except ValueError:
            time_s = math.nan
        if not 0 <= time_s < math.inf:
            raise BadMarks(f"{path}, line {at}: t_s must be seconds from the start of the clip")
        if said not in names:
            known = " or ".join(names)
            raise BadMarks(f"{path}, line {at}: the direction {said!r} is not {known}")
        marks.append(Mark(time_s, names[said], (row.get("who") or "").strip()))
    return marks


def as_table(evaluation: Evaluation) -> str:
    """Write an evaluation for people."""
    rows = [f"{'':9} marked counted  right missed  false  precision recall"]
    for name in (*_DIRECTIONS, None):
        one = evaluation.score(name)
        missed, false = one.marked - one.right, one.counted - one.right
        rows.append(
            f"{name or 'both':9} {one.marked:6} {one.counted:7} {one.right:6} {missed:6} {false:6}"
            f"  {one.precision:9.3f} {one.recall:6.3f}"
        )
    if evaluation.right:
        rows.append(f"right ones are at most {evaluation.worst_offset_s:.2f} s from their marks")
    for word, marks in (("missed", evaluation.missed), ("false", evaluation.false)):
        rows += [f"{word:9}{one.time_s:8.1f} s  {one.direction:5}  {one.who}" for one in marks]
    for moment in evaluation.moments()[:5]:
        rows.append(
            f"look at  {moment.from_s:8.1f} s to {moment.to_s:.1f} s:"
            f" {moment.missed} missed, {moment.false} false"
        )
    return "\n".join(rows)


def as_document(evaluation: Evaluation) -> dict[str, object]:
    """Write an evaluation for programs."""
    scores = {}
    for name in (*_DIRECTIONS, None):
        one = evaluation.score(name)
        scores[name or "both"] = {
            "marked": one.marked,
            "counted": one.counted,
            "right": one.right,
            "precision": round(one.precision, 4),
            "recall": round(one.recall, 4),
        }

    def listed(marks: Iterable[Mark]) -> list[dict[str, object]]:
        return [
            {"t_s": round(one.time_s, 2), "direction": one.direction, "who": one.who}
            for one in marks
        ]

    return {
        **scores,
        "worst_offset_s": round(evaluation.worst_offset_s, 2),
        "missed": listed(evaluation.missed),
        "false": listed(evaluation.false),
    }
