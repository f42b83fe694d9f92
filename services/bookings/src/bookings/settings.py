"""What the bookings service reads from the environment."""

from pydantic_settings import SettingsConfigDict

from common.settings import ServiceSettings


class Settings(ServiceSettings):
    """Names begin with BOOKINGS_, but for those that every process reads."""

    model_config = SettingsConfigDict(env_prefix="BOOKINGS_")
