"""One query to rows: the current versions that fit and may be seen, field rules applied, and the trail told.

A view writes its own SQL and takes from here what it must not forget: `Query.of` says tenant, existence, types and
policy of an alias by the store's one compiler, and `read` hides what is to be hidden.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hsba.fhir import json
from hsba.fhir.query.expression import Match, Token, any_of
from hsba.record import hiding
from hsba.store.resources import Stored
from hsba.store.search.base import Alias
from hsba.store.search.facts import Facts
from hsba.store.search.source import matches
from hsba.store.search.statement import compiled

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from hsba.fhir.query.expression import Expression
    from hsba.record.context import Context
    from hsba.store.search.compile import Compiler
    from hsba.store.search.source import Source

VERSION = (
    "JOIN record.version v"
    " ON v.tenant = r.tenant AND v.resource = r.key AND v.vid = r.vid AND v.recorded = r.recorded"
)
"""The version that is current, beside its row `r`."""

_PLACE = re.compile(r"\$(\d+)")

COLUMNS = "r.key, r.type, r.id, r.vid, r.recorded, v.body, v.occurred"
"""What `read` makes rows of; a view may add columns after them."""


def one_of(code: str, *tokens: str) -> Expression:
    """The search that a token parameter has one of these codes."""
    return any_of([Match(code, Token(None, token)) for token in tokens])


@dataclass(frozen=True, slots=True)
class Row:
    """A resource as a view read it: where it stands, its content, and the columns the view asked for besides."""

    type: str
    stored: Stored
    content: dict[str, Any]
    occurred: datetime | None
    more: tuple[Any, ...]

    @property
    def id(self) -> str:
        """The logical id."""
        return self.stored.id


class Query:
    """One statement while it is written, around the store's one compiler; the tenant is always `$1`."""

    def __init__(self, ctx: Context, compiler: Compiler) -> None:
        """Write for this context."""
        self.ctx = ctx
        self._compiler = compiler

    def arg(self, value: Any) -> str:
        """A place for this value: `$2`."""
        return self._compiler.arg(value)

    def type(self, name: str) -> int:
        """The number of a resource type; our own integers may stand in the text."""
        return self.ctx.registry.type_id(name)

    def of(self, *types: str, alias: str = "r", gone: bool = False) -> str:
        """The condition that an alias is a resource of this tenant, of these types, that is there and may be seen.

        Deleted ones are left out unless `gone` asks for them too.
        """
        return self._compiler.live(Alias(alias, types), deleted=gone)

    def matching(self, expression: Expression, type: str) -> Source:
        """Where the rows `r` of this type that are such come from, and the condition that they may be seen."""
        return matches(self._compiler, expression, Alias("r", (type,)))

    def where(self, expression: Expression, type: str, alias: str = "r") -> str:
        """The condition that the resource of this type under an alias is such."""
        return self._compiler.where(expression, Alias(alias, (type,)))

    def people(self, patient: str) -> str:
        """A subquery for the key of a patient and those of the records merged into his."""
        whom = f"p.tenant = $1 AND p.type = {self.type('Patient')} AND p.id = {self.arg(patient)}"
        return (
            f"SELECT p.key FROM record.resource p WHERE {whom}"
            " UNION ALL SELECT m.patient FROM record.merged m"
            f" JOIN record.resource p ON p.tenant = m.tenant AND p.key = m.survivor WHERE m.tenant = $1 AND {whom}"
        )

    def refers(self, path: str, to: str, alias: str = "r") -> str:
        """The condition that an alias refers to one of the keys of a subquery.

        The index path is told as the catalogue spells it: `reference Encounter.partOf`.
        """
        facts, registry = self._compiler.facts, self.ctx.registry
        type_ = path.partition(" ")[2].partition(".")[0]
        if (
            path not in facts.paths
            and type_ not in facts.types
            and not registry.knows(type_, self.ctx.definitions)
        ):
            facts.wanted_types.add(type_)
        return (
            f"EXISTS (SELECT FROM record.ix_reference x WHERE x.tenant = $1 AND x.resource = {alias}.key"
            f" AND x.path = {facts.paths.get(path, 0)} AND x.target IN ({to}))"
        )


async def written(ctx: Context, write: Callable[[Query], str]) -> tuple[str, list[Any]]:
    """The statement that `write` makes, and its arguments.

    A condition that can never be true falls out of the text, and PostgreSQL refuses arguments that nothing asks for:
    they are left out and the rest is numbered anew.
    """
    sql, args = await compiled(
        ctx.tx, ctx, Facts.of(ctx.registry), lambda compiler: write(Query(ctx, compiler))
    )
    used = sorted({int(number) for number in _PLACE.findall(sql)})
    if len(used) == len(args):
        return sql, args
    places = {number: place for place, number in enumerate(used, 1)}
    return _PLACE.sub(lambda found: f"${places[int(found[1])]}", sql), [args[number - 1] for number in used]


async def read(ctx: Context, write: Callable[[Query], str]) -> list[Row]:
    """Run a view's statement; what the actor may not see of a resource is taken out, and the trail gets its line."""
    sql, args = await written(ctx, write)
    found = []
    for record in await ctx.tx.fetch(sql, *args):
        name = ctx.registry.type_name(record[1])
        stored = Stored(record[0], record[1], record[2], record[3], record[4], deleted=False, body=record[5])
        content = hiding.without_hidden(ctx, name, json.stored(stored.body)) if stored.body else {}
        found.append(Row(name, stored, content, record[6], tuple(record[7:])))
    if found:
        await ctx.trail.add(ctx, "view", None, [row.stored for row in found])
    return found
