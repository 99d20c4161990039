"""Search rows of what is stored already, made anew batch by batch while the record is in use (decision 0007).

When a search parameter is added its paths wait (`reference.path.ready`): new versions get their rows at once, older ones
by `batch`, and searches by it are refused until `finish`.  A batch locks its resources, so a version that is saved meanwhile
comes before it or after it and never gets lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hsba.fhir import json
from hsba.fhir.extract import extract
from hsba.fhir.paths import catalogue
from hsba.store import generation, index
from hsba.store.saving import KINDS, SearchRows, save_rows

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from zoneinfo import ZoneInfo

    from hsba.fhir.definitions import Definitions
    from hsba.store.pool import Connection
    from hsba.store.registry import Registry

LOCK = 0x48534258
"""One reindex at a time: the advisory lock of a session."""

# Locked in the order of ids, as every writer does, so that a batch and a bundle never wait for each other.
KEYS = """
SELECT r.key FROM record.resource r
WHERE r.tenant = $1 AND r.type = $2 AND r.key > $3 AND r.vid > 0 AND NOT r.deleted ORDER BY r.key LIMIT $4
"""
LOCKED = """
SELECT r.key, r.vid, r.recorded FROM record.resource r
WHERE r.tenant = $1 AND r.key = ANY($2::bigint[]) AND r.vid > 0 AND NOT r.deleted ORDER BY r.id FOR UPDATE OF r
"""

BODIES = "SELECT resource, body FROM record.bodies($1, $2, $3, $4)"

# CREATE INDEX CONCURRENTLY waits in the same way: whoever began before may still write by the old definitions.
# Only our own role writes resources; a back-up of the owner's may run for hours and is not waited for.
RUNNING = """
SELECT l.virtualtransaction FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'virtualxid' AND l.granted AND l.pid <> pg_backend_pid()
  AND a.datname = current_database() AND a.usename = current_user
"""

START = """
INSERT INTO ops.reindex (type, tenant, wanted, last, done, total, rows)
SELECT $1, $2, $3, 0, 0,
       (SELECT count(*) FROM record.resource WHERE tenant = $2 AND type = $1 AND vid > 0 AND NOT deleted), 0
ON CONFLICT (type, tenant) DO UPDATE
SET wanted = excluded.wanted, last = 0, done = 0, total = excluded.total, rows = 0
WHERE ops.reindex.wanted <> excluded.wanted
"""

SWEEP = """
DELETE FROM record.ix_{kind} WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM record.ix_{kind} WHERE tenant = $1 AND path = ANY($2::integer[]) LIMIT $3))
"""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one batch did: how many resources, how many rows, and the last key (None when nothing is left)."""

    resources: int
    rows: int
    last: int | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A path that a reindex has still to fill, and the state of the search parameters that asked for it."""

    path: int
    generation: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the resources of one type in one tenant are."""

    type: int
    tenant: int
    done: int
    total: int
    rows: int


async def waiting(tx: Connection, registry: Registry, definitions: Definitions, type: str) -> list[Waiting]:
    """The paths of a type that wait for its stored resources; gives numbers to those the definitions have added."""
    known = catalogue(definitions, type)
    numbers = await registry.paths(tx, known, make=True)
    rows = await tx.fetch(
        "SELECT id, generation FROM reference.path WHERE NOT ready AND NOT dropped AND id = ANY($1::integer[])"
        " ORDER BY id",
        [numbers[key] for key in known.paths],
    )
    await registry.waiting(tx)
    return [Waiting(row[0], row[1]) for row in rows]


async def close_new(
    tx: Connection, registry: Registry, definitions: Definitions, type: str, since: int
) -> None:
    """Close the paths that came with a change of the search parameters, or after it, for a type first stored then."""
    known = catalogue(definitions, type)
    numbers = await registry.paths(tx, known, make=True)
    before = catalogue(definitions.with_parameters([], 0), type).paths.keys()
    await tx.execute(
        "UPDATE reference.path SET ready = false"
        " WHERE id = ANY($1::integer[]) AND generation >= $2 AND ready AND NOT dropped",
        [numbers[key] for key in known.paths.keys() - before],
        since,
    )


async def running(tx: Connection) -> frozenset[str]:
    """The transactions under way in this database, this one left out."""
    return frozenset(row[0] for row in await tx.fetch(RUNNING))


# --- one batch ---------------------------------------------------------------------------------------------


