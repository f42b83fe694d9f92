"""Which environment each container gets, as Kubernetes would put it together."""

import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from kustomize import Manifest, of_kind

ROOT = Path(__file__).parents[2]
MAKE_ENV = ROOT / "deploy/images/make-env.sh"
MAKE_SECRETS = ROOT / "deploy/k8s/make-secrets.sh"

Secrets = Mapping[str, Mapping[str, str]]


def make_env(file: Path) -> dict[str, str]:
    """Make a file of secrets as an operator does, and read it."""
    subprocess.run([MAKE_ENV, file], check=True, capture_output=True)
    return dict(line.split("=", 1) for line in file.read_text().splitlines())


def make_secrets(file: Path) -> dict[str, dict[str, str]]:
    """Make the Secrets from it as an operator does; returns their values by name and key."""
    made = subprocess.run([MAKE_SECRETS, file], check=True, capture_output=True, text=True)
    manifests = [one for one in yaml.safe_load_all(made.stdout) if one]
    return {one["metadata"]["name"]: one["stringData"] for one in manifests}


def own_variables(container: Manifest, manifests: Iterable[Manifest]) -> dict[str, Any]:
    """Return what a manifest sets, by name: a value, or where it is from."""
    maps = {one["metadata"]["name"]: one["data"] for one in of_kind(manifests, "ConfigMap")}
    variables: dict[str, Any] = {}
    for source in container.get("envFrom", []):
        variables |= maps[source["configMapRef"]["name"]]
    for entry in container.get("env", []):
        variables[entry["name"]] = entry.get("value", entry.get("valueFrom"))
    return variables


def environment_of(
    container: Manifest, manifests: Iterable[Manifest], secrets: Secrets
) -> dict[str, str]:
    """Return what a container's process sees of a manifest, references resolved."""
    resolved: dict[str, str] = {}
    for name, value in own_variables(container, manifests).items():
        match value:
            case {"secretKeyRef": {"name": secret, "key": key}}:
                resolved[name] = secrets[secret][key]
            case {"fieldRef": {"fieldPath": path}}:
                resolved[name] = f"a-{path.rpartition('.')[2]}"
            case str():
                resolved[name] = re.sub(r"\$\((\w+)\)", lambda found: resolved[found[1]], value)
            case _:
                raise ValueError(f"{name}: {value!r} is no text, as an environment wants it")
    return resolved


def referenced(variables: Mapping[str, Any]) -> set[str]:
    """Return the variables that only serve to put other ones together."""
    texts = [value for value in variables.values() if isinstance(value, str)]
    return {name for text in texts for name in re.findall(r"\$\((\w+)\)", text)}
