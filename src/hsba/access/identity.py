"""Who stands behind a request: the holder of a bearer token, or the person whose browser keeps a session.

What was found is remembered for a second, so that a read stays cheap and a revocation holds within two.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from hsba.access import secrets
from hsba.access.ports import Happening, Untold
from hsba.access.problems import BadToken, PasswordMustChange, ScreenCovered
from hsba.access.rules import Rules
from hsba.record.context import Actor

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime

    from asyncpg import Record

    from hsba.access.ports import Witness
    from hsba.store.pool import Connection

    Connect = Callable[[], AbstractAsyncContextManager[Connection]]

Kind = Literal["staff", "administrator", "security", "technical", "service", "patient"]
CARE = frozenset({"staff", "service", "patient"})
"""Kinds of accounts that roles may let to patients' records; the others keep the house and see no patient."""

REMEMBERED = timedelta(seconds=1)
MOST = 10_000
"""Callers remembered at once."""
SEEN_EVERY = timedelta(seconds=30)
"""How exactly the last sign of life of a session is known."""
USED_EVERY = timedelta(hours=1)
"""How exactly the last use of an account or client is known."""

_BY_BEARER = """
SELECT t.ends, t.scope, g.patient, g.tenant, NULL::bigint AS session, NULL::text AS workstation,
       false AS must_change, false AS second, NULL::bigint AS station, false AS covered,
       a.id AS account, coalesce(a.login, 'client:' || c.name) AS login, coalesce(a.name, c.title) AS name,
       coalesce(a.kind, 'service') AS kind,
       CASE WHEN a.id IS NULL THEN c.tenants ELSE a.tenants END AS tenants,
       coalesce(a.last_use, c.last_use) AS last_use, NULL::timestamptz AS last_seen, c.id AS client
FROM access.token t LEFT JOIN access.app_grant g ON g.id = t.app_grant
     LEFT JOIN access.account a ON a.id = t.account LEFT JOIN access.client c ON c.id = coalesce(t.client, g.client)
WHERE t.digest = $1 AND t.revoked IS NULL AND t.ends > $2 AND g.revoked IS NULL
      AND coalesce(a.state, 'active') = 'active' AND coalesce(c.state, 'active') = 'active'
"""
_BY_SESSION = """
SELECT s.ends, '' AS scope, NULL AS patient, NULL::integer AS tenant, s.id AS session, s.workstation,
       a.must_change OR a.password_set < $4 AS must_change,
       s.second, s.station, s.covered IS NOT NULL OR s.last_seen <= $3 AS covered,
       a.id AS account, a.login, a.name, a.kind, a.tenants, a.last_use, s.last_seen, NULL::bigint AS client
FROM access.session s JOIN access.account a ON a.id = s.account LEFT JOIN access.workstation w ON w.id = s.station
WHERE s.digest = $1 AND s.revoked IS NULL AND s.ends > $2 AND a.state = 'active' AND w.revoked IS NULL
      AND (s.last_seen > $3 OR s.station IS NOT NULL AND a.kind = 'staff')
"""
"""An idle session ends; at a workstation that of staff is covered only, until its person comes back."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who acts, and what that account may do at all."""

    actor: Actor
    kind: str
    name: str
    """As people read it."""
    tenants: frozenset[int] | None = None
    """The keepers it belongs to; None is every one."""
    account: int | None = None
    session: int | None = None
    must_change: bool = False
    second: bool = False
    """Whether this session was opened with a second factor."""
    station: int | None = None
    """The registered workstation the session was opened at."""
    covered: bool = False
    """Whether the screen is locked: nothing is shown or changed before the person has come back."""

    def belongs(self, tenant: int) -> bool:
        """Whether it may come to this keeper's record at all."""
        return self.tenants is None or tenant in self.tenants

    def check(self) -> None:
        """Refuse what comes to the record behind a locked screen, or before its password was changed."""
        if self.covered:
            raise ScreenCovered
        if self.must_change:
            raise PasswordMustChange


