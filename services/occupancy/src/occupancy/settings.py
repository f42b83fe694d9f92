"""What the occupancy service reads from the environment."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from common.fields import LocalTime
from common.settings import ServiceSettings


class Settings(ServiceSettings):
    """Names begin with OCCUPANCY_, but for those that every process reads."""

    model_config = SettingsConfigDict(env_prefix="OCCUPANCY_")

    reset_at: LocalTime | None = Field(
        None,
        description="Local time of day, such as 04:00, at which every area is taken for empty;"
        " without it: never.",
    )
    silent_after_s: float = Field(
        30.0,
        gt=0,
        le=86_400,
        description="Seconds without a heartbeat of an edge until equipment_failure is raised.",
    )
    anomalies_every_s: float = Field(
        60.0,
        gt=0,
        le=3600,
        description="Seconds between looks for hours that are unlike those of the weeks before.",
    )
