"""`edge-counter doctor` where nothing is well, and against a real Kafka.

With all of Atrium: tests/contracts/test_edge_doctor.py.
"""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Int8, Int16, Int32, Schema, String
from click.testing import CliRunner, Result

from common.events import CROSSINGS
from common.testing.plugin import Broker
from common.testing.servers import Server, free_port, kafka_server
from common.topics import ensure_topics
from edge_counter.doctor import _kafka
from edge_counter.kafka_rights import may_write
from edge_counter.main import main
from edge_counter.settings import Settings
from local_stack.kafka import Kafka
from local_stack.process_groups import ProcessGroups


@pytest.fixture
def dark_clip(tmp_path: Path) -> Path:
    path = tmp_path / "dark.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (160, 120))
    for _ in range(5):
        writer.write(np.full((120, 160, 3), 4, np.uint8))
    writer.release()
    return path


def doctor(state: Path, *options: str, **settings: str) -> Result:
    """Ask the doctor about addresses at which nobody is."""
    environment = {
        "EDGE_ID": "lobby-1",
        "EDGE_CAMERA": "LOBBY",
        "EDGE_SOURCE": "rtsp://bob:canary@127.0.0.1:1/stream?key=canary",
        "EDGE_DEVICE_TOKEN": "atd_canary",
        "EDGE_API_URL": "http://bob:canary@127.0.0.1:1",
        "EDGE_STATE_DIR": str(state),
        "EDGE_MODEL": "hog",
        "ATRIUM_KAFKA": "127.0.0.1:1",
        **settings,
    }
    return CliRunner().invoke(main, ["doctor", *options], env=environment)


def test_every_fault_is_a_line_with_its_mend_and_no_password(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    result = doctor(tmp_path / "file" / "state", EDGE_MODEL="missing.onnx")

    assert result.exit_code == 1
    lines = {line.split()[1]: line for line in result.stdout.splitlines()}
    assert [line.split()[0] for line in lines.values()] == [
        *("fail", "fail", "warn", "fail", "fail", "fail")
    ]
    for part, mend in {
        "camera": "EDGE_SOURCE",
        "model": "EDGE_MODEL",
        "clock": "not compared",
        "api": "EDGE_API_URL",
        "kafka": "ATRIUM_KAFKA",
        "disk": "EDGE_STATE_DIR",
    }.items():
        assert mend in lines[part]
    assert "canary" not in result.output


def test_json_is_a_list_of_findings_and_nothing_else(tmp_path: Path, dark_clip: Path) -> None:
    state = tmp_path / "state"

    result = doctor(state, "--json", EDGE_SOURCE=str(dark_clip))

    findings = {one["part"]: one for one in json.loads(result.stdout)}
    assert result.exit_code == 1
    assert findings["camera"]["verdict"] == "warn"
    assert "160x120, 10.0 pictures a second, but they are dark" in findings["camera"]["said"]
    assert findings["model"]["said"].startswith("hog (no file)")
    assert findings["disk"]["verdict"] == "ok"
    assert not state.exists()


class Guarded(Kafka):
    """A broker that has access rules; where there are none, everybody may do everything."""

    def _properties(self) -> str:
        return (
            f"{Kafka._properties(self)}"
            "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer\n"
            "allow.everyone.if.no.acl.found=true\n"
        )


class _RulesMade(Response):
    API_KEY, API_VERSION = 30, 1
    SCHEMA = Schema(
        ("throttle_time_ms", Int32), ("results", Array(("code", Int16), ("said", String())))
    )


class _MakeRule(RequestStruct):
    API_KEY, API_VERSION, RESPONSE_TYPE = 30, 1, _RulesMade
    SCHEMA = Schema(
        (
            "rules",
            Array(
                ("resource", Int8),
                ("name", String()),
                ("pattern", Int8),
                ("principal", String()),
                ("host", String()),
                ("operation", Int8),
                ("permission", Int8),
            ),
        )
    )


class MakeRules(Request[_MakeRule]):
    """Lets everybody without a name read the topic of crossings, and not write to it."""

    API_KEY = 30

    def build(self, request_struct_class: type[_MakeRule]) -> _MakeRule:
        topic, literal, read, write, deny, allow = 2, 3, 3, 4, 2, 3
        rule = (topic, CROSSINGS.name, literal, "User:ANONYMOUS", "*")
        return request_struct_class([(*rule, read, allow), (*rule, write, deny)])


@pytest.fixture
def guarded(
    servers_dir: Path, tmp_path: Path, process_groups: ProcessGroups
) -> Iterator[tuple[Server, str]]:
    broker = Guarded(servers_dir, tmp_path / "kafka", free_port(), free_port())
    server = kafka_server(broker, process_groups)
    server.start()
    yield server, broker.address
    server.kill()


async def until_known(kafka: str) -> None:
    """Wait for a topic: a broker tells of it a moment after it was made."""
    async with asyncio.timeout(20):
        while await may_write(kafka, CROSSINGS.name, timeout_ms=5000) is None:
            await asyncio.sleep(0.05)


async def test_a_broker_that_forbids_writing_is_a_fault(guarded: tuple[Server, str]) -> None:
    server, address = guarded
    await server.wait_ready()
    await ensure_topics(address, published=[CROSSINGS])
    await until_known(address)
    before = await may_write(address, CROSSINGS.name, timeout_ms=5000)
    client = AIOKafkaClient(bootstrap_servers=address)
    await client.bootstrap()
    made = await client.send(client.get_random_node(), MakeRules())
    await client.close()

    assert (before, made.results) == (True, [(0, ""), (0, "")])
    async with asyncio.timeout(20):
        while await may_write(address, CROSSINGS.name, timeout_ms=5000):
            await asyncio.sleep(0.1)
    finding = await _kafka(settings_for(address))
    assert finding.verdict == "fail"
    assert "allow WRITE" in finding.said


def settings_for(kafka: str) -> Settings:
    values = {"id": "lobby-1", "camera": "LOBBY", "source": "x", "kafka": kafka}
    return Settings.model_validate(values)


async def test_kafka_is_asked_for_the_right_to_write_and_sent_nothing(
    kafka: Broker,
) -> None:
    await kafka.fresh(CROSSINGS)
    await until_known(kafka.address)

    finding = await _kafka(settings_for(kafka.address))

    assert finding.verdict == "ok"
    assert await may_write(kafka.address, "no.such.topic", timeout_ms=5000) is None
    consumer = AIOKafkaConsumer(CROSSINGS.name, bootstrap_servers=kafka.address)
    await consumer.start()
    ends = await consumer.end_offsets(consumer.assignment())
    await consumer.stop()
    assert set(ends.values()) == {0}
