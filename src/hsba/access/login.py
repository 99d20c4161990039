"""Logging in and out, changing one's password, and the list of one's own sessions.

A try is counted before the password is looked at, so that many at the same moment get no more than the allowed number;
a stranger hears the same sentence, after the same work, whether the name, the password or the account is wrong.
"""

from __future__ import annotations

import hmac
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hsba.access import passwords, secrets
from hsba.access.accounts import LOGIN, end_everything, folded
from hsba.access.ports import NOBODY, Happening
from hsba.access.problems import PasswordUsedBefore, WrongLogin, WrongPassword
from hsba.access.slowing import Slowing

if TYPE_CHECKING:
    from datetime import datetime

    from asyncpg import Record

    from hsba.access.identity import Caller, Identity
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
RETURNING id, password, failures, name
"""
"""Count a try; no row for an account that nobody may enter now."""


@dataclass(frozen=True, slots=True)
class From:
    """Where a log-in comes from."""

    address: str
    agent: str = ""
    workstation: str | None = None


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
        """Open a session and end the one this browser had; answers what the cookie holds."""
        identity, rules = self.identity, self.identity.rules
        await self.slowing.wait(where.address)
        now = identity.now()
        row = None
        if LOGIN.match(name := folded(login)):
            async with identity.connect() as tx:
                row = await tx.fetchrow(
                    _TRY,
                    name,
                    now,
                    now - rules.locked_for,
                    rules.failures,
                    now + rules.locked_for,
                    now - rules.unused_for,
                )
        if not await passwords.fits(row and row["password"], password) or row is None:
            self.slowing.failed(where.address)
            await self._tell_refused(name, row, where)
            # What was typed as a name is not logged: it may be a password, or a line made to look like ours.
            log.warning("log-in refused", extra={"account": name if row else None})
            if row is not None and row["failures"] >= rules.failures:
                log.warning("account locked by wrong passwords", extra={"account": name})
            raise WrongLogin
        self.slowing.succeeded(where.address)
        again = await passwords.hashed(password) if passwords.outdated(row["password"]) else row["password"]
        async with identity.connect() as tx, tx.transaction():
            await tx.execute(
                "UPDATE access.account SET failures = 0, locked_until = NULL, last_use = $2,"
                " password = CASE WHEN password = $3 THEN $4 ELSE password END WHERE id = $1",
                row["id"],
                now,
                row["password"],
                again,
            )
            if before is not None:
                await tx.execute(
                    "UPDATE access.session SET revoked = $2 WHERE digest = $1 AND revoked IS NULL",
                    secrets.digest(before),
                    now,
                )
            secret = await self._open(tx, row["id"], where, now)
            await self._tell(tx, "login", name, where)
        identity.forget()
        log.info("logged in", extra={"account": name})
        return secret

    async def log_out(self, session: str, where: From) -> None:
        """End this browser's session."""
        async with self.identity.connect() as tx, tx.transaction():
            login = await tx.fetchval(
                "UPDATE access.session s SET revoked = $2 FROM access.account a"
                " WHERE s.digest = $1 AND s.revoked IS NULL AND a.id = s.account RETURNING a.login",
                secrets.digest(session),
                self.identity.now(),
            )
            if login is not None:
                await self._tell(tx, "logout", login, where)
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
                " WHERE account = $1 AND revoked IS NULL AND ends > $2 AND last_seen > $3 ORDER BY created DESC LIMIT 100",
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
        if not await passwords.fits(kept, old):
            self.slowing.failed(where.address)
            async with identity.connect() as tx:
                await self._tell(tx, "password-change", caller.actor.account, where, refused="wrong password")
            raise WrongPassword
        passwords.check(new, rules, login=caller.actor.account, name=caller.name)
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
            secret = await self._open(tx, changed, where, now)
            await self._tell(tx, "password-change", caller.actor.account, where)
        identity.forget()
        log.info("password changed", extra={"account": caller.actor.account})
        return secret

    async def client_token(self, name: str, secret: str, scope: str, where: From) -> tuple[str, str] | None:
        """A bearer token for a service client that knows its secret, and its scope; None for anybody else."""
        identity = self.identity
        await self.slowing.wait(where.address)
        async with identity.connect() as tx, tx.transaction():
            row = await tx.fetchrow(
                "SELECT id, secret, scope FROM access.client WHERE name = $1 AND state = 'active'",
                folded(name) if LOGIN.match(folded(name)) else "",
            )
            right = hmac.compare_digest(row["secret"] if row else b"\0" * 32, secrets.digest(secret))
            asked = scope.split()
            who = f"client:{folded(name)}" if row is not None else NOBODY
            if not right or row is None or not set(asked) <= set(row["scope"].split()):
                self.slowing.failed(where.address)
                why = "scope" if right and row is not None else "wrong secret"
                await self._tell(tx, "token-create", who, where, refused=why)
                return None
            made, now = secrets.made(), identity.now()
            granted = " ".join(asked) or row["scope"]
            await tx.execute(
                "INSERT INTO access.token (digest, client, scope, created, ends) VALUES ($1, $2, $3, $4, $5)",
                secrets.digest(made),
                row["id"],
                granted,
                now,
                now + identity.rules.token_lasts,
            )
            await self._tell(tx, "token-create", who, where)
        return made, granted

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

    async def _open(self, tx: Connection, account: int, where: From, now: datetime) -> str:
        secret = secrets.made()
        await tx.execute(
            "INSERT INTO access.session (digest, account, workstation, agent, address, created, last_seen, ends)"
            " VALUES ($1, $2, $3, $4, $5, $6, $6, $7)",
            secrets.digest(secret),
            account,
            where.workstation,
            "".join(one for one in where.agent if one.isprintable())[:200],
            where.address,
            now,
            now + self.identity.rules.session_longest,
        )
        return secret
