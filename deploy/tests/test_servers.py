"""Kafka and Postgres in containers are those of the laptop, and hold what the code relies on."""

import re
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree as ET

import asyncpg.connect_utils
import pytest
import yaml
from environments import ROOT, Secrets, own_variables
from kustomize import Manifest, all_containers, of_kind
from processes import PROCESSES, SCHEMAS, SERVICES, settings_from

from common import topics
from common.consumer import Consumer
from common.events import TOPICS
from common.process import Parts, Service
from common.settings import ProcessSettings
from common.topics import ensure_topics
from local_stack import postgres
from local_stack.kafka import Kafka

_POM = ET.parse(ROOT / "deploy/local/pom.xml").getroot()  # noqa: S314 - our own file


def _pinned(name: str) -> str:
    found = _POM.find(f"{{*}}properties/{{*}}{name}")
    assert found is not None
    assert found.text is not None
    return found.text


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    services: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    return services


# --- the same servers ---------------------------------------------------------------------------


def test_images_have_the_laptops_versions(compose: dict[str, Any], local: list[Manifest]) -> None:
    # Maven's 18.6.0 is PostgreSQL's 18.6.
    wanted = {
        f"apache/kafka:{_pinned('kafka.version')}",
        f"postgres:{_pinned('postgres.version').removesuffix('.0')}",
    }
    composed = {one["image"] for one in compose.values() if not one["image"].startswith("atrium/")}
    in_kubernetes = {
        one["image"] for one in all_containers(local) if not one["image"].startswith("atrium/")
    }

    assert composed == wanted
    assert in_kubernetes == wanted


def test_operators_run_the_laptops_versions(prod: list[Manifest]) -> None:
    (kafka,) = of_kind(prod, "Kafka")
    (cluster,) = of_kind(prod, "Cluster")
    version = _pinned("kafka.version")

    assert kafka["spec"]["kafka"]["version"] == version
    assert kafka["spec"]["kafka"]["metadataVersion"].startswith(version.rpartition(".")[0])
    catalog = cluster["spec"]["imageCatalogRef"]
    assert str(catalog["major"]) == _pinned("postgres.version").partition(".")[0]


def _broker_settings(environment: dict[str, Any]) -> dict[str, str]:
    """Turn the image's variables into the broker's settings, as its entry point does."""
    not_settings = {"KAFKA_HEAP_OPTS", "KAFKA_LOG4J_OPTS"}
    return {
        name.removeprefix("KAFKA_").lower().replace("_", "."): str(value)
        for name, value in environment.items()
        if name.startswith("KAFKA_") and name not in not_settings
    }


def _laptops_broker_settings() -> dict[str, str]:
    laptop = Kafka(Path("servers"), Path("data"), 9092)._properties()
    return dict(line.split("=", 1) for line in laptop.splitlines())


def test_the_single_broker_is_set_as_on_a_laptop(
    compose: dict[str, Any], local: list[Manifest]
) -> None:
    where = {"listeners", "advertised.listeners", "log.dirs"}
    # The laptop formats for a quorum that can grow; the image's entry point cannot.
    quorum = {"controller.quorum.bootstrap.servers", "controller.quorum.voters"}
    wanted = {
        key: value for key, value in _laptops_broker_settings().items() if key not in where | quorum
    }
    (broker,) = [one for one in all_containers(local) if one["name"] == "kafka"]

    for environment in (compose["kafka"]["environment"], own_variables(broker, local)):
        own = _broker_settings(environment)
        assert {key: own[key] for key in own if key not in where | quorum} == wanted


def test_the_single_broker_logs_as_on_a_laptop(local: list[Manifest]) -> None:
    (log,) = [one for one in of_kind(local, "ConfigMap") if one["metadata"]["name"] == "kafka-log"]
    laptop = ROOT / "deploy/local/src/local_stack/kafka-log4j2.xml"

    assert log["data"] == {laptop.name: laptop.read_text()}


def test_texts_are_in_the_same_order_everywhere(
    compose: dict[str, Any], local: list[Manifest], prod: list[Manifest]
) -> None:
    laptop = list(postgres._COLLATION)
    (server,) = [one for one in all_containers(local) if one["name"] == "postgres"]
    (cluster,) = of_kind(prod, "Cluster")
    initdb = cluster["spec"]["bootstrap"]["initdb"]

    assert compose["postgres"]["environment"]["POSTGRES_INITDB_ARGS"].split() == laptop
    assert own_variables(server, local)["POSTGRES_INITDB_ARGS"].split() == laptop
    assert laptop == [
        f"--encoding={initdb['encoding']}",
        f"--locale-provider={initdb['localeProvider']}",
        f"--locale={initdb['locale']}",
        f"--builtin-locale={initdb['builtinLocale']}",
    ]


