"""A code as it was on a day: the row in force then, else the last one before, so that an old code is always shown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from hsba.terminology import saved
from hsba.terminology.versions import same
from hsba.terminology.words import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from asyncpg import Record

    from hsba.record.context import Context

Raw = dict[str, Any]

COLUMNS = (
    "c.system, c.code, c.valid_from, c.valid_to, c.display, c.designations, c.properties, c.parent, c.also, c.abstract,"
    " c.successor"
)

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
    closed: bool = True
    """Whether its tree is spelt out in the database; it is climbed otherwise."""
    first: date = date.min
    last: date = date.max
    """The days of the version that was asked for."""
    saved: Mapping[str, Concept] | None = None
    """Its codes, where it is a resource that this keeper saved."""

    @property
    def pinned(self) -> bool:
        """Whether one version is asked for, and not the list as it goes on."""
        return (self.first, self.last) != (date.min, date.max)

    def on(self, day: date) -> date:
        """The day of this version that lies nearest to a day."""
        return min(max(day, self.first), self.last)


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
    also: tuple[str, ...] = ()
    """Further codes above it."""

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
        tuple(msgspec.json.decode(row["designations"])),
        msgspec.json.decode(row["properties"]),
        row["parent"],
        row["abstract"],
        tuple(row["successor"].split()),
        tuple(row["also"]),
    )


LIST = (
    "SELECT {distinct} s.id, s.uri, l.title, l.version, l.source, l.language, l.folds, l.closed FROM reference.system s"
    " JOIN reference.code_list l ON l.system = s.id AND l.tenant IN (0, $2) AND l.supplements IS NULL"
)
VERSIONS = """
SELECT version, valid_from, lead(valid_from) OVER (ORDER BY valid_from, load) AS next
FROM reference.list_version WHERE system = $1 AND tenant = (SELECT max(tenant) FROM reference.code_list
WHERE system = $1 AND tenant IN (0, $2)) ORDER BY valid_from, load
"""


async def system(ctx: Context, url: str) -> System | None:
    """A code system by its address, `address|version` for one version; None when that is not at hand.

    Of a version with parts left open (1.x) the latest that fits is meant.
    """
    bare, _, version = url.partition("|")
    row = await ctx.tx.fetchrow(
        f"{LIST.format(distinct='')} WHERE s.uri = $1 ORDER BY l.tenant DESC LIMIT 1", bare, ctx.tenant.id
    )
    if row is None:
        return await saved.system(ctx, bare, version)
    found = System(*row)
    if not version:
        return found
    for name, first, following in reversed(await ctx.tx.fetch(VERSIONS, found.number, ctx.tenant.id)):
        if same(version, name) and (following is None or first < following):
            last = following - timedelta(days=1) if following else date.max
            return replace(found, version=name, first=first, last=last)
    if same(version, found.version):
        return found
    return await saved.system(ctx, bare, version)


async def versions(ctx: Context, url: str) -> list[str]:
    """The versions of a code system that may be asked for."""
    found = await system(ctx, url.partition("|")[0])
    if found is None:
        return []
    if found.saved is not None:
        return await saved.versions(ctx, found.url)
    rows = await ctx.tx.fetch(VERSIONS, found.number, ctx.tenant.id)
    return list(dict.fromkeys([*(row["version"] for row in rows), found.version]))


async def systems(ctx: Context, numbers: Iterable[int]) -> dict[int, System]:
    """Some code systems by their numbers."""
    rows = await ctx.tx.fetch(
        f"{LIST.format(distinct='DISTINCT ON (s.id)')} WHERE s.id = ANY($1) ORDER BY s.id, l.tenant DESC",
        sorted(set(numbers)),
        ctx.tenant.id,
    )
    return {row["id"]: System(*row) for row in rows}


async def find(ctx: Context, of: System, code: str, day: date) -> Concept | None:
    """A code as it was on a day; None when the list, or the version of it that is asked for, does not have it."""
    if of.saved is not None:
        spelled = code.casefold() if of.folds else code
        return next(
            (one for one in of.saved.values() if spelled in (one.code, of.folds and one.code.casefold())),
            None,
        )
    day = of.on(day)
    row = await ctx.tx.fetchrow(ON_DAY, of.number, code, ctx.tenant.id, day)
    if row is None and of.folds:
        spelled = await ctx.tx.fetchval(FOLDING, of.number, plain(code), code, ctx.tenant.id)
        if spelled is not None:
            row = await ctx.tx.fetchrow(ON_DAY, of.number, spelled, ctx.tenant.id, day)
    if row is None:
        return None
    found = concept(row)
    if of.pinned and not found.in_force(day):
        return None
    return (await supplemented(ctx, [found]))[0]


async def supplemented(ctx: Context, some: Sequence[Concept]) -> list[Concept]:
    """The concepts with what supplements tell more of them: names in other languages, properties."""
    rows = await ctx.tx.fetch(
        "SELECT l.supplements AS system, c.code, c.designations, c.properties FROM reference.code_list l"
        " JOIN reference.concept c ON c.system = l.system AND c.tenant = l.tenant"
        " WHERE l.supplements = ANY($1) AND l.tenant IN (0, $2) AND c.code = ANY($3) ORDER BY l.system",
        sorted({one.system for one in some}),
        ctx.tenant.id,
        [one.code for one in some],
    )
    if not rows:
        return list(some)
    more: dict[tuple[int, str], list[Record]] = {}
    for row in rows:
        more.setdefault((row["system"], row["code"]), []).append(row)
    return [_with(one, more.get((one.system, one.code), [])) for one in some]


def _with(one: Concept, rows: list[Record]) -> Concept:
    designations, properties = list(one.designations), dict(one.properties)
    for row in rows:
        designations += msgspec.json.decode(row["designations"])
        properties |= msgspec.json.decode(row["properties"])
    return replace(one, designations=tuple(designations), properties=properties)
