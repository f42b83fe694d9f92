"""What the analytics service reads from the environment."""

from pydantic_settings import SettingsConfigDict

from common.settings import ServiceSettings


class Settings(ServiceSettings):
    """Names begin with ANALYTICS_, but for those that every process reads."""

    model_config = SettingsConfigDict(env_prefix="ANALYTICS_")
