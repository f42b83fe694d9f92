"""Puts the occupancy service together and runs it."""

from functools import partial

from common.app import create_app
from common.consumer import Consumer
from common.db import Database
from common.identity import Verifier
from common.process import Parts, Service, Worker
from common.relay import Relay
from common.sealing import Seal
from occupancy.api import cameras, edges, history, live
from occupancy.events import INGEST_BATCH, INGEST_LANES, subscriptions
from occupancy.live import Board
from occupancy.settings import Settings
from occupancy.tables import SCHEMA, outbox, processed
from occupancy.timers import (
    look_for_anomalies,
    look_for_silence,
    rebuild_on_request,
    reset_nightly,
)

NOT_INITIALIZED = "Occupancy service not initialized"


def build(settings: Settings) -> Parts:
    """Make the service's parts from its settings."""
    url = settings.database_url.get_secret_value()
    database = Database.connect(url, schema=SCHEMA.name, pool=settings.database_pool)
    consumer = Consumer(
        "occupancy",
        database=database,
        processed=processed,
        outbox=outbox,
        subscriptions=subscriptions(settings.timezone),
        kafka=settings.kafka,
        batch=INGEST_BATCH,
        lanes=INGEST_LANES,
    )

    board = Board(database)
    app = create_app(
        "occupancy",
        version="1",
        verifier=Verifier("occupancy", settings.identity_public_keys),
        routers=[cameras.router, edges.router, history.router, live.router],
        checks={"database": database.check, "consumer": consumer.check},
        unavailable=NOT_INITIALIZED,
        before_routes=partial(live.LiveReads, board=board),
        on_drain=board.close,
    )
    app.state.board = board
    app.state.database = database
    app.state.settings = settings
    key = settings.secrets_key
    app.state.seal = Seal(key.get_secret_value()) if key else None
    relay = Relay(database.engine, outbox, kafka=settings.kafka)
    workers: list[Worker] = [
        consumer.run,
        relay.run,
        partial(rebuild_on_request, database, settings.timezone),
        partial(look_for_silence, database, consumer, settings.silent_after_s),
        partial(look_for_anomalies, database, settings.timezone, settings.anomalies_every_s),
    ]
    if settings.reset_at is not None:
        workers.append(partial(reset_nightly, database, settings.reset_at, settings.timezone))
    return Parts(app, workers=workers, close=database.close, followers=[board.run])


SERVICE = Service("occupancy", Settings, SCHEMA, build)
main = SERVICE.commands()

if __name__ == "__main__":
    main()
