"""The passwords and keys of one local installation, made on first use, readable by its owner."""

import json
import secrets
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def load(state: Path, names: Sequence[str]) -> dict[str, str]:
    """Read the named secrets from ``state/secrets.json``, making those that are missing."""
    path = state / "secrets.json"
    known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    missing = [name for name in names if name not in known]
    if missing:
        known |= {name: _make(name) for name in missing}
        partial = path.with_suffix(".partial")
        partial.touch(mode=0o600)
        partial.write_text(json.dumps(known, indent=1))
        partial.rename(path)
    return known


def _make(name: str) -> str:
    if name == "identity_key":
        return b64encode(Ed25519PrivateKey.generate().private_bytes_raw()).decode()
    if name.endswith("secrets_key"):
        return b64encode(secrets.token_bytes(32)).decode()
    return secrets.token_urlsafe(24)
