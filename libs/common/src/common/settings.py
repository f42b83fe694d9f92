"""Settings that more than one process reads. Everything comes from the environment."""

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ProcessSettings(BaseSettings):
    """What every process reads. `ATRIUM_` names are the same for all of them."""

    model_config = SettingsConfigDict(frozen=True, populate_by_name=True, extra="ignore")

    kafka: str = Field(
        "127.0.0.1:19092",
        validation_alias="ATRIUM_KAFKA",
        description="Kafka's bootstrap servers, host:port, comma-separated.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", validation_alias="ATRIUM_LOG_LEVEL"
    )
    log_style: Literal["json", "text"] = Field("json", validation_alias="ATRIUM_LOG_STYLE")