# --- Postgres -----------------------------------------------------------------------------------


def test_the_operator_makes_the_two_roles_of_each_schema(prod: list[Manifest]) -> None:
    (cluster,) = of_kind(prod, "Cluster")
    roles = {role["name"]: role for role in cluster["spec"]["managed"]["roles"]}

    assert roles.keys() == {f"{schema}{owner}" for schema in SCHEMAS for owner in ("", "_owner")}
    for name, role in roles.items():
        assert role == {
            "name": name,
            "ensure": "present",
            "login": True,
            "inherit": False,  # as common.roles makes them
            "passwordSecret": {"name": f"postgres-{name.replace('_', '-')}"},
        }
    assert cluster["spec"]["bootstrap"]["initdb"]["database"] == "atrium"
    assert cluster["spec"]["superuserSecret"] == {"name": "postgres-superuser"}


def test_every_connection_to_postgres_is_encrypted_and_to_the_right_server(
    prod: list[Manifest],
) -> None:
    (cluster,) = of_kind(prod, "Cluster")
    authority = f"{cluster['metadata']['name']}-ca"
    assert cluster["spec"]["postgresql"]["pg_hba"] == ["hostnossl all all all reject"]
    for manifest in of_kind(prod, "Deployment", "Job"):
        spec = manifest["spec"]["template"]["spec"]
        volumes = {one["name"]: one.get("secret") for one in spec["volumes"]}
        assert volumes["postgres-authority"] == {
            "secretName": authority,
            "items": [{"key": "ca.crt", "path": "ca.crt"}],
        }
        for container in [*spec.get("initContainers", []), *spec["containers"]]:
            variables = own_variables(container, prod)
            mounts = {one["name"]: one["mountPath"] for one in container["volumeMounts"]}
            assert variables["PGSSLMODE"] == "verify-full"
            assert variables["PGSSLROOTCERT"] == f"{mounts['postgres-authority']}/ca.crt"


def test_the_driver_reads_the_variables_of_encryption() -> None:
    driver = Path(asyncpg.connect_utils.__file__).read_text()

    for name in ("PGSSLMODE", "PGSSLROOTCERT"):
        assert f"'{name}'" in driver


# --- Kafka --------------------------------------------------------------------------------------


class RecordingAdmin:
    """Stands in for Kafka's admin client and keeps what was to be made."""

    made: dict[str, tuple[int, dict[str, str]]]

    def __init__(self, **_: object) -> None: ...

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def create_topics(self, wanted: Iterable[Any]) -> SimpleNamespace:
        for topic in wanted:
            self.made[topic.name] = (topic.num_partitions, dict(topic.topic_configs))
        return SimpleNamespace(topic_errors=[])


@pytest.fixture
async def topics_of_the_code(
    monkeypatch: pytest.MonkeyPatch,
) -> dict[str, tuple[int, dict[str, str]]]:
    """Every topic that any process makes, as it asks Kafka for it."""
    RecordingAdmin.made = {}
    monkeypatch.setattr(topics, "AIOKafkaAdminClient", RecordingAdmin)
    for process in PROCESSES.values():
        if process.schema is not None:
            await ensure_topics(
                "kafka", published=process.schema.published, consumed=process.schema.consumed
            )
    return RecordingAdmin.made


def test_topics_are_those_that_the_code_makes(
    prod: list[Manifest], topics_of_the_code: dict[str, tuple[int, dict[str, str]]]
) -> None:
    declared = {
        one["metadata"]["name"]: (
            one["spec"]["partitions"],
            {key: str(value) for key, value in one["spec"]["config"].items()},
        )
        for one in of_kind(prod, "KafkaTopic")
    }

    assert declared == topics_of_the_code
    assert {topic.name for topic in TOPICS} <= declared.keys()


def test_everything_in_kafka_has_three_copies_of_which_two_are_needed(prod: list[Manifest]) -> None:
    (kafka,) = of_kind(prod, "Kafka")
    (settings,) = [one for one in of_kind(prod, "ConfigMap") if one["metadata"]["name"] == "topics"]
    config = kafka["spec"]["kafka"]["config"]
    copies = {value for key, value in config.items() if key.endswith("replication.factor")}
    brokers = [one for one in of_kind(prod, "KafkaNodePool") if one["spec"]["roles"] == ["broker"]]

    assert {one["spec"]["replicas"] for one in of_kind(prod, "KafkaTopic")} == {3}
    assert copies == {3}
    assert settings["data"]["ATRIUM_KAFKA_REPLICATION"] == "3"
    assert config["min.insync.replicas"] == 2
    assert [one["spec"]["replicas"] for one in brokers] == [3]
    assert config["auto.create.topics.enable"] is False


