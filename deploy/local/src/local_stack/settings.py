"""Where the local stack keeps its things and which ports it takes."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT = Path(__file__).parents[4]
# What `make web` builds.
WEB = PROJECT / "web/dist"


class Settings(BaseSettings):
    """Read from `ATRIUM_…`; ports are on `host`, the internal ones always on loopback."""

    model_config = SettingsConfigDict(env_prefix="ATRIUM_", frozen=True)

    state_dir: Path = Field(PROJECT / ".local", description="The servers' data and the secrets.")
    servers_dir: Path = Field(
        PROJECT / ".local/servers", description="Kafka and PostgreSQL themselves, fetched once."
    )
    host: str = Field("127.0.0.1", description="Address that the gateway listens on.")
    port: int = Field(8000, description="Port of the circle_time edition.")
    university_port: int = Field(3000, description="Port of the university edition.")
    kafka_port: int = 19092
    postgres_port: int = 15432
    internal_port: int = Field(8100, description="First of the services' own ports, on loopback.")
    timezone: str = Field("UTC", description="IANA zone of buildings that name none.")
    demo: bool = Field(
        default=True, description="Demo accounts, a building, and a clip that is counted."
    )
    log_style: str = "text"

    @property
    def state(self) -> Path:
        """The state folder, absolute."""
        return self.state_dir.expanduser().absolute()

    @property
    def servers(self) -> Path:
        """The servers' folder, absolute."""
        return self.servers_dir.expanduser().absolute()

    @property
    def service_ports(self) -> dict[str, int]:
        """Internal port of each process that answers HTTP."""
        names = ("gateway", "rooms", "occupancy", "bookings", "edge", "panel", "analytics")
        return {name: self.internal_port + offset for offset, name in enumerate(names)}

    @property
    def listening_ports(self) -> dict[int, str]:
        """Every port that `make run` takes, and the setting that moves it."""
        return {
            self.port: "ATRIUM_PORT",
            self.university_port: "ATRIUM_UNIVERSITY_PORT",
            self.postgres_port: "ATRIUM_POSTGRES_PORT",
            self.kafka_port: "ATRIUM_KAFKA_PORT",
            self.kafka_port + 1: "ATRIUM_KAFKA_PORT",
            **dict.fromkeys(self.service_ports.values(), "ATRIUM_INTERNAL_PORT"),
        }
