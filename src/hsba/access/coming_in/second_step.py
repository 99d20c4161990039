"""The second step of a log-in: a code, a recovery code, a passkey, or setting up the first factor; and the passkey alone.

A try is counted against the account before it is looked at, with those of the password; a session is opened under a new
secret, so that what the browser held before opens nothing.
"""

from __future__ import annotations

import hmac
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hsba.access.coming_in import half_open
from hsba.access.coming_in.enrolling import Enrolling, Holder
from hsba.access.coming_in.login import count_try
from hsba.access.factors import passkeys, recovery, second_factor, totp
from hsba.access.ports import Happening
from hsba.access.problems import SecondStepEnded, VaultOpen, WrongCode

if TYPE_CHECKING:
    from datetime import datetime

    from asyncpg import Record

    from hsba.access.coming_in.enrolling import Proof
    from hsba.access.coming_in.half_open import HalfOpen
    from hsba.access.coming_in.login import From, LogIn
    from hsba.access.factors.passkeys import Answer, Site
    from hsba.access.vault import Vault
    from hsba.store.pool import Connection

log = logging.getLogger("hsba.access")

ALONE = "login"
"""The purpose of a challenge that no password comes before."""
NOBODY = "anonymous"
"""Whose name it was tried under, when none is known."""

_PASSKEY = """
SELECT f.id, f.public_key, f.handle, f.uses, a.id AS account, a.login,
       (a.locked_until IS NULL OR a.locked_until <= $3) AND coalesce(a.last_use, a.created) > $4 AS is_open
FROM access.factor f JOIN access.account a ON a.id = f.account
WHERE f.credential = $1 AND f.site = $2 AND a.state = 'active'
"""


@dataclass(frozen=True, slots=True)
class Entered:
    """A session that was opened with the first factor of an account."""

    secret: str
    codes: tuple[str, ...]
    """The recovery codes, shown now and never again."""


