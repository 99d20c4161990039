"""What this room does by itself: close accounts that nobody uses, and forget sessions and tokens long ended."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from hsba.access.ports import UNTOLD, Happening
from hsba.record.work import Chore

if TYPE_CHECKING:
    from hsba.access.ports import Witness
    from hsba.access.rules import Rules
    from hsba.record.work import House

KEPT = timedelta(days=30)
"""How long an ended session or token is still to be seen."""


def chores(rules: Rules, witness: Witness = UNTOLD) -> tuple[Chore, ...]:
    """The chores under a hospital's rules."""

    async def close_unused(house: House) -> None:
        """Disable the accounts that nobody used for too long."""
        async with house.pool.bare() as tx, tx.transaction():
            closed = await tx.fetch(
                "UPDATE access.account SET state = 'disabled'"
                " WHERE state = 'active' AND coalesce(last_use, created) <= $1 RETURNING login",
                house.clock.now() - rules.unused_for,
            )
            for one in closed:
                await witness.tell(tx, Happening("account-close", "worker", one["login"], reason="unused"))

    async def forget_ended(house: House) -> None:
        """Remove what ended long ago."""
        async with house.pool.bare() as tx:
            now = house.clock.now()
            for table in ("session", "token", "refresh_token"):
                await tx.execute(f"DELETE FROM access.{table} WHERE ends < $1", now - KEPT)
            for table in ("assertion", "half_open", "launch", "shift", "spent_challenge", "unsent"):
                await tx.execute(f"DELETE FROM access.{table} WHERE ends < $1", now)
            await tx.execute("DELETE FROM access.factor_reset WHERE asked < $1", now - KEPT)
            await tx.execute(
                "DELETE FROM access.app_grant g WHERE code_ends < $1"
                " AND NOT EXISTS (SELECT FROM access.token t WHERE t.app_grant = g.id)"
                " AND NOT EXISTS (SELECT FROM access.refresh_token r WHERE r.app_grant = g.id)",
                now - KEPT,
            )
            await tx.execute(
                "DELETE FROM access.signing_key WHERE created < $1", now - 2 * rules.signing_key_lasts
            )

    return (
        Chore("unused accounts", close_unused, every=3600),
        Chore("ended sessions", forget_ended, every=6 * 3600),
    )
