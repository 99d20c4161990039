"""An app asks a person to be let in: what it asks is checked, and what the person said is kept as a code (RFC 6749 4.1).

The rules of RFC 9700: the address to go back to is compared letter by letter, PKCE with S256 is asked of everyone, a code
is good once, for a minute, for the app and the address it was made for, and the answer says who gave it (RFC 9207).
SMART App Launch 2.2 app-launch.html: standalone, or opened from a patient's page with a `launch` that we made.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from hsba.access import secrets
from hsba.access.oauth import apps, scopes
from hsba.access.oauth.apps import UnknownApp
from hsba.access.oauth.refusals import (
    InteractionRequired,
    InvalidRequest,
    InvalidScope,
    Refused,
    UnknownRedirect,
    UnsupportedResponseType,
)
from hsba.access.ports import Happening

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from hsba.access.identity import Caller, Identity
    from hsba.access.oauth.apps import App
    from hsba.store.pool import Connection

CODE_LASTS = timedelta(seconds=60)
LAUNCH_LASTS = timedelta(minutes=5)
LONGEST = 1000
"""Characters of `state` and `nonce`."""

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}\Z")
PARAMETERS = (
    "response_type", "client_id", "redirect_uri", "scope", "state", "aud", "launch", "nonce", "code_challenge",
    "code_challenge_method", "prompt",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """What an app asks, as it stands in the address it sent the person to."""

    app: App
    redirect: str
    scope: str
    """What it asks for and may have."""
    state: str | None
    challenge: str
    nonce: str | None
    base: str | None
    """The address of the record it means; None where it only wants to know who the person is."""
    launch: str | None

    def wants(self, word: str) -> bool:
        """Whether a scope is among those it may have."""
        return word in self.scope.split()


@dataclass(frozen=True, slots=True)
class Launch:
    """What an app was opened for from a patient's page."""

    tenant: int
    patient: str
    encounter: str | None


@dataclass(frozen=True, slots=True)
class Let:
    """What a person lets an app do."""

    scope: str
    tenant: int | None
    patient: str | None = None
    encounter: str | None = None
    fhir_user: str | None = None


@dataclass(frozen=True, slots=True)
class LetIn:
    """An app that may act for a person."""

    id: int
    title: str
    scope: str
    created: datetime
    last_use: datetime | None


class Returned(Exception):  # carries the answer past the pages; no problem of a person
    """The app is told why it is not let in, at its own address."""

    def __init__(self, address: str, refused: Refused) -> None:
        super().__init__(refused.error)
        self.address = address
        self.refused = refused


class Authorizing:
    """What the page where a person lets an app in does; one for each process."""

    def __init__(self, identity: Identity) -> None:
        """Work on the same house as the identity."""
        self.identity = identity

    async def read(self, pairs: Iterable[tuple[str, str]], issuer: str) -> Asked:
        """What an app asks; raises UnknownRedirect where nobody may be sent back, else Returned with where to."""
        some = list(pairs)
        given = dict(some)
        async with self.identity.connect() as tx:
            try:
                app = await apps.find(tx, given.get("client_id", ""))
            except UnknownApp as exc:
                raise UnknownRedirect from exc
        redirect = given.get("redirect_uri", "")
        twice = {name for name, _ in some if [one for one, _ in some].count(name) > 1} & set(PARAMETERS)
        if app.state != "active" or redirect not in app.redirects or twice & {"client_id", "redirect_uri"}:
            raise UnknownRedirect
        state = given.get("state")
        try:
            if twice or len(state or "") > LONGEST or len(given.get("nonce", "")) > LONGEST:
                raise InvalidRequest
            return _asked(app, redirect, given)
        except Refused as refused:
            kept = state if state is not None and len(state) <= LONGEST and "state" not in twice else None
            raise Returned(back(redirect, issuer, kept, error=refused.error), refused) from refused

    async def peek(self, asked: Asked, caller: Caller) -> Launch | None:
        """What the app was opened for, when this person opened it just now; nothing is used up."""
        if asked.launch is None:
            return None
        async with self.identity.connect() as tx:
            row = await tx.fetchrow(
                "SELECT tenant, patient, encounter FROM access.launch WHERE digest = $1 AND client = $2 AND account = $3"
                " AND ends > $4 AND used IS NULL",
                secrets.digest(asked.launch),
                asked.app.id,
                caller.account,
                self.identity.now(),
            )
        return None if row is None else Launch(row["tenant"], row["patient"], row["encounter"])

    async def allow(self, asked: Asked, caller: Caller, let: Let, issuer: str, address: str) -> str:
        """Keep what the person said; answers where to send him, with a code for the app."""
        if caller.account is None or not scopes.granted(asked.scope, let.scope):
            raise InvalidScope
        code, now = secrets.made(), self.identity.now()
        async with self.identity.connect() as tx, tx.transaction():
            if asked.launch is not None:
                await self._use(tx, asked, caller, let, now)
            await tx.execute(
                "INSERT INTO access.app_grant (client, account, tenant, scope, patient, encounter, fhir_user, code, redirect,"
                " challenge, nonce, issuer, base, created, code_ends)"
                " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
                asked.app.id,
                caller.account,
                let.tenant,
                let.scope,
                let.patient,
                let.encounter,
                let.fhir_user,
                secrets.digest(code),
                asked.redirect,
                asked.challenge,
                asked.nonce,
                issuer,
                asked.base,
                now,
                now + CODE_LASTS,
            )
            await self.identity.witness.tell(
                tx,
                Happening(
                    "app-authorize",
                    caller.actor.account,
                    subject=f"client:{asked.app.name}",
                    reason=scopes.told(let.scope),
                    address=address,
                    tenant=let.tenant,
                ),
            )
        return back(asked.redirect, issuer, asked.state, code=code)

    async def deny(self, asked: Asked, caller: Caller, refused: Refused, issuer: str, address: str) -> str:
        """Note that the app was not let in; answers where to send the person."""
        async with self.identity.connect() as tx:
            await self.identity.witness.tell(
                tx,
                Happening(
                    "app-authorize",
                    caller.actor.account,
                    subject=f"client:{asked.app.name}",
                    refused=True,
                    reason=refused.error,
                    address=address,
                ),
            )
        return back(asked.redirect, issuer, asked.state, error=refused.error)

    async def launch(
        self, caller: Caller, app: App, tenant: int, patient: str, encounter: str | None = None
    ) -> str:
        """What an app is opened with from a patient's page: good once, for this person, for five minutes."""
        secret, now = secrets.made(), self.identity.now()
        async with self.identity.connect() as tx:
            await tx.execute(
                "INSERT INTO access.launch (digest, client, account, tenant, patient, encounter, created, ends)"
                " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                secrets.digest(secret),
                app.id,
                caller.account,
                tenant,
                patient,
                encounter,
                now,
                now + LAUNCH_LASTS,
            )
        return secret

    async def launchable(self, tenant: int) -> list[App]:
        """The apps that are opened from a patient's page of this keeper."""
        async with self.identity.connect() as tx:
            found = await apps.every(tx)
        return [one for one in found if one.launch_url and one.state == "active" and one.belongs(tenant)]

    async def _use(self, tx: Connection, asked: Asked, caller: Caller, let: Let, now: datetime) -> None:
        used = await tx.fetchval(
            "UPDATE access.launch SET used = $4 WHERE digest = $1 AND client = $2 AND account = $3 AND ends > $4"
            " AND used IS NULL AND tenant = $5 AND patient = $6 RETURNING true",
            secrets.digest(asked.launch or ""),
            asked.app.id,
            caller.account,
            now,
            let.tenant,
            let.patient,
        )
        if not used:
            raise InvalidRequest