async def batch(
    tx: Connection,
    registry: Registry,
    definitions: Definitions,
    tenant: int,
    zone: ZoneInfo,
    type: str,
    *,
    after: int = 0,
    limit: int = 500,
    paths: Collection[int] | None = None,
) -> Batch:
    """Make the rows of the next resources of a type, in the caller's transaction; of some paths only, or of all."""
    await generation.require(tx, definitions.generation)
    next_keys = [row[0] for row in await tx.fetch(KEYS, tenant, registry.type_id(type), after, limit)]
    if not next_keys:
        return Batch(0, 0, None)
    found = await tx.fetch(LOCKED, tenant, next_keys)
    keys = [row[0] for row in found]
    bodies = {
        row[0]: row[1]
        for row in await tx.fetch(BODIES, tenant, keys, [row[1] for row in found], [row[2] for row in found])
    }
    values = [(key, extract(json.stored(bodies[key]), definitions, zone)) for key in keys]
    found_rows = await index.rows(tx, values, registry)
    if paths is not None:
        found_rows = found_rows.only(frozenset(paths))
    made = found_rows.made(await registry.addresses.resolve(tx, tenant, found_rows.addresses()))
    if paths is None:
        await save_rows(tx, tenant, SearchRows(made, dict.fromkeys(KINDS, keys)))
    else:
        for kind in KINDS[:-1]:
            await tx.execute(
                f"DELETE FROM record.ix_{kind} WHERE tenant = $1 AND resource = ANY($2) AND path = ANY($3)",
                tenant,
                keys,
                list(paths),
            )
        await save_rows(tx, tenant, SearchRows(made))
    return Batch(len(keys), sum(len(rows) for rows in made.values()), next_keys[-1])


async def sweep(tx: Connection, tenant: int, paths: Sequence[int], *, limit: int = 5000) -> int:
    """Remove some rows of paths that no parameter looks at any more; 0 when none is left.

    The paths are held, so that nobody takes one of them up again before the rows are gone.
    """
    dropped = [
        row[0]
        for row in await tx.fetch(
            "SELECT id FROM reference.path WHERE id = ANY($1::integer[]) AND dropped ORDER BY id FOR UPDATE",
            list(paths),
        )
    ]
    removed = 0
    for kind in KINDS[:-1] if dropped else ():
        done = await tx.execute(SWEEP.format(kind=kind), tenant, dropped, limit)
        removed += int(done.rpartition(" ")[2])
    return removed


async def dropped(tx: Connection, up_to: int) -> list[int]:
    """The paths that no parameter looks at since some state of the search parameters, or one before."""
    rows = await tx.fetch(
        "SELECT id FROM reference.path WHERE dropped AND generation <= $1 ORDER BY id", up_to
    )
    return [row[0] for row in rows]


# --- how far it is -----------------------------------------------------------------------------------------


async def start(tx: Connection, tenant: int, type: int, wanted: str) -> None:
    """Begin a type in a tenant, or go on where the same wish was cut off."""
    await tx.execute(START, type, tenant, wanted)


async def place(tx: Connection, tenant: int, type: int) -> int | None:
    """The last key done, held until this transaction ends; None when nothing was begun."""
    last: int | None = await tx.fetchval(
        "SELECT last FROM ops.reindex WHERE type = $1 AND tenant = $2 FOR UPDATE", type, tenant
    )
    return last


async def note(tx: Connection, tenant: int, type: int, done: Batch) -> None:
    """Keep how far it is, in the batch's own transaction."""
    await tx.execute(
        "UPDATE ops.reindex SET last = $3, done = done + $4, rows = rows + $5 WHERE type = $1 AND tenant = $2",
        type,
        tenant,
        done.last,
        done.resources,
        done.rows,
    )


async def progress(tx: Connection) -> list[Progress]:
    """How far every type in every tenant is; nothing when no reindex is under way."""
    rows = await tx.fetch("SELECT type, tenant, done, total, rows FROM ops.reindex ORDER BY type, tenant")
    return [Progress(*row) for row in rows]


async def finish(
    tx: Connection, registry: Registry, paths: Iterable[Waiting], type: int | None = None
) -> None:
    """Open the paths for searches, once every keeper's resources have their rows.

    A path that was given up or asked for anew meanwhile stays closed.  Other processes hear of it within a second.
    """
    told = list(paths)
    await tx.execute(
        "UPDATE reference.path p SET ready = true FROM unnest($1::integer[], $2::bigint[]) AS w(id, generation)"
        " WHERE p.id = w.id AND p.generation = w.generation AND NOT p.dropped",
        [one.path for one in told],
        [one.generation for one in told],
    )
    if type is not None:
        await tx.execute("DELETE FROM ops.reindex WHERE type = $1", type)
    await generation.opened(tx)
    await registry.waiting(tx)
