"""Puts the panel service together and runs it."""

from functools import partial

from common.app import create_app
from common.consumer import Consumer
from common.db import Database
from common.identity import Verifier
from common.process import Parts, Service, Worker
from common.relay import Relay
from common.websocket_protocol import WebSocketProtocol
from panel.api import circle_time
from panel.api.websocket import LARGEST_MESSAGE_BYTES, Sockets
from panel.board import Board
from panel.events import SUBSCRIPTIONS
from panel.settings import Settings
from panel.tables import SCHEMA, outbox, processed
from panel.timers import note_heard


def build(settings: Settings) -> Parts:
    """Make the service's parts from its settings."""
    url = settings.database_url.get_secret_value()
    database = Database.connect(
        url, schema=SCHEMA.name, pool=settings.database_pool, hot=settings.hot_database_pool
    )
    consumer = Consumer(
        "panel",
        database=database,
        processed=processed,
        outbox=outbox,
        subscriptions=SUBSCRIPTIONS,
        kafka=settings.kafka,
        instance=settings.instance,
    )
    board = Board(database, settings.stale_after)
    app = create_app(
        "panel",
        version="1",
        verifier=Verifier("panel", settings.identity_public_keys),
        routers=[circle_time.router],
        checks={"database": database.check, "consumer": consumer.check},
        before_routes=partial(Sockets, board=board),
        on_drain=board.close,
    )
    app.state.board = board
    app.state.database = database
    app.state.settings = settings
    relay = Relay(database.engine, outbox, kafka=settings.kafka)
    workers: list[Worker] = [
        consumer.run,
        relay.run,
        partial(note_heard, database, consumer, settings.stale_after),
    ]
    followers: list[Worker] = [board.follow, board.keep_time, board.look_for_staleness]
    return Parts(
        app,
        workers=workers,
        close=database.close,
        followers=followers,
        options={"ws": WebSocketProtocol, "ws_max_size": LARGEST_MESSAGE_BYTES},
    )


SERVICE = Service("panel", Settings, SCHEMA, build)
main = SERVICE.commands()

if __name__ == "__main__":
    main()
