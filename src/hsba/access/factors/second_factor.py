"""The second factors of accounts, as they are kept: apps that show codes, passkeys, and what an administrator does with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hsba.access.accounts import end_everything, folded
from hsba.access.factors import recovery
from hsba.access.ports import Happening, Untold
from hsba.access.problems import BadFactor, UnknownAccount

if TYPE_CHECKING:
    from datetime import datetime

    from asyncpg import Record

    from hsba.access.factors.passkeys import Made
    from hsba.access.ports import Witness
    from hsba.store.pool import Connection

MOST = 10
"""Factors of one account."""
LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class Factor:
    """One factor, as its holder sees it."""

    id: int
    kind: str
    name: str
    created: datetime
    last_use: datetime | None


async def every(tx: Connection, account: int) -> list[Factor]:
    """The factors of an account, the oldest first."""
    rows = await tx.fetch(
        "SELECT id, kind, name, created, last_use FROM access.factor WHERE account = $1 ORDER BY id", account
    )
    return [Factor(**row) for row in rows]


async def has_one(tx: Connection, account: int) -> bool:
    """Whether a log-in of this account has a second step."""
    found: bool = await tx.fetchval("SELECT EXISTS (SELECT FROM access.factor WHERE account = $1)", account)
    return found


async def hold(tx: Connection, account: int) -> int:
    """Let nobody else change the account's factors in this transaction; answers how many there are."""
    await tx.execute("SELECT FROM access.account WHERE id = $1 FOR UPDATE", account)
    found: int = await tx.fetchval("SELECT count(*) FROM access.factor WHERE account = $1", account)
    return found


async def add_app(tx: Connection, account: int, name: str, sealed: bytes, step: int, now: datetime) -> None:
    """Keep an app that has shown its first code; the caller holds the account."""
    await _room(tx, account)
    await tx.execute(
        "INSERT INTO access.factor (account, kind, name, secret, step, created) VALUES ($1, 'totp', $2, $3, $4, $5)",
        account,
        named(name, "TOTP"),
        sealed,
        step,
        now,
    )


async def add_passkey(tx: Connection, account: int, name: str, made: Made, now: datetime) -> None:
    """Keep a passkey; the caller holds the account."""
    await _room(tx, account)
    kept = await tx.fetchval(
        "INSERT INTO access.factor (account, kind, name, site, credential, public_key, handle, uses, created)"
        " VALUES ($1, 'passkey', $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (credential) DO NOTHING RETURNING id",
        account,
        named(name, "Passkey"),
        made.site,
        made.credential,
        made.public_key,
        made.handle,
        made.uses,
        now,
    )
    if kept is None:
        raise BadFactor("This passkey is known already.", vi="Khóa truy cập này đã có rồi.")


async def apps(tx: Connection, account: int) -> list[Record]:
    """The apps of an account, with what checks their codes."""
    rows: list[Record] = await tx.fetch(
        "SELECT id, secret, step FROM access.factor WHERE account = $1 AND kind = 'totp' ORDER BY id", account
    )
    return rows


async def passkeys_of(tx: Connection, account: int, site: str) -> list[bytes]:
    """The passkeys of an account that belong to the server of this name."""
    rows = await tx.fetch(
        "SELECT credential FROM access.factor WHERE account = $1 AND kind = 'passkey' AND site = $2 ORDER BY id",
        account,
        site,
    )
    return [row["credential"] for row in rows]


async def spend_step(tx: Connection, factor: int, step: int, now: datetime) -> bool:
    """Note the time step of a code that was right; false when this code or a later one was used before."""
    spent = await tx.fetchval(
        "UPDATE access.factor SET step = $2, last_use = $3 WHERE id = $1 AND step < $2 RETURNING true",
        factor,
        step,
        now,
    )
    return bool(spent)


async def note_use(tx: Connection, factor: int, before: int, uses: int, now: datetime) -> bool:
    """Note a use of a passkey; false when it was used in the meantime."""
    noted = await tx.fetchval(
        "UPDATE access.factor SET uses = $3, last_use = $4 WHERE id = $1 AND uses = $2 RETURNING true",
        factor,
        before,
        uses,
        now,
    )
    return bool(noted)


async def rename(tx: Connection, account: int, factor: int, name: str) -> None:
    """Call a factor of one's own otherwise; somebody else's is left alone."""
    await tx.execute(
        "UPDATE access.factor SET name = $3 WHERE id = $1 AND account = $2", factor, account, named(name, "–")
    )


async def remove(tx: Connection, account: int, factor: int) -> str | None:
    """Remove a factor of one's own; answers its kind, None when there is none."""
    kind: str | None = await tx.fetchval(
        "DELETE FROM access.factor WHERE id = $1 AND account = $2 RETURNING kind", factor, account
    )
    return kind


async def reset(
    tx: Connection,
    now: datetime,
    login: str,
    *,
    by: str = "operator",
    address: str | None = None,
    witness: Witness | None = None,
) -> None:
    """Remove all factors and recovery codes of an account that lost them, end what it has open, and have the password changed.

    The connection must be one that may change accounts' factors in a transaction; the next log-in sets up a new factor
    where one is needed, from outside too, because the password must be changed.
    """
    number = await tx.fetchval("SELECT id FROM access.account WHERE login = $1", folded(login))
    if number is None:
        raise UnknownAccount(folded(login))
    await tx.execute("DELETE FROM access.factor WHERE account = $1", number)
    await recovery.forget(tx, number)
    await tx.execute("UPDATE access.account SET must_change = true WHERE id = $1", number)
    await end_everything(tx, now, number)
    told = Happening("second-factor-reset", by, subject=folded(login), address=address)
    await (witness or Untold()).tell(tx, told)


def named(name: str, otherwise: str) -> str:
    """A name as it is kept: one line of what can be read."""
    found = " ".join("".join(one if one.isprintable() else " " for one in name).split())
    return found[:LONGEST_NAME] or otherwise


async def _room(tx: Connection, account: int) -> None:
    if await tx.fetchval("SELECT count(*) FROM access.factor WHERE account = $1", account) >= MOST:
        raise BadFactor(
            f"An account has {MOST} of them at the most.", vi=f"Mỗi tài khoản có nhiều nhất {MOST} cái."
        )