class SecondStep:
    """What the pages do between a right password and a session."""

    def __init__(self, doors: LogIn, vault: Vault) -> None:
        """Work on the same house as the log-in."""
        self.doors = doors
        self.identity = doors.identity
        self.vault = vault
        self.enrolling = Enrolling(doors.identity, vault)

    async def begun(self, cookie: str | None) -> HalfOpen:
        """The log-in that this browser has begun."""
        async with self.identity.connect() as tx:
            half = None if cookie is None else await half_open.find(tx, self.identity.now(), cookie)
        if half is None:
            raise SecondStepEnded
        return half

    def alone(self, here: Site) -> str:
        """What the browser is asked for a log-in by passkey alone; empty where the key file cannot be used.

        Passwords must go on opening the house then, and whoever keeps the server is told.
        """
        try:
            asked = passkeys.challenge(self.vault, ALONE, self.identity.now())
        except (OSError, VaultOpen):
            log.warning("the key file of second factors cannot be used", exc_info=True)
            return ""
        return passkeys.request(here, asked, alone=True)

    async def options(self, half: HalfOpen, here: Site) -> str:
        """What the browser is asked for the second step by passkey; empty where the account has none for this server."""
        async with self.identity.connect() as tx:
            known = await second_factor.passkeys_of(tx, half.account, here.name)
        asked = passkeys.challenge(self.vault, _purpose(half), self.identity.now())
        return passkeys.request(here, asked, known=known) if known else ""

    async def new_passkey(self, half: HalfOpen, here: Site) -> str:
        """What the browser is asked to make the account's first passkey."""
        async with self.identity.connect() as tx:
            return await self.enrolling.passkey_options(tx, holder(half), here)

    async def by_code(self, cookie: str | None, code: str, where: From) -> str:
        """Open a session for who has the code of the moment, or a recovery code; answers what the cookie holds."""
        half = await self._try(cookie, where)
        now = self.identity.now()
        async with self.identity.connect() as tx, tx.transaction():
            if await recovery.use(tx, half.account, code, now):
                return await self._enter(tx, half, where, "recovery-code-use", "recovery code")
            if await self._is_code(tx, half, code, now):
                return await self._enter(tx, half, where, "second-factor-use", "totp")
        raise await self._refused(half.login, where, "wrong code")

    async def by_passkey(self, cookie: str | None, credential: str, here: Site, where: From) -> str:
        """Open a session for who has a passkey of this account; answers what the cookie holds."""
        half = await self._try(cookie, where)
        now = self.identity.now()
        try:
            answer = passkeys.answered(credential)
            async with self.identity.connect() as tx, tx.transaction():
                row = await self._known(tx, answer, here, now)
                if row is None or row["account"] != half.account:
                    raise WrongCode
                await self._believe(tx, row, answer, here, now, _purpose(half), alone=False)
                return await self._enter(tx, half, where, "second-factor-use", "passkey")
        except WrongCode as exc:
            raise await self._refused(half.login, where, "wrong passkey") from exc

    async def by_passkey_alone(self, credential: str, here: Site, where: From, *, before: str | None) -> str:
        """Open a session for who has a passkey that has made sure who holds it; answers what the cookie holds."""
        await self.doors.slowing.wait(where.address)
        now, row = self.identity.now(), None
        try:
            answer = passkeys.answered(credential)
            async with self.identity.connect() as tx, tx.transaction():
                row = await self._known(tx, answer, here, now)
                if row is None or not row["is_open"]:
                    raise WrongCode
                if not hmac.compare_digest(row["handle"], answer.handle or b""):
                    raise WrongCode
                await self._believe(tx, row, answer, here, now, ALONE, alone=True)
                if before is not None:
                    await half_open.end(tx, before, now)
                act = "second-factor-use"
                return await self._open(tx, row["account"], row["login"], where, act, "passkey alone")
        except WrongCode as exc:
            raise await self._refused(row["login"] if row else NOBODY, where, "wrong passkey") from exc

    async def enrol(self, cookie: str | None, proof: Proof, where: From) -> Entered:
        """Set up the first factor of an account and open its session."""
        half = await self.begun(cookie)
        if not half.enrols:
            raise SecondStepEnded
        async with self.identity.connect() as tx, tx.transaction():
            if await second_factor.hold(tx, half.account):
                raise SecondStepEnded  # it was set up elsewhere in the meantime: whoever that was must be asked for it
            codes = await self.enrolling.add(tx, holder(half), proof, where)
            secret = await self._enter(tx, half, where, "second-factor-use", "first factor")
        return Entered(secret, codes)

    # --- below ---------------------------------------------------------------------------------------------

    async def _try(self, cookie: str | None, where: From) -> HalfOpen:
        """Count a try at the second step; refuse one that has no account to go in to, now."""
        half = await self.begun(cookie)
        if half.enrols:
            raise SecondStepEnded
        await self.doors.slowing.wait(where.address)
        async with self.identity.connect() as tx:
            counted = await count_try(tx, self.identity.rules, half.login, self.identity.now())
        if counted is None:
            raise await self._refused(half.login, where, "locked")
        return half

    async def _is_code(self, tx: Connection, half: HalfOpen, code: str, now: datetime) -> bool:
        """Whether it is the code of the moment of one of the account's apps, not used before."""
        for app in await second_factor.apps(tx, half.account):
            secret = self.vault.unseal(app["secret"], f"totp:{half.account}")
            step = totp.step(secret, code, now, app["step"])
            if step is not None and await second_factor.spend_step(tx, app["id"], step, now):
                return True
        return False

    async def _known(self, tx: Connection, answer: Answer, here: Site, now: datetime) -> Record | None:
        """The passkey that an answer names."""
        unused = now - self.identity.rules.unused_for
        return await tx.fetchrow(_PASSKEY, answer.credential, here.name, now, unused)

    async def _believe(
        self,
        tx: Connection,
        row: Record,
        answer: Answer,
        here: Site,
        now: datetime,
        purpose: str,
        *,
        alone: bool,
    ) -> None:
        """Take an answer as right, once; whatever is wrong with it is a wrong code."""
        if not passkeys.is_ours(self.vault, purpose, answer.challenge, now):
            raise WrongCode
        count = passkeys.uses(answer, here, row["public_key"], row["uses"], alone=alone)
        spent = await passkeys.spend(tx, answer.challenge, now)
        if not spent or not await second_factor.note_use(tx, row["id"], row["uses"], count, now):
            raise WrongCode

    async def _enter(self, tx: Connection, half: HalfOpen, where: From, act: str, by: str) -> str:
        """End the second step and open the session; a log-in that was ended meanwhile opens nothing."""
        if not await half_open.close(tx, half):
            raise SecondStepEnded
        return await self._open(tx, half.account, half.login, where, act, by)

    async def _open(self, tx: Connection, account: int, login: str, where: From, act: str, by: str) -> str:
        """Open a session and tell of it; the tries of this log-in are forgotten."""
        now = self.identity.now()
        await tx.execute(
            "UPDATE access.account SET failures = 0, locked_until = NULL, last_use = $2 WHERE id = $1",
            account,
            now,
        )
        for told, why in ((act, by), ("login", act)):
            happening = Happening(
                told, login, reason=why, address=where.address, workstation=where.workstation
            )
            await self.identity.witness.tell(tx, happening)
        self.doors.slowing.succeeded(where.address)
        self.identity.forget()
        log.info("logged in", extra={"account": login})
        return await self.doors.open_session(tx, account, where, now, second=True)

    async def _refused(self, login: str, where: From, reason: str) -> WrongCode:
        """Tell of a wrong second step; answers what to raise."""
        self.doors.slowing.failed(where.address)
        log.warning("second factor refused", extra={"account": login})
        told = Happening("second-factor-refused", login, refused=True, reason=reason, address=where.address)
        async with self.identity.connect() as tx:
            await self.identity.witness.tell(tx, told)
        return WrongCode()


def holder(half: HalfOpen) -> Holder:
    """The account of a log-in that is half done, as one that a factor is for."""
    return Holder(half.account, half.login, half.name)


def _purpose(half: HalfOpen) -> str:
    """What a challenge of this second step is marked with: nobody else's answer fits."""
    return f"second:{half.digest.hex()}"
