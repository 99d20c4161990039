"""Search rows of what is stored already, made anew batch by batch while the record is in use.

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
from hsba.store import index
from hsba.store.saving import KINDS, SearchRows, save_rows

if TYPE_CHECKING:
    from collections.abc import Collection
    from zoneinfo import ZoneInfo

    from hsba.fhir.definitions import Definitions
    from hsba.store.pool import Connection
    from hsba.store.registry import Registry

NEXT = """
SELECT r.key, r.vid, r.recorded FROM record.resource r
WHERE r.tenant = $1 AND r.type = $2 AND r.key > $3 AND r.vid > 0 AND NOT r.deleted
ORDER BY r.key LIMIT $4 FOR UPDATE OF r
"""

BODIES = "SELECT resource, body FROM record.bodies($1, $2, $3, $4)"


@dataclass(frozen=True, slots=True)
class Batch:
    """What one batch did: how many resources, how many rows, and the last key (None when nothing is left)."""

    resources: int
    rows: int
    last: int | None


async def waiting(tx: Connection, registry: Registry, definitions: Definitions, type: str) -> list[int]:
    """The paths of a type that wait for its stored resources; gives numbers to those the definitions have added."""
    numbers = await registry.paths(tx, catalogue(definitions, type), make=True)
    mine = {numbers[key] for key in catalogue(definitions, type).paths}
    return [number for number, owner in await registry.waiting(tx) if owner == type and number in mine]


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
    found = await tx.fetch(NEXT, tenant, registry.type_id(type), after, limit)
    if not found:
        return Batch(0, 0, None)
    keys = [row[0] for row in found]
    bodies = {
        row[0]: row[1]
        for row in await tx.fetch(BODIES, tenant, keys, [row[1] for row in found], [row[2] for row in found])
    }
    values = [(key, extract(json.parse(bodies[key].encode()), definitions, zone)) for key in keys]
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
    return Batch(len(keys), sum(len(rows) for rows in made.values()), keys[-1])


async def finish(tx: Connection, registry: Registry, paths: Collection[int]) -> None:
    """Open the paths for searches, once every keeper's resources have their rows.

    Other processes learn it when they read the paths again (`Registry.waiting`).
    """
    await tx.execute("UPDATE reference.path SET ready = true WHERE id = ANY($1::integer[])", list(paths))
    await registry.waiting(tx)
