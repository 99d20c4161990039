"""A code as it was on a day: the row in force then, else the last one before, so that an old code is always shown."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hsba.terminology.words import plain

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from asyncpg import Record

    from hsba.record.context import Context

Raw = dict[str, Any]

COLUMNS = "c.system, c.code, c.valid_from, c.valid_to, c.display, c.designations, c.properties, c.parent, c.abstract, c.successor"

ON_DAY = f"""
SELECT {COLUMNS} FROM reference.concept c
WHERE c.system = $1 AND c.code = $2 AND c.tenant IN (0, $3)
ORDER BY c.tenant DESC, (c.valid_from <= $4 AND c.valid_to >= $4) DESC, (c.valid_from <= $4) DESC,
         CASE WHEN c.valid_from <= $4 THEN c.valid_from END DESC, c.valid_from
LIMIT 1
"""

RETIRED = ("retired", "inactive")
"""What a list says of a code that is not to be used any more; a deprecated one still may."""
IS_RETIRED = (
    "(coalesce(c.properties ->> 'status' IN ('retired', 'inactive'), false)"
    " OR coalesce(c.properties ->> 'inactive' = 'true', false))"
)
"""The same as a condition."""

FOLDING = """
SELECT c.code FROM reference.concept c
WHERE c.system = $1 AND c.plain = $2 AND lower(c.code) = lower($3) AND c.tenant IN (0, $4) LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class System:
    """A code system at hand."""

    number: int
    url: str
    title: str
    version: str
    source: str
    language: str
    folds: bool


@dataclass(frozen=True, slots=True)
class Concept:
    """A code with its name and its days."""

    system: int
    code: str
    display: str
    since: date
    until: date
    designations: tuple[Raw, ...]
    properties: Raw
    parent: str
    abstract: bool
    successors: tuple[str, ...]

    def in_force(self, day: date) -> bool:
        """Whether the code means this on a day, and its list does not say that it is not to be used any more."""
        return self.since <= day <= self.until and not self.retired

    @property
    def retired(self) -> bool:
        """Whether the list itself calls it inactive (FHIR R4 codesystem.html#status)."""
        return self.properties.get("status") in RETIRED or self.properties.get("inactive") in (True, "true")

    def shown(self, language: str | None, of_list: str) -> str:
        """The name in a language, the list's own where there is none in it."""
        if language and not same_language(language, of_list):
            for each in self.designations:
                if same_language(language, each.get("language", "")):
                    return str(each["value"])
        return self.display


def same_language(one: str, other: str) -> bool:
    """Whether two language tags are one language: vi, vi-VN."""
    return one.partition("-")[0].lower() == other.partition("-")[0].lower()


def concept(row: Record) -> Concept:
    """A row of the table."""
    return Concept(
        row["system"],
        row["code"],
        row["display"],
        row["valid_from"],
        row["valid_to"],
        tuple(json.loads(row["designations"])),
        json.loads(row["properties"]),
        row["parent"],
        row["abstract"],
        tuple(row["successor"].split()),
    )


async def system(ctx: Context, url: str) -> System | None:
    """A code system by its address, whatever version is asked; None when it is not at hand."""
    row = await ctx.tx.fetchrow(
        "SELECT s.id, s.uri, l.title, l.version, l.source, l.language, l.folds FROM reference.system s"
        " JOIN reference.code_list l ON l.system = s.id AND l.tenant IN (0, $2)"
        " WHERE s.uri = $1 ORDER BY l.tenant DESC LIMIT 1",
        url.partition("|")[0],
        ctx.tenant.id,
    )
    return None if row is None else System(*row)


async def systems(ctx: Context, numbers: Iterable[int]) -> dict[int, System]:
    """Some code systems by their numbers."""
    rows = await ctx.tx.fetch(
        "SELECT DISTINCT ON (s.id) s.id, s.uri, l.title, l.version, l.source, l.language, l.folds"
        " FROM reference.system s JOIN reference.code_list l ON l.system = s.id AND l.tenant IN (0, $2)"
        " WHERE s.id = ANY($1) ORDER BY s.id, l.tenant DESC",
        sorted(set(numbers)),
        ctx.tenant.id,
    )
    return {row["id"]: System(*row) for row in rows}


async def find(ctx: Context, of: System, code: str, day: date) -> Concept | None:
    """A code as it was on a day; None when the list never had it."""
    row = await ctx.tx.fetchrow(ON_DAY, of.number, code, ctx.tenant.id, day)
    if row is None and of.folds:
        spelled = await ctx.tx.fetchval(FOLDING, of.number, plain(code), code, ctx.tenant.id)
        if spelled is not None:
            row = await ctx.tx.fetchrow(ON_DAY, of.number, spelled, ctx.tenant.id, day)
    return None if row is None else concept(row)
