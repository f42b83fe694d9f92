"""The declared size of a model's input is changed in place, or not at all."""

import pytest

from edge_counter.onnx_file import with_input_size

SQUARE = b"\x0a\x02\x08\x01\x0a\x02\x08\x03\x0a\x03\x08\xa0\x03\x0a\x03\x08\xa0\x03"
WIDE = b"\x0a\x02\x08\x01\x0a\x02\x08\x03\x0a\x03\x08\x80\x02\x0a\x03\x08\xa0\x03"


def test_the_size_is_replaced_and_nothing_else() -> None:
    resized = with_input_size(b"before" + SQUARE + b"after", (1, 3, 416, 416), (1, 3, 256, 416))

    assert resized == b"before" + WIDE + b"after"


@pytest.mark.parametrize(
    ("model", "wanted"),
    [
        (b"nothing of the kind", (1, 3, 256, 416)),
        (SQUARE + SQUARE, (1, 3, 256, 416)),
        (SQUARE, (1, 3, 96, 416)),
    ],
    ids=["not declared so", "not once", "a shorter number would move what follows"],
)
def test_what_is_not_certain_is_left_alone(model: bytes, wanted: tuple[int, ...]) -> None:
    assert with_input_size(model, (1, 3, 416, 416), wanted) is None
