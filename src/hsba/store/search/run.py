"""Runs a search: one statement for a page of matches with their texts, one more for each round of includes.

Step 1 compile - step 2 the page - step 3 the total - step 4 what is brought along (FHIR R4 search.html).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from hsba.fhir.problems import Issue
from hsba.store.search import pages
from hsba.store.search.base import NEVER, Alias
from hsba.store.search.facts import Facts
from hsba.store.search.includes import bring
from hsba.store.search.source import matches
from hsba.store.search.statement import compiled, moved

if TYPE_CHECKING:
    from hsba.fhir.query.expression import Expression
    from hsba.fhir.query.parse import Search
    from hsba.store.pool import Connection
    from hsba.store.resources import Stored
    from hsba.store.search.compile import Compiler
    from hsba.store.search.facts import Scope
    from hsba.store.search.values import Arg

ESTIMATE_FROM = 10_000
"""Matches up to which an estimated total is counted out."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of matches, what they bring along, where the next page begins, and how many there are where it was asked."""

    matches: list[Stored]
    included: list[Stored]
    next: str | None = None
    total: int | None = None
    issues: tuple[Issue, ...] = ()

    def all(self) -> list[Stored]:
        """Everything that is shown."""
        return [*self.matches, *self.included]


TOO_MANY = Issue(
    "warning",
    "too-costly",
    "More resources would be included than are brought along at once; ask for fewer matches.",
    "Số tài nguyên kèm theo vượt mức cho phép một lần; hãy giảm số kết quả mỗi trang.",
    problem="TooManyIncludes",
)


async def run(tx: Connection, wanted: Search, scope: Scope) -> Page:
    """The page that answers a search, as far as the policy shows it."""
    facts = Facts.of(scope.registry)
    if wanted.count == 0:
        return Page([], [], total=await count(tx, wanted, scope, facts))
    matches, following = await pages.read(tx, wanted, scope, facts)
    whole = wanted.cursor is None and following is None
    total = None
    if wanted.total != "none" and whole:
        total = len(matches)
    elif wanted.total in ("accurate", "estimate"):
        total = await count(tx, wanted, scope, facts)
    included: list[Stored] = []
    complete = True
    if matches and (wanted.include or wanted.revinclude):
        included, complete = await bring(tx, wanted, scope, facts, matches)
    return Page(matches, included, following, total, () if complete else (TOO_MANY,))


async def count(tx: Connection, wanted: Search, scope: Scope, facts: Facts | None = None) -> int:
    """How many resources match and may be seen; from ESTIMATE_FROM on the planner's guess where that is enough."""
    limit = f" LIMIT {ESTIMATE_FROM}" if wanted.total == "estimate" else ""

    def rows(compiler: Compiler) -> str:
        source = matches(compiler, wanted.where, Alias("r", wanted.types))
        return NEVER if source.nothing else f"SELECT FROM {source.text} WHERE {source.where}"

    sql, args = await compiled(tx, scope, facts or Facts.of(scope.registry), rows)
    if sql == NEVER:
        return 0
    found: int = await tx.fetchval(f"SELECT count(*) FROM ({sql}{limit}) AS m", *args)
    if not limit or found < ESTIMATE_FROM:
        return found
    plan = msgspec.json.decode(await tx.fetchval(f"EXPLAIN (FORMAT JSON) {sql}", *args))
    return max(found, int(plan[0]["Plan"]["Plan Rows"]))


async def match_keys(
    tx: Connection, where: Expression, type: str, scope: Scope, *, limit: int, deleted: bool = False
) -> list[tuple[int, str]]:
    """Key and id of resources that match and may be seen, for conditional interactions inside a transaction."""

    def rows(compiler: Compiler) -> str:
        source = matches(compiler, where, Alias("r", (type,)), deleted=deleted)
        return (
            NEVER
            if source.nothing
            else f"SELECT r.key, r.id FROM {source.text} WHERE {source.where} LIMIT {int(limit)}"
        )

    sql, args = await compiled(tx, scope, Facts.of(scope.registry), rows)
    return [] if sql == NEVER else [(row[0], row[1]) for row in await tx.fetch(sql, *args)]


async def sees(tx: Connection, type: str, id: str, scope: Scope) -> bool:
    """Whether one resource, a deleted one too, may be seen.

    A policy that keeps things (`kept`) has the statement composed once for each type.
    """
    kept: dict[str, tuple[str, list[object]]] = getattr(scope.policy, "kept", {})
    if type not in kept:

        def rows(compiler: Compiler) -> str:
            compiler.one = True
            such = compiler.live(Alias("r", (type,)), deleted=True)
            return f"SELECT true FROM record.resource r WHERE {such} AND r.id = {compiler.arg(id)}"

        sql, args = await compiled(tx, scope, Facts.of(scope.registry), rows)
        kept[type] = sql, args[:-1]
    sql, args = kept[type]
    return bool(await tx.fetchval(sql, *args, id))


async def condition(
    tx: Connection,
    where: Expression,
    types: tuple[str, ...],
    scope: Scope,
    alias: str,
    arg: Arg,
    *,
    deleted: bool = False,
) -> str:
    """The SQL that a row of `record.resource` under an alias matches and may be seen, for a view's own statement.

    `$1` of that statement is the tenant; `arg` takes further values.
    """
    facts = Facts.of(scope.registry)

    def text(compiler: Compiler) -> str:
        name = Alias(alias, types)
        parts = [compiler.live(name, deleted=deleted), compiler.where(where, name)]
        return " AND ".join(parts)

    return moved(*await compiled(tx, scope, facts, text), arg)


async def lock_condition(tx: Connection, tenant: int, type: str, where: Expression) -> None:
    """Let only one transaction at a time act on the same condition, so that two clients do not both create."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, $2))", f"{type}?{where!r}", tenant)
