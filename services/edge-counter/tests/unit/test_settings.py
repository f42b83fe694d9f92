"""Settings come from the environment and hold their secrets back."""

import pytest
from pydantic import ValidationError

from edge_counter.settings import Settings

NEEDED = {"EDGE_ID": "lobby-1", "EDGE_CAMERA": "LOBBY", "EDGE_SOURCE": "rtsp://bob:secret@cam/1"}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in NEEDED.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_three_settings_are_enough(environment: pytest.MonkeyPatch) -> None:
    settings = Settings()

    assert (settings.id, settings.camera, settings.port, settings.speed) == (
        "lobby-1",
        "LOBBY",
        8106,
        1.0,
    )
    assert settings.model is None


def test_no_secret_is_shown(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("EDGE_DEVICE_TOKEN", "atd_canary")

    shown = repr(Settings())

    assert "secret" not in shown
    assert "canary" not in shown


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("EDGE_ID", "lobby 1", id="an id that is no EdgeId"),
        pytest.param("EDGE_SPEED", "-1", id="backwards"),
        pytest.param("EDGE_ANCHOR", "head", id="unknown anchor"),
        pytest.param("EDGE_PORT", "70000", id="no port"),
        pytest.param("EDGE_MIN_CONFIDENCE", "0.1", id="less sure than any box"),
        pytest.param("EDGE_MIN_CONFIDENCE", "1.5", id="more than sure"),
        pytest.param("EDGE_MAX_FPS", "0", id="no pictures"),
        pytest.param("EDGE_CAMERA", "", id="a source of no camera"),
        pytest.param("EDGE_SOURCE", "", id="a camera without a source"),
        pytest.param("EDGE_SOURCES", "HALL=hall.mp4", id="both one camera and several"),
        pytest.param("EDGE_API_URL", "ftp://atrium", id="no web address"),
    ],
)
def test_a_wrong_setting_is_refused(environment: pytest.MonkeyPatch, name: str, value: str) -> None:
    environment.setenv(name, value)

    with pytest.raises(ValidationError):
        Settings()


@pytest.fixture
def several(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Leave out the single camera."""
    monkeypatch.setenv("EDGE_ID", "lobby-1")
    monkeypatch.delenv("EDGE_CAMERA", raising=False)
    monkeypatch.delenv("EDGE_SOURCE", raising=False)
    return monkeypatch


def test_addresses_of_several_cameras_stand_on_a_line_each(several: pytest.MonkeyPatch) -> None:
    several.setenv("EDGE_SOURCES", "HALL=hall.mp4\n\n LOBBY = rtsp://bob:se;cret=@cam/1?x=y \n")

    settings = Settings()

    assert settings.addresses() == {"HALL": "hall.mp4", "LOBBY": "rtsp://bob:se;cret=@cam/1?x=y"}
    assert "se;cret" not in repr(settings)


@pytest.mark.parametrize(
    ("sources", "told"),
    [
        pytest.param("rtsp://bob:canary@cam/1?a=b", "line 1, is not CODE=address", id="no code"),
        pytest.param("HALL=a.mp4\nrtsp://bob:canary@cam", "line 2", id="no code in line 2"),
        pytest.param("HALL=", "line 1", id="no address"),
        pytest.param("HALL=canary\nHALL=canary", "names HALL twice", id="twice"),
    ],
)
def test_wrong_addresses_are_refused_without_showing_them(
    several: pytest.MonkeyPatch, sources: str, told: str
) -> None:
    several.setenv("EDGE_SOURCES", sources)

    with pytest.raises(ValidationError) as raised:
        Settings()

    (finding,) = raised.value.errors(include_input=False)
    assert told in finding["msg"]
    assert "canary" not in finding["msg"]