@dataclass(frozen=True, slots=True)
class Known:
    """A caller, and until when nobody need ask again."""

    caller: Caller
    until: datetime


class Identity:
    """Finds the caller behind a secret; one for each process."""

    def __init__(
        self,
        connect: Connect,
        now: Callable[[], datetime],
        rules: Rules | None = None,
        witness: Witness | None = None,
    ) -> None:
        """Know nobody yet."""
        self.witness = witness or Untold()
        self.connect = connect
        self.now = now
        self.rules = rules or Rules()
        self._known: dict[bytes, Known] = {}

    async def caller(self, bearer: str | None, session: str | None) -> Caller | None:
        """Who it is; None without any secret, or for a session that has ended. A wrong token is refused."""
        if bearer is not None:
            found = await self._find(secrets.digest(bearer), bearer=True)
            if found is None:
                raise BadToken
            return found
        return None if session is None else await self._find(secrets.digest(session), bearer=False)

    async def end(self, caller: Caller, why: str, tenant: int) -> None:
        """End the session of somebody who may no longer work, and tell of it; a token merely opens nothing."""
        if caller.session is None:
            return
        async with self.connect() as tx, tx.transaction():
            ended = await tx.fetchval(
                "UPDATE access.session SET revoked = $2 WHERE id = $1 AND revoked IS NULL RETURNING id",
                caller.session,
                self.now(),
            )
            if ended is not None:
                await self.witness.tell(
                    tx, Happening("session-end", caller.actor.account, reason=why, tenant=tenant)
                )
        self.forget()

    def forget(self) -> None:
        """Ask again for everybody: something was ended in this very process."""
        self._known.clear()

    async def _find(self, digest: bytes, *, bearer: bool) -> Caller | None:
        now = self.now()
        known = self._known.get(digest)
        if known is not None and known.until > now:
            return known.caller
        self._known.pop(digest, None)
        async with self.connect() as tx:
            if bearer:
                row = await tx.fetchrow(_BY_BEARER, digest, now)
            else:
                row = await tx.fetchrow(
                    _BY_SESSION, digest, now, now - self.rules.session_idle, now - self.rules.password_age
                )
            if row is None:
                return None
            await _note_use(tx, row, now)
        caller = Caller(
            actor=Actor(
                account=row["login"],
                workstation=row["workstation"],
                scope=row["scope"],
                patient=row["patient"],
            ),
            kind=row["kind"],
            name=row["name"],
            tenants=_tenants(row),
            account=row["account"],
            session=row["session"],
            must_change=row["must_change"],
            second=row["second"],
            station=row["station"],
            covered=row["covered"],
        )
        if len(self._known) >= MOST:
            self._known.clear()
        self._known[digest] = Known(caller, min(now + REMEMBERED, row["ends"]))
        return caller


def _tenants(row: Record) -> frozenset[int] | None:
    """The keepers of the account or client; of an app that was let in for one of them, that one."""
    if row["tenant"] is None:
        return None if row["tenants"] is None else frozenset(row["tenants"])
    belongs = row["tenants"] is None or row["tenant"] in row["tenants"]
    return frozenset({row["tenant"]} if belongs else ())


async def _note_use(tx: Connection, row: Record, now: datetime) -> None:
    """Note a sign of life, not for every request."""
    if row["last_seen"] is not None and not row["covered"] and row["last_seen"] < now - SEEN_EVERY:
        await tx.execute("UPDATE access.session SET last_seen = $2 WHERE id = $1", row["session"], now)
    if row["last_use"] is None or row["last_use"] < now - USED_EVERY:
        if row["account"] is not None:
            await tx.execute("UPDATE access.account SET last_use = $2 WHERE id = $1", row["account"], now)
        else:
            await tx.execute("UPDATE access.client SET last_use = $2 WHERE id = $1", row["client"], now)
