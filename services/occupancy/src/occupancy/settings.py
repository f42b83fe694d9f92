"""What the occupancy service reads from the environment."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from common.fields import LocalTime
from common.settings import SealingKeys, ServiceSettings


class Settings(ServiceSettings):
    """Names begin with OCCUPANCY_, but for those that every process reads."""

    model_config = SettingsConfigDict(env_prefix="OCCUPANCY_")

    reset_at: LocalTime | None = Field(
        None,
        description="Local time of day, such as 04:00, at which every area is taken for empty;"
        " without it: never.",
    )
    keep_months: int | None = Field(
        24,
        ge=4,
        le=1200,
        description="Whole months for which single crossings are kept; hours, days and months stay."
        " Edges may be away for three.",
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
    secrets_key: SealingKeys | None = Field(
        None,
        description="Seals where cameras' pictures come from: base64 of 32 random bytes, the same"
        " for every replica; comma-separated, the first seals and all of them open. Without it"
        " no `stream_url` is taken.",
    )
    snapshot_within_s: float = Field(
        12.0,
        ge=1,
        le=25,
        description="Seconds that an edge has to send a picture that an operator has asked for.",
    )
    reached_at: str | None = Field(
        None,
        pattern=r"^http://[^/]+$",
        description="Address at which other replicas reach this one, for pictures that somebody"
        " waits for here; without it: http://127.0.0.1 and its port, right for one alone.",
    )
