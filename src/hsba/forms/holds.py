"""Who writes an entry now: held while somebody types, free again after five minutes, handed over after a warning.

A hold is a courtesy between people; what two of them save is told apart by its version (FHIR R4 http.html#concurrency).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from uuid import UUID

    from hsba.record.context import Context

IDLE = timedelta(minutes=5)
"""After so long without a key the entry is free."""
WARNING = timedelta(seconds=30)
"""So long who writes is warned before another takes over."""
WAITS = timedelta(minutes=2)
"""After so long without taking over, nobody waits any more."""
FORGOTTEN = timedelta(days=1)
KEY = 32


@dataclass(frozen=True, slots=True)
class Hold:
    """How an entry is held, as one page sees it."""

    mine: bool
    name: str
    since: datetime
    step: int
    """The last draft that this page sent, where it holds the entry."""
    waiting: str = ""
    """Who waits for it, where this page holds it."""
    left: int = 0
    """Seconds until the one who waits takes over."""


async def touch(
    ctx: Context, entry: str, session: UUID, name: str, *, typed: bool = False, step: int = 0
) -> Hold:
    """Hold the entry for a page if it is free, or handed over to it; answers how it is held."""
    now = ctx.clock.now()
    row = await _row(ctx, entry)
    if row is None:
        await ctx.tx.execute(
            "INSERT INTO record.form_hold (tenant, entry, session, account, name, since, touched)"
            " VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT DO NOTHING",
            ctx.tenant.id, entry, session, ctx.actor.account, name, now,
        )  # fmt: skip
        await ctx.tx.execute(
            "DELETE FROM record.form_hold WHERE tenant = $1 AND touched < $2", ctx.tenant.id, now - FORGOTTEN
        )
        row = await _row(ctx, entry)
    if row["session"] != session and _free(row, session, now):
        await ctx.tx.execute(
            "UPDATE record.form_hold SET session = $3, account = $4, name = $5, since = $6, touched = $6, step = 0,"
            " wanted = NULL, wanted_by = NULL, wanted_at = NULL WHERE tenant = $1 AND entry = $2",
            ctx.tenant.id, entry, session, ctx.actor.account, name, now,
        )  # fmt: skip
        row = {**row, "session": session, "name": name, "since": now, "step": 0, "wanted_at": None}
    if row["session"] != session:
        return Hold(mine=False, name=row["name"], since=row["since"], step=0)
    if typed:
        await ctx.tx.execute(
            "UPDATE record.form_hold SET touched = $3, step = greatest(step, $4) WHERE tenant = $1 AND entry = $2",
            ctx.tenant.id, entry, now, step,
        )  # fmt: skip
    asked: datetime | None = row["wanted_at"]
    if asked is None or asked < now - WAITS:
        return Hold(mine=True, name=name, since=row["since"], step=row["step"])
    left = max(0, int((asked + WARNING - now).total_seconds()))
    return Hold(
        mine=True, name=name, since=row["since"], step=row["step"], waiting=row["wanted_by"], left=left
    )


async def want(ctx: Context, entry: str, session: UUID, name: str) -> None:
    """Ask for an entry that somebody else holds: it is handed over when the warning has passed."""
    now = ctx.clock.now()
    await ctx.tx.execute(
        "UPDATE record.form_hold SET wanted = $3, wanted_by = $4, wanted_at = $5 WHERE tenant = $1 AND entry = $2"
        " AND session <> $3 AND (wanted_at IS NULL OR wanted_at < $6)",
        ctx.tenant.id, entry, session, name, now, now - WAITS,
    )  # fmt: skip


async def leave(ctx: Context, entry: str, session: UUID) -> None:
    """Give the entry back."""
    await ctx.tx.execute(
        "DELETE FROM record.form_hold WHERE tenant = $1 AND entry = $2 AND session = $3",
        ctx.tenant.id,
        entry,
        session,
    )


async def alone(ctx: Context, entry: str) -> None:
    """Complete one entry after the other: a second writer waits until the first is through."""
    await ctx.tx.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, $2))", entry, ctx.tenant.id)


async def key(ctx: Context) -> bytes:
    """The key of this account's own copies in its browsers."""
    await ctx.tx.execute(
        "INSERT INTO record.form_key (tenant, account, key) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        ctx.tenant.id,
        ctx.actor.account,
        os.urandom(KEY),
    )
    found: bytes = await ctx.tx.fetchval(
        "SELECT key FROM record.form_key WHERE tenant = $1 AND account = $2",
        ctx.tenant.id,
        ctx.actor.account,
    )
    return found


def _free(row: Any, session: UUID, now: datetime) -> bool:
    """Whether this page may have what another holds."""
    handed = row["wanted"] == session and now - WAITS < row["wanted_at"] <= now - WARNING
    return bool(handed or row["touched"] < now - IDLE)


async def _row(ctx: Context, entry: str) -> Any:
    return await ctx.tx.fetchrow(
        "SELECT session, account, name, since, touched, step, wanted, wanted_by, wanted_at FROM record.form_hold"
        " WHERE tenant = $1 AND entry = $2 FOR UPDATE",
        ctx.tenant.id,
        entry,
    )
