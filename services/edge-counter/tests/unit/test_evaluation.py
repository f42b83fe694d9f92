"""What was counted against what somebody has marked."""

from pathlib import Path

import pytest

from edge_counter.errors import BadMarks
from edge_counter.evaluation import Mark, Moment, Score, as_table, evaluate, read_marks

NAMES = {"entry": "entry", "exit": "exit"}


def test_each_crossing_is_of_one_mark_of_its_direction_and_the_nearest_first() -> None:
    marked = [Mark(10, "entry"), Mark(10.8, "entry"), Mark(20, "exit"), Mark(30, "entry")]
    counted = [Mark(10.7, "entry"), Mark(10.1, "entry"), Mark(20.2, "entry"), Mark(31.1, "entry")]

    found = evaluate(counted, marked)

    assert found.right == [(marked[0], counted[1]), (marked[1], counted[0])]
    assert found.missed == marked[2:]
    assert found.false == counted[2:]
    assert found.worst_offset_s == pytest.approx(0.1)


def test_scores_are_by_direction_and_of_both() -> None:
    found = evaluate([Mark(1, "entry"), Mark(5, "exit")], [Mark(1, "entry"), Mark(9, "entry")])

    assert found.score("entry") == Score(marked=2, counted=1, right=1)
    assert found.score("exit") == Score(marked=0, counted=1, right=0)
    assert (found.score().precision, found.score().recall) == (0.5, 0.5)
    assert (found.score("exit").precision, found.score("exit").recall) == (0.0, 1.0)


def test_mistakes_that_are_near_each_other_are_one_moment_and_the_worst_comes_first() -> None:
    marked = [Mark(3, "entry"), Mark(40, "exit"), Mark(44, "exit")]

    found = evaluate([Mark(48, "entry")], marked)

    assert found.moments() == [Moment(40, 48, 2, 1), Moment(3, 3, 1, 0)]
    assert "look at      40.0 s to 48.0 s: 2 missed, 1 false" in as_table(found)


def test_nothing_counted_of_nothing_is_no_mistake() -> None:
    found = evaluate([], [])

    assert (found.score().precision, found.score().recall) == (1.0, 1.0)
    assert found.moments() == []


def test_marks_are_read_with_notes_and_names_of_their_own(tmp_path: Path) -> None:
    file = tmp_path / "marks.csv"
    file.write_text("# by hand\n\nframe,t_s,dir,who\n12,1.2,L,red jacket\n# later\n46,4.6,R,\n")

    marks = read_marks(file, {"R": "entry", "L": "exit"})

    assert marks == [Mark(1.2, "exit", "red jacket"), Mark(4.6, "entry")]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "cannot be read"),
        ("", "its first line must name"),
        ("time,direction\n1,entry\n", "its first line must name"),
        ("t_s,who\n1,x\n", "its first line must name"),
        ("t_s,direction\nsoon,entry\n", "line 2: t_s"),
        ("# note\nt_s,direction\n1,entry\n-1,exit\n", "line 4: t_s"),
        ("t_s,direction\nnan,entry\n", "line 2: t_s"),
        ("t_s,direction\n1,left\n", "line 2: the direction 'left' is not entry or exit"),
        ("t_s,direction\n1\n", "line 2: the direction ''"),
    ],
    ids=str,
)
def test_what_cannot_be_read_is_named_by_its_line(
    tmp_path: Path, text: str | None, says: str
) -> None:
    file = tmp_path / "marks.csv"
    if text is not None:
        file.write_text(text)

    with pytest.raises(BadMarks, match=says):
        read_marks(file, NAMES)
