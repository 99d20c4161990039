"""What happens to a session while it lasts: another person takes the PC over, the screen is locked, somebody comes back.

A session is covered, not ended, where a shared PC goes from hand to hand; it comes back under a new secret, so that the old
cookie opens nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hsba.access import secrets

if TYPE_CHECKING:
    from datetime import datetime

    from hsba.access.coming_in.workstations import Station
    from hsba.store.pool import Connection


async def leave(tx: Connection, before: str, account: int, station: Station | None, now: datetime) -> None:
    """Have the session that a browser had give way to another: one of somebody else at this workstation is covered."""
    await tx.execute(
        "UPDATE access.session SET covered = coalesce(covered, $2),"
        " revoked = CASE WHEN station = $3 AND account <> $4 THEN revoked ELSE $2 END"
        " WHERE digest = $1 AND revoked IS NULL",
        secrets.digest(before),
        now,
        station and station.id,
        account,
    )


async def cover(tx: Connection, session: int, place: str, now: datetime) -> None:
    """Lock the screen, and remember the page to come back to."""
    await tx.execute(
        "UPDATE access.session SET covered = coalesce(covered, $2), place = $3 WHERE id = $1 AND revoked IS NULL",
        session,
        now,
        place,
    )


async def uncover(tx: Connection, session: int, how: str, now: datetime) -> str:
    """Give a session back to its person, who proved to be there; answers its new secret."""
    secret = secrets.made()
    await tx.execute(
        "UPDATE access.session SET digest = $2, covered = NULL, place = NULL, last_seen = $3, proved = $3, proved_by = $4"
        " WHERE id = $1",
        session,
        secrets.digest(secret),
        now,
        how,
    )
    return secret
