"""Puts the analytics service together and runs it."""

from datetime import datetime
from functools import partial
from pathlib import Path

import click

from analytics.api import circle_time, heatmap, university
from analytics.events import SUBSCRIPTIONS
from analytics.rebuild import rebuild
from analytics.service.heatmap import Heatmaps
from analytics.service.measuring import measure_what_ends
from analytics.settings import Settings
from analytics.tables import SCHEMA, outbox, processed
from common.app import create_app
from common.consumer import Consumer
from common.db import Database
from common.identity import Verifier
from common.process import Parts, Service, load_settings, run_to_end
from common.relay import Relay


def build(settings: Settings) -> Parts:
    """Make the service's parts from its settings."""
    url = settings.database_url.get_secret_value()
    database = Database.connect(
        url, schema=SCHEMA.name, pool=settings.database_pool, hot=settings.hot_database_pool
    )
    consumer = Consumer(
        "analytics",
        database=database,
        processed=processed,
        outbox=outbox,
        subscriptions=SUBSCRIPTIONS,
        kafka=settings.kafka,
        instance=settings.instance,
        batch=5000,
    )

    app = create_app(
        "analytics",
        version="1",
        verifier=Verifier("analytics", settings.identity_public_keys),
        routers=[circle_time.router, university.router, heatmap.router],
        checks={"database": database.check, "consumer": consumer.check},
    )
    app.state.database = database
    app.state.heatmaps = Heatmaps(database)
    app.state.settings = settings
    relay = Relay(database.engine, outbox, kafka=settings.kafka)
    return Parts(
        app,
        workers=[consumer.run, relay.run, partial(measure_what_ends, database, settings.timezone)],
        close=database.close,
    )


SERVICE = Service("analytics", Settings, SCHEMA, build)
main = SERVICE.commands()


@main.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--month", type=click.DateTime(["%Y-%m"]), help="This one only, 2026-11. [all]")
def export(folder: Path, month: datetime | None) -> None:
    """Write the facts as Parquet files into FOLDER, by month, in place of what is there."""
    try:
        from analytics.service import parquet
    except ImportError:
        raise click.ClickException("Needs pyarrow: install atrium-analytics[parquet].") from None
    settings = load_settings(Settings)

    async def write() -> None:
        url = settings.database_url.get_secret_value()
        database = Database.connect(url, schema=SCHEMA.name, pool=1)
        try:
            first = month.date() if month else None
            async for path, count in parquet.export(database, folder, first):
                click.echo(f"{path}: {count}")
        finally:
            await database.close()

    run_to_end(write())


@main.command("rebuild")
@click.option("--anew", is_flag=True, help="Throw away what an earlier run has done.")
def rebuild_command(*, anew: bool) -> None:
    """Make all facts anew from the topics, and swap them in.

    For tables that are not to be trusted, as after a restored backup, or a release that counts
    otherwise. The service runs meanwhile, and is read as before until the new tables have caught
    up; then everybody waits for a moment. They need as much room on the disk as the old ones.

    Killed at any time it goes on where it stopped when it is run again. What is older than the
    topics (90 days) is taken over as it is, and it is said how much.

    Reads ANALYTICS_OWNER_DATABASE_URL too.

    \b
    Example:
      analytics rebuild
    """
    run_to_end(rebuild(load_settings(Settings), fresh=anew, say=partial(click.echo, err=True)))


if __name__ == "__main__":
    main()
