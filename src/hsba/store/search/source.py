"""Where the matches are looked for first: which criteria are joined, which are probed row by row.

The planner of PostgreSQL chooses well among inner joins on one table, and badly where two criteria that always go together
stand in two tables: it takes them for independent.  So the shape is chosen here, by what a criterion is, and where that
does not tell by a bounded count; the planner chooses within the shape.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hsba.fhir.query import expression as e
from hsba.store.search.base import ALWAYS, EVERYWHERE, NEVER, Alias, commonness, plain
from hsba.store.search.values import date as dates

if TYPE_CHECKING:
    from hsba.store.search.base import Condition
    from hsba.store.search.compile import Compiler
    from hsba.store.search.statement import Ask

WALK_FROM = 3000
"""Matches of a criterion from which on the rows of the order are walked until a page is full, rather than all matches
gathered and sorted: at a million resources both ways then cost about the same."""


@dataclass(slots=True)
class Source:
    """FROM and WHERE of some matches."""

    text: str
    parts: list[str] = field(default_factory=list)

    @property
    def nothing(self) -> bool:
        """Whether nothing can match."""
        return NEVER in self.parts

    @property
    def where(self) -> str:
        """The condition."""
        return " AND ".join(self.parts) or ALWAYS


def conjuncts(compiler: Compiler, where: e.Expression, alias: Alias) -> list[Condition]:
    """The parts that must all be true, a name word by word; words that few have first."""
    found: list[Condition] = []
    words: list[tuple[str, str]] = []
    for part in where.parts if isinstance(where, e.And) else (where,):
        match part:
            case e.Match(code, e.Text(text, "starts")) if compiler.is_name(code, alias):
                words += [(code, word) for word in dict.fromkeys(text.split() or [""])]
            case e.Match(code, e.Together() as test) if parts := compiler.composite_parts(code, test, alias):
                found += parts
            case _:
                found.append(part)
    words.sort(key=lambda one: commonness(one[1]))
    return [*(e.Match(code, e.Text(word)) for code, word in words), *found]


def is_narrow(compiler: Compiler, where: e.Expression, alias: Alias) -> bool:
    """Whether a part of the condition leaves so few resources that sorting them is cheaper than walking an index."""
    for part in where.parts if isinstance(where, e.And) else (where,):
        match part:
            case e.Ids() | e.InCompartment() | e.InCompartments(_, tuple()) | e.InList():
                return True
            case e.Match(_, e.Reference("Patient" | "Encounter", str())):
                return True
            case e.Match(code, e.Token(_, str()) | e.Reference(_, str())):
                if compiler.is_narrow(code, alias):
                    return True
    return False


def is_by_key(compiler: Compiler, where: e.Expression, alias: Alias) -> bool:
    """Whether the condition is names and numbers of one thing only, and nothing hides it: one plan serves all values."""
    if not alias.types or not compiler.scope.policy.unrestricted:
        return False
    for part in where.parts if isinstance(where, e.And) else (where,):
        match part:
            case e.Match(code, e.Text(_, "starts")) if compiler.is_name(code, alias):
                pass
            case e.Match(code, e.Token(_, str())) if compiler.is_narrow(code, alias):
                pass
            case _:
                return False
    return True


def matches(
    compiler: Compiler, where: e.Expression, alias: Alias, *, deleted: bool = False, gather: bool = True
) -> Source:
    """The matches by joins: a criterion that has each resource once is joined as it is and may be walked newest first.

    With `gather` one that may have a resource several times (the words of a name, a code of any system) is made distinct
    first; that is for an order by key, or where all matches are wanted.
    """
    joins: list[str] = []
    rest: list[Condition] = []
    parts: list[str] = []
    gathered = not gather or is_narrow(compiler, where, alias)
    criteria = conjuncts(compiler, where, alias)
    # A word that is everywhere is met by the next row or two; others are met together by few, so their rows are compared.
    rare = [part for part in criteria if _is_rare_word(compiler, part, alias)]
    if not gathered and len(rare) > 1 and (rows := compiler.intersected(rare, alias)) is not None:
        gathered = True
        joins.append(rows)
        criteria = [part for part in criteria if part not in rare]
    for part in criteria:
        if (own := compiler.patients_row(alias, part)) is not None:
            parts.append(own)
        elif (rows := compiler.joined(part, alias)) is not None:
            joins.append(rows)
        elif not gathered and (rows := compiler.gathered(part, alias)) is not None:
            gathered = True
            joins.append(rows)
        else:
            rest.append(part)
    # A join with rows of a path says the type already; said twice, the planner guesses far too few rows.
    parts.insert(0, compiler.live(alias, deleted=deleted, typed=not joins))
    parts += [*compiler.conjuncts(rest, alias), *(NEVER for rows in joins if rows == NEVER)]
    text = f"record.resource {alias.name}"
    for rows in joins:
        if rows == NEVER:  # said by the conditions; it is no rows that could be joined
            continue
        name = compiler.fresh("j")
        text += f" JOIN ({rows}) {name} ON {name}.resource = {alias.name}.key"
    return Source(text, [part for part in parts if part != ALWAYS])


def _is_rare_word(compiler: Compiler, part: Condition, alias: Alias) -> bool:
    """Whether a criterion is a word of a name that not every few people have."""
    match part:
        case e.Match(code, e.Text(word, "starts")):
            return compiler.is_name(code, alias) and len(word) > 1 and word not in EVERYWHERE
    return False


def walked(compiler: Compiler, where: e.Expression, alias: Alias, *, by: str | None, typed: bool) -> Source:
    """The matches for a walk through an order: every criterion is a probe of the row at hand.

    `by` is the date parameter whose rows, under the alias `w`, give the order: a test of it looks there.
    """
    parts: list[str] = []
    rest: list[Condition] = []
    for part in conjuncts(compiler, where, alias):
        match part:
            case e.Match(code, e.Date() as test) if code == by:
                parts.append(f"({dates(test, 'w.low', 'w.high', compiler.arg)})")
            case _:
                rest.append(part)
    probes = compiler.conjuncts(rest, alias)
    # Written so, the planner cannot turn a probe into a join that gathers everything that fulfils it.
    parts += [
        probe if probe == NEVER else f"(SELECT true WHERE {probe}) IS TRUE"
        for probe in probes
        if probe != ALWAYS
    ]
    live = compiler.live(alias, typed=typed)
    return Source(f"record.resource {alias.name}", [live, *parts])


async def is_broad(ask: Ask, where: e.Expression, alias: Alias, *, names_only: bool) -> bool:
    """Whether each criterion leaves so many that walking the order until a page is full is the shorter way.

    `names_only` asks only about names all of whose words are common: for an order by key other criteria are walked anyway.
    """

    def sizes(compiler: Compiler) -> str:
        counts: list[str] = []
        for part in conjuncts(compiler, where, alias):
            rows = compiler.joined(part, alias)
            if names_only and rows is not None:
                return ""
            rows = rows or compiler.gathered(part, alias)
            if rows == NEVER:
                return NEVER
            if rows is not None:
                counts.append(f"(SELECT count(*) FROM ({plain(rows)} LIMIT {WALK_FROM}) c)")
        return f"SELECT least({', '.join(counts)})" if counts else ""

    rows = await ask(sizes)
    if rows is None:
        return not names_only
    return bool(rows) and rows[0][0] >= WALK_FROM


def one_link(where: e.Expression) -> e.Has | None:
    """The one criterion that others which refer here are such."""
    return where if isinstance(where, e.Has) and isinstance(where.where, e.Match) else None


async def is_broad_link(ask: Ask, link: e.Has) -> bool:
    """Whether so many refer here that looking at each resource, the newest first, fills a page sooner."""

    def size(compiler: Compiler) -> str:
        rows = compiler.rows(link.where, Alias(compiler.fresh("s"), (link.type,)))
        if rows is None or rows == NEVER:
            return ""
        return f"SELECT count(*) FROM ({rows} LIMIT {WALK_FROM}) c"

    rows = await ask(size) or []
    return any(row[0] >= WALK_FROM for row in rows)


def has_common_name(compiler: Compiler, where: e.Expression, alias: Alias) -> bool:
    """Whether a name is asked for, and all its words are common."""
    first = conjuncts(compiler, where, alias)[:1]
    match first:
        case [e.Match(code, e.Text(word, "starts"))]:
            return compiler.is_name(code, alias) and commonness(word)[0]
    return False
