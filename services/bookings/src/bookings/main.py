"""Puts the bookings service together and runs it."""

from functools import partial

from bookings import timers
from bookings.api import circle_time, directory, university
from bookings.events import SUBSCRIPTIONS
from bookings.settings import Settings
from bookings.tables import SCHEMA, idempotency_keys, outbox, processed
from common.app import create_app
from common.consumer import Consumer
from common.db import Database
from common.errors import Unavailable
from common.idempotency import IdempotencyKeys
from common.identity import Verifier
from common.process import Parts, Service, Worker
from common.relay import Relay


def build(settings: Settings) -> Parts:
    """Make the service's parts from its settings."""
    url = settings.database_url.get_secret_value()
    database = Database.connect(url, schema=SCHEMA.name, pool=settings.database_pool)
    consumer = Consumer(
        "bookings",
        database=database,
        processed=processed,
        outbox=outbox,
        subscriptions=SUBSCRIPTIONS,
        kafka=settings.kafka,
    )

    async def consumer_goes_on() -> None:
        if consumer.stopped_because is not None:
            raise Unavailable(consumer.stopped_because)

    app = create_app(
        "bookings",
        version="1",
        verifier=Verifier("bookings", settings.identity_public_keys),
        routers=[circle_time.router, university.router, directory.router],
        checks={"database": database.check, "consumer": consumer_goes_on},
    )
    keys = IdempotencyKeys(idempotency_keys, database)
    app.state.database = database
    app.state.settings = settings
    app.state.idempotency = keys
    relay = Relay(database.engine, outbox, kafka=settings.kafka)
    workers: list[Worker] = [
        consumer.run,
        relay.run,
        keys.run,
        partial(timers.release_overdue, database),
    ]
    return Parts(app, workers=workers, close=database.engine.dispose)


SERVICE = Service("bookings", Settings, SCHEMA, build)
main = SERVICE.commands()

if __name__ == "__main__":
    main()
