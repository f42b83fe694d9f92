"""What the rooms service reads from the environment."""

from pydantic_settings import SettingsConfigDict

from common.settings import ServiceSettings


class Settings(ServiceSettings):
    """Names begin with ROOMS_, but for those that every process reads."""

    model_config = SettingsConfigDict(env_prefix="ROOMS_")
