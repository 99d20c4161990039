"""The sealer: chains committed lines in the order they were committed into segments, signs each, and writes it outside.

No line waits for another: whoever writes one takes no lock, and a transaction still open holds back what came after
it, never itself.  Only one sealer works at a time; killed at any moment it goes on where it stopped.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hsba.audit import chain, checkpoints, keys
from hsba.audit.chain import Checkpoint
from hsba.record.work import Chore

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from hsba.record.work import House
    from hsba.store.pool import Connection

LOCK = 0x48534241_0A
EVERY = 0.5
"""Seconds between two looks."""
TOGETHER = 10_000
"""Lines read at once; a segment is no larger, unless one transaction is."""
BEGINNING = ("0", 0, chain.START)

LAST = "SELECT until_xid::text, number, hash FROM audit.segment ORDER BY number DESC LIMIT 1"
TAIL = "SELECT * FROM audit.tail($1::text::xid8, $2::text::xid8, $3)"
KEEP = """
INSERT INTO audit.segment (number, until_xid, sealed, earliest, latest, ids, marks, before, hash, key, signature)
VALUES ($1, $2::text::xid8, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""


async def seal(house: House) -> None:
    """Seal everything that is committed; nothing where another sealer is at it."""
    async with house.pool.bare() as tx:
        if not await tx.fetchval("SELECT pg_try_advisory_lock($1)", LOCK):
            return
        try:
            key = await asyncio.to_thread(keys.signing, house.files / "keys")
            await write_out(tx, house.checkpoints)
            while await seal_next(tx, key, house):
                pass
        finally:
            await tx.fetchval("SELECT pg_advisory_unlock($1)", LOCK)


async def seal_next(tx: Connection, key: Ed25519PrivateKey, house: House, most: int = TOGETHER) -> bool:
    """Make one segment; True when there may be more."""
    row = await tx.fetchrow(LAST)
    since, number, before = row if row is not None else BEGINNING
    until = await tx.fetchval("SELECT pg_snapshot_xmin(pg_current_snapshot())::text")
    rows = await tx.fetch(TAIL, since, until, most)
    more = len(rows) == most
    if more:  # a transaction is never parted
        until = str(rows[-1]["xid"])
        rows = [one for one in rows if str(one["xid"]) != until]
        if not rows:
            rows = await tx.fetch(TAIL, until, str(int(until) + 1), None)
            until = str(int(until) + 1)
    if not rows:
        return False
    hashes = await asyncio.to_thread(chain.follow, before, rows)
    times = [one["recorded"] for one in rows]
    sealed = house.clock.now()
    made = signed(
        key,
        Checkpoint(
            number=number + 1,
            sealed=chain.micros(sealed),
            earliest=chain.micros(min(times)),
            latest=chain.micros(max(times)),
            lines=len(rows),
            before=before.hex(),
            hash=hashes[-1].hex(),
            key=keys.name(key.public_key()),
        ),
    )
    await tx.execute(
        KEEP,
        made.number,
        until,
        sealed,
        min(times),
        max(times),
        [one["id"] for one in rows],
        chain.marks(hashes),
        before,
        hashes[-1],
        made.key,
        bytes.fromhex(made.signature),
    )
    await asyncio.to_thread(checkpoints.add, house.checkpoints, [made])
    return more


def signed(key: Ed25519PrivateKey, made: Checkpoint) -> Checkpoint:
    """A checkpoint with its signature."""
    return replace(made, signature=key.sign(made.signed()).hex())


async def write_out(tx: Connection, folder: Path) -> None:
    """Write to the file what a sealer that was killed had committed and not written."""
    after = await asyncio.to_thread(checkpoints.last, folder)
    rows = await tx.fetch("SELECT * FROM audit.segment WHERE number > $1 ORDER BY number", after)
    if rows:
        await asyncio.to_thread(checkpoints.add, folder, [of_row(row) for row in rows])


def of_row(row: Any) -> Checkpoint:
    """The checkpoint that a row of `audit.segment` holds."""
    return Checkpoint(
        number=row["number"],
        sealed=chain.micros(row["sealed"]),
        earliest=chain.micros(row["earliest"]),
        latest=chain.micros(row["latest"]),
        lines=len(row["ids"]),
        before=row["before"].hex(),
        hash=row["hash"].hex(),
        key=row["key"],
        signature=row["signature"].hex(),
    )


HOUSEKEEPING: tuple[Chore, ...] = (Chore("seal", seal, every=EVERY),)
"""What the audit trail does by itself."""
