"""Puts the rooms service together and runs it."""

from common.app import create_app
from common.consumer import Consumer
from common.db import Database
from common.idempotency import IdempotencyKeys
from common.identity import Verifier
from common.process import Parts, Service
from common.relay import Relay
from rooms.api import (
    circle_time,
    directory,
    directory_availability,
    directory_places,
    university,
)
from rooms.events import SUBSCRIPTIONS
from rooms.settings import Settings
from rooms.tables import SCHEMA, idempotency_keys, outbox, processed

# A route that is written out comes before one with an id that may read the same.
ROUTERS = [
    directory_availability.router,
    directory.router,
    directory_places.router,
    university.router,
    circle_time.router,
]


def build(settings: Settings) -> Parts:
    """Make the service's parts from its settings."""
    url = settings.database_url.get_secret_value()
    database = Database.connect(
        url, schema=SCHEMA.name, pool=settings.database_pool, hot=settings.hot_database_pool
    )
    consumer = Consumer(
        "rooms",
        database=database,
        processed=processed,
        outbox=outbox,
        subscriptions=SUBSCRIPTIONS,
        kafka=settings.kafka,
        instance=settings.instance,
    )

    app = create_app(
        "rooms",
        version="1",
        verifier=Verifier("rooms", settings.identity_public_keys),
        routers=ROUTERS,
        checks={"database": database.check, "consumer": consumer.check},
    )
    keys = IdempotencyKeys(idempotency_keys, database)
    app.state.database = database
    app.state.settings = settings
    app.state.idempotency = keys
    relay = Relay(database.engine, outbox, kafka=settings.kafka)
    workers = [consumer.run, relay.run, keys.run]
    return Parts(app, workers=workers, close=database.close)


SERVICE = Service("rooms", Settings, SCHEMA, build)
main = SERVICE.commands()

if __name__ == "__main__":
    main()