def test_everything_of_strimzis_belongs_to_the_one_cluster(prod: list[Manifest]) -> None:
    (kafka,) = of_kind(prod, "Kafka")
    for one in of_kind(prod, "KafkaTopic", "KafkaUser", "KafkaNodePool"):
        assert one["metadata"]["labels"] == {"strimzi.io/cluster": kafka["metadata"]["name"]}


Rights = dict[tuple[str, str], set[str]]


def _wanted_rights(name: str, group: str | None) -> Rights:
    """Derive what a process does with Kafka from what it says of itself."""
    wanted: Rights = {}

    def allow(kind: str, resource: str, *operations: str) -> None:
        wanted.setdefault((kind, resource), set()).update(operations)

    for topic in TOPICS:
        if topic.publisher == name:
            allow("topic", topic.name, "Describe", "Write")
    schema = PROCESSES[name].schema
    for topic in schema.published if schema else ():
        allow("topic", topic.name, "Describe", "Create")
    for topic in schema.consumed if schema else ():
        allow("topic", topic.name, "Describe", "Read")
        allow("topic", f"{topic.name}.dlq", "Create", "Describe", "Write")
    if group is not None:
        allow("group", group, "Read")
    return wanted


def _parts(service: Service[Any], secrets: Secrets) -> Parts:
    name = service.name.upper()
    environment = {
        f"{name}_DATABASE_URL": "postgresql://nobody@nowhere/none",
        f"{name}_PORT": "0",
        "ATRIUM_IDENTITY_PUBLIC_KEYS": secrets["identity"]["public-keys"],
    }
    return service.build(settings_from(PROCESSES[service.name], environment))


async def _group(service: Service[Any], secrets: Secrets) -> str | None:
    """Return the consumer group of a service, looked up where it is put together."""
    parts = _parts(service, secrets)
    await parts.close()
    owners = [getattr(worker, "__self__", None) for worker in parts.workers]
    groups = {owner._group for owner in owners if isinstance(owner, Consumer)}
    taken = {topic for one in owners if isinstance(one, Consumer) for topic in one._subscriptions}
    assert taken == set(PROCESSES[service.name].consumed)
    assert len(groups) <= 1
    return groups.pop() if groups else None


async def test_each_process_may_do_in_kafka_what_it_does_and_no_more(
    prod: list[Manifest], secrets: Secrets
) -> None:
    groups = {name: await _group(service, secrets) for name, service in SERVICES.items()}
    users = {one["metadata"]["name"]: one["spec"] for one in of_kind(prod, "KafkaUser")}

    assert users.keys() == PROCESSES.keys()
    for name, user in users.items():
        rights: Rights = {
            (rule["resource"]["type"], rule["resource"]["name"]): set(rule["operations"])
            for rule in user["authorization"]["acls"]
        }
        assert rights == _wanted_rights(name, groups.get(name)), name
        literal = {rule["resource"]["patternType"] for rule in user["authorization"]["acls"]}
        assert literal == {"literal"}
        assert user["authentication"] == {"type": "scram-sha-512"}


def test_an_edge_may_write_its_topics_and_nothing_else(prod: list[Manifest]) -> None:
    (edge,) = [one for one in of_kind(prod, "KafkaUser") if "edge" in one["metadata"]["name"]]
    rules = edge["spec"]["authorization"]["acls"]

    assert {rule["resource"]["name"] for rule in rules} == {
        topic.name for topic in TOPICS if topic.publisher == "edge-counter"
    }
    assert all(set(rule["operations"]) == {"Describe", "Write"} for rule in rules)


def test_the_open_listener_is_there_as_long_as_processes_cannot_say_who_they_are(
    prod: list[Manifest],
) -> None:
    (kafka,) = of_kind(prod, "Kafka")
    cluster = kafka["spec"]["kafka"]
    listeners = {one["name"]: one for one in cluster["listeners"]}
    can_sign_in = any(
        re.search("sasl|kafka_user|kafka_password|kafka_security", name)
        for name in ProcessSettings.model_fields
    )

    assert listeners["tls"]["tls"] is True
    assert listeners["tls"]["authentication"] == {"type": "scram-sha-512"}
    assert cluster["authorization"]["type"] == "simple"
    # Red with settings for it in the code? Then overlays/prod/open-listener.yaml goes.
    assert ("plain" in listeners) == (not can_sign_in)
    assert cluster["authorization"].get("superUsers", []) == ([] if can_sign_in else ["ANONYMOUS"])
