"""The manifests are whole: every file is used, every document is one that Kubernetes takes."""

import shutil
import subprocess
from pathlib import Path

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml
from kustomize import K8S, Manifest, kustomization, name_of, render

_FOLDERS = sorted(path.parent for path in K8S.rglob("kustomization.yaml"))
_RENDERED = [folder for folder in _FOLDERS if kustomization(folder)["kind"] == "Kustomization"]
# Their definitions come with operators; tests look at what our processes rely on.
_OPERATORS = {"kafka.strimzi.io/v1", "postgresql.cnpg.io/v1"}


def _named(folder: Path) -> set[Path]:
    own = kustomization(folder)
    patches = [patch["path"] for patch in own.get("patches", []) if "path" in patch]
    names = [*own.get("resources", []), *own.get("components", []), *patches]
    return {(folder / name).resolve() for name in names}


@pytest.mark.parametrize("folder", _FOLDERS, ids=lambda folder: folder.name)
def test_kustomizations_name_only_what_exists(folder: Path) -> None:
    missing = {path for path in _named(folder) if not path.exists()}

    assert not missing


def test_every_manifest_is_named_by_a_kustomization() -> None:
    named = {path for folder in _FOLDERS for path in _named(folder)}
    there = {path for path in K8S.rglob("*.yaml") if path.name != "kustomization.yaml"}

    assert there - named == set()


@pytest.mark.parametrize("folder", _RENDERED, ids=lambda folder: folder.name)
@pytest.mark.skipif(shutil.which("kubectl") is None, reason="needs kubectl")
def test_we_render_as_kubectl_does(folder: Path) -> None:
    theirs = subprocess.run(
        ["kubectl", "kustomize", folder], check=True, capture_output=True, text=True
    ).stdout

    by_name = {name_of(manifest): manifest for manifest in render(folder)}

    assert by_name == {name_of(manifest): manifest for manifest in yaml.safe_load_all(theirs)}


def test_every_document_is_one_that_kubernetes_takes(manifests: list[Manifest]) -> None:
    for manifest in manifests:
        if manifest["apiVersion"] not in _OPERATORS:
            kubernetes_validate.validate(
                manifest, kubernetes_validate.latest_version(), strict=True
            )


def test_no_two_documents_have_one_name(manifests: list[Manifest]) -> None:
    names = [name_of(manifest) for manifest in manifests]

    assert len(names) == len(set(names))
