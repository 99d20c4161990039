"""A value set as a condition on the table of concepts (FHIR R4 valueset.html#compositions).

A whole list of many thousand codes is never spelt out: includes, excludes and filters become SQL, joined with what is
asked of them.  Codes that a value set spells out itself from a system that is not at hand are taken as they are told.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import asyncpg

from hsba.fhir import json
from hsba.fhir.problems import Problem
from hsba.record import interactions
from hsba.terminology import concepts, saved, tree
from hsba.terminology.asked import UnknownList, UnknownSystem, UnknownVersion
from hsba.terminology.lookup import by_id, unknown
from hsba.terminology.versions import Versions

if TYPE_CHECKING:
    from collections.abc import Callable

    from hsba.record.context import Context
    from hsba.terminology.concepts import Concept, System

Raw = dict[str, Any]

IMPLICIT = "?fhir_vs"
DEEPEST = 20
"""Value sets within value sets."""


class Cyclic(Problem):
    """The value set is a part of itself, so that it has no end; mend its definition."""

    status, code = 422, "processing"
    vi = "Tập giá trị chứa chính nó nên không liệt kê được; hãy sửa định nghĩa."


class UnknownFilter(Problem):
    """The value set chooses codes in a way that this server does not know."""

    status, code = 422, "not-supported"
    vi = "Tập giá trị chọn mã theo cách mà máy chủ chưa hỗ trợ."


@dataclass(frozen=True, slots=True)
class Listed:
    """A code that a value set spells out, of a system that is not at hand; its number is below 0."""

    system: int
    code: str
    display: str
    concept: Concept | None = None
    """The whole of it, where a keeper saved its system."""


@dataclass(slots=True)
class Compiled:
    """A condition on `c`, its values, and the codes that no table has."""

    where: str
    args: list[Any]
    listed: list[Listed] = field(default_factory=list)
    foreign: dict[int, str] = field(default_factory=dict)
    """The addresses of the systems with numbers below 0."""
    systems: set[int] = field(default_factory=set)
    """The numbers of the systems in the tables that it is made of."""
    pinned: dict[int, System] = field(default_factory=dict)
    """Systems of which one version is meant."""
    saved: dict[int, System] = field(default_factory=dict)
    """Systems that this keeper saved, by the numbers they have here."""


async def value_set(ctx: Context, url: str) -> Raw:
    """A value set by its address: of the packages, of the keeper's own, or implied by a system's address."""
    system, mark, rest = url.partition(IMPLICIT)
    if mark and rest and not rest.startswith("=isa/"):
        raise UnknownFilter(rest.removeprefix("="))
    if mark:
        part: Raw = {"system": system}
        if rest:
            part["filter"] = [{"property": "concept", "op": "is-a", "value": rest.removeprefix("=isa/")}]
        return {"resourceType": "ValueSet", "url": url, "status": "active", "compose": {"include": [part]}}
    bare, _, version = url.partition("|")
    raw = ctx.definitions.read(bare)
    if raw is not None and raw["resourceType"] == "ValueSet" and version in ("", raw.get("version")):
        return raw
    body = await ctx.tx.fetchval(
        "SELECT body FROM reference.definition WHERE type = 'ValueSet' AND url = $1 AND tenant IN (0, $2)"
        " AND $3 IN ('', version) ORDER BY tenant DESC, load DESC LIMIT 1",
        bare,
        ctx.tenant.id,
        version,
    )
    if body is not None:
        loaded: Raw = json.stored(body)
        return loaded
    some = [
        one for one in await saved.resources(ctx, "ValueSet", bare) if version in ("", one.get("version"))
    ]
    if not some:
        raise UnknownList(url)
    return some[-1]


async def stored(ctx: Context, id: str) -> Raw:
    """A value set by its id: one of the packages, or one that is saved."""
    packaged = ctx.definitions.made("terminology", "ValueSet", lambda: by_id(ctx, "ValueSet"))
    if id in packaged:
        return ctx.definitions.read(packaged[id]) or {}
    body = await ctx.tx.fetchval(
        "SELECT body FROM reference.definition WHERE type = 'ValueSet' AND id = $1 AND tenant IN (0, $2)"
        " ORDER BY tenant DESC, load DESC LIMIT 1",
        id,
        ctx.tenant.id,
    )
    if body is not None:
        loaded: Raw = json.stored(body)
        return loaded
    found = await interactions.read(ctx, "ValueSet", id)
    raw: Raw = json.stored(found.body or "")
    return raw


async def compiled(ctx: Context, raw: Raw, versions: Versions | None = None) -> Compiled:
    """The condition of a value set; `versions` are what a call says of those of code systems."""
    writer = _Writer(ctx, versions or Versions())
    where = await writer.of(raw, ())
    return Compiled(
        where, writer.args, writer.listed, writer.foreign, writer.systems, writer.pinned, writer.saved
    )


class _Writer:
    """Writes one condition."""

    def __init__(self, ctx: Context, versions: Versions) -> None:
        self.ctx = ctx
        self.versions = versions
        self.pinned: dict[int, System] = {}
        self.saved: dict[int, System] = {}
        self.args: list[Any] = []
        self.listed: list[Listed] = []
        self.foreign: dict[int, str] = {}
        self.systems: set[int] = set()

    def arg(self, value: Any) -> str:
        self.args.append(value)
        return f"${len(self.args)}"

    async def of(self, raw: Raw, within: tuple[str, ...]) -> str:
        """The condition of a whole value set."""
        url = raw.get("url", "")
        if (url and url in within) or len(within) > DEEPEST:
            raise Cyclic(url)
        inner = (*within, url)
        if "compose" not in raw:
            return await self._expanded(raw)
        parts = [await self._part(one, inner) for one in raw["compose"].get("include", ())]
        without = [await self._part(one, inner) for one in raw["compose"].get("exclude", ())]
        where = f"({' OR '.join(parts) or 'false'})"
        return f"({where} AND NOT ({' OR '.join(without)}))" if without else where

    async def _expanded(self, raw: Raw) -> str:
        """A value set that brings only its expansion."""
        if "expansion" not in raw:
            raise UnknownList(raw.get("url", ""))
        by_system: dict[str, list[Raw]] = {}
        waiting = list(raw["expansion"].get("contains", ()))
        while waiting:
            one = waiting.pop()
            waiting.extend(one.get("contains", ()))
            if "code" in one and not one.get("abstract"):
                by_system.setdefault(one.get("system", ""), []).append(one)
        parts = [await self._codes(system, some) for system, some in by_system.items()]
        return f"({' OR '.join(parts) or 'false'})"

    async def _part(self, part: Raw, within: tuple[str, ...]) -> str:
        """An include or exclude: the system's part, cut with every value set it names."""
        found = [await self.of(await value_set(self.ctx, url), within) for url in part.get("valueSet", ())]
        system = part.get("system")
        if system is not None and system.partition("|")[0] in self.versions.excluded:
            found.append("false")
        elif system is not None and "concept" in part:
            found.append(await self._codes(system, part["concept"], part.get("version", "")))
        elif system is not None:
            of = await self._at_hand(system, part.get("version", ""))
            if of is None:
                raise UnknownSystem(system)
            place = self.arg(of.number)
            found.append(f"c.system = {place}::integer")
            found += [await self._filter(rule, place, of) for rule in part.get("filter", ())]
        return f"({' AND '.join(found) or 'false'})"

    async def _codes(self, system: str, some: list[Raw], version: str = "") -> str:
        """Codes that are spelt out."""
        of = await self._at_hand(system, version)
        number = of.number if of is not None else None
        if number is None:
            number = next((n for n, url in self.foreign.items() if url == system), -1 - len(self.foreign))
            self.foreign[number] = system
            have = {(one.system, one.code) for one in self.listed}
            self.listed += [
                Listed(number, one["code"], str(one.get("display") or one["code"]))
                for one in some
                if (number, one["code"]) not in have
            ]
        codes = self.arg([one["code"] for one in some])
        return f"(c.system = {self.arg(number)}::integer AND c.code = ANY({codes}::text[]))"

    async def _at_hand(self, system: str, version: str) -> System | None:
        """A system in the version that is meant, refused where it is there only in others; None where it is not there.

        One that the keeper saved is given a number below 0.
        """
        of = await self._wanted(system, version)
        if of is None:
            return None
        if of.saved is None:
            self.systems.add(of.number)
            if of.pinned:
                self.pinned[of.number] = of
            return of
        for known in self.saved.values():
            if (known.url, known.version) == (of.url, of.version):
                return known
        number = -1 - len(self.foreign)
        of = self.saved[number] = replace(of, number=number)
        self.foreign[number] = of.url
        self.listed += [
            Listed(number, one.code, one.display, replace(one, system=number))
            for one in (of.saved or {}).values()
        ]
        return of

    async def _wanted(self, system: str, version: str) -> System | None:
        """A system in the version that the value set or the call wants."""
        bare, _, within = system.partition("|")
        wanted = self.versions.wanted_of(bare, version or within)
        demanded = self.versions.checked.get(bare, "")
        of = await concepts.system(self.ctx, f"{bare}|{wanted or demanded}")
        if of is None and demanded and not wanted:
            of = await concepts.system(self.ctx, bare)
        if of is None:
            problem = await unknown(self.ctx, f"{bare}|{wanted}" if wanted else bare)
            if isinstance(problem, UnknownVersion):
                raise problem
            return None
        self.versions.check(bare, of.version)
        return of

    async def _filter(self, rule: Raw, system: str, of: System) -> str:
        """One filter (valueset-filter-operator)."""
        prop, op, value = (rule.get(name) for name in ("property", "op", "value"))
        if not (isinstance(prop, str) and isinstance(op, str) and isinstance(value, str) and value):
            raise UnknownFilter(f"{prop} {op} {value}")
        if op == "regex":
            try:
                await self.ctx.tx.fetchval("SELECT '' ~ $1::text", f"^(?:{value})$")
            except asyncpg.InvalidRegularExpressionError as wrong:
                raise UnknownFilter(value) from wrong
        if prop in ("concept", "code", "parent") and op in tree.SPELT:
            if of.saved is not None:
                some = of.saved.values()
                fit = [
                    one.code
                    for one in some
                    if tree.IN_MEMORY[op](saved.ancestors(some, one.code), one, value)
                ]
                if op == "generalizes":
                    fit = sorted(saved.ancestors(some, value))
                return f"c.code = ANY({self.arg(fit)}::text[])"
            if not of.closed and op in tree.CLIMBED:
                return tree.CLIMBED[op](system, self.arg(value), self.arg(self.ctx.tenant.id))
            return tree.SPELT[op](system, self.arg(value))
        if op not in _TESTS:
            raise UnknownFilter(f"{prop} {op}")
        text = {"concept": "c.code", "code": "c.code", "display": "c.display", "parent": "c.parent"}.get(prop)
        text = text or f"c.properties ->> {self.arg(prop)}::text"
        return _TESTS[op](text, self.arg(value))


_TESTS: dict[str, Callable[[str, str], str]] = {
    "=": lambda text, value: f"{text} = {value}::text",
    "in": lambda text, value: f"{text} = ANY(string_to_array({value}::text, ','))",
    "not-in": lambda text, value: f"NOT coalesce({text} = ANY(string_to_array({value}::text, ',')), false)",
    "regex": lambda text, value: f"{text} ~ ('^(?:' || {value}::text || ')$')",
    "exists": lambda text, value: f"(({text} IS NOT NULL) = ({value}::text = 'true'))",
}