async def let_in(tx: Connection, account: int, now: datetime) -> list[LetIn]:
    """The apps that a person let in and that may still act for her, the newest first."""
    rows = await tx.fetch(
        "SELECT g.id, c.title, g.scope, g.created,"
        " (SELECT max(t.created) FROM access.token t WHERE t.app_grant = g.id) AS last_use"
        " FROM access.app_grant g JOIN access.client c ON c.id = g.client AND c.state = 'active'"
        " WHERE g.account = $1 AND g.revoked IS NULL"
        " AND (EXISTS (SELECT FROM access.token t WHERE t.app_grant = g.id AND t.revoked IS NULL AND t.ends > $2)"
        " OR EXISTS (SELECT FROM access.refresh_token r WHERE r.app_grant = g.id AND r.used IS NULL AND r.ends > $2))"
        " ORDER BY g.created DESC LIMIT 100",
        account,
        now,
    )
    return [LetIn(**row) for row in rows]


async def end(identity: Identity, caller: Caller, number: int, address: str) -> None:
    """End what one let an app do; what is somebody else's is left alone."""
    async with identity.connect() as tx, tx.transaction():
        name = await tx.fetchval(
            "UPDATE access.app_grant g SET revoked = $3 FROM access.client c"
            " WHERE g.id = $1 AND g.account = $2 AND g.revoked IS NULL AND c.id = g.client RETURNING c.name",
            number,
            caller.account,
            identity.now(),
        )
        if name is not None:
            told = Happening("app-end", caller.actor.account, subject=f"client:{name}", address=address)
            await identity.witness.tell(tx, told)
    identity.forget()


def _asked(app: App, redirect: str, given: dict[str, str]) -> Asked:
    """What is asked, by an app that may be answered at its address."""
    if given.get("response_type") != "code":
        raise UnsupportedResponseType if given.get("response_type") else InvalidRequest
    if given.get("code_challenge_method") != "S256" or not _CHALLENGE.match(given.get("code_challenge", "")):
        raise InvalidRequest
    # `system/` is for a program in its own name: nobody can let it in
    wanted = [
        one
        for one in given.get("scope", "").split()
        if not one.startswith("system/") and one != scopes.INTROSPECT
    ]
    scope = scopes.granted(app.scope, " ".join(wanted))
    if given.get("launch") is None:
        scope = " ".join(one for one in scope.split() if one not in (scopes.LAUNCH, scopes.LAUNCH_ENCOUNTER))
    if not scope:
        raise InvalidScope
    if scopes.LAUNCH in scope.split() and not given.get("launch"):
        raise InvalidRequest
    if given.get("prompt") == "none":
        raise InteractionRequired
    launch = given["launch"] if scopes.LAUNCH in scope.split() else None
    record = bool(scopes.rights(scope)) or scopes.needs_patient(scope) or launch is not None
    base = given.get("aud") or None
    if record and base is None:
        raise InvalidRequest
    return Asked(
        app=app,
        redirect=redirect,
        scope=scope,
        state=given.get("state"),
        challenge=given["code_challenge"],
        nonce=given.get("nonce"),
        base=base if record else None,
        launch=launch,
    )


def back(redirect: str, issuer: str, state: str | None, **said: str) -> str:
    """Where the person is sent back to, with what the app is told."""
    more = {**said, **({} if state is None else {"state": state}), "iss": issuer}
    return redirect + ("&" if "?" in redirect else "?") + urlencode(more)
