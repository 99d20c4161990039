"""Secrets that we make: a session's, a token's and a client's are 32 random bytes, and only their SHA-256 is kept."""

from __future__ import annotations

import hashlib
import secrets

TOKEN = "hsba_"  # noqa: S105 - the word that our tokens begin with, so that a scanner of leaks knows them
SIGNS = "-+=#"
LETTERS = ("abcdefghijkmnpqrstuvwxyz", "ABCDEFGHJKLMNPQRSTUVWXYZ", "23456789")
"""What a generated password is made of: nothing that looks like something else."""


def made() -> str:
    """A new secret, as its holder keeps it."""
    return TOKEN + secrets.token_urlsafe(32)


def digest(secret: str) -> bytes:
    """What is kept of it. A secret of 256 random bits needs no slow hash."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


def password(groups: int = 4) -> str:
    """A password that a person can read out: four groups of four, of all classes, about 90 bits."""
    while True:
        letters = "".join(LETTERS)
        text = secrets.choice(SIGNS).join(
            "".join(secrets.choice(letters) for _ in range(4)) for _ in range(groups)
        )
        if all(any(one in text for one in some) for some in LETTERS):
            return text
