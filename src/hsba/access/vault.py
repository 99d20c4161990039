"""The key file of second factors: secrets that must be read again are sealed with it, and what we state is marked by it.

The file lies outside the database, so that a copy of the database alone shows nobody's codes.
"""

from __future__ import annotations

import hmac
import os
from functools import cached_property
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hsba.access.problems import FactorUnreadable, VaultOpen
from hsba.record import keyfile

if TYPE_CHECKING:
    from pathlib import Path

FILE = "second-factor.key"
BYTES = 32
NONCE = 12


class Vault:
    """What one key file seals and marks; the file is made at its first use."""

    def __init__(self, path: Path) -> None:
        """Read nothing yet."""
        self.path = path

    def seal(self, secret: bytes, purpose: str) -> bytes:
        """Make a secret unreadable, except for this purpose (AES-256-GCM)."""
        nonce = os.urandom(NONCE)
        return nonce + AESGCM(self._key("seal")).encrypt(nonce, secret, purpose.encode())

    def unseal(self, sealed: bytes, purpose: str) -> bytes:
        """Read it again."""
        try:
            return AESGCM(self._key("seal")).decrypt(sealed[:NONCE], sealed[NONCE:], purpose.encode())
        except (InvalidTag, ValueError) as exc:
            raise FactorUnreadable from exc

    def mark(self, statement: bytes, purpose: str) -> bytes:
        """A mark that only this installation can put under a statement (HMAC-SHA-256)."""
        return hmac.digest(self._key("mark"), purpose.encode() + b"\0" + statement, "sha256")

    def _key(self, use: str) -> bytes:
        return HKDF(hashes.SHA256(), BYTES, None, use.encode()).derive(self._kept)

    @cached_property
    def _kept(self) -> bytes:
        if not self.path.exists():
            keyfile.make(self.path, os.urandom(BYTES))
        if not keyfile.is_private(self.path):
            raise VaultOpen(str(self.path))
        return self.path.read_bytes()
