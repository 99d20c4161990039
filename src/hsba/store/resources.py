"""Resources and their versions as they lie in the store: one indexed fetch to read; `saving.py` writes them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from hsba.store.pool import Connection
    from hsba.store.saving import Provenance


@dataclass(frozen=True, slots=True)
class Stored:
    """A version as it lies in the store; `body` is the exact text that is served, None for a delete."""

    key: int
    type: int
    id: str
    vid: int
    recorded: datetime
    deleted: bool
    body: str | None
    interaction: str = "U"


@dataclass(frozen=True, slots=True)
class Current:
    """The current state of an address, for a write that builds on it; vid 0 when it was only referred to."""

    key: int
    vid: int
    recorded: datetime
    deleted: bool
    state: int
    body: str | None
    sha256: bytes | None
    locked: bool


READ = """
SELECT r.key, r.vid, r.recorded, r.deleted, v.body
FROM record.resource r
LEFT JOIN record.version v
  ON v.tenant = r.tenant AND v.resource = r.key AND v.vid = r.vid AND v.recorded = r.recorded
WHERE r.tenant = $1 AND r.type = $2 AND r.id = $3 AND r.vid > 0
"""

READ_TOLD = "SELECT key, vid, recorded, deleted, body FROM audit.read($1, $2, $3, $4, $5)"

VREAD = """
SELECT r.key, v.vid, v.recorded, v.interaction = 'D' AS deleted, v.body, v.interaction
FROM record.resource r
JOIN record.version v ON v.tenant = r.tenant AND v.resource = r.key AND v.vid = $4
WHERE r.tenant = $1 AND r.type = $2 AND r.id = $3
"""

CURRENT = """
SELECT r.key, r.vid, r.recorded, r.deleted, r.state, v.body, v.sha256,
       EXISTS (SELECT FROM record.version_lock l
               WHERE l.tenant = r.tenant AND l.resource = r.key AND l.vid = r.vid) AS locked
FROM record.resource r
LEFT JOIN record.version v
  ON v.tenant = r.tenant AND v.resource = r.key AND v.vid = r.vid AND v.recorded = r.recorded
WHERE r.tenant = $1 AND r.type = $2 AND r.id = $3
"""


# Many at once: one look into an index for each.  A plan is made when a record is still empty and kept for long; the
# fence (OFFSET 0, or the lock itself) keeps it from walking the whole table and looking each row up in the question.
# The lock and the look are two statements: the second one's snapshot holds what the first one waited for.
LOCK_ALL = """
SELECT r.key FROM unnest($2::smallint[], $3::text[]) AS w(type, id) CROSS JOIN LATERAL (
    SELECT r.key FROM record.resource r WHERE r.tenant = $1 AND r.type = w.type AND r.id = w.id FOR UPDATE OF r
) r
"""
CURRENT_ALL = f"""
SELECT w.type, w.id, r.* FROM unnest($2::smallint[], $3::text[]) AS w(type, id) CROSS JOIN LATERAL (
    {CURRENT.replace("$2", "w.type").replace("$3", "w.id")} OFFSET 0
) r
"""
READ_ALL = """
SELECT r.key, w.type, w.id, r.vid, r.recorded, r.deleted, v.body, v.interaction::text
FROM unnest($2::smallint[], $3::text[]) AS w(type, id) CROSS JOIN LATERAL (
    SELECT r.key, r.vid, r.recorded, r.deleted FROM record.resource r
    WHERE r.tenant = $1 AND r.type = w.type AND r.id = w.id AND r.vid > 0 OFFSET 0
) r CROSS JOIN LATERAL (
    SELECT v.body, v.interaction FROM record.version v
    WHERE v.tenant = $1 AND v.resource = r.key AND v.vid = r.vid AND v.recorded = r.recorded OFFSET 0
) v
"""


async def read(tx: Connection, tenant: int, type: int, id: str) -> Stored | None:
    """The current version at an address; None where nothing was ever written."""
    row = await tx.fetchrow(READ, tenant, type, id)
    if row is None:
        return None
    return Stored(row[0], type, id, row[1], row[2], row[3], row[4])


async def read_told(
    tx: Connection, tenant: int, type: int, id: str, provenance: Provenance, now: datetime
) -> Stored | None:
    """The same, its line written in the same call; a tombstone shows nothing and leaves none."""
    row = await tx.fetchrow(READ_TOLD, tenant, provenance, now, type, id)
    return None if row[0] is None else Stored(row[0], type, id, row[1], row[2], row[3], row[4])


async def vread(tx: Connection, tenant: int, type: int, id: str, vid: int) -> Stored | None:
    """One version of the past or present."""
    row = await tx.fetchrow(VREAD, tenant, type, id, vid)
    if row is None:
        return None
    return Stored(row[0], type, id, row[1], row[2], row[3], row[4], row[5].decode())


async def current(
    tx: Connection, tenant: int, type: int, id: str, *, lock: bool = False, alone: bool = False
) -> Current | None:
    """What a write at this address builds on; with `lock` nobody else changes it until this transaction ends.

    With `alone` it is looked at before any transaction begins, and the save finds out whether it was changed since.
    """
    if alone:
        row = await tx.fetchrow_alone(CURRENT, tenant, type, id)
        return None if row is None else Current(*row)
    row = await tx.fetchrow(CURRENT + (" FOR UPDATE OF r" if lock else ""), tenant, type, id)
    if lock and row is not None and row["vid"] and row["sha256"] is None:
        # We waited for another writer: the row is his new one, but the version beside it was looked up before.
        row = await tx.fetchrow(CURRENT, tenant, type, id)
    return None if row is None else Current(*row)


async def currents(
    tx: Connection, tenant: int, addresses: Sequence[tuple[int, str]]
) -> dict[tuple[int, str], Current]:
    """What writes at these addresses build on, each locked until the transaction ends, in an order all writers keep."""
    ordered = sorted(addresses)
    arguments = (tenant, [type_ for type_, _ in ordered], [id_ for _, id_ in ordered])
    if not await tx.fetch(LOCK_ALL, *arguments):
        return {}
    rows = await tx.fetch(CURRENT_ALL, *arguments)
    return {(row[0], row[1]): Current(*row[2:]) for row in rows}


async def read_all(
    tx: Connection, tenant: int, addresses: Sequence[tuple[int, str]]
) -> dict[tuple[int, str], Stored]:
    """The current versions at these addresses, tombstones included; what was never written is left out."""
    rows = await tx.fetch(READ_ALL, tenant, [type_ for type_, _ in addresses], [id_ for _, id_ in addresses])
    return {(row[1], row[2]): Stored(*row) for row in rows}


async def with_bodies(tx: Connection, tenant: int, found: Sequence[Stored]) -> list[Stored]:
    """The same versions with their texts, in the same order."""
    rows = await tx.fetch(
        "SELECT resource, body FROM record.bodies($1, $2, $3, $4)",
        tenant,
        [one.key for one in found],
        [one.vid for one in found],
        [one.recorded for one in found],
    )
    bodies = {row[0]: row[1] for row in rows}
    return [replace(one, body=bodies[one.key]) for one in found]
