"""Resources and their versions: one indexed fetch to read, one statement to save any number of them.

A save is a single SQL statement built for what it holds (creates, updates, which kinds of search rows), so that a
create costs one round trip and a bundle of a hundred entries the same one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from hsba.fhir.problems import Busy, VersionConflict
from hsba.store.generation import DefinitionsChanged

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from hsba.store.pool import Connection


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


@dataclass(frozen=True, slots=True)
class Write:
    """One new version, stamped and hashed, with the keys of what it belongs to; `fresh` when its address is new too."""

    key: int
    type: int
    id: str
    vid: int
    interaction: str
    recorded: datetime
    body: str | None
    sha256: bytes
    before: bytes | None
    fresh: bool
    state: int = 0
    patient: int | None = None
    encounter: int | None = None
    dossier: int | None = None
    department: int | None = None
    labels: int = 0
    occurred: datetime | None = None
    late: bool = False


@dataclass(frozen=True, slots=True)
class Provenance:
    """Who wrote, in which role, from where, through which door, for what: the same for all of one save."""

    account: str
    role: str | None
    on_behalf_of: str | None
    workstation: str | None
    channel: str
    purpose: str
    reason: str | None
    request: UUID
    source_system: str | None = None
    source_key: str | None = None


READ = """
SELECT r.key, r.vid, r.recorded, r.deleted, v.body
FROM record.resource r
LEFT JOIN record.version v
  ON v.tenant = r.tenant AND v.resource = r.key AND v.vid = r.vid AND v.recorded = r.recorded
WHERE r.tenant = $1 AND r.type = $2 AND r.id = $3 AND r.vid > 0
"""

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


# The lock and the look are two statements: the second one's snapshot holds what the first one waited for.
LOCK_ALL = """
SELECT r.key FROM record.resource r JOIN unnest($2::smallint[], $3::text[]) AS w(type, id)
  ON r.type = w.type AND r.id = w.id
