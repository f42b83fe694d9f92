"""Makes the topics that a service publishes to, and the dead-letter topics of those it takes."""

from collections.abc import Iterable
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from common.events import Topic

DAY_MS: Final = 24 * 3600 * 1000
KEEP_DEAD_LETTERS_MS: Final = 90 * DAY_MS


def settings_of(topic: Topic[Any]) -> dict[str, str]:
    """Return how the broker keeps a topic."""
    if topic.compacted:
        return {"cleanup.policy": "compact"}
    settings = {"cleanup.policy": "delete", "retention.ms": str(topic.keep_days * DAY_MS)}
    if topic.stamped_on_arrival:
        settings["message.timestamp.type"] = "LogAppendTime"
    return settings


async def ensure_topics(
    kafka: str,
    *,
    published: Iterable[Topic[Any]],
    consumed: Iterable[Topic[Any]] = (),
    replication: int = 1,
) -> None:
    """Create what is missing; existing topics are left as their operator has set them.

    Args:
        kafka: bootstrap servers.
        replication: brokers that keep a copy of each partition.
    """
    wanted = [
        NewTopic(topic.name, topic.partitions, replication, topic_configs=settings_of(topic))
        for topic in published
    ] + [
        NewTopic(
            f"{topic.name}.dlq",
            1,
            replication,
            topic_configs={"retention.ms": str(KEEP_DEAD_LETTERS_MS)},
        )
        for topic in consumed
    ]
    if not wanted:
        return
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        reply = await admin.create_topics(wanted)
    finally:
        await admin.close()
    for name, code, *_ in reply.topic_errors:
        error = for_code(code)
        if code != 0 and error is not TopicAlreadyExistsError:
            raise error(name)
