"""Secrets are made by the operator, in a form that the processes take; none is in the tree."""

import re
import stat
import subprocess
from pathlib import Path
from typing import Final

import pytest
import yaml
from environments import MAKE_ENV, MAKE_SECRETS, ROOT, Secrets, make_env
from processes import SCHEMAS

from common.identity import Signer

_SECRET: Final = re.compile(
    r"(?i)(password|secret|token|identity_key)\w*['\"]?\s*[:=]\s*['\"]?(\S+)"
)


def _deployed() -> list[Path]:
    """Return what is deployed from, without the tests of it."""
    folders = [ROOT / "deploy/images", ROOT / "deploy/k8s"]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return [*files, ROOT / "docker-compose.yml", ROOT / "docs/guides/operating.md"]


def test_the_two_keys_of_identities_belong_together(env_file: Path) -> None:
    env = dict(line.split("=", 1) for line in env_file.read_text().splitlines())

    assert Signer(env["GATEWAY_IDENTITY_KEY"]).public_key == env["ATRIUM_IDENTITY_PUBLIC_KEYS"]


def test_every_schema_has_two_passwords_that_need_no_escape(env_file: Path) -> None:
    env = dict(line.split("=", 1) for line in env_file.read_text().splitlines())
    names = {f"{schema.upper()}{owner}_PASSWORD" for schema in SCHEMAS for owner in ("", "_OWNER")}

    assert {name for name in env if name.endswith("_PASSWORD")} == names | {"POSTGRES_PASSWORD"}
    passwords = [env[name] for name in names]
    assert len(set(passwords)) == len(passwords)
    assert all(re.fullmatch(r"[0-9a-f]{48}", password) for password in passwords)


def test_only_its_owner_reads_the_file(env_file: Path) -> None:
    assert stat.S_IMODE(env_file.stat().st_mode) == 0o600


def test_a_file_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "atrium.env"
    made = make_env(file)

    again = subprocess.run([MAKE_ENV, file], check=False, capture_output=True, text=True)

    assert again.returncode != 0
    assert "is there already" in again.stderr
    assert dict(line.split("=", 1) for line in file.read_text().splitlines()) == made


def test_a_file_beside_us_needs_no_path(tmp_path: Path) -> None:
    make_env(tmp_path / "atrium.env")

    made = subprocess.run(
        [MAKE_SECRETS, "atrium.env"], check=True, capture_output=True, text=True, cwd=tmp_path
    )

    assert len([one for one in yaml.safe_load_all(made.stdout) if one]) == 2 * len(SCHEMAS) + 4


def test_without_a_password_no_secrets_are_made(tmp_path: Path) -> None:
    file = tmp_path / "atrium.env"
    make_env(file)
    file.write_text(re.sub("ROOMS_PASSWORD=.*", "", file.read_text()))

    refused = subprocess.run([MAKE_SECRETS, file], check=False, capture_output=True, text=True)

    assert refused.returncode != 0
    assert "ROOMS_PASSWORD" in refused.stderr


def test_kubernetes_secrets_hold_each_roles_name_and_password(secrets: Secrets) -> None:
    for schema in SCHEMAS:
        for owner in ("", "_owner"):
            role = f"{schema}{owner}"
            secret = secrets[f"postgres-{role.replace('_', '-')}"]
            assert secret["username"] == role
            assert secret["password"]
    assert secrets["postgres-superuser"]["username"] == "postgres"


@pytest.mark.parametrize("path", _deployed(), ids=lambda path: path.name)
def test_no_secret_no_host_of_a_registry_and_no_path_of_ours_is_in_the_tree(path: Path) -> None:
    text = path.read_text()
    # A value is a reference or put in when it runs, is a name, or is a word of an explanation.
    values = {
        value
        for _, value in _SECRET.findall(text)
        if re.search(r"[0-9A-Za-z+/]{20,}", value) and not value.startswith(("$", "{", "postgres"))
    }

    assert not values
    assert "-----BEGIN" not in text
    assert not re.search(r"(?m)^\s*(?:-\s+)?image:\s*[\w-]+[.:][\w.-]+/", text)
    assert not re.search(r"(?m)^FROM\s+[\w-]+\.[\w.-]+/", text)
    assert "/work/" not in text
    assert "/root/" not in text
    for document in yaml.safe_load_all(text) if path.suffix in {".yaml", ".yml"} else ():
        assert not (isinstance(document, dict) and document.get("kind") == "Secret")
