"""Hands out tokens, takes them back, and tells what they are (RFC 6749, 7009, 7662; OpenID Connect Core 3.1.3).

A code and a refresh token are good once.  Whoever brings one a second time holds what was stolen, or was stolen from: the
whole family ends, and the trail is told (RFC 9700 4.14.2).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hsba.access import secrets
from hsba.access.oauth import scopes
from hsba.access.oauth.refusals import InvalidGrant, InvalidScope, UnauthorizedClient
from hsba.access.ports import Happening

if TYPE_CHECKING:
    from datetime import datetime

    from asyncpg import Record

    from hsba.access.identity import Identity
    from hsba.access.oauth.apps import App
    from hsba.access.oauth.signing import Signing
    from hsba.store.pool import Connection

log = logging.getLogger("hsba.access")

_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}\Z")

_GRANT = """
SELECT g.*, a.login, a.name, a.state, c.name AS client_name FROM access.app_grant g
JOIN access.account a ON a.id = g.account JOIN access.client c ON c.id = g.client
"""


@dataclass(frozen=True, slots=True)
class Issued:
    """What an app gets."""

    access_token: str
    expires_in: int
    scope: str
    refresh_token: str | None = None
    id_token: str | None = None
    patient: str | None = None
    encounter: str | None = None

    def answer(self) -> dict[str, Any]:
        """As it is sent (RFC 6749 5.1, SMART launch context)."""
        found: dict[str, Any] = {
            "access_token": self.access_token,
            "token_type": "Bearer",
            "expires_in": self.expires_in,
            "scope": self.scope,
        }
        for name in ("refresh_token", "id_token", "patient", "encounter"):
            if (value := getattr(self, name)) is not None:
                found[name] = value
        if self.patient is not None:
            found["need_patient_banner"] = True
        return found


class Tokens:
    """What the token endpoint and its neighbours do; one for each process."""

    def __init__(self, identity: Identity, signing: Signing) -> None:
        """Work on the same house as the identity."""
        self.identity = identity
        self.signing = signing

    # --- the three ways to get one -------------------------------------------------------------------------

    async def by_code(self, app: App, code: str, redirect: str, verifier: str, address: str) -> Issued:
        """For a code that this app was handed at this address, and that it can prove it asked for (PKCE)."""
        now = self.identity.now()
        async with self.identity.connect() as tx, tx.transaction():
            row = await tx.fetchrow(_GRANT + " WHERE g.code = $1 FOR UPDATE OF g", secrets.digest(code))
            reason = "unknown code"
            if row is not None:
                reason = _why_not(row, app, redirect, verifier, now)
            if row is not None and not reason:
                await tx.execute("UPDATE access.app_grant SET code_used = $2 WHERE id = $1", row["id"], now)
                issued = await self._issue(tx, row, row["scope"], now)
            elif row is not None and row["client"] == app.id and reason != "expired":
                # used before, or tried with the wrong proof: whoever has it now must not try again
                await self._end_family(tx, row, now)
            if reason:
                await self._tell_refusal(tx, app, row, reason, address)
        if reason:
            self.identity.forget()
            raise InvalidGrant
        return issued

    async def by_refresh(self, app: App, refresh: str, scope: str | None, address: str) -> Issued:
        """For a refresh token, which is good once; the answer brings the next one. Fewer scopes may be asked for."""
        now, digest = self.identity.now(), secrets.digest(refresh)
        too_wide = False
        async with self.identity.connect() as tx, tx.transaction():
            kept = await tx.fetchrow(
                "SELECT app_grant, used, ends FROM access.refresh_token WHERE digest = $1 FOR UPDATE", digest
            )
            row = None
            if kept is not None:
                row = await tx.fetchrow(_GRANT + " WHERE g.id = $1 FOR UPDATE OF g", kept["app_grant"])
            if kept is None or row is None or row["client"] != app.id:
                reason = "unknown refresh token"
            elif kept["used"] is not None:
                reason = "reuse"
                await self._end_family(tx, row, now)
            elif row["revoked"] is not None or row["state"] != "active" or kept["ends"] <= now:
                reason = "ended"
            else:
                reason = ""
                wanted = " ".join(dict.fromkeys((scope or "").split())) or row["scope"]
                too_wide = not set(wanted.split()) <= set(row["scope"].split())
                if not too_wide:
                    await tx.execute(
                        "UPDATE access.refresh_token SET used = $2 WHERE digest = $1", digest, now
                    )
                    issued = await self._issue(tx, row, wanted, now)
            if reason or too_wide:
                await self._tell_refusal(tx, app, row, reason or "scope", address)
        if reason:
            self.identity.forget()
            raise InvalidGrant
        if too_wide:
            raise InvalidScope
        return issued

    async def by_itself(self, app: App, scope: str, address: str) -> Issued:
        """For a service in its own name (RFC 6749 4.4, SMART Backend Services)."""
        now = self.identity.now()
        own = " ".join(one for one in app.scope.split() if one not in scopes.WORDS and not _for_people(one))
        wanted = " ".join(dict.fromkeys(scope.split())) or own
        granted = scopes.granted(app.scope, wanted)
        if granted != wanted or any(_for_people(one) for one in wanted.split()):
            granted = ""  # a service is told what it may not have, instead of finding out later
        async with self.identity.connect() as tx, tx.transaction():
            if app.proves == "none" or not granted:
                await self._tell_refusal(tx, app, None, "scope", address)
            else:
                secret = await self._keep(tx, now, granted, client=app.id)
                await self._tell(
                    tx,
                    Happening(
                        "token-issue", f"client:{app.name}", reason=scopes.told(granted), address=address
                    ),
                )
        if app.proves == "none":
            raise UnauthorizedClient
        if not granted:
            raise InvalidScope
        return Issued(secret, self._seconds, granted)

    # --- taking back and telling ---------------------------------------------------------------------------

    async def revoke(self, app: App, token: str, address: str) -> None:
        """End a token of this app; with a refresh token its whole family. Whatever else it is, nothing happens."""
        now, digest = self.identity.now(), secrets.digest(token)
        async with self.identity.connect() as tx, tx.transaction():
            ended = await tx.fetchval(
                "UPDATE access.token t SET revoked = $3 WHERE t.digest = $1 AND t.revoked IS NULL AND"
                " (t.client = $2 OR t.app_grant IN (SELECT id FROM access.app_grant WHERE client = $2)) RETURNING true",
                digest,
                app.id,
                now,
            )
            family = await tx.fetchval(
                "UPDATE access.app_grant g SET revoked = $3 FROM access.refresh_token r"
                " WHERE r.digest = $1 AND g.id = r.app_grant AND g.client = $2 AND g.revoked IS NULL RETURNING true",
                digest,
                app.id,
                now,
            )
            if ended or family:
                await self._tell(tx, Happening("token-revoke", f"client:{app.name}", address=address))
        self.identity.forget()

    async def introspect(self, app: App, token: str) -> dict[str, Any]:
        """What a token is (RFC 7662): of this app's own, or of everybody's for an app that may ask."""
        everybody = scopes.INTROSPECT in app.scope.split()
        async with self.identity.connect() as tx:
            row = await tx.fetchrow(
                "SELECT t.scope, t.created, t.ends, a.id AS account, a.login, c.name AS client, g.patient, g.encounter,"
                " g.issuer, g.fhir_user FROM access.token t LEFT JOIN access.app_grant g ON g.id = t.app_grant"
                " LEFT JOIN access.account a ON a.id = t.account"
                " LEFT JOIN access.client c ON c.id = coalesce(t.client, g.client)"
                " WHERE t.digest = $1 AND t.revoked IS NULL AND t.ends > $2 AND g.revoked IS NULL"
                " AND coalesce(a.state, 'active') = 'active' AND coalesce(c.state, 'active') = 'active'"
                " AND ($3 OR c.id = $4)",
                secrets.digest(token),
                self.identity.now(),
                everybody,
                app.id,
            )
        if row is None:
            return {"active": False}
        told = {
            "active": True,
            "scope": row["scope"],
            "client_id": row["client"],
            "username": row["login"],
            "token_type": "Bearer",
            "exp": int(row["ends"].timestamp()),
            "iat": int(row["created"].timestamp()),
            "sub": str(row["account"]) if row["account"] is not None else row["client"],
            "iss": row["issuer"],
            "patient": row["patient"],
            "encounter": row["encounter"],
            "fhirUser": row["fhir_user"],
        }
        return {name: value for name, value in told.items() if value is not None}

    async def person(self, bearer: str) -> dict[str, Any] | None:
        """Who the person behind a token is, as far as its scopes tell (OpenID Connect Core 5.3); None without `openid`."""
        async with self.identity.connect() as tx:
            row = await tx.fetchrow(
                _GRANT
                + " JOIN access.token t ON t.app_grant = g.id WHERE t.digest = $1 AND t.revoked IS NULL"
                " AND t.ends > $2 AND g.revoked IS NULL AND a.state = 'active' AND c.state = 'active'",
                secrets.digest(bearer),
                self.identity.now(),
            )
        if row is None or scopes.OPENID not in row["scope"].split():
            return None
        return _claims(row, row["scope"])

    # --- how it is done ------------------------------------------------------------------------------------

    @property
    def _seconds(self) -> int:
        return int(self.identity.rules.token_lasts.total_seconds())

    async def _issue(self, tx: Connection, row: Record, scope: str, now: datetime) -> Issued:
        """A token of a family, with what belongs to it."""
        words = scope.split()
        access = await self._keep(tx, now, scope, account=row["account"], app_grant=row["id"])
        refresh = None
        if scopes.OFFLINE in row["scope"].split():
            refresh = secrets.made()
            await tx.execute(
                "INSERT INTO access.refresh_token (digest, app_grant, created, ends) VALUES ($1, $2, $3, $4)",
                secrets.digest(refresh),
                row["id"],
                now,
                now + self.identity.rules.refresh_lasts,
            )
        signed = None
        if scopes.OPENID in words:
            at = int(now.timestamp())
            claims = {
                "iss": row["issuer"],
                "aud": row["client_name"],
                "iat": at,
                "exp": at + self._seconds,
                **({} if row["nonce"] is None else {"nonce": row["nonce"]}),
                **_claims(row, scope),
            }
            signed = await self.signing.sign(claims)
        told = Happening(
            "token-issue",
            row["login"],
            subject=f"client:{row['client_name']}",
            reason=scopes.told(scope),
            tenant=row["tenant"],
        )
        await self._tell(tx, told)
        return Issued(access, self._seconds, scope, refresh, signed, row["patient"], row["encounter"])

    async def _keep(
        self,
        tx: Connection,
        now: datetime,
        scope: str,
        *,
        account: int | None = None,
        client: int | None = None,
        app_grant: int | None = None,
    ) -> str:
        secret = secrets.made()
        await tx.execute(
            "INSERT INTO access.token (digest, account, client, app_grant, scope, created, ends)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7)",
            secrets.digest(secret),
            account,
            client,
            app_grant,
            scope,
            now,
            now + self.identity.rules.token_lasts,
        )
        return secret

    async def _end_family(self, tx: Connection, row: Record, now: datetime) -> None:
        """End what came of one code; its tokens fall with it."""
        await tx.execute(
            "UPDATE access.app_grant SET revoked = $2, code_used = coalesce(code_used, $2)"
            " WHERE id = $1 AND revoked IS NULL",
            row["id"],
            now,
        )

    async def _tell_refusal(
        self, tx: Connection, app: App, row: Record | None, reason: str, address: str
    ) -> None:
        log.warning("no token was given", extra={"client": app.name, "why": reason})
        told = Happening(
            "token-reuse" if reason == "reuse" else "token-refuse",
            f"client:{app.name}" if row is None or row["client"] != app.id else row["login"],
            subject=f"client:{app.name}",
            refused=True,
            reason=reason,
            address=address,
        )
        await self._tell(tx, told)

    async def _tell(self, tx: Connection, told: Happening) -> None:
        await self.identity.witness.tell(tx, told)


def _why_not(row: Record, app: App, redirect: str, verifier: str, now: datetime) -> str:
    """Why a code is not good; empty when it is."""
    if row["client"] != app.id:
        return "code of another app"
    if row["code_used"] is not None:
        return "reuse"
    if row["revoked"] is not None or row["state"] != "active":
        return "ended"
    if row["code_ends"] <= now:
        return "expired"
    if row["redirect"] != redirect:
        return "another address"
    made = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    if not _VERIFIER.match(verifier) or not hmac.compare_digest(made, row["challenge"]):
        return "wrong proof"
    return ""


def _for_people(scope: str) -> bool:
    """Whether a scope is about a person, whom a service in its own name is not."""
    found = scopes.right(scope)
    return scope != scopes.INTROSPECT if found is None else found.context != "system"


def _claims(row: Record, scope: str) -> dict[str, Any]:
    """What is said of the person."""
    words = scope.split()
    found: dict[str, Any] = {"sub": str(row["account"])}
    if scopes.PROFILE in words:
        found |= {"name": row["name"], "preferred_username": row["login"]}
    if scopes.FHIR_USER in words and row["fhir_user"] is not None:
        found["fhirUser"] = row["fhir_user"]
    return found
