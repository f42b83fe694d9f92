"""What `edge-counter run` reads from the environment."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from common.settings import ProcessSettings


class Settings(ProcessSettings):
    """One camera and where its crossings go. Names carry `EDGE_` in front."""

    model_config = SettingsConfigDict(env_prefix="EDGE_")

    id: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
        description="Name of this edge-counter, unique in the installation.",
    )
    camera: str = Field(
        min_length=1, description="The camera in Atrium: its code, as LOBBY_1, or its integer id."
    )
    source: SecretStr = Field(
        description="What it sees: an rtsp:// or http:// address, a file, or a clip's name (vtest)."
    )
    api_url: str = Field(
        "http://127.0.0.1:8000",
        pattern=r"^https?://",
        description="Atrium's gateway, for the camera and its lines.",
    )
    device_token: SecretStr | None = Field(
        None, description="Token of this device for the gateway, if it asks for one."
    )
    state_dir: Path = Field(
        Path(".local/edge"),
        description="Folder of the spool; it must survive restarts, or EDGE_ID must change.",
    )
    model: str | None = Field(
        None,
        description="yolox-nano, nanodet-m, hog or an ONNX file; empty: the first, else hog.",
    )
    classes: str = Field(
        "person",
        description="What is counted: names of the model's classes with commas between them.",
    )
    min_confidence: float | None = Field(
        None,
        ge=0.2,
        le=1,
        description="How sure the model must once have been of who is counted, 0.2 to 1;"
        " empty: as recommended for it.",
    )
    anchor: Literal["foot", "centre"] = Field(
        "foot", description="The point of a person that crosses: foot, or centre of the box."
    )
    loop: bool = Field(default=False, description="Play a file again and again, as a demo camera.")
    speed: float = Field(
        1.0, ge=0, le=1000, description="Pace of a file: 1 is real time, 0 as fast as it can."
    )
    take: str = Field(
        "1",
        max_length=64,
        description="Any other value plays, and counts, a file that was finished once again.",
    )
    poll_s: float = Field(
        10.0, gt=0, description="Seconds between looks for changed lines at the gateway."
    )
    silent_after_s: float = Field(
        5.0, ge=1, description="Seconds without a picture until a stream is opened anew."
    )
    host: str = Field("127.0.0.1", description="Address of /healthz, /readyz and /metrics.")
    port: int = Field(8106, ge=0, le=65535, description="Their port.")
