"""What each process of the local stack is told through its environment."""

import os
from base64 import b64decode, b64encode
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from common.roles import SchemaPasswords
from local_stack import secrets_file
from local_stack.kafka import Kafka
from local_stack.postgres import Postgres
from local_stack.settings import PROJECT, WEB, Settings

DATABASE: Final = "atrium"
# The schema of each process that has one.
SCHEMAS: Final = {
    "gateway": "accounts",
    "rooms": "rooms",
    "bookings": "bookings",
    "panel": "panel",
    "analytics": "analytics",
    "occupancy": "occupancy",
}
_SECRETS: Final = (
    "identity_key",
    "secrets_key",
    "occupancy_secrets_key",
    "postgres",
    *(f"{schema}{suffix}" for schema in SCHEMAS.values() for suffix in ("", "_owner")),
)


class Installation:
    """One local installation: its settings, its secrets, its servers.

    Secrets are made on first use.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        settings.state.mkdir(parents=True, exist_ok=True)
        self._secrets = secrets_file.load(settings.state, _SECRETS)

    @property
    def postgres(self) -> Postgres:
        return Postgres(
            self.settings.servers,
            self.settings.state / "postgres",
            self.settings.postgres_port,
            self._secrets["postgres"],
        )

    @property
    def kafka(self) -> Kafka:
        return Kafka(self.settings.servers, self.settings.state / "kafka", self.settings.kafka_port)

    @property
    def schema_passwords(self) -> dict[str, SchemaPasswords]:
        """Passwords of the two roles of each schema."""
        return {
            schema: SchemaPasswords(self._secrets[f"{schema}_owner"], self._secrets[schema])
            for schema in SCHEMAS.values()
        }

    def environment(self) -> dict[str, str]:
        """Everything that the processes of the Procfile read."""
        settings, ports = self.settings, self.settings.service_ports
        key = Ed25519PrivateKey.from_private_bytes(b64decode(self._secrets["identity_key"]))
        public = b64encode(key.public_key().public_bytes_raw()).decode()
        values = {
            "PATH": f"{PROJECT / '.venv/bin'}:{os.environ['PATH']}",
            "PYTHONUNBUFFERED": "1",
            "ATRIUM_STATE_DIR": str(settings.state),
            "ATRIUM_SERVERS_DIR": str(settings.servers),
            "ATRIUM_KAFKA": self.kafka.address,
            # One process of each, which its supervisor starts again.
            "ATRIUM_INSTANCE": "local",
            "ATRIUM_TIMEZONE": settings.timezone,
            "ATRIUM_LOG_STYLE": settings.log_style,
            "ATRIUM_IDENTITY_PUBLIC_KEYS": public,
            "GATEWAY_IDENTITY_KEY": self._secrets["identity_key"],
            "GATEWAY_HOST": settings.host,
            "GATEWAY_PORT": str(settings.port),
            "GATEWAY_UNIVERSITY_PORT": str(settings.university_port),
            "GATEWAY_OPERATIONS_PORT": str(ports["gateway"]),
            "BOOKINGS_SECRETS_KEY": self._secrets["secrets_key"],
            "OCCUPANCY_SECRETS_KEY": self._secrets["occupancy_secrets_key"],
            "EDGE_PORT": str(ports["edge"]),
            "EDGE_API_URL": f"http://127.0.0.1:{settings.port}",
            "EDGE_STATE_DIR": str(settings.state / "edge"),
        }
        for process, schema in SCHEMAS.items():
            prefix = process.upper()
            values[f"{prefix}_DATABASE_URL"] = self._url(schema, schema)
            values[f"{prefix}_OWNER_DATABASE_URL"] = self._url(f"{schema}_owner", f"{schema}_owner")
            if process != "gateway":
                values[f"{prefix}_PORT"] = str(ports[process])
                values[f"GATEWAY_{prefix}_URL"] = f"http://127.0.0.1:{ports[process]}"
        if WEB.is_dir():
            values["GATEWAY_WEB_DIR"] = os.environ.get("GATEWAY_WEB_DIR", str(WEB))
        return {**os.environ, **values}

    def _url(self, role: str, secret: str) -> str:
        address = f"127.0.0.1:{self.settings.postgres_port}"
        return f"postgresql://{role}:{self._secrets[secret]}@{address}/{DATABASE}"
