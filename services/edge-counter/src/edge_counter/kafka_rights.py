"""Asks Kafka what this client may do with a topic: by metadata, nothing is written.

aiokafka stops at version 5 of that question; version 8 is the first that tells of rights (KIP-430).
"""

from typing import Final

from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Boolean, Int16, Int32, Schema, String

_METADATA: Final = 3
_WRITE: Final = 1 << 4  # of the operations of an access control list
_UNKNOWN_TOPIC: Final = 3


class _AnswerV8(Response):  # type: ignore[misc]
    API_KEY = _METADATA
    API_VERSION = 8
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            Array(("id", Int32), ("host", String()), ("port", Int32), ("rack", String())),
        ),
        ("cluster_id", String()),
        ("controller_id", Int32),
        (
            "topics",
            Array(
                ("error_code", Int16),
                ("name", String()),
                ("is_internal", Boolean),
                (
                    "partitions",
                    Array(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", Array(Int32)),
                        ("in_sync", Array(Int32)),
                        ("offline", Array(Int32)),
                    ),
                ),
                ("operations", Int32),
            ),
        ),
        ("operations", Int32),
    )


class _QuestionV8(RequestStruct):  # type: ignore[misc]
    API_KEY = _METADATA
    API_VERSION = 8
    RESPONSE_TYPE = _AnswerV8
    SCHEMA = Schema(
        ("topics", Array(String())),
        ("may_make_topics", Boolean),
        ("wants_operations_of_cluster", Boolean),
        ("wants_operations", Boolean),
    )


class _Question(Request[_QuestionV8]):  # type: ignore[misc]
    API_KEY = _METADATA

    def __init__(self, topic: str) -> None:
        self._topic = topic

    def build(self, request_struct_class: type[_QuestionV8]) -> _QuestionV8:
        return request_struct_class([self._topic], False, False, True)


async def may_write(kafka: str, topic: str, *, timeout_ms: int) -> bool | None:
    """Tell whether this client may write to a topic; None if there is none of that name.

    Args:
        kafka: bootstrap servers.

    Raises:
        KafkaError: it does not answer, or not this question.
    """
    client = AIOKafkaClient(bootstrap_servers=kafka, request_timeout_ms=timeout_ms)
    try:
        await client.bootstrap()
        answer = await client.send(client.get_random_node(), _Question(topic))
    finally:
        await client.close()
    error_code, *_, operations = answer.topics[0]
    if error_code == _UNKNOWN_TOPIC:
        return None
    return error_code == 0 and bool(operations & _WRITE)
