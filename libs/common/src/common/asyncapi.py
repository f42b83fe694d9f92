"""Writes `docs/asyncapi.yaml` from `common.events`: what other teams build against."""

from pathlib import Path
from typing import Any, Final

import msgspec

from common.events import TOPICS, CloudEvent, Topic
from common.topics import settings_of

_HEAD: Final = "# Generated from common.events by `make asyncapi`; a test tells when it is stale.\n"


def document() -> str:
    """Describe every topic in AsyncAPI 3.0, as YAML."""
    types = [CloudEvent[topic.data] for topic in TOPICS]  # type: ignore[name-defined]
    schemas, components = msgspec.json.schema_components(
        types, ref_template="#/components/schemas/{name}"
    )
    names = [schema["$ref"].rsplit("/", 1)[1] for schema in schemas]
    described: dict[str, Any] = {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Atrium events",
            "version": "1",
            "description": (
                "CloudEvents 1.0 in structured JSON mode on Kafka. A topic carries one type of"
                " event, whose name it has. Events of one key stay in order; any event may come"
                " more than once, with the same source and id. New optional fields may appear;"
                " anything else is a new topic."
            ),
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": {topic.name: _channel(topic) for topic in TOPICS},
        "operations": {f"publish-{topic.name}": _operation(topic) for topic in TOPICS},
        "components": {
            "messages": {
                topic.name: _message(topic, name) for topic, name in zip(TOPICS, names, strict=True)
            },
            "schemas": components,
        },
    }
    return _HEAD + msgspec.yaml.encode(described).decode()


def _channel(topic: Topic[Any]) -> dict[str, Any]:
    settings = settings_of(topic)
    kafka: dict[str, Any] = {"partitions": topic.partitions, "topicConfiguration": {}}
    kafka["topicConfiguration"]["cleanup.policy"] = [settings["cleanup.policy"]]
    if "retention.ms" in settings:
        kafka["topicConfiguration"]["retention.ms"] = int(settings["retention.ms"])
    return {
        "address": topic.name,
        "messages": {topic.name: {"$ref": f"#/components/messages/{topic.name}"}},
        "bindings": {"kafka": kafka},
    }


def _operation(topic: Topic[Any]) -> dict[str, Any]:
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{topic.name}"},
        "title": f"Published by {topic.publisher}",
    }


def _message(topic: Topic[Any], schema: str) -> dict[str, Any]:
    key = {"type": "string", "description": f"data.{topic.key}, as text"}
    return {
        "name": topic.name,
        "summary": (topic.data.__doc__ or "").strip(),
        "payload": {"$ref": f"#/components/schemas/{schema}"},
        "bindings": {"kafka": {"key": key}},
    }


if __name__ == "__main__":
    Path("docs/asyncapi.yaml").write_text(document())
