"""Seals secrets that stand in the database: AES-256-GCM under a key that does not.

    1 byte form (1) │ 12 bytes nonce │ ciphertext and tag

What a secret is of is sealed with it: a secret that is moved to another row does not open.
"""

import secrets
from base64 import b64decode
from binascii import Error as NoBase64
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_FORM: Final = b"\x01"
_NONCE_BYTES: Final = 12
_KEY_BYTES: Final = 32


class CannotOpen(Exception):
    """A sealed secret that none of the keys opens."""


class Seal:
    """Seals and opens.

    Args:
        keys: base64 of 32 bytes each, comma-separated: the first seals, all of them open, so that
            a key can be replaced.

    Raises:
        ValueError: one of them is no key.
    """

    def __init__(self, keys: str) -> None:
        self._keys = [AESGCM(_key(text.strip())) for text in keys.split(",")]

    def close(self, secret: bytes, *, of: str) -> bytes:
        """Seal a secret of something."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _FORM + nonce + self._keys[0].encrypt(nonce, secret, of.encode())

    def open(self, sealed: bytes, *, of: str) -> bytes:
        """Return what was sealed.

        Raises:
            CannotOpen: it was sealed under another key, or of something else.
        """
        nonce, text = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        for key in self._keys if sealed[:1] == _FORM else ():
            try:
                return key.decrypt(nonce, text, of.encode())
            except InvalidTag:
                continue
        raise CannotOpen(of)


def _key(text: str) -> bytes:
    try:
        key = b64decode(text, validate=True)
    except NoBase64 as error:
        raise ValueError("a key is 32 bytes in base64") from error
    if len(key) != _KEY_BYTES:
        raise ValueError("a key is 32 bytes in base64")
    return key
