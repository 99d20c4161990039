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
    (SELECT max(xid::text::numeric) FROM ops.feed_cursor)
) >= pg_snapshot_xmax(pg_current_snapshot())::text::numeric, false)
"""

_RENUMBERED = """
CREATE TEMP TABLE renumbered ON COMMIT DROP AS
SELECT xid AS old, $1::bigint + (row_number() OVER (ORDER BY xid) - 1) * $2::bigint / count(*) OVER () AS new
FROM (SELECT DISTINCT xid FROM record.version) v
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
    versions = await tx.fetchval("SELECT count(*) FROM record.version")
    counter = int(await tx.fetchval("SELECT pg_current_xact_id()::text"))
    for _ in range(max(0, FIRST + 1 + versions // TOGETHER - counter)):
        await tx.execute("SELECT pg_current_xact_id()")
    async with tx.transaction():
        await tx.execute("SET LOCAL statement_timeout = 0")
        await tx.execute("LOCK TABLE record.version, ops.feed_cursor IN SHARE ROW EXCLUSIVE MODE")
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
    return True
