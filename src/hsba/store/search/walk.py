"""All matches of a type in the order of their keys, piece by piece: for an export, which shows each once and misses none.

A key is given once and never changes, and a walk sees what is committed when it comes by: what was there before the walk
began is met whatever is written meanwhile, in its newest version; what is new meanwhile is met or not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hsba.store.resources import Stored
from hsba.store.search.base import NEVER, Alias
from hsba.store.search.facts import Facts
from hsba.store.search.source import matches
from hsba.store.search.statement import compiled

if TYPE_CHECKING:
    from hsba.fhir.query.expression import Expression
    from hsba.store.pool import Connection
    from hsba.store.search.compile import Compiler
    from hsba.store.search.facts import Scope


async def walk(
    tx: Connection,
    where: Expression,
    type: str,
    scope: Scope,
    *,
    after: int = 0,
    limit: int,
    deleted: bool = False,
) -> list[Stored]:
    """The next matches after a key that may be seen, without their texts; of what was deleted when `deleted`."""

    def rows(compiler: Compiler) -> str:
        source = matches(compiler, where, Alias("r", (type,)), deleted=deleted, gather=False)
        if source.nothing:
            return NEVER
        gone = " AND r.deleted" if deleted else ""
        return (
            f"SELECT r.key, r.type, r.id, r.vid, r.recorded FROM {source.text} WHERE {source.where}{gone}"
            f" AND r.key > {compiler.arg(after)}::bigint ORDER BY r.key LIMIT {int(limit)}"
        )

    sql, args = await compiled(tx, scope, Facts.of(scope.registry), rows)
    if sql == NEVER:
        return []
    found = await tx.fetch(sql, *args)
    return [Stored(row[0], row[1], row[2], row[3], row[4], deleted, None) for row in found]
