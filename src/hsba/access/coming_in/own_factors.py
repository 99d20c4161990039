"""What people do with their own second factors while they are logged in: add, name and remove them, renew recovery codes.

Whoever sits down at a session left open must not bind the account to himself: each of these but a new name asks for the
password again, and its tries are counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hsba.access import passwords
from hsba.access.coming_in.enrolling import Enrolling, Holder
from hsba.access.coming_in.login import count_try
from hsba.access.factors import recovery, second_factor
from hsba.access.ports import Happening
from hsba.access.problems import FactorNeeded, NotLoggedIn, WeakPassword, WrongPassword
from hsba.fhir.problems import NotFound

if TYPE_CHECKING:
    from hsba.access.coming_in.enrolling import Offer, Proof
    from hsba.access.coming_in.login import From, LogIn
    from hsba.access.factors.passkeys import Site
    from hsba.access.factors.second_factor import Factor
    from hsba.access.identity import Caller
    from hsba.access.vault import Vault


@dataclass(frozen=True, slots=True)
class Owned:
    """What an account has."""

    factors: tuple[Factor, ...]
    codes_left: int


@dataclass(frozen=True, slots=True)
class Added:
    """A factor was added: the session goes on under a new secret."""

    secret: str
    codes: tuple[str, ...]
    """The recovery codes, where it is the first factor; shown now and never again."""


class OwnFactors:
    """What the pages of one's own account do."""

    def __init__(self, doors: LogIn, vault: Vault) -> None:
        """Work on the same house as the log-in."""
        self.doors = doors
        self.identity = doors.identity
        self.enrolling = Enrolling(doors.identity, vault)

    async def every(self, caller: Caller) -> Owned:
        """One's own factors."""
        account = holder(caller).account
        async with self.identity.connect() as tx:
            return Owned(tuple(await second_factor.every(tx, account)), await recovery.left(tx, account))

    def offer(self, caller: Caller, host: str, sealed: str = "") -> Offer:
        """A secret for another app: a new one, or the one that was offered before."""
        return self.enrolling.offer(holder(caller), host, sealed)

    async def passkey_options(self, caller: Caller, here: Site) -> str:
        """What the browser is asked, to make another passkey."""
        async with self.identity.connect() as tx:
            return await self.enrolling.passkey_options(tx, holder(caller), here)

    async def add(self, caller: Caller, password: str, proof: Proof, where: From) -> Added:
        """Keep a factor that works, and go on in a session that was opened with it."""
        await self._sure(caller, password, where)
        own, now = holder(caller), self.identity.now()
        async with self.identity.connect() as tx, tx.transaction():
            codes = await self.enrolling.add(tx, own, proof, where)
            await tx.execute(
                "UPDATE access.session SET revoked = $2 WHERE id = $1 AND revoked IS NULL",
                caller.session,
                now,
            )
            secret = await self.doors.open_session(tx, own.account, where, now, second=True)
        self.identity.forget()
        return Added(secret, codes)

    async def rename(self, caller: Caller, factor: int, name: str) -> None:
        """Call one of one's own factors otherwise."""
        async with self.identity.connect() as tx:
            await second_factor.rename(tx, holder(caller).account, factor, name)

    async def remove(self, caller: Caller, factor: int, password: str, where: From) -> None:
        """Remove one of one's own factors; a password that is too short without one must be changed then."""
        await self._sure(caller, password, where)
        own, rules = holder(caller), self.identity.rules
        async with self.identity.connect() as tx, tx.transaction():
            before = await second_factor.hold(tx, own.account)
            kind = await second_factor.remove(tx, own.account, factor)
            if kind is None:
                raise NotFound(str(factor))
            if before == 1:
                if rules.demands_second_factor(caller.kind, where.address):
                    raise FactorNeeded
                await recovery.forget(tx, own.account)
                try:
                    passwords.check(password, rules, login=own.login, name=own.name)
                except WeakPassword:
                    await tx.execute(
                        "UPDATE access.account SET must_change = true WHERE id = $1", own.account
                    )
            told = Happening("second-factor-remove", own.login, reason=kind, address=where.address)
            await self.identity.witness.tell(tx, told)
        self.identity.forget()

    async def renew_codes(self, caller: Caller, password: str, where: From) -> tuple[str, ...]:
        """Ten new recovery codes in place of the old ones."""
        await self._sure(caller, password, where)
        own = holder(caller)
        async with self.identity.connect() as tx, tx.transaction():
            if not await second_factor.hold(tx, own.account):
                raise FactorNeeded
            told = Happening("recovery-code-renew", own.login, address=where.address)
            await self.identity.witness.tell(tx, told)
            return await recovery.renew(tx, own.account, self.identity.now())

    async def _sure(self, caller: Caller, password: str, where: From) -> None:
        """Make sure that it is still the account's holder who asks."""
        own, identity = holder(caller), self.identity
        await self.doors.slowing.wait(where.address)
        async with identity.connect() as tx:
            row = await count_try(tx, identity.rules, own.login, identity.now())
        if not await passwords.fits(row and row["password"], password) or row is None:
            self.doors.slowing.failed(where.address)
            told = Happening(
                "second-factor-refused",
                own.login,
                refused=True,
                reason="wrong password",
                address=where.address,
            )
            async with identity.connect() as tx:
                await identity.witness.tell(tx, told)
            raise WrongPassword
        async with identity.connect() as tx:
            await tx.execute(
                "UPDATE access.account SET failures = 0, locked_until = NULL WHERE id = $1", own.account
            )


def holder(caller: Caller) -> Holder:
    """The account of who is logged in, as one that a factor is for."""
    if caller.account is None:
        raise NotLoggedIn
    return Holder(caller.account, caller.actor.account, caller.name)
