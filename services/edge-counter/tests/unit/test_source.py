"""What a source shows of itself."""

import pytest

from edge_counter.camera import Source
from edge_counter.player import Playing


@pytest.mark.parametrize(
    ("address", "is_stream", "shown"),
    [
        pytest.param("clips/door.mp4", False, "clips/door.mp4", id="file"),
        pytest.param("rtsp://cam/1", True, "rtsp://cam/1", id="stream"),
        pytest.param("rtsp://bob:pa%40ss@cam:554/1", True, "rtsp://cam:554/1", id="password"),
        pytest.param("rtsp://bob:p@ss@cam/1", True, "rtsp://cam/1", id="an @ in the password"),
        pytest.param("http://cam/1?user=bob&pwd=x", True, "http://cam/1", id="query"),
        pytest.param("RTSPS://bob@cam/1", True, "rtsps://cam/1", id="user"),
    ],
)
def test_a_source_shows_no_secret(address: str, shown: str, *, is_stream: bool) -> None:
    source = Source(address)

    assert source.is_stream is is_stream
    assert str(source) == shown
    assert "bob" not in repr(source)


def test_how_a_source_is_played_shows_no_secret() -> None:
    playing = Playing(
        address="rtsp://bob:secret@cam/1",
        anchor="foot",
        is_looped=False,
        speed=1,
        take="1",
        silent_after_s=5,
        open_within_s=5,
        reopen_s=2,
        most_per_s=10,
        when_full="drop_oldest",
    )

    assert "secret" not in repr(playing)
