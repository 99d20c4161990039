"""A form that met an ended session: kept for its own account and its own browser, until the person has logged in again.

What was written is encrypted under a key that is in the browser's cookie only, so the database alone tells nothing; it goes
when it is sent on, thrown away, or after half an hour.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hsba.access import secrets

if TYPE_CHECKING:
    from hsba.access.identity import Identity

KEPT = timedelta(minutes=30)
LARGEST = 256 * 1024
MOST = 5
"""Forms kept of one account; the oldest gives way."""
NONCE = 12


@dataclass(frozen=True, slots=True)
class Form:
    """What somebody wanted to send, and where."""

    target: str
    body: bytes


class Unsent:
    """Keeps forms between a session's end and the next log-in."""

    def __init__(self, identity: Identity) -> None:
        """Work on the same house as the identity."""
        self.identity = identity

    async def keep(self, account: int, form: Form, *, lasts: timedelta = KEPT) -> str:
        """Keep a form; answers what the browser's cookie holds."""
        secret, now = secrets.made(), self.identity.now()
        nonce = os.urandom(NONCE)
        sealed = nonce + AESGCM(_key(secret)).encrypt(nonce, form.body, _bound(account, form.target))
        async with self.identity.connect() as tx, tx.transaction():
            await tx.execute("DELETE FROM access.unsent WHERE ends <= $1", now)
            await tx.execute(
                "DELETE FROM access.unsent WHERE account = $1 AND digest NOT IN"
                " (SELECT digest FROM access.unsent WHERE account = $1 ORDER BY ends DESC LIMIT $2)",
                account,
                MOST - 1,
            )
            await tx.execute(
                "INSERT INTO access.unsent (digest, account, target, body, ends) VALUES ($1, $2, $3, $4, $5)",
                secrets.digest(secret),
                account,
                form.target,
                sealed,
                now + lasts,
            )
        return secret

    async def read(self, account: int | None, secret: str | None) -> Form | None:
        """The form of this browser and account; None where there is none, or it was written by somebody else."""
        if secret is None:
            return None
        async with self.identity.connect() as tx:
            row = await tx.fetchrow(
                "SELECT target, body FROM access.unsent WHERE digest = $1 AND account = $2 AND ends > $3",
                secrets.digest(secret),
                account,
                self.identity.now(),
            )
        if row is None or account is None:
            return None
        nonce, sealed = row["body"][:NONCE], row["body"][NONCE:]
        try:
            body = AESGCM(_key(secret)).decrypt(nonce, sealed, _bound(account, row["target"]))
        except InvalidTag:
            return None
        return Form(row["target"], body)

    async def drop(self, account: int | None, secret: str | None) -> None:
        """Forget it."""
        if secret is not None:
            async with self.identity.connect() as tx:
                await tx.execute(
                    "DELETE FROM access.unsent WHERE digest = $1 AND account = $2",
                    secrets.digest(secret),
                    account,
                )


def _key(secret: str) -> bytes:
    """The key in a cookie: another digest of it than the one that finds the row."""
    return secrets.digest("unsent " + secret)


def _bound(account: int, target: str) -> bytes:
    return f"{account} {target}".encode()
