"""The keys that sign who a person is (OpenID Connect `id_token`, ES256): made at first use, renewed by the rules.

The newest key signs.  An older one is published for as long again as it signed, so that what it signed can be checked.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import msgspec
from joserfc import jwt
from joserfc.jwk import ECKey

if TYPE_CHECKING:
    from hsba.access.identity import Identity

ALGORITHM = "ES256"
LOCK = 0x48534153
"""Two processes that find no key make one."""


class Signing:
    """Signs what we say, and publishes what it is checked with."""

    def __init__(self, identity: Identity) -> None:
        """Keep the house it is for."""
        self.identity = identity

    async def sign(self, claims: dict[str, Any]) -> str:
        """A token that anybody can check with what is published."""
        key = await self._key()
        return jwt.encode({"alg": ALGORITHM, "kid": key.kid}, claims, key, algorithms=[ALGORITHM])

    async def published(self) -> dict[str, Any]:
        """The public keys (RFC 7517), the newest first; there is always one."""
        await self._key()
        oldest = self.identity.now() - 2 * self.identity.rules.signing_key_lasts
        async with self.identity.connect() as tx:
            rows = await tx.fetch(
                "SELECT private FROM access.signing_key WHERE created > $1 ORDER BY created DESC, id", oldest
            )
        return {
            "keys": [ECKey.import_key(msgspec.json.decode(row[0])).as_dict(private=False) for row in rows]
        }

    async def _key(self) -> ECKey:
        """The key that signs now; a new one where the newest has had its time."""
        wanted = (
            "SELECT private FROM access.signing_key WHERE created > $1 AND created <= $2"
            " ORDER BY created DESC, id LIMIT 1"
        )
        now = self.identity.now()
        since = now - self.identity.rules.signing_key_lasts
        async with self.identity.connect() as tx:
            found = await tx.fetchval(wanted, since, now)
            if found is None:
                async with tx.transaction():
                    await tx.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
                    found = await tx.fetchval(wanted, since, now)
                    if found is None:
                        key = _made()
                        found = msgspec.json.encode(key.as_dict(private=True)).decode()
                        await tx.execute(
                            "INSERT INTO access.signing_key (id, private, created) VALUES ($1, $2, $3)",
                            key.kid,
                            found,
                            now,
                        )
        return ECKey.import_key(msgspec.json.decode(found))


def _made() -> ECKey:
    key = ECKey.generate_key("P-256")
    name = hashlib.sha256(msgspec.json.encode(key.as_dict(private=False))).hexdigest()[:16]
    return ECKey.import_key({**key.as_dict(private=True), "kid": name, "use": "sig", "alg": ALGORITHM})
