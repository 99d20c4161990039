"""After a dump was restored into another cluster: the numbers of transactions in it are brought below the counter there.

The feed gives out versions below the oldest transaction still open (history.py).  A cluster counts its own
transactions, so restored versions may stand above its counter: followers would wait for them, perhaps for years, and
what is written from now on would stand below what was read.  Setting the counter (`pg_resetwal`) can destroy the
cluster; the numbers are ours, and only their order matters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Connection = Any  # asyncpg's own, as the owner

FIRST = 3
"""The first number that an ordinary transaction may have (PostgreSQL, routine-vacuuming.html)."""
TOGETHER = 500
"""Versions that may come to share a number: a follower reads those of one number at once."""

_ABOVE = """
SELECT coalesce(greatest(
    (SELECT max(x.xid::text::numeric) FROM record.tenant t CROSS JOIN reference.type y CROSS JOIN LATERAL (
        SELECT v.xid FROM record.version v WHERE v.tenant = t.id AND v.type = y.id ORDER BY v.xid DESC LIMIT 1) x),
    (SELECT max(xid::text::numeric) FROM ops.feed_cursor),
    (SELECT max(l.xid::text::numeric) FROM (SELECT xid FROM audit.line ORDER BY xid DESC LIMIT 1) l),
    (SELECT max(until_xid::text::numeric) - 1 FROM audit.segment)
) >= pg_snapshot_xmax(pg_current_snapshot())::text::numeric, false)
"""

_RENUMBERED = """
CREATE TEMP TABLE renumbered ON COMMIT DROP AS
SELECT xid AS old, $1::bigint + (row_number() OVER (ORDER BY xid) - 1) * $2::bigint / count(*) OVER () AS new
FROM (SELECT xid FROM record.version UNION SELECT xid FROM audit.line) v
"""


async def is_above(tx: Connection) -> bool:
    """Whether a version or a follower stands above this cluster's counter: the data come from another cluster."""
    found: bool = await tx.fetchval(_ABOVE)
    return found


async def renumber(tx: Connection, *, note: Callable[[str], None] = lambda _: None) -> bool:
    """Bring all numbers below the counter, as the owner; False when they are there already.

    The order stays.  A follower goes on where it was, or a little before, never after.
    """
    if not await is_above(tx):
        return False
    note("record.version.xid")
    versions = await tx.fetchval(
        "SELECT (SELECT count(*) FROM record.version) + (SELECT count(*) FROM audit.line)"
    )
    counter = int(await tx.fetchval("SELECT pg_current_xact_id()::text"))
    for _ in range(max(0, FIRST + 1 + versions // TOGETHER - counter)):
        await tx.execute("SELECT pg_current_xact_id()")
    async with tx.transaction():
        await tx.execute("SET LOCAL statement_timeout = 0")
        await tx.execute(
            "LOCK TABLE record.version, ops.feed_cursor, audit.line, audit.segment IN SHARE ROW EXCLUSIVE MODE"
        )
        room = int(await tx.fetchval("SELECT pg_snapshot_xmin(pg_current_snapshot())::text")) - FIRST
        await tx.execute(_RENUMBERED, FIRST, room)
        await tx.execute(
            "UPDATE record.version v SET xid = r.new::text::xid8 FROM renumbered r WHERE r.old = v.xid"
        )
        # Below the first version that the follower has not read; of numbers that were joined he reads all again.
        await tx.execute(
            "UPDATE ops.feed_cursor c SET xid = coalesce("
            " (SELECT min(new) FROM renumbered r WHERE r.old > c.xid) - 1,"
            " (SELECT max(new) FROM renumbered), 0)::text::xid8"
        )
        await _renumber_lines(tx)
    return True


async def _renumber_lines(tx: Connection) -> None:
    """The lines of the audit trail: what is sealed stays below where the sealer stands, and what is not stays above."""
    sealed = await tx.fetchval("SELECT max(until_xid::text::numeric)::text FROM audit.segment") or "0"
    until = await tx.fetchval(
        "SELECT coalesce(max(new) + 1, 0)::text FROM renumbered WHERE old < $1::text::xid8", sealed
    )
    await tx.execute(
        "UPDATE audit.line l SET xid = CASE WHEN r.old < $1::text::xid8 THEN r.new ELSE greatest(r.new, $2::text::bigint)"
        " END::text::xid8 FROM renumbered r WHERE r.old = l.xid",
        sealed,
        until,
    )
    await tx.execute("UPDATE audit.segment SET until_xid = $1::text::xid8", until)
