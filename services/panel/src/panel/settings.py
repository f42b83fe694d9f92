"""What the panel service reads from the environment."""

from datetime import timedelta

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from common.settings import ServiceSettings


class Settings(ServiceSettings):
    """Names begin with PANEL_, but for those that every process reads."""

    model_config = SettingsConfigDict(env_prefix="PANEL_")

    stale_after_s: float = Field(
        60.0,
        gt=0,
        le=86_400,
        description="Seconds without word of bookings until panels show that they are offline.",
    )

    @property
    def stale_after(self) -> timedelta:
        """The same, as a length of time."""
        return timedelta(seconds=self.stale_after_s)
