"""Puts the occupancy service together and runs it."""

import asyncio
from datetime import datetime
from functools import partial

import click

from common.app import create_app
from common.consumer import Consumer
from common.db import Database
from common.identity import Verifier
from common.process import Parts, Service, Worker, load_settings
from common.relay import Relay
from common.sealing import Seal
from occupancy.api import cameras, edges, equipment, history, live, snapshots
from occupancy.desk import Desk
from occupancy.events import INGEST_BATCH, INGEST_LANES, subscriptions
from occupancy.live import Board
from occupancy.recount import recount
from occupancy.settings import Settings
from occupancy.tables import SCHEMA, outbox, processed
from occupancy.timers import (
    forget_old,
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
        instance=settings.instance,
        batch=INGEST_BATCH,
        lanes=INGEST_LANES,
    )

    board = Board(database)
    desk = Desk(database, settings.reached_at or f"http://127.0.0.1:{settings.port}")

    def close() -> None:
        board.close()
        desk.close()

    app = create_app(
        "occupancy",
        version="1",
        verifier=Verifier("occupancy", settings.identity_public_keys),
        routers=[
            cameras.router,
            edges.router,
            equipment.router,
            history.router,
            live.router,
            snapshots.router,
        ],
        checks={"database": database.check, "consumer": consumer.check},
        unavailable=NOT_INITIALIZED,
        before_routes=partial(live.LiveReads, board=board),
        on_drain=close,
    )
    app.state.board = board
    app.state.desk = desk
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
        partial(
            look_for_anomalies, database, consumer, settings.timezone, settings.anomalies_every_s
        ),
    ]
    if settings.keep_months is not None:
        workers.append(partial(forget_old, database, settings.keep_months))
    if settings.reset_at is not None:
        workers.append(partial(reset_nightly, database, settings.reset_at, settings.timezone))
    return Parts(app, workers=workers, close=database.close, followers=[board.run, desk.run])


SERVICE = Service("occupancy", Settings, SCHEMA, build)
main = SERVICE.commands()


@main.command("recount")
@click.argument("day", type=click.DateTime(["%Y-%m-%d"]))
@click.option("--camera", "camera_id", type=int, help="Its integer id. [default: all in use]")
def recount_command(day: datetime, camera_id: int | None) -> None:
    """Count a local day anew from the topic, as long as Kafka has it.

    For a day of which crossings were lost here, as after a restored backup. The service may run
    meanwhile. The same topic gives the same rows, however often.

    \b
    Example:
      occupancy recount 2026-11-20 --camera 7
    """
    settings = load_settings(Settings)
    url = settings.database_url.get_secret_value()
    database = Database.connect(url, schema=SCHEMA.name, pool=1)
    work = recount(database, settings.kafka, day.date(), camera_id, settings.timezone)
    for camera, crossings in sorted(asyncio.run(work).items()):
        click.echo(f"camera {camera}: {crossings} crossings on {day:%Y-%m-%d}")


if __name__ == "__main__":
    main()
