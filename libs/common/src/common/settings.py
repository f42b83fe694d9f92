"""Settings that more than one process reads. Everything comes from the environment."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from common.fields import ZoneName


def _sealing_keys(keys: SecretStr) -> SecretStr | None:
    if not keys.get_secret_value():
        return None
    # Not every process has what it needs: camera hosts seal nothing.
    from common.sealing import Seal

    Seal(keys.get_secret_value())
    return keys


# What seals secrets in the database, if that is set.
SealingKeys = Annotated[SecretStr, AfterValidator(_sealing_keys)]


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


class DatabaseSettings(ProcessSettings):
    """What every process with a schema reads beside its own; names carry the process's prefix."""

    database_url: SecretStr = Field(description="postgresql://role:password@host:port/database")
    owner_database_url: SecretStr | None = Field(
        None, description="The same for the role that owns the schema; only `migrate` needs it."
    )
    database_pool: int = Field(
        6, ge=1, description="Connections held open at most for transactions."
    )
    kafka_replication: int = Field(
        1,
        ge=1,
        validation_alias="ATRIUM_KAFKA_REPLICATION",
        description="Brokers that keep a copy of each partition of a topic made by `migrate`.",
    )


class ServiceSettings(DatabaseSettings):
    """What every service reads beside its own."""

    instance: str | None = Field(
        None,
        validation_alias="ATRIUM_INSTANCE",
        description="A name that this process keeps when it is started again, and no replica has:"
        " then Kafka gives it its partitions back at once, and does not wait 10 seconds for who"
        " was killed.",
    )
    host: str = Field("127.0.0.1", description="Address that the service's port listens on.")
    hot_database_pool: int = Field(
        6,
        ge=1,
        description="Connections held open at most for statements that are transactions of their"
        " own.",
    )
    port: int = Field(ge=0, le=65535, description="The service's port; only the gateway calls it.")
    identity_public_keys: str = Field(
        validation_alias="ATRIUM_IDENTITY_PUBLIC_KEYS",
        description="Keys that may sign identities: base64 of Ed25519 keys, comma-separated.",
    )
    timezone: ZoneName = Field(
        "UTC",
        validation_alias="ATRIUM_TIMEZONE",
        description="IANA zone of buildings that name none.",
    )
