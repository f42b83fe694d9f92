"""Renders kustomizations as `kubectl kustomize` does, as far as ours go, and nothing beyond.

A test compares the two where kubectl is installed; what it does not know it refuses.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

import yaml

Manifest = dict[str, Any]

K8S: Final = Path(__file__).parents[1] / "k8s"
_KNOWN: Final = {"apiVersion", "kind", "namespace", "resources", "components", "patches", "images"}


def render(folder: Path, *components: Path) -> list[Manifest]:
    """Render an overlay, with components that it does not name itself."""
    own = kustomization(folder)
    manifests: list[Manifest] = []
    for name in own.get("resources", []):
        path = (folder / name).resolve()
        manifests += render(path) if path.is_dir() else load(path)
    for component in [*(folder / name for name in own.get("components", [])), *components]:
        manifests += render(component.resolve())
    for patch in own.get("patches", []):
        _patch(manifests, patch, folder)
    for image in own.get("images", []):
        for container in all_containers(manifests):
            if container["image"] == image["name"]:
                container["image"] = f"{image['name']}:{image['newTag']}"
    if "namespace" in own:
        for manifest in manifests:
            if manifest["kind"] != "Namespace":
                manifest["metadata"]["namespace"] = own["namespace"]
    return manifests


def kustomization(folder: Path) -> Manifest:
    """Read a folder's kustomization, which may only use what `render` knows."""
    own: Manifest = yaml.safe_load((folder / "kustomization.yaml").read_text())
    if unknown := own.keys() - _KNOWN:
        raise ValueError(f"{folder}: render does not know {unknown}")
    return own


def load(path: Path) -> list[Manifest]:
    """Read a file; what one document shares by anchors becomes its own."""
    return [deepcopy(_unshared(one)) for one in yaml.safe_load_all(path.read_text()) if one]


def _unshared(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _unshared(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_unshared(one) for one in value]
    return value


def pod_of(manifest: Manifest) -> Manifest | None:
    """Return the template of the pods that a manifest makes, if it makes any."""
    if manifest["apiVersion"] not in {"apps/v1", "batch/v1"}:
        return None
    template: Manifest = manifest["spec"]["template"]
    return template


def containers_of(manifest: Manifest) -> list[Manifest]:
    """Return the containers of a manifest's pods, those that run first at their head."""
    template = pod_of(manifest)
    if template is None:
        return []
    return [*template["spec"].get("initContainers", []), *template["spec"]["containers"]]


def all_containers(manifests: Iterable[Manifest]) -> list[Manifest]:
    return [container for manifest in manifests for container in containers_of(manifest)]


def of_kind(manifests: Iterable[Manifest], *kinds: str) -> list[Manifest]:
    return [manifest for manifest in manifests if manifest["kind"] in kinds]


def name_of(manifest: Manifest) -> str:
    return f"{manifest['kind']}/{manifest['metadata']['name']}"


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Tell whether a label selector fits; an empty one fits all."""
    exact = selector.get("matchLabels", {})
    among = selector.get("matchExpressions", [])
    if any(one["operator"] != "In" for one in among):
        raise ValueError(f"unknown operator in {selector}")
    return all(labels.get(key) == value for key, value in exact.items()) and all(
        labels.get(one["key"]) in one["values"] for one in among
    )


def _patch(manifests: Sequence[Manifest], patch: Manifest, folder: Path) -> None:
    text = patch["patch"] if "patch" in patch else (folder / patch["path"]).read_text()
    target = patch["target"]
    patched = [one for one in manifests if _is_target(one, target)]
    if not patched:
        raise ValueError(f"{folder}: no {target} to patch")
    for manifest in patched:
        for operation in yaml.safe_load(text):
            _apply(manifest, _unshared(operation))


def _is_target(manifest: Manifest, target: Mapping[str, str]) -> bool:
    of = {"kind": manifest["kind"], "name": manifest["metadata"]["name"]}
    return all(re.fullmatch(pattern, of[key]) for key, pattern in target.items())


def _apply(manifest: Manifest, operation: Mapping[str, Any]) -> None:
    *parents, last = operation["path"].lstrip("/").split("/")
    place: Any = manifest
    for key in parents:
        place = place[int(key)] if isinstance(place, list) else place[key]
    match operation["op"], place:
        case "add", list() if last == "-":
            place.append(operation["value"])
        case "add", dict():
            place[last] = operation["value"]
        case "replace", dict() if last in place:
            place[last] = operation["value"]
        case _:
            raise ValueError(f"cannot {operation['op']} {operation['path']}")