WHERE r.tenant = $1 ORDER BY r.type, r.id FOR UPDATE OF r
"""
CURRENT_ALL = CURRENT.replace("SELECT ", "SELECT r.type, r.id, ", 1).replace(
    "AND r.type = $2 AND r.id = $3",
    "AND (r.type, r.id) IN (SELECT * FROM unnest($2::smallint[], $3::text[]))",
)
READ_ALL = """
SELECT r.key, r.type, r.id, r.vid, r.recorded, r.deleted, v.body, v.interaction::text
FROM unnest($2::smallint[], $3::text[]) AS w(type, id)
JOIN record.resource r ON r.tenant = $1 AND r.type = w.type AND r.id = w.id AND r.vid > 0
JOIN record.version v ON v.tenant = r.tenant AND v.resource = r.key AND v.vid = r.vid AND v.recorded = r.recorded
"""


async def read(tx: Connection, tenant: int, type: int, id: str) -> Stored | None:
    """The current version at an address; None where nothing was ever written."""
    row = await tx.fetchrow(READ, tenant, type, id)
    if row is None:
        return None
    return Stored(row[0], type, id, row[1], row[2], row[3], row[4])


async def vread(tx: Connection, tenant: int, type: int, id: str, vid: int) -> Stored | None:
    """One version of the past or present."""
    row = await tx.fetchrow(VREAD, tenant, type, id, vid)
    if row is None:
        return None
    return Stored(row[0], type, id, row[1], row[2], row[3], row[4], row[5].decode())


async def current(tx: Connection, tenant: int, type: int, id: str, *, lock: bool = False) -> Current | None:
    """What a write at this address builds on; with `lock` nobody else changes it until this transaction ends."""
    row = await tx.fetchrow(CURRENT + (" FOR UPDATE OF r" if lock else ""), tenant, type, id)
    if lock and row is not None and row["vid"] and row["sha256"] is None:
        # We waited for another writer: the row is his new one, but the version beside it was looked up before.
        row = await tx.fetchrow(CURRENT, tenant, type, id)
    return None if row is None else Current(*row)


async def currents(
    tx: Connection, tenant: int, addresses: Sequence[tuple[int, str]]
) -> dict[tuple[int, str], Current]:
    """What writes at these addresses build on, each locked until the transaction ends, in an order all writers keep."""
    arguments = (tenant, [type_ for type_, _ in addresses], [id_ for _, id_ in addresses])
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


# --- saving ------------------------------------------------------------------------------------------------

WRITE_COLUMNS = (
    ("key", "bigint"),
    ("type", "smallint"),
    ("id", "text"),
    ("vid", "integer"),
    ("interaction", '"char"'),
    ("recorded", "timestamptz"),
    ("body", "text"),
    ("sha256", "bytea"),
    ("before", "bytea"),
    ("state", "smallint"),
    ("patient", "bigint"),
    ("encounter", "bigint"),
    ("dossier", "bigint"),
    ("department", "bigint"),
    ("labels", "bigint"),
    ("occurred", "timestamptz"),
    ("late", "boolean"),
    ("fresh", "boolean"),
)

INDEX_COLUMNS: dict[str, tuple[tuple[str, str], ...]] = {
    "ix_token": (("resource", "bigint"), ("path", "integer"), ("system", "integer"), ("code", "text")),
    "ix_string": (("resource", "bigint"), ("path", "integer"), ("folded", "text"), ("exact", "text")),
    "ix_date": (("resource", "bigint"), ("path", "integer"), ("low", "timestamptz"), ("high", "timestamptz")),
    "ix_quantity": (
        ("resource", "bigint"),
        ("path", "integer"),
        ("system", "integer"),
        ("unit", "text"),
        ("low", "float8"),
        ("high", "float8"),
        ("base", "text"),
        ("base_low", "float8"),
        ("base_high", "float8"),
    ),
    "ix_reference": (("resource", "bigint"), ("path", "integer"), ("target", "bigint")),
    "ix_uri": (("resource", "bigint"), ("path", "integer"), ("value", "text")),
    "ix_composite": (
        ("resource", "bigint"),
        ("path", "integer"),
        ("system", "integer"),
        ("code", "text"),
        ("kind", '"char"'),
        ("system2", "integer"),
        ("text2", "text"),
        ("low", "float8"),
        ("high", "float8"),
        ("base", "text"),
        ("base_low", "float8"),
        ("base_high", "float8"),
        ("from2", "timestamptz"),
        ("to2", "timestamptz"),
    ),
}
"""The search tables and their columns beside `tenant`: the shape that `store.index` fills."""

PROVENANCE = (
    "account",
    "role",
    "on_behalf_of",
    "workstation",
    "channel",
    "purpose",
    "reason",
    "request",
    "source_system",
    "source_key",
)
RESOURCE = (
    "type",
    "id",
    "vid",
    "recorded",
    "state",
    "patient",
    "encounter",
    "dossier",
    "department",
    "labels",
)


FEW = 24
"""Up to so many rows of a table are picked from the arrays by their place: `unnest` over many arrays keeps each in a
store of its own, which for a single resource costs more than the inserts; for many rows it is the linear one."""


@cache
def save_statement(
    tables: tuple[str, ...], cleared: tuple[str, ...], *, fresh: bool, changed: bool, few: bool
) -> str:
    """The one statement that saves: `$1` tenant, `$2`… provenance, then the writes' and the rows' columns as arrays."""
    number = 1 + len(PROVENANCE)
    given = ", ".join(f"${2 + i}" for i in range(len(PROVENANCE)))

    def rows_of(columns: Sequence[tuple[str, str]]) -> str:
        nonlocal number
        first = number + 1
        arrays = [f"${first + place}::{kind}[]" for place, (_, kind) in enumerate(columns)]
        number += len(columns)
        if few:
            picked = ", ".join(
                f"({array})[i] AS {name}" for array, (name, _) in zip(arrays, columns, strict=True)
            )
            return (
                f"(SELECT {picked} FROM (SELECT generate_series(1, cardinality({arrays[0]})) AS i) AS s) AS t"
            )
        return f"unnest({', '.join(arrays)}) AS t({', '.join(name for name, _ in columns)})"

    parts = [f"w AS MATERIALIZED (SELECT * FROM {rows_of(WRITE_COLUMNS)})"]
    columns = ", ".join(RESOURCE)
    if fresh:
        parts.append(
            f"made AS (INSERT INTO record.resource (key, tenant, {columns})"
            f" SELECT key, $1, {columns} FROM w WHERE fresh"
            " ON CONFLICT DO NOTHING RETURNING key)"
        )
    if changed:
        sets = ", ".join(f"{name} = w.{name}" for name in RESOURCE[2:])
        parts.append(
            f"changed AS (UPDATE record.resource r SET {sets}, deleted = (w.interaction = 'D')"
            " FROM w WHERE NOT w.fresh AND r.tenant = $1 AND r.key = w.key AND r.vid = w.vid - 1"
            # Whoever signed this version while we waited for the row has the last word.
            " AND NOT EXISTS (SELECT FROM record.version_lock l"
            " WHERE l.tenant = $1 AND l.resource = w.key AND l.vid = w.vid - 1) RETURNING r.key)"
        )
    parts.append(
        "versions AS (INSERT INTO record.version (tenant, resource, vid, type, interaction, recorded, occurred, late,"
        f" sha256, before, body, {', '.join(PROVENANCE)})"
        " SELECT $1, key, vid, type, interaction, recorded, occurred, late, sha256, before, body,"
        f" {given} FROM w)"
    )
    for table in cleared:
        number += 1
        parts.append(
            f"old_{table} AS (DELETE FROM record.{table} WHERE tenant = $1 AND resource = ANY(${number}::bigint[]))"
        )
    for table in tables:
        names = ", ".join(name for name, _ in INDEX_COLUMNS[table])
        parts.append(
            f"new_{table} AS (INSERT INTO record.{table} (tenant, {names})"
            f" SELECT $1, {names} FROM {rows_of(INDEX_COLUMNS[table])})"
        )
    counts = [
        f"(SELECT count(*) FROM {name})" for name, here in (("made", fresh), ("changed", changed)) if here
    ]
    fence = f"(SELECT number FROM reference.generation) = ${number + 1}::bigint"
    return f"WITH {', '.join(parts)} SELECT CASE WHEN {fence} THEN {' + '.join(counts)} ELSE -1 END"


async def save(
    tx: Connection,
    tenant: int,
    writes: Sequence[Write],
    rows: Mapping[str, Sequence[Sequence[Any]]],
    cleared: Mapping[str, list[int]],
    provenance: Provenance,
    generation: int = 0,
) -> None:
    """Write versions, current rows and search rows together; refuses when somebody else was faster.

    Who made the same new address at the same moment is Busy (a second try finds it there); who changed what this write
    builds on is a VersionConflict.

    `rows` maps a table of INDEX_COLUMNS to its columns, each a list, and `cleared` to the keys whose old rows go;
    tables without any are left out.  `generation` says with which search parameters the rows were made (decision 0007).
    """
    fresh = any(write.fresh for write in writes)
    changed = any(not write.fresh for write in writes)
    tables = tuple(table for table in INDEX_COLUMNS if table in rows and rows[table][0])
    few = len(writes) <= FEW and all(len(rows[table][0]) <= FEW for table in tables)
    emptied = tuple(table for table in INDEX_COLUMNS if table in cleared)
    statement = save_statement(tables, emptied, fresh=fresh, changed=changed, few=few)
    arguments: list[Any] = [tenant, *(getattr(provenance, name) for name in PROVENANCE)]
    for name, _ in WRITE_COLUMNS:
        column = [getattr(write, name) for write in writes]
        arguments.append([value.encode() for value in column] if name == "interaction" else column)
    arguments.extend(cleared[table] for table in emptied)
    for table in tables:
        arguments.extend(rows[table])
    tx.wrote = tx.wrote or fresh
    saved = await tx.fetchval(statement, *arguments, generation + tx.stepped)
    if saved == -1:
        raise DefinitionsChanged
    if saved != len(writes):
        raise Busy if fresh else VersionConflict
