"""Log-ins that are half done: the password was right, and a second step is still to come.

What the browser's cookie holds then is found in a table of its own and is no session: no page and no API knows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hsba.access import secrets
from hsba.access.factors import second_factor
from hsba.access.ports import Happening
from hsba.access.problems import FirstFactorInside

if TYPE_CHECKING:
    from datetime import datetime

    from asyncpg import Record

    from hsba.access.identity import Identity
    from hsba.access.rules import Rules
    from hsba.store.pool import Connection

_FIND = """
SELECT h.digest, a.id AS account, a.login, a.name, h.may_enrol,
       EXISTS (SELECT FROM access.factor f WHERE f.account = a.id) AS has_factor
FROM access.half_open h JOIN access.account a ON a.id = h.account
WHERE h.digest = $1 AND h.ends > $2 AND a.state = 'active'
"""


@dataclass(frozen=True, slots=True)
class HalfOpen:
    """Whose password was right."""

    digest: bytes
    account: int
    login: str
    name: str
    enrols: bool
    """Whether the second step is to set up the first factor."""


async def begun(identity: Identity, row: Record, address: str, before: str | None) -> str | None:
    """Begin the second step of a log-in where one is to come; answers what the cookie holds, None where none is to come."""
    now, rules = identity.now(), identity.rules
    async with identity.connect() as tx, tx.transaction():
        has_factor = await second_factor.has_one(tx, row["id"])
        if not has_factor and not rules.demands_second_factor(row["kind"], address):
            return None
        # The password was right, but the tries at the second step count on: only this one is taken back.
        await tx.execute(
            "UPDATE access.account SET failures = greatest(failures - 1, 0),"
            " locked_until = CASE WHEN failures > $2 THEN locked_until END WHERE id = $1",
            row["id"],
            rules.failures,
        )
        may_enrol = not has_factor and _may_enrol(rules, row, address)
        if has_factor or may_enrol:
            if before is not None:
                await end(tx, before, now)
                identity.forget()
            return await _open(tx, row["id"], now, rules, may_enrol=may_enrol)
        await identity.witness.tell(
            tx,
            Happening(
                "second-factor-refused",
                row["login"],
                refused=True,
                reason="no factor yet, from outside",
                address=address,
            ),
        )
    raise FirstFactorInside


async def find(tx: Connection, now: datetime, secret: str) -> HalfOpen | None:
    """The log-in that this cookie's holder has begun; None when it has ended."""
    row = await tx.fetchrow(_FIND, secrets.digest(secret), now)
    if row is None or not (row["has_factor"] or row["may_enrol"]):
        return None
    return HalfOpen(row["digest"], row["account"], row["login"], row["name"], enrols=not row["has_factor"])


async def close(tx: Connection, half: HalfOpen) -> bool:
    """End it, because it was done; false when it had ended already."""
    closed = await tx.fetchval("DELETE FROM access.half_open WHERE digest = $1 RETURNING true", half.digest)
    return bool(closed)


async def end(tx: Connection, before: str, now: datetime) -> None:
    """End what this browser had: a session, or a log-in begun earlier."""
    digest = secrets.digest(before)
    await tx.execute(
        "UPDATE access.session SET revoked = $2 WHERE digest = $1 AND revoked IS NULL", digest, now
    )
    await tx.execute("DELETE FROM access.half_open WHERE digest = $1", digest)


def _may_enrol(rules: Rules, row: Record, address: str) -> bool:
    """Whether a password alone may set up the first factor: inside, or where somebody handed that password just now.

    A stranger far away who guessed a password would set up a factor of his own, and the rule would keep nobody out.
    """
    return rules.is_inside(address) or rules.second_factor_first_outside or row["must_change"]


async def _open(tx: Connection, account: int, now: datetime, rules: Rules, *, may_enrol: bool) -> str:
    secret = secrets.made()
    await tx.execute(
        "INSERT INTO access.half_open (digest, account, may_enrol, ends) VALUES ($1, $2, $3, $4)",
        secrets.digest(secret),
        account,
        may_enrol,
        now + rules.half_open,
    )
    return secret
