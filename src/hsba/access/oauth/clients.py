"""Who a program at the token endpoint is: by its secret, or by an assertion that its own key signed (RFC 7523).

SMART App Launch 2.2 client-confidential-asymmetric.html: the assertion is for this server, short-lived, and good once.
"""

from __future__ import annotations

import hmac
import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeGuard

import msgspec

from hsba.access import secrets
from hsba.access.oauth import apps, jwts
from hsba.access.oauth.apps import UnknownApp
from hsba.access.oauth.jwts import NotVerified
from hsba.access.oauth.refusals import InvalidClient
from hsba.access.ports import Happening

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection
    from datetime import datetime

    from hsba.access.identity import Identity
    from hsba.access.oauth.apps import App
    from hsba.access.slowing import Slowing

    Fetch = Callable[[str], Awaitable[bytes]]

log = logging.getLogger("hsba.access")

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST = timedelta(minutes=5)
"""How far ahead an assertion may end."""
KEPT = timedelta(minutes=5)
"""How long the keys behind an address are taken as they are …"""
AGAIN = timedelta(seconds=30)
"""… and how soon they are asked anew when a key is not among them."""
MOST = 1000


class Unreachable(Exception):  # for the caller next door only
    """The address of an app's keys could not be read."""


async def nowhere(url: str) -> bytes:  # noqa: ARG001 - the signature of a fetch
    """Fetch nothing: for tools and tests without a network."""
    raise Unreachable


@dataclass(frozen=True, slots=True)
class Proof:
    """What a program says to prove who it is."""

    name: str = ""
    secret: str | None = None
    assertion_type: str | None = None
    assertion: str | None = None


class Clients:
    """Tells who a program is; one for each process."""

    def __init__(self, identity: Identity, slowing: Slowing, fetch: Fetch = nowhere) -> None:
        """`fetch` reads an address that was registered for an app's keys."""
        self.identity = identity
        self.slowing = slowing
        self.fetch = fetch
        self._keys: dict[str, tuple[datetime, list[Any]]] = {}

    async def proven(self, proof: Proof, audience: Collection[str], address: str) -> App:
        """The app that proved itself, as it was registered to; raises InvalidClient."""
        await self.slowing.wait(address)
        name, reason = proof.name, "unknown"
        try:
            if proof.assertion is not None:
                claimed = jwts.unverified(proof.assertion).get("sub")
                if not isinstance(claimed, str) or proof.name not in ("", claimed):
                    raise InvalidClient
                name = claimed
            async with self.identity.connect() as tx:
                app = await apps.find(tx, name)
            reason = "closed"
            if app.state != "active":
                raise InvalidClient
            reason = "not proven"
            await self._check(app, proof, audience)
        except (InvalidClient, NotVerified, UnknownApp) as exc:
            self.slowing.failed(address)
            known = name if reason != "unknown" else "unknown"
            log.warning("a program was refused", extra={"client": known, "why": reason})
            async with self.identity.connect() as tx:
                told = Happening(
                    "token-refuse", f"client:{known}", refused=True, reason=reason, address=address
                )
                await self.identity.witness.tell(tx, told)
            raise InvalidClient from exc
        async with self.identity.connect() as tx:
            await tx.execute(
                "UPDATE access.client SET last_use = $2 WHERE id = $1", app.id, self.identity.now()
            )
        return app

    async def _check(self, app: App, proof: Proof, audience: Collection[str]) -> None:
        """Refuse what does not prove that it is this app, by the one way it is registered for."""
        match app.proves:
            case "private_key_jwt":
                if proof.assertion is None or proof.assertion_type != ASSERTION or proof.secret is not None:
                    raise InvalidClient
                await self._check_assertion(app, proof.assertion, audience)
            case "client_secret":
                given = secrets.digest(proof.secret or "")
                if proof.assertion is not None or not hmac.compare_digest(app.secret or b"", given):
                    raise InvalidClient
            case _:
                if proof.assertion is not None or proof.secret:
                    raise InvalidClient

    async def _check_assertion(self, app: App, text: str, audience: Collection[str]) -> None:
        now = self.identity.now()
        claims = jwts.verified(text, await self._keys_of(app, jwts.header(text).get("kid")))
        aud = claims.get("aud")
        aimed = [aud] if isinstance(aud, str) else aud
        ends, jti = claims.get("exp"), claims.get("jti")
        if claims.get("iss") != app.name or claims.get("sub") != app.name:
            raise InvalidClient
        if not isinstance(aimed, list) or not any(one in audience for one in aimed):
            raise InvalidClient
        if not _number(ends) or not now.timestamp() < ends <= (now + LONGEST).timestamp() + 5:
            raise InvalidClient
        begins = [claims[name] for name in ("nbf", "iat") if name in claims]
        if not all(_number(one) and one <= now.timestamp() + 60 for one in begins):
            raise InvalidClient
        if not isinstance(jti, str) or not 0 < len(jti) <= 255 or "\0" in jti:
            raise InvalidClient
        async with self.identity.connect() as tx:
            first = await tx.fetchval(
                "INSERT INTO access.assertion (client, jti, ends) VALUES ($1, $2, $3)"
                " ON CONFLICT DO NOTHING RETURNING true",
                app.id,
                jti,
                now + LONGEST + KEPT,
            )
        if not first:
            raise InvalidClient

    async def _keys_of(self, app: App, kid: object) -> list[Any]:
        """The keys an app was registered with; those behind an address are kept for a while."""
        if app.keys is not None:
            return list(app.keys["keys"])
        url, now = app.keys_url or "", self.identity.now()
        read, keys = self._keys.get(url, (None, []))
        known = any(isinstance(one, dict) and one.get("kid") == kid for one in keys)
        if read is None or now - read > (KEPT if known else AGAIN):
            try:
                found = msgspec.json.decode(await self.fetch(url))
                keys = found["keys"]
                if not isinstance(keys, list):
                    raise TypeError
            except (Unreachable, msgspec.DecodeError, KeyError, TypeError) as exc:
                log.warning("the keys of an app cannot be read", extra={"client": app.name})
                raise InvalidClient from exc
            if len(self._keys) >= MOST:
                self._keys.clear()
            self._keys[url] = now, keys
        return keys


def _number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
