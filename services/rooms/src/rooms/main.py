"""Puts the rooms service together and runs it."""

from common.app import create_app
from common.db import Database
from common.identity import Verifier
from common.process import Parts, Service
from common.relay import Relay
from rooms.api import circle_time, directory
from rooms.settings import Settings
from rooms.tables import SCHEMA, outbox


def build(settings: Settings) -> Parts:
    """Make the service's parts from its settings."""
    url = settings.database_url.get_secret_value()
    database = Database.connect(url, schema=SCHEMA.name, pool=settings.database_pool)
    app = create_app(
        "rooms",
        version="1",
        verifier=Verifier("rooms", settings.identity_public_keys),
        routers=[directory.router, circle_time.router],
        checks={"database": database.check},
    )
    app.state.database = database
    app.state.settings = settings
    relay = Relay(database.engine, outbox, kafka=settings.kafka)
    return Parts(app, workers=[relay.run], close=database.engine.dispose)


SERVICE = Service("rooms", Settings, SCHEMA, build)
main = SERVICE.commands()

if __name__ == "__main__":
    main()
