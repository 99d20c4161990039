"""That a person is there now: within the last seconds, or for one act, by a proof that is good once.

A door that does something grave (signing, a new PIN) asks here. A proof is bound to its session and to the very act it was
given for, so that what one saw is what one agreed to.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from hsba.access import secrets
from hsba.access.coming_back.pins import is_pin
from hsba.access.ports import Happening
from hsba.fhir.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Collection

    from hsba.access.coming_back.pins import Pins
    from hsba.access.coming_in.login import From, LogIn
    from hsba.access.identity import Caller, Identity
    from hsba.store.pool import Connection

HOW = frozenset({"password", "pin", "passkey"})
"""How a person proves to be there. A badge is not among them: it can lie on the table."""
STRONG = frozenset({"password", "passkey"})
GOOD_FOR = timedelta(minutes=2)


class NotProved(Problem):
    """Prove first that it is you, by PIN or password; nothing was done."""

    status, code = 401, "login"
    vi = "Hãy xác nhận bằng mã PIN hoặc mật khẩu trước; chưa làm gì."
    headers = {"HSBA-Session": "proof"}  # noqa: RUF012 - as the class it comes from


class StepUp:
    """What doors ask before they do something grave."""

    def __init__(self, identity: Identity, doors: LogIn, pins: Pins) -> None:
        """Work on the same house as the log-in."""
        self.identity = identity
        self.doors = doors
        self.pins = pins

    async def fresh(self, caller: Caller, within: timedelta, *, by: Collection[str] = HOW) -> str | None:
        """How this session proved its person within this time; None where it did not, in one of these ways."""
        async with self.identity.connect() as tx:
            row = await tx.fetchrow(
                "SELECT coalesce(proved, created) AS proved, coalesce(proved_by, 'password') AS how"
                " FROM access.session WHERE id = $1 AND revoked IS NULL AND covered IS NULL",
                caller.session,
            )
        if row is None or row["how"] not in by or row["proved"] <= self.identity.now() - within:
            return None
        return str(row["how"])

    async def ask(self, caller: Caller, typed: str, where: From, *, by: Collection[str] = HOW) -> str:
        """Have the person prove to be there by what was typed; answers how."""
        if caller.session is None:
            raise NotProved
        if is_pin(typed) and "pin" in by and where.station is not None and where.station.id == caller.station:
            await self.pins.right(where.station, caller.account or 0, typed, where)
            how = "pin"
        else:
            await self.doors.proved(caller.actor.account, typed, where)
            how = "password"
        async with self.identity.connect() as tx:
            await self.note(tx, caller, how)
        return how

    async def note(self, tx: Connection, caller: Caller, how: str) -> None:
        """Note that this session's person proved to be there; for what proves it elsewhere (a passkey)."""
        await tx.execute(
            "UPDATE access.session SET proved = $2, proved_by = $3 WHERE id = $1",
            caller.session,
            self.identity.now(),
            how,
        )

    async def prove(
        self, caller: Caller, typed: str, act: str, where: From, *, by: Collection[str] = HOW
    ) -> str:
        """A proof for one act, good once and for two minutes. `act` names it with what it is about: `sign:<digest>`."""
        how = await self.ask(caller, typed, where, by=by)
        async with self.identity.connect() as tx, tx.transaction():
            return await self.give(tx, caller, act, how, where)

    async def give(self, tx: Connection, caller: Caller, act: str, how: str, where: From) -> str:
        """A proof for one act of a person who has just proved to be there."""
        proof, now = secrets.made(), self.identity.now()
        await tx.execute("DELETE FROM access.proof WHERE session = $1 AND ends < $2", caller.session, now)
        await tx.execute(
            "INSERT INTO access.proof (digest, session, act, how, ends) VALUES ($1, $2, $3, $4, $5)",
            secrets.digest(proof),
            caller.session,
            act,
            how,
            now + GOOD_FOR,
        )
        happening = Happening(
            "proof", caller.actor.account, subject=act, reason=how, address=where.address,
            workstation=caller.actor.workstation,
        )  # fmt: skip
        await self.identity.witness.tell(tx, happening)
        return proof

    async def spend(self, tx: Connection, caller: Caller, proof: str, act: str) -> str:
        """Take a proof for this act, in the transaction of the act itself; answers how the person proved to be there."""
        how: str | None = await tx.fetchval(
            "UPDATE access.proof SET spent = $4 WHERE digest = $1 AND session = $2 AND act = $3 AND spent IS NULL"
            " AND ends > $4 RETURNING how",
            secrets.digest(proof),
            caller.session,
            act,
            self.identity.now(),
        )
        if how is None:
            raise NotProved
        return how
