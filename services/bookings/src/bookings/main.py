"""Puts the bookings service together and runs it."""

from collections.abc import Iterator
from functools import partial

from bookings import timers
from bookings.api import (
    audit,
    circle_time,
    directory,
    feeds,
    notifications,
    panel,
    terms,
    timeline,
    timetable,
    university,
    webhooks,
)
from bookings.events import SUBSCRIPTIONS
from bookings.letter import MailServer, sender
from bookings.mailing import Mailer
from bookings.outbound import Outbound, Reach
from bookings.sending import Sender
from bookings.settings import Settings
from bookings.tables import SCHEMA, idempotency_keys, outbox, processed
from bookings.webhook import networks_of
from common.app import create_app
from common.consumer import Consumer
from common.db import Database
from common.idempotency import IdempotencyKeys
from common.identity import Verifier
from common.process import Parts, Service, Worker
from common.relay import Relay
from common.sealing import Seal


def build(settings: Settings) -> Parts:
    """Make the service's parts from its settings."""
    url = settings.database_url.get_secret_value()
    database = Database.connect(
        url, schema=SCHEMA.name, pool=settings.database_pool, hot=settings.hot_database_pool
    )
    # Requests wait for what the workers do: they must not keep the connections from them.
    behind = Database.connect(url, schema=SCHEMA.name, pool=settings.worker_database_pool)
    consumer = Consumer(
        "bookings",
        database=behind,
        processed=processed,
        outbox=outbox,
        subscriptions=SUBSCRIPTIONS,
        kafka=settings.kafka,
        instance=settings.instance,
    )

    app = create_app(
        "bookings",
        version="1",
        verifier=Verifier("bookings", settings.identity_public_keys),
        routers=[
            circle_time.router,
            panel.router,
            feeds.router,
            webhooks.router,
            university.router,
            notifications.router,
            audit.router,
            directory.router,
            terms.router,
            timeline.router,
            timetable.router,
        ],
        checks={"database": database.check, "consumer": consumer.check},
    )
    keys = IdempotencyKeys(idempotency_keys, database)
    app.state.database = database
    app.state.settings = settings
    app.state.idempotency = keys
    app.state.reach = Reach(
        allow_http=settings.webhook_allow_http,
        networks=networks_of(settings.webhook_allowed_networks),
    )
    key = settings.secrets_key
    app.state.seal = Seal(key.get_secret_value()) if key else None
    relay = Relay(behind.engine, outbox, kafka=settings.kafka)
    workers: list[Worker] = [
        consumer.run,
        relay.run,
        keys.run,
        partial(timers.release_overdue, behind),
        *_senders(settings, behind, app.state.seal, app.state.reach),
    ]

    async def close() -> None:
        await database.close()
        await behind.close()

    return Parts(app, workers=workers, close=close)


def _senders(
    settings: Settings, database: Database, seal: Seal | None, reach: Reach
) -> Iterator[Worker]:
    """Make the workers that send what leaves the house, as far as the settings allow it."""
    first_retry_s = settings.retry_first_s
    if seal is not None:
        outbound = Outbound(reach, deadline_s=settings.webhook_deadline_s)
        yield Sender(database, seal, outbound, first_retry_s=first_retry_s).run
    if settings.smtp_url is not None and settings.mail_from:
        server = MailServer.parse(settings.smtp_url.get_secret_value())
        sent_by = sender(settings.mail_from)
        yield Mailer(database, server, sent_by, first_retry_s=first_retry_s).run


SERVICE = Service("bookings", Settings, SCHEMA, build)
main = SERVICE.commands()

if __name__ == "__main__":
    main()
