"""What the bookings service reads from the environment."""

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import SettingsConfigDict

from bookings.letter import MailServer, sender
from bookings.webhook import networks_of
from common.settings import SealingKeys, ServiceSettings


class Settings(ServiceSettings):
    """Names begin with BOOKINGS_, but for those that every process reads."""

    model_config = SettingsConfigDict(env_prefix="BOOKINGS_")

    worker_database_pool: int = Field(
        5, ge=1, description="Connections held open at most by what consumes, sends and keeps time."
    )
    secrets_key: SealingKeys | None = Field(
        None,
        description="Seals webhooks' secrets: base64 of 32 random bytes, the same for every"
        " replica; comma-separated, the first seals and all of them open. Without it there are"
        " no webhooks.",
    )
    webhook_allowed_networks: str = Field(
        "",
        description="Networks in CIDR form, comma-separated, to which webhooks may go although"
        " they are not of the public internet.",
    )
    webhook_allow_http: bool = Field(False, description="Webhooks may go without TLS too.")
    webhook_deadline_s: float = Field(
        15.0, gt=0, le=30, description="Seconds for an attempt at delivering to a webhook."
    )
    retry_first_s: float = Field(
        5.0,
        gt=0,
        le=3600,
        description="Seconds until what a webhook or the mail server has not taken is tried again;"
        " three times as long after each further attempt.",
    )
    smtp_url: SecretStr | None = Field(
        None,
        description="smtp://user:password@host:port, or smtps://: mails people their"
        " notifications. Without it nothing is mailed.",
    )
    mail_from: str | None = Field(
        None,
        validate_default=True,
        description="Who that mail is from: Atrium <atrium@example.org>.",
    )

    @field_validator("webhook_allowed_networks")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        networks_of(value)
        return value

    @field_validator("smtp_url")
    @classmethod
    def _is_mail_server(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None or not value.get_secret_value():
            return None
        MailServer.parse(value.get_secret_value())
        return value

    @field_validator("mail_from")
    @classmethod
    def _is_sender(cls, value: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("smtp_url") is not None:
            if not value:
                raise ValueError("needed with BOOKINGS_SMTP_URL: who mail is from")
            sender(value)
        return value
