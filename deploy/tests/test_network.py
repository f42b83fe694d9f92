"""Who may talk to whom in Kubernetes: this and nothing else."""

from itertools import product
from typing import Final

import pytest
from kustomize import Manifest, containers_of, of_kind, pod_of
from network import Pod, allows

_POSTGRES: Final = Pod("postgres", {"cnpg.io/cluster": "atrium-postgres"}, {"postgres": 5432})
# Strimzi's labels for a broker's pod.
_KAFKA: Final = Pod(
    "kafka", {"strimzi.io/cluster": "atrium", "strimzi.io/name": "atrium-kafka"}, {"kafka": 9092}
)
_OUTSIDE: Final = (
    Pod("ingress controller", namespace={"atrium-role": "ingress"}),
    Pod("prometheus", namespace={"atrium-role": "monitoring"}),
    Pod("anybody", namespace={"kubernetes.io/metadata.name": "default"}),
)
_PORTS: Final = (3000, 5432, 8000, 8100, 8101, 8102, 8103, 8105, 8106, 9092)
_SERVICES: Final = {
    "rooms": 8101,
    "occupancy": 8102,
    "bookings": 8103,
    "panel": 8105,
    "analytics": 8106,
}

_EXPECTED: Final = {
    ("ingress controller", "gateway", 8000),
    ("ingress controller", "gateway", 3000),
    *(("gateway", f"{service}-api", port) for service, port in _SERVICES.items()),
    *((name, "postgres", 5432) for name in ("gateway", "database-roles")),
    *((name, "kafka", 9092) for name in ("gateway", "edge-counter")),
    *(
        (f"{service}-{half}", *server)
        for service, half, server in product(
            _SERVICES, ("api", "worker"), (("postgres", 5432), ("kafka", 9092))
        )
    ),
    ("edge-counter", "gateway", 8000),
    ("prometheus", "gateway", 8100),
    *(
        ("prometheus", f"{service}-{half}", port)
        for (service, port), half in product(_SERVICES.items(), ("api", "worker"))
    ),
    ("prometheus", "edge-counter", 8106),
}


def _pods(manifests: list[Manifest]) -> list[Pod]:
    own = []
    for manifest in of_kind(manifests, "Deployment", "Job", "StatefulSet"):
        template = pod_of(manifest)
        assert template is not None
        ports = containers_of(manifest)[-1].get("ports", [])
        named = {port["name"]: port["containerPort"] for port in ports}
        own.append(Pod(manifest["metadata"]["name"], template["metadata"]["labels"], named))
    servers = {pod.name for pod in own} & {"kafka", "postgres"}
    return [*own, *([] if servers else [_KAFKA, _POSTGRES]), *_OUTSIDE]


def test_who_reaches_whom(manifests: list[Manifest]) -> None:
    policies = of_kind(manifests, "NetworkPolicy")
    pods = _pods(manifests)
    pairs = [(one, other) for one, other in product(pods, pods) if one is not other]

    reached = {
        (source.name, target.name, port)
        for (source, target), port in product(pairs, _PORTS)
        if port in target.ports.values() and allows(policies, source, target, port)
    }

    assert reached == _EXPECTED


def test_a_pod_that_no_policy_names_reaches_nobody(manifests: list[Manifest]) -> None:
    policies = of_kind(manifests, "NetworkPolicy")
    stranger = Pod("stranger in our namespace", {"app": "miner"})
    for pod in _pods(manifests):
        for port in _PORTS:
            assert not allows(policies, stranger, pod, port)
            assert not allows(policies, pod, stranger, port) or pod.namespace is not None


def test_everything_is_denied_by_default(manifests: list[Manifest]) -> None:
    deny = [
        policy["spec"]
        for policy in of_kind(manifests, "NetworkPolicy")
        if policy["metadata"]["name"] == "default-deny"
    ]

    assert deny == [{"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}]


def test_every_pod_resolves_names(manifests: list[Manifest]) -> None:
    policies = of_kind(manifests, "NetworkPolicy")
    resolver = Pod("dns", namespace={"kubernetes.io/metadata.name": "kube-system"})

    assert all(allows(policies, pod, resolver, 53) for pod in _pods(manifests))


def test_processes_send_traces_to_monitoring_only(manifests: list[Manifest]) -> None:
    policies = of_kind(manifests, "NetworkPolicy")
    _, monitoring, anybody = _OUTSIDE
    for pod in _pods(manifests):
        if pod.name.startswith(("gateway", *_SERVICES)):
            assert allows(policies, pod, monitoring, 4318)
            assert not allows(policies, pod, anybody, 4318)


@pytest.mark.parametrize("port", [80, 443, 587, 8443, 5432])
@pytest.mark.parametrize("address", ["1.1.1.1", "198.20.0.1", "2606:4700::1111"])
def test_only_the_worker_of_bookings_reaches_the_internet(
    manifests: list[Manifest], address: str, port: int
) -> None:
    policies = of_kind(manifests, "NetworkPolicy")
    host = Pod("a host", namespace={}, address=address)
    for pod in _pods(manifests):
        if pod.name.startswith(("gateway", *_SERVICES, "database")):
            assert allows(policies, pod, host, port) == (pod.name == "bookings-worker"), pod.name
            assert not allows(policies, host, pod, port), pod.name


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.1", "127.0.0.1", "10.96.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1"),
        *("169.254.169.254", "192.0.0.192", "198.19.255.255", "224.0.0.1", "255.255.255.255"),
        *("::", "::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::1", "fd00:ec2::254"),
        *("fe80::1", "ff02::1"),
    ],
)
def test_no_process_reaches_what_is_not_the_internet(
    manifests: list[Manifest], address: str
) -> None:
    policies = of_kind(manifests, "NetworkPolicy")
    host = Pod("a host", namespace={}, address=address)
    for pod in _pods(manifests):
        if pod.name.startswith(("gateway", *_SERVICES, "database")):
            assert not any(allows(policies, pod, host, port) for port in (80, 443, 587)), pod.name


def test_the_way_to_the_internet_leads_to_no_pod(manifests: list[Manifest]) -> None:
    policies = of_kind(manifests, "NetworkPolicy")
    pods = _pods(manifests)
    (worker,) = [pod for pod in pods if pod.name == "bookings-worker"]

    assert not any(allows(policies, worker, pod, port) for pod in pods for port in (80, 443, 587))


def test_strimzis_own_policies_let_in_nobody_but_the_processes(prod: list[Manifest]) -> None:
    (kafka,) = of_kind(prod, "Kafka")
    for listener in kafka["spec"]["kafka"]["listeners"]:
        (peer,) = listener["networkPolicyPeers"]
        (rule,) = peer["podSelector"]["matchExpressions"]
        assert set(rule["values"]) == {"gateway", *_SERVICES, "edge-counter"}


def test_instances_of_a_server_reach_each_other_and_their_operators(prod: list[Manifest]) -> None:
    policies = of_kind(prod, "NetworkPolicy")
    operator = Pod("cnpg", namespace={"kubernetes.io/metadata.name": "cnpg-system"})
    api_server = Pod("API server", namespace={"kubernetes.io/metadata.name": "default"})

    for port in (5432, 8000):
        assert allows(policies, _POSTGRES, _POSTGRES, port)
        assert allows(policies, operator, _POSTGRES, port)
    for port in (9090, 9091):
        assert allows(policies, _KAFKA, _KAFKA, port)
    for server in (_POSTGRES, _KAFKA):
        assert allows(policies, server, api_server, 6443)
