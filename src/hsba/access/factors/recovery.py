"""Recovery codes: ten on paper, each good for one log-in when the telephone or the passkey is lost."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from hsba.store.pool import Connection

MANY = 10
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""Nothing that looks like something else on paper."""
GROUPS, LONG = 4, 4
"""Four groups of four: 79 random bits, which need no slow hash."""


async def renew(tx: Connection, account: int, now: datetime) -> tuple[str, ...]:
    """Ten new codes in place of the old ones; they are not kept, and so shown only now."""
    made = tuple(_made() for _ in range(MANY))
    await forget(tx, account)
    await tx.executemany(
        "INSERT INTO access.recovery_code (account, digest, made) VALUES ($1, $2, $3)",
        [(account, _digest(one), now) for one in made],
    )
    return made


async def use(tx: Connection, account: int, code: str, now: datetime) -> bool:
    """Spend a code; false when it is none of this account's, or was used before."""
    used = await tx.fetchval(
        "UPDATE access.recovery_code SET used = $3 WHERE account = $1 AND digest = $2 AND used IS NULL RETURNING true",
        account,
        _digest(code),
        now,
    )
    return bool(used)


async def left(tx: Connection, account: int) -> int:
    """How many codes are still good."""
    found: int = await tx.fetchval(
        "SELECT count(*) FROM access.recovery_code WHERE account = $1 AND used IS NULL", account
    )
    return found


async def forget(tx: Connection, account: int) -> None:
    """No code is good any more."""
    await tx.execute("DELETE FROM access.recovery_code WHERE account = $1", account)


def _made() -> str:
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(LONG)) for _ in range(GROUPS))


def _digest(code: str) -> bytes:
    """What is kept of a code, however it was typed."""
    return hashlib.sha256(
        "".join(one for one in code.lower() if one.isalnum()).encode("utf-8", "replace")
    ).digest()
