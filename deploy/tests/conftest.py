"""What is deployed, as the tests look at it."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the modules beside the tests

from environments import Secrets, make_env, make_secrets
from kustomize import K8S, Manifest, render


@pytest.fixture(scope="session", params=["local", "prod"])
def manifests(request: pytest.FixtureRequest) -> list[Manifest]:
    """Everything of an overlay, with every component."""
    return render(K8S / "overlays" / request.param, K8S / "components/edge-counter")


@pytest.fixture(scope="session")
def prod() -> list[Manifest]:
    return render(K8S / "overlays/prod", K8S / "components/edge-counter")


@pytest.fixture(scope="session")
def local() -> list[Manifest]:
    return render(K8S / "overlays/local", K8S / "components/edge-counter")


@pytest.fixture(scope="session")
def env_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The secrets of an installation, made as its operator makes them."""
    file = tmp_path_factory.mktemp("installation") / "atrium.env"
    make_env(file)
    return file


@pytest.fixture(scope="session")
def secrets(env_file: Path) -> Secrets:
    """All Secrets of an installation in Kubernetes, by name and key."""
    by_operator = {"edge-counter": {"source": "rtsp://camera/stream", "device-token": "ated_token"}}
    return make_secrets(env_file) | by_operator
