"""What `edge-counter run` reads from the environment."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from common.settings import ProcessSettings
from edge_counter.spool import MOST_MB, WhenFull


class Settings(ProcessSettings):
    """The cameras and where their crossings go. Names carry `EDGE_` in front."""

    model_config = SettingsConfigDict(env_prefix="EDGE_", env_ignore_empty=True)

    id: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
        description="Name of this edge-counter, unique in the installation.",
    )
    camera: str | None = Field(
        None,
        description="For a single camera: its code in Atrium, as LOBBY_1, or its integer id."
        " Without it Atrium says which cameras there are.",
    )
    source: SecretStr | None = Field(
        None,
        description="What it sees: an rtsp:// or http:// address, a file, a clip's name (vtest).",
    )
    sources: SecretStr | None = Field(
        None,
        description="Without EDGE_CAMERA: addresses that Atrium does not know, or not as they are"
        " here; CODE=address, each on a line of its own.",
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
    spool_max_mb: float = Field(
        MOST_MB, ge=1, description="What crossings that wait for Kafka may take of the disk."
    )
    spool_full: WhenFull = Field(
        "drop_oldest",
        description="What then becomes of crossings: drop_oldest gives the oldest up and says so;"
        " block keeps them all, and counting stops when no more fit into memory.",
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
    snapshots: bool = Field(
        default=True,
        description="Send a picture when an operator in Atrium asks for one, to draw lines on;"
        " 0: none ever leaves.",
    )
    silent_after_s: float = Field(
        5.0, ge=1, description="Seconds without a picture until a stream is opened anew."
    )
    open_within_s: float = Field(10.0, ge=1, description="Seconds that a stream may take to open.")
    reopen_s: float = Field(
        1.0, gt=0, description="Longest pause in seconds before a stream is opened anew."
    )
    max_fps: float = Field(
        10.0,
        gt=0,
        description="Pictures a second and camera in which people are looked for; 5 are needed.",
    )
    heartbeat_s: float = Field(
        10.0, ge=1, le=30, description="Seconds between heartbeats; Atrium expects 10."
    )
    host: str = Field("127.0.0.1", description="Address of /healthz, /readyz and /metrics.")
    port: int = Field(8106, ge=0, le=65535, description="Their port.")

    @model_validator(mode="after")
    def _one_camera_or_all(self) -> Self:
        if self.camera and not self.source:
            raise ValueError("EDGE_CAMERA needs EDGE_SOURCE, what that camera sees")
        if self.source and not self.camera:
            raise ValueError(
                "EDGE_SOURCE needs EDGE_CAMERA; for several cameras leave both out, and give"
                " addresses in Atrium or by EDGE_SOURCES"
            )
        if self.camera and self.sources:
            raise ValueError("EDGE_SOURCES is for several cameras: leave EDGE_CAMERA out")
        self.addresses()
        return self

    def addresses(self) -> dict[str, str]:
        """Return what EDGE_SOURCES says, by the camera's code.

        Raises:
            ValueError: a line is not CODE=address; the message holds no address.
        """
        text = self.sources.get_secret_value() if self.sources else ""
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        addresses: dict[str, str] = {}
        for number, line in enumerate(lines, 1):
            code, is_there, address = (part.strip() for part in line.partition("="))
            if not (code and is_there and address) or "/" in code:
                raise ValueError(f"EDGE_SOURCES, line {number}, is not CODE=address")
            if code in addresses:
                raise ValueError(f"EDGE_SOURCES names {code} twice")
            addresses[code] = address
        return addresses
