"""Decides, as a network plugin would, whether one pod may open a connection to another."""

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kustomize import Manifest, selects


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod, in our namespace unless it has labels of another; or a host outside the cluster.

    Args:
        ports: its named ports.
        namespace: labels of its namespace; None: ours; empty for a host, which is in none.
        address: where it is; pods have private addresses.
    """

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    ports: Mapping[str, int] = field(default_factory=dict)
    namespace: Mapping[str, str] | None = None
    address: str = "10.244.0.1"


def allows(policies: Iterable[Manifest], source: Pod, target: Pod, port: int) -> bool:
    """Tell whether both ends allow it; a pod outside our namespace allows everything."""
    policies = list(policies)
    return _allows(policies, "Egress", source, target, target, port) and _allows(
        policies, "Ingress", target, source, target, port
    )


def _allows(
    policies: list[Manifest], way: str, pod: Pod, peer: Pod, server: Pod, port: int
) -> bool:
    if pod.namespace is not None:
        return True
    applying = [
        policy["spec"]
        for policy in policies
        if way in policy["spec"]["policyTypes"]
        and selects(policy["spec"]["podSelector"], pod.labels)
    ]
    if not applying:  # a pod that no policy selects is open
        return True
    rules = [rule for policy in applying for rule in policy.get(way.lower(), [])]
    peers = {"Ingress": "from", "Egress": "to"}[way]
    return any(
        _has_port(rule, server, port)
        and (peers not in rule or any(_is_peer(one, peer) for one in rule[peers]))
        for rule in rules
    )


def _has_port(rule: Mapping[str, Any], server: Pod, port: int) -> bool:
    if "ports" not in rule:
        return True
    named = [server.ports.get(one["port"], one["port"]) for one in rule["ports"]]
    return port in named


def _is_peer(peer: Mapping[str, Any], pod: Pod) -> bool:
    if "ipBlock" in peer:
        return _is_in_block(peer["ipBlock"], pod.address)
    if "namespaceSelector" in peer:
        if pod.namespace is None or not selects(peer["namespaceSelector"], pod.namespace):
            return False
    elif pod.namespace is not None:
        return False
    return selects(peer.get("podSelector", {}), pod.labels)


def _is_in_block(block: Mapping[str, Any], address: str) -> bool:
    inside, *without = map(ipaddress.ip_network, [block["cidr"], *block.get("except", [])])
    # Kubernetes refuses an exception that is not part of its block.
    if not all(one.version == inside.version and one.subnet_of(inside) for one in without):
        raise ValueError(f"exceptions outside of their block: {block}")
    host = ipaddress.ip_address(address)
    return host in inside and not any(host in one for one in without)
