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
        pytest.param("EDGE_API_URL", "ftp://atrium", id="no web address"),
    ],
)
def test_a_wrong_setting_is_refused(environment: pytest.MonkeyPatch, name: str, value: str) -> None:
    environment.setenv(name, value)

    with pytest.raises(ValidationError):
        Settings()
