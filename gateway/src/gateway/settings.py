"""What the gateway reads from the environment."""

from datetime import timedelta
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from common.identity import Role
from common.settings import DatabaseSettings


class Settings(DatabaseSettings):
    """Names begin with GATEWAY_, but for those that other processes read too."""

    model_config = SettingsConfigDict(env_prefix="GATEWAY_")

    host: str = Field("127.0.0.1", description="Address of the public ports.")
    port: int = Field(8000, description="Port of the circle_time edition.")
    university_port: int = Field(3000, description="Port of the university edition.")
    university_hosts: str = Field(
        "",
        description="Host names that mean the university edition on either port, comma-separated.",
    )
    operations_host: str = Field("127.0.0.1", description="Address of health and metrics.")
    operations_port: int = Field(8100, description="Port of health and metrics; never public.")
    identity_key: SecretStr = Field(
        description="Signs identities: base64 of a raw Ed25519 private key (`gateway new-key`)."
    )
    rooms_url: str = Field("http://127.0.0.1:8101", description="Where the rooms service answers.")
    bookings_url: str = Field("http://127.0.0.1:8103", description="Likewise bookings.")
    panel_url: str = Field("http://127.0.0.1:8105", description="Likewise panel.")
    analytics_url: str = Field("http://127.0.0.1:8106", description="Likewise analytics.")
    occupancy_url: str = Field("http://127.0.0.1:8102", description="Likewise occupancy.")
    trusted_proxies: int = Field(
        0,
        ge=0,
        description="Proxies of ours before the gateway: so many entries of X-Forwarded-For and"
        " X-Forwarded-Proto are believed, counted from the right.",
    )
    cors_origins: str = Field("", description="Origins that may call from a browser.")
    room_managers: str = Field(
        "ADMIN,FACULTY,STAFF", description="Roles that may create and change rooms."
    )
    occupancy_public: bool = Field(
        default=True,
        validation_alias="OCCUPANCY_PUBLIC",
        description="Whether anybody may read counts; else only who is signed in.",
    )
    read_limit: int = Field(1200, ge=1, description="Reads a minute of one user or address.")
    write_limit: int = Field(240, ge=1, description="Writes a minute, likewise.")
    request_limit: int = Field(20, ge=1, description="Booking requests a minute, likewise.")
    admin_limit: int = Field(10, ge=1, description="Admin writes and reports a minute, likewise.")
    sign_in_limit: int = Field(20, ge=1, description="Attempts to sign in a minute of an address.")
    session_idle_hours: int = Field(24, ge=1, description="An unused session ends after this.")
    session_days: int = Field(30, ge=1, description="Any session ends after this.")

    web_dir: Path | None = Field(
        None, description="Where `make web` has put the pages; without it there are none."
    )
    documented: bool = Field(
        default=True, description="Whether /docs and the OpenAPI descriptions are served."
    )

    @property
    def session_idle(self) -> timedelta:
        """How long a session may stay unused."""
        return timedelta(hours=self.session_idle_hours)

    @property
    def managers(self) -> frozenset[Role]:
        """Roles that may create and change rooms."""
        return frozenset(Role(name.strip()) for name in self.room_managers.split(","))
