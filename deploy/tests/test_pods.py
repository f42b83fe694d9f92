"""Each pod is confined, and is told what its process reads, under names that the code has."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from dockerfile import stages
from environments import Secrets, environment_of, own_variables, referenced
from kustomize import (
    Manifest,
    all_containers,
    containers_of,
    name_of,
    of_kind,
    pod_of,
    selects,
)
from processes import (
    LIBRARIES,
    PROCESSES,
    SCHEMAS,
    SERVICES,
    Process,
    check_command,
    image_process,
    roles_variables,
    settings_from,
)

from common.events import TOPICS
from common.process import DRAIN_S

_STAGES = stages()
_DATABASE = "atrium"
_ROLES = ["python", "-m", "common.roles"]


def _process_containers(manifests: list[Manifest]) -> Iterator[tuple[str, Process, Manifest]]:
    """Yield each container that runs a process's own command, with its pod's name."""
    for manifest in manifests:
        for container in containers_of(manifest):
            process = image_process(container["image"])
            if process is not None and "command" not in container:
                yield f"{name_of(manifest)}/{container['name']}", process, container


# --- confined -----------------------------------------------------------------------------------


def test_every_pod_keeps_the_restricted_standard(manifests: list[Manifest]) -> None:
    for pod in filter(None, map(pod_of, manifests)):
        context = pod["spec"]["securityContext"]
        assert context["runAsNonRoot"] is True
        assert context["runAsUser"] > 0
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        for forbidden in ("hostNetwork", "hostPID", "hostIPC"):
            assert forbidden not in pod["spec"]
        kinds = {next(key for key in volume if key != "name") for volume in pod["spec"]["volumes"]}
        assert kinds <= {"emptyDir", "configMap", "secret"}


def test_every_container_keeps_the_restricted_standard(manifests: list[Manifest]) -> None:
    for container in all_containers(manifests):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, container["name"]


def test_brokers_keep_the_restricted_standard(prod: list[Manifest]) -> None:
    (kafka,) = of_kind(prod, "Kafka")
    for template in (
        kafka["spec"]["kafka"]["template"],
        kafka["spec"]["entityOperator"]["template"],
    ):
        for part, content in template.items():
            context = content["securityContext"]
            if part == "pod":
                assert context["runAsNonRoot"] is True
                assert context["seccompProfile"] == {"type": "RuntimeDefault"}
            else:
                assert context["allowPrivilegeEscalation"] is False
                assert context["capabilities"] == {"drop": ["ALL"]}


def test_the_namespace_refuses_what_is_not_restricted(manifests: list[Manifest]) -> None:
    (namespace,) = of_kind(manifests, "Namespace")

    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_no_pod_gets_a_token_or_other_services_variables(manifests: list[Manifest]) -> None:
    for pod in filter(None, map(pod_of, manifests)):
        assert pod["spec"]["automountServiceAccountToken"] is False
        assert pod["spec"]["enableServiceLinks"] is False  # ROOMS_PORT=tcp://… is no port
    for account in of_kind(manifests, "ServiceAccount"):
        assert account["automountServiceAccountToken"] is False


def test_every_container_has_requests_and_limits(manifests: list[Manifest]) -> None:
    for container in all_containers(manifests):
        for kind in ("requests", "limits"):
            assert container["resources"][kind].keys() == {"cpu", "memory"}, container["name"]


def test_images_are_pinned_and_name_no_registry(manifests: list[Manifest]) -> None:
    for container in all_containers(manifests):
        name, _, tag = container["image"].partition(":")
        assert tag.replace(".", "").isdigit()
        assert "." not in name


# --- kept running -------------------------------------------------------------------------------


def test_every_deployment_has_a_budget_that_leaves_one(manifests: list[Manifest]) -> None:
    budgets = of_kind(manifests, "PodDisruptionBudget")
    for deployment in of_kind(manifests, "Deployment"):
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        (own,) = [one for one in budgets if selects(one["spec"]["selector"], labels)]
        assert own["spec"]["minAvailable"] == 1


def test_in_production_there_are_two_of_everything(prod: list[Manifest]) -> None:
    scaled = {
        one["spec"]["scaleTargetRef"]["name"]: one["spec"]["minReplicas"]
        for one in of_kind(prod, "HorizontalPodAutoscaler")
    }
    for deployment in of_kind(prod, "Deployment"):
        name = deployment["metadata"]["name"]
        fixed = deployment["spec"].get("replicas")
        assert (fixed is None) == (name in scaled), "replicas are set here or by an autoscaler"
        assert (fixed or scaled[name]) >= 2


def test_autoscalers_scale_what_exists(manifests: list[Manifest]) -> None:
    there = {name_of(one) for one in of_kind(manifests, "Deployment")}
    for scaler in of_kind(manifests, "HorizontalPodAutoscaler"):
        target = scaler["spec"]["scaleTargetRef"]
        assert f"{target['kind']}/{target['name']}" in there


def test_no_more_consumers_than_partitions(manifests: list[Manifest]) -> None:
    partitions = {topic.name: topic.partitions for topic in TOPICS}
    scalers = {
        one["metadata"]["name"]: one for one in of_kind(manifests, "HorizontalPodAutoscaler")
    }
    for process in PROCESSES.values():
        scaler = scalers.get(f"{process.name}-worker")
        if scaler:
            assert process.consumed, "more than one sender of an outbox is of no use"
            most = max(partitions[topic] for topic in process.consumed)
            assert scaler["spec"]["maxReplicas"] <= most


def test_pods_are_spread_over_nodes(manifests: list[Manifest]) -> None:
    for deployment in of_kind(manifests, "Deployment"):
        pod = deployment["spec"]["template"]
        (spread,) = pod["spec"]["topologySpreadConstraints"]
        assert selects(spread["labelSelector"], pod["metadata"]["labels"])
        assert spread["labelSelector"] == deployment["spec"]["selector"]


def test_pods_outlive_the_requests_that_are_under_way(manifests: list[Manifest]) -> None:
    for deployment in of_kind(manifests, "Deployment"):
        spec = deployment["spec"]["template"]["spec"]
        sleep_s = spec["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
        assert sleep_s > 0
        assert spec["terminationGracePeriodSeconds"] > sleep_s + DRAIN_S


def test_new_pods_come_before_old_ones_go(manifests: list[Manifest]) -> None:
    for deployment in of_kind(manifests, "Deployment"):
        assert deployment["spec"]["strategy"]["rollingUpdate"] == {
            "maxSurge": 1,
            "maxUnavailable": 0,
        }


def test_postgres_has_connections_for_everybody_at_their_most(
    manifests: list[Manifest], secrets: Secrets
) -> None:
    most = {
        one["spec"]["scaleTargetRef"]["name"]: one["spec"]["maxReplicas"]
        for one in of_kind(manifests, "HorizontalPodAutoscaler")
    }
    wanted = 3 + 3  # the superuser's own, and the jobs'
    for deployment in of_kind(manifests, "Deployment"):
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        settings = _settings(container, manifests, secrets)
        replicas = most.get(deployment["metadata"]["name"]) or deployment["spec"]["replicas"]
        also = {"api": "hot_database_pool", "worker": "worker_database_pool"}
        pools = ("database_pool", also.get(container["args"][0], ""))
        wanted += (replicas + 1) * sum(getattr(settings, pool, 0) for pool in pools)

    assert wanted <= _max_connections(manifests)


def _max_connections(manifests: list[Manifest]) -> int:
    for cluster in of_kind(manifests, "Cluster"):
        return int(cluster["spec"]["postgresql"]["parameters"]["max_connections"])
    (postgres,) = [one for one in all_containers(manifests) if one["name"] == "postgres"]
    (setting,) = [one for one in postgres["args"] if one.startswith("max_connections=")]
    return int(setting.partition("=")[2])


# --- told what they read ------------------------------------------------------------------------


def _settings(container: Manifest, manifests: list[Manifest], secrets: Secrets) -> object:
    process = image_process(container["image"])
    assert process is not None
    environment = _STAGES[process.name].environment
    return settings_from(process, environment | environment_of(container, manifests, secrets))


def test_processes_are_told_only_what_they_read(manifests: list[Manifest]) -> None:
    for where, process, container in _process_containers(manifests):
        variables = own_variables(container, manifests)
        known = process.variables().keys() | process.also_reads | LIBRARIES
        assert variables.keys() - referenced(variables) <= known, where


def test_every_image_sets_only_what_its_process_reads() -> None:
    base = _STAGES["runtime"].environment.keys() | {"HEALTH_URL"}
    for process in PROCESSES.values():
        own = _STAGES[process.name].environment.keys() - base
        assert own <= process.variables().keys() | process.also_reads, process.name


def test_every_process_finds_all_that_it_needs(manifests: list[Manifest], secrets: Secrets) -> None:
    for _, _, container in _process_containers(manifests):
        if container["args"][0] in {"run", "api", "worker", "migrate"}:
            _settings(container, manifests, secrets)  # raises, if not


def test_only_migrations_know_the_owners_passwords(manifests: list[Manifest]) -> None:
    for where, process, container in _process_containers(manifests):
        owner = f"{process.name.upper()}_OWNER_DATABASE_URL"
        if process.schema is not None:
            assert (owner in own_variables(container, manifests)) == (
                container["args"] == ["migrate"]
            ), where


def test_every_secret_is_one_that_is_made(manifests: list[Manifest], secrets: Secrets) -> None:
    for container in all_containers(manifests):
        for value in own_variables(container, manifests).values():
            if isinstance(value, dict) and (wanted := value.get("secretKeyRef")):
                assert wanted["key"] in secrets[wanted["name"]]


def test_roles_are_made_for_every_schema(manifests: list[Manifest]) -> None:
    (container,) = [one for one in all_containers(manifests) if one.get("command") == _ROLES]
    variables = own_variables(container, manifests)

    assert set(container["args"]) == SCHEMAS
    wanted = roles_variables(container["args"]) | referenced(variables) | LIBRARIES
    assert roles_variables(container["args"]) <= variables.keys() <= wanted


def test_every_container_runs_a_command_of_its_process(manifests: list[Manifest]) -> None:
    ran = set()
    for _, process, container in _process_containers(manifests):
        assert _STAGES[process.name].entrypoint == (process.name,)
        check_command(process.main, container["args"])
        ran.add((process.name, container["args"][0]))

    halves = {(name, half) for name in SERVICES for half in ("api", "worker")}
    assert {("gateway", "run"), ("edge-counter", "run"), *halves} <= ran


# --- ports, probes, addresses -------------------------------------------------------------------


def _ports(container: Manifest) -> dict[str, int]:
    return {port["name"]: port["containerPort"] for port in container.get("ports", [])}


def test_ports_are_those_on_which_the_process_listens(
    manifests: list[Manifest], secrets: Secrets
) -> None:
    for where, process, container in _process_containers(manifests):
        if "ports" in container:
            settings = _settings(container, manifests, secrets)
            listening = {getattr(settings, name) for name in process.ports}
            assert set(_ports(container).values()) == listening, where
            assert listening == _STAGES[process.name].ports, where
            hosts = {name.replace("port", "host") for name in process.ports} & vars(settings).keys()
            assert {getattr(settings, name) for name in hosts} == {"0.0.0.0"}, where  # noqa: S104


def test_probes_ask_health_where_the_process_answers_it(
    manifests: list[Manifest], secrets: Secrets
) -> None:
    for where, process, container in _process_containers(manifests):
        if "ports" not in container:
            continue
        health_port = getattr(_settings(container, manifests, secrets), process.health_port)
        paths = {}
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            get = container[probe]["httpGet"]
            assert _ports(container)[get["port"]] == health_port, where
            assert process.answers_health(get["path"]), where
            paths[probe] = get["path"]
        assert paths["readinessProbe"] != paths["livenessProbe"], where
        assert not process.answers_health("/nowhere"), where


def test_metrics_are_looked_for_where_the_process_answers_them(
    manifests: list[Manifest], secrets: Secrets
) -> None:
    for manifest in of_kind(manifests, "Deployment", "StatefulSet"):
        (container,) = manifest["spec"]["template"]["spec"]["containers"]
        process = image_process(container["image"])
        if process is None:
            continue
        marks = manifest["spec"]["template"]["metadata"]["annotations"]
        settings = _settings(container, manifests, secrets)
        assert marks["prometheus.io/scrape"] == "true"
        assert int(marks["prometheus.io/port"]) == getattr(settings, process.health_port)
        assert process.answers_health(marks["prometheus.io/path"])


def test_services_lead_to_ports_that_exist(manifests: list[Manifest]) -> None:
    templates = list(filter(None, map(pod_of, manifests)))
    for service in of_kind(manifests, "Service"):
        selector = {"matchLabels": service["spec"]["selector"]}
        behind = [one for one in templates if selects(selector, one["metadata"]["labels"])]
        assert len(behind) == 1, f"{name_of(service)} mixes pods"
        ports = _ports(behind[0]["spec"]["containers"][0])
        for port in service["spec"]["ports"]:
            assert ports[port["targetPort"]] == port["port"]


def test_no_service_shows_health_and_metrics_of_the_gateway(manifests: list[Manifest]) -> None:
    (gateway,) = [one for one in of_kind(manifests, "Service") if name_of(one) == "Service/gateway"]

    assert {port["targetPort"] for port in gateway["spec"]["ports"]} == {"http", "university"}


def _addresses(manifests: list[Manifest]) -> set[str]:
    """Return host:port of all Services, those that operators make too."""
    services = {
        f"{service['metadata']['name']}:{port['port']}"
        for service in of_kind(manifests, "Service")
        for port in service["spec"]["ports"]
    }
    postgres = {f"{one['metadata']['name']}-rw:5432" for one in of_kind(manifests, "Cluster")}
    kafka = {
        f"{one['metadata']['name']}-kafka-bootstrap:{listener['port']}"
        for one in of_kind(manifests, "Kafka")
        for listener in one["spec"]["kafka"]["listeners"]
    }
    return services | postgres | kafka


def test_every_address_is_that_of_a_service(manifests: list[Manifest], secrets: Secrets) -> None:
    known = _addresses(manifests)
    for container in all_containers(manifests):
        if image_process(container["image"]) is None:
            continue
        for variable, value in environment_of(container, manifests, secrets).items():
            if variable == "BOOKINGS_SMTP_URL":  # an installation's own
                assert value == ""
            elif variable.endswith("_URL"):
                assert urlsplit(value).netloc.rpartition("@")[2] in known, variable
            if variable == "ATRIUM_KAFKA":
                assert value in known


@pytest.mark.parametrize("owner", ["", "_owner"], ids=["working role", "owner"])
def test_each_process_works_in_its_schema_by_its_role(
    manifests: list[Manifest], secrets: Secrets, owner: str
) -> None:
    for where, process, container in _process_containers(manifests):
        variable = f"{process.name.upper()}{owner.upper()}_DATABASE_URL"
        url = environment_of(container, manifests, secrets).get(variable)
        if url is not None:
            assert process.schema is not None
            role = f"{process.schema.name}{owner}"
            secret = f"postgres-{role.replace('_', '-')}"
            parts = urlsplit(url)
            assert parts.username == secrets[secret]["username"] == role, where
            assert parts.password == secrets[secret]["password"], where
            assert parts.path == f"/{_DATABASE}", where


def test_the_gateway_is_told_where_every_service_is(manifests: list[Manifest]) -> None:
    (gateway,) = [one for one in all_containers(manifests) if one["name"] == "gateway"]
    variables = own_variables(gateway, manifests)

    for name in SERVICES:
        url = urlsplit(variables[f"GATEWAY_{name.upper()}_URL"])
        assert (url.hostname, {url.port}) == (name, _STAGES[name].ports)


def test_webhooks_can_be_had_and_mail_goes_out_of_the_worker_only(
    manifests: list[Manifest], secrets: Secrets
) -> None:
    for where, process, container in _process_containers(manifests):
        if process.name == "bookings" and container["name"] in {"api", "worker"}:
            settings: Any = _settings(container, manifests, secrets)
            assert settings.secrets_key is not None, where
            told = own_variables(container, manifests)
            assert ("BOOKINGS_SMTP_URL" in told) == (container["name"] == "worker"), where


def test_cameras_addresses_are_sealed_by_who_takes_them_and_nobody_else_has_the_key(
    manifests: list[Manifest], secrets: Secrets
) -> None:
    for where, process, container in _process_containers(manifests):
        told = environment_of(container, manifests, secrets)
        is_api = process.name == "occupancy" and container["name"] == "api"
        assert ("OCCUPANCY_SECRETS_KEY" in told) == is_api, where
        if is_api:
            settings: Any = _settings(container, manifests, secrets)
            assert settings.secrets_key is not None, where


def test_the_ingress_leads_to_the_gateway_under_both_editions_names(prod: list[Manifest]) -> None:
    (ingress,) = of_kind(prod, "Ingress")
    hosts = [rule["host"] for rule in ingress["spec"]["rules"]]
    backends = [rule["http"]["paths"][0]["backend"]["service"] for rule in ingress["spec"]["rules"]]
    (gateway,) = [one for one in all_containers(prod) if one["name"] == "gateway"]
    variables = own_variables(gateway, prod)

    assert ingress["spec"]["tls"][0]["hosts"] == hosts
    assert backends == [{"name": "gateway", "port": {"name": "http"}}] * 2
    assert variables["GATEWAY_UNIVERSITY_HOSTS"] in hosts
    assert variables["GATEWAY_TRUSTED_PROXIES"] == "1"
