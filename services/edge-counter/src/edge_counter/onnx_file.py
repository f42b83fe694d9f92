"""Changes the size of picture that an ONNX file declares to take.

A detector's exports are square; a camera's pictures are not, and a quarter to almost a half of
the work goes into the blank beside them. The convolutions do not care about the size: only the
declaration does. It is four dimensions in protobuf's wire format, 1 x 3 x height x width, and is
replaced by one of the same length, so that nothing around it moves.
"""

from collections.abc import Sequence


def with_input_size(model: bytes, declared: Sequence[int], wanted: Sequence[int]) -> bytes | None:
    """Return the model with another size of its input, or None where that cannot be done.

    Args:
        model: the file.
        declared, wanted: 1, 3, height and width in pixels.
    """
    old, new = _shape(declared), _shape(wanted)
    if len(old) != len(new) or model.count(old) != 1:
        return None
    return model.replace(old, new)


def _shape(sizes: Sequence[int]) -> bytes:
    """Write a TensorShapeProto's dimensions: field 1, each with the field 1 `dim_value`."""
    written = b""
    for size in sizes:
        value = b"\x08" + _varint(size)
        written += b"\x0a" + _varint(len(value)) + value
    return written


def _varint(value: int) -> bytes:
    digits = bytearray()
    while value > 0x7F:
        digits.append(value & 0x7F | 0x80)
        value >>= 7
    digits.append(value)
    return bytes(digits)
