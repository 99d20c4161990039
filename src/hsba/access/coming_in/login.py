"""Logging in and out, changing one's password, and the list of one's own sessions.

A try is counted before the password is looked at, so that many at the same moment get no more than the allowed number;
a stranger hears the same sentence, after the same work, whether the name, the password or the account is wrong.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hsba.access import passwords, secrets
from hsba.access.accounts import LOGIN, end_everything, folded
from hsba.access.coming_in import half_open, sessions, workstations
from hsba.access.coming_in.outside import OutsideRefused
from hsba.access.factors import second_factor
from hsba.access.ports import NOBODY, Happening
from hsba.access.problems import PasswordUsedBefore, WrongLogin, WrongPassword
from hsba.access.slowing import Slowing

if TYPE_CHECKING:
    from datetime import datetime

    from asyncpg import Record

    from hsba.access.coming_in.workstations import Station
    from hsba.access.identity import Caller, Identity
    from hsba.access.rules import Rules
    from hsba.store.pool import Connection

log = logging.getLogger("hsba.access")

_TRY = """
UPDATE access.account SET
    failures = CASE WHEN failed < $3 OR locked_until <= $2 THEN 1 ELSE failures + 1 END,
    locked_until = CASE WHEN (CASE WHEN failed < $3 OR locked_until <= $2 THEN 1 ELSE failures + 1 END) >= $4
                        THEN $5::timestamptz END,
    failed = $2
WHERE login = $1 AND state = 'active' AND (locked_until IS NULL OR locked_until <= $2)
      AND coalesce(last_use, created) > $6
RETURNING id, login, kind, password, failures, name, must_change
"""
"""Count a try; no row for an account that nobody may enter now."""


@dataclass(frozen=True, slots=True)
class From:
    """Where a log-in comes from."""

    address: str
    agent: str = ""
    station: Station | None = None

    @property
    def workstation(self) -> str | None:
        """The name of the registered workstation."""
        return None if self.station is None else self.station.name

    @property
    def tenant(self) -> int | None:
        """The keeper that the workstation belongs to."""
        return None if self.station is None else self.station.tenant


@dataclass(frozen=True, slots=True)
class Session:
    """One of a person's sessions, as the person sees it."""

    id: int
    address: str
    agent: str
    workstation: str | None
    created: datetime
    last_seen: datetime
    ends: datetime
    here: bool


class LogIn:
    """What pages do for people who come, go and look after their account."""

    def __init__(self, identity: Identity) -> None:
        """Work on the same house as the identity."""
        self.identity = identity
        self.slowing = Slowing()

    async def log_in(self, login: str, password: str, where: From, *, before: str | None = None) -> str:
        """Open a session and end the one this browser had; answers what the cookie holds.

        Where a second step is to come, that is no session yet (access/coming_in/half_open.py).
        """
        identity = self.identity
        row = await self._fits(login, password, where)
        half = await half_open.begun(identity, row, where.address, before)
        if half is not None:
            return half
        now = identity.now()
        async with identity.connect() as tx, tx.transaction():
            await _forget_tries(tx, row["id"], now)
            if before is not None:
                await sessions.leave(tx, before, row["id"], where.station, now)
            secret = await self.open_session(tx, row["id"], where, now)
            await self._tell(tx, "login", row["login"], where)
        identity.forget()
        log.info("logged in", extra={"account": row["login"]})
        return secret

    async def proved(self, login: str, password: str, where: From) -> Record:
        """The account that this password opens, for who is inside already; a wrong one is counted and told."""
        row = await self._fits(login, password, where)
        async with self.identity.connect() as tx:
            await _forget_tries(tx, row["id"], self.identity.now())
        return row

    async def _fits(self, login: str, password: str, where: From) -> Record:
        """The account that this password is right for; nobody hears what was wrong."""
        identity, rules = self.identity, self.identity.rules
        await self.slowing.wait(where.address)
        row = None
        if LOGIN.match(name := folded(login)):
            async with identity.connect() as tx:
                row = await count_try(tx, rules, name, identity.now())
        if not await passwords.fits(row and row["password"], password) or row is None:
            self.slowing.failed(where.address)
            await self._tell_refused(name, row, where)
            # What was typed as a name is not logged: it may be a password, or a line made to look like ours.
            log.warning("log-in refused", extra={"account": name if row else None})
            if row is not None and row["failures"] >= rules.failures:
                log.warning("account locked by wrong passwords", extra={"account": name})
            raise WrongLogin
        self.slowing.succeeded(where.address)
        if passwords.outdated(row["password"]):
            await self._hash_anew(row, password)
        return row

    async def admit(self, login: str, where: From, *, before: str | None = None) -> str:
        """Open a session for whom another house vouches; administrators and security officers come in here only."""
        identity, now = self.identity, self.identity.now()
        name = folded(login)
        async with identity.connect() as tx, tx.transaction():
            number = None
            if LOGIN.match(name):
                number = await tx.fetchval(
                    "UPDATE access.account SET last_use = $2 WHERE login = $1 AND state = 'active'"
                    " AND kind NOT IN ('administrator', 'security') AND (locked_until IS NULL OR locked_until <= $2)"
                    " AND coalesce(last_use, created) > $3 RETURNING id",
                    name,
                    now,
                    now - identity.rules.unused_for,
                )
            if number is not None:
                if before is not None:
                    await sessions.leave(tx, before, number, where.station, now)
                secret = await self.open_session(tx, number, where, now)
            told = Happening(
                "login",
                name if number is not None else NOBODY,
                refused=number is None,
                reason="openid",
                address=where.address,
                workstation=where.workstation,
            )
            await identity.witness.tell(tx, told)
        if number is None:
            raise OutsideRefused
        identity.forget()
        return secret

    async def log_out(self, session: str, where: From) -> None:
        """End this browser's session, and at a workstation the person's shift there."""
        async with self.identity.connect() as tx, tx.transaction():
            ended = await tx.fetchrow(
                "UPDATE access.session s SET revoked = $2 FROM access.account a"
                " WHERE s.digest = $1 AND s.revoked IS NULL AND a.id = s.account RETURNING a.id, a.login, s.station",
                secrets.digest(session),
                self.identity.now(),
            )
            if ended is not None:
                await tx.execute(
                    "DELETE FROM access.shift WHERE account = $1 AND workstation = $2",
                    ended["id"],
                    ended["station"],
                )
                await self._tell(tx, "logout", ended["login"], where)
        self.identity.forget()

    async def log_out_everywhere(self, caller: Caller, where: From) -> None:
        """End all sessions of the account and all its tokens."""
        async with self.identity.connect() as tx, tx.transaction():
            await end_everything(tx, self.identity.now(), caller.account or 0)
            await self._tell(tx, "logout-everywhere", caller.actor.account, where)
        self.identity.forget()

    async def revoke(self, caller: Caller, session: int, where: From) -> None:
        """End one of one's own sessions; somebody else's is left alone."""
        async with self.identity.connect() as tx, tx.transaction():
            ended = await tx.fetchval(
                "UPDATE access.session SET revoked = $3 WHERE id = $1 AND account = $2 AND revoked IS NULL"
                " RETURNING true",
                session,
                caller.account,
                self.identity.now(),
            )
            if ended:
                await self._tell(tx, "session-end", caller.actor.account, where)
        self.identity.forget()

    async def sessions(self, caller: Caller) -> list[Session]:
        """One's own open sessions, the newest first."""
        now = self.identity.now()
        async with self.identity.connect() as tx:
            rows = await tx.fetch(
                "SELECT id, address, coalesce(agent, '') AS agent, workstation, created, last_seen, ends, id = $4 AS here"
                " FROM access.session"
                " WHERE account = $1 AND revoked IS NULL AND ends > $2 AND (last_seen > $3 OR station IS NOT NULL)"
                " ORDER BY created DESC LIMIT 100",
                caller.account,
                now,
                now - self.identity.rules.session_idle,
                caller.session,
            )
        return [Session(**{**row, "here": bool(row["here"])}) for row in rows]

    async def change_password(self, caller: Caller, old: str, new: str, where: From) -> str:
        """Set a new password, end everything that was open, and open a new session; answers what the cookie holds."""
        identity, rules = self.identity, self.identity.rules
        await self.slowing.wait(where.address)
        async with identity.connect() as tx:
            kept = await tx.fetchval("SELECT password FROM access.account WHERE id = $1", caller.account)
            before = await tx.fetch(
                "SELECT password FROM access.old_password WHERE account = $1 ORDER BY set DESC LIMIT $2",
                caller.account,
                max(rules.password_history - 1, 0),
            )
            second = await second_factor.has_one(tx, caller.account or 0)
        if not await passwords.fits(kept, old):
            self.slowing.failed(where.address)
            async with identity.connect() as tx:
                await self._tell(tx, "password-change", caller.actor.account, where, refused="wrong password")
            raise WrongPassword
        passwords.check(new, rules, login=caller.actor.account, name=caller.name, second_factor=second)
        if await passwords.among([kept, *(row["password"] for row in before)], new):
            raise PasswordUsedBefore
        now, made = identity.now(), await passwords.hashed(new)
        async with identity.connect() as tx, tx.transaction():
            await tx.execute(
                "INSERT INTO access.old_password (account, set, password)"
                " SELECT id, password_set, password FROM access.account WHERE id = $1 AND password IS NOT NULL"
                " ON CONFLICT DO NOTHING",
                caller.account,
            )
            changed = await tx.fetchval(
                "UPDATE access.account SET password = $2, password_set = $3, must_change = false"
                " WHERE id = $1 AND password = $4 RETURNING id",
                caller.account,
                made,
                now,
                kept,
            )
            if changed is None:  # somebody changed it meanwhile
                raise WrongPassword
            await tx.execute(
                "DELETE FROM access.old_password WHERE account = $1 AND set NOT IN"
                " (SELECT set FROM access.old_password WHERE account = $1 ORDER BY set DESC LIMIT $2)",
                caller.account,
                rules.password_history,
            )
            await end_everything(tx, now, changed)
            secret = await self.open_session(tx, changed, where, now, second=caller.second)
            await self._tell(tx, "password-change", caller.actor.account, where)
        identity.forget()
        log.info("password changed", extra={"account": caller.actor.account})
        return secret

    async def _tell_refused(self, name: str, row: Record | None, where: From) -> None:
        """Note a refused log-in, and what it locked; what was typed as a name is kept only where it is one."""
        async with self.identity.connect() as tx:
            known = await tx.fetchval(
                "SELECT login FROM access.account WHERE login = $1", name if LOGIN.match(name) else ""
            )
            who = known or NOBODY
            why = "wrong password" if row is not None else "closed or locked" if known else "no such account"
            await self._tell(tx, "login", who, where, refused=why)
            if row is not None and row["failures"] >= self.identity.rules.failures:
                await self._tell(tx, "account-lock", who, where)

    async def _tell(
        self, tx: Connection, act: str, who: str, where: From, *, refused: str | None = None
    ) -> None:
        """Note what somebody did with his own account."""
        happening = Happening(
            act,
            who,
            refused=refused is not None,
            reason=refused or "",
            address=where.address,
            workstation=where.workstation,
        )
        await self.identity.witness.tell(tx, happening)

    async def _hash_anew(self, row: Record, password: str) -> None:
        """Keep a password as the parameters in force want it, unless it was changed meanwhile."""
        made = await passwords.hashed(password)
        async with self.identity.connect() as tx:
            await tx.execute(
                "UPDATE access.account SET password = $3 WHERE id = $1 AND password = $2",
                row["id"],
                row["password"],
                made,
            )

    async def open_session(
        self, tx: Connection, account: int, where: From, now: datetime, *, second: bool = False
    ) -> str:
        """Open a session under a new secret; answers what the cookie holds."""
        secret = secrets.made()
        await tx.execute(
            "INSERT INTO access.session"
            " (digest, account, workstation, agent, address, created, last_seen, ends, second, station)"
            " VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8, $9)",
            secrets.digest(secret),
            account,
            where.workstation,
            "".join(one for one in where.agent if one.isprintable())[:200],
            where.address,
            now,
            now + self.identity.rules.session_longest,
            second,
            None if where.station is None else where.station.id,
        )
        if where.station is not None:
            await workstations.begin_shift(
                tx, where.station, account, where.address, now, self.identity.rules
            )
        return secret


async def _forget_tries(tx: Connection, account: int, now: datetime) -> None:
    """Begin to count tries anew: somebody came in."""
    await tx.execute(
        "UPDATE access.account SET failures = 0, locked_until = NULL, last_use = $2 WHERE id = $1",
        account,
        now,
    )


async def count_try(tx: Connection, rules: Rules, login: str, now: datetime) -> Record | None:
    """Count a try before it is looked at; no row for an account that nobody may enter now."""
    return await tx.fetchrow(
        _TRY,
        login,
        now,
        now - rules.locked_for,
        rules.failures,
        now + rules.locked_for,
        now - rules.unused_for,
    )
