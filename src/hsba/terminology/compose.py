"""A value set as a condition on the table of concepts (FHIR R4 valueset.html#compositions).

A whole list of many thousand codes is never spelt out: includes, excludes and filters become SQL, joined with what is
asked of them.  Codes that a value set spells out itself from a system that is not at hand are taken as they are told.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import asyncpg

from hsba.fhir import json
from hsba.fhir.problems import Problem
from hsba.fhir.query import expression as e
from hsba.record import interactions
from hsba.store import search as searching
from hsba.terminology.asked import UnknownList, UnknownSystem
from hsba.terminology.lookup import by_id
from hsba.terminology.versions import Versions

if TYPE_CHECKING:
    from collections.abc import Callable

    from hsba.record.context import Context

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


@dataclass(slots=True)
class Compiled:
    """A condition on `c`, its values, and the codes that no table has."""

    where: str
    args: list[Any]
    listed: list[Listed] = field(default_factory=list)
    foreign: dict[int, str] = field(default_factory=dict)
    """The addresses of the systems with numbers below 0."""
    systems: set[int] = field(default_factory=set)
    """The numbers of the systems at hand that it is made of."""


async def value_set(ctx: Context, url: str) -> Raw:
    """A value set by its address: of the packages, of the keeper's own, or implied by a system's address."""
    bare = url.partition("|")[0]
    raw = ctx.definitions.read(bare)
    if raw is not None and raw["resourceType"] == "ValueSet":
        return raw
    system, mark, rest = bare.partition(IMPLICIT)
    if mark and rest and not rest.startswith("=isa/"):
        raise UnknownFilter(rest.removeprefix("="))
    if mark:
        part: Raw = {"system": system}
        if rest:
            part["filter"] = [{"property": "concept", "op": "is-a", "value": rest.removeprefix("=isa/")}]
        return {"resourceType": "ValueSet", "url": bare, "status": "active", "compose": {"include": [part]}}
    keys = await searching.match_keys(ctx.tx, e.Match("url", e.Uri(bare)), "ValueSet", ctx, limit=1)
    if not keys:
        raise UnknownList(bare)
    return await stored(ctx, keys[0][1])


async def stored(ctx: Context, id: str) -> Raw:
    """A value set by its id: one of the packages, or one that is saved."""
    packaged = ctx.definitions.made("terminology", "ValueSet", lambda: by_id(ctx, "ValueSet"))
    if id in packaged:
        return ctx.definitions.read(packaged[id]) or {}
    found = await interactions.read(ctx, "ValueSet", id)
    raw: Raw = json.stored(found.body or "")
    return raw


async def compiled(ctx: Context, raw: Raw, versions: Versions | None = None) -> Compiled:
    """The condition of a value set."""
    writer = _Writer(ctx, versions or Versions())
    where = await writer.of(raw, ())
    return Compiled(where, writer.args, writer.listed, writer.foreign, writer.systems)


class _Writer:
    """Writes one condition."""

    def __init__(self, ctx: Context, versions: Versions) -> None:
        self.ctx = ctx
        self.versions = versions
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
            found.append(await self._codes(system, part["concept"], part.get("version")))
        elif system is not None:
            number = await self._at_hand(system, part.get("version"))
            if number is None:
                raise UnknownSystem(system)
            place = self.arg(number)
            found.append(f"c.system = {place}::integer")
            found += [await self._filter(rule, place) for rule in part.get("filter", ())]
        return f"({' AND '.join(found) or 'false'})"

    async def _codes(self, system: str, some: list[Raw], version: str | None = None) -> str:
        """Codes that are spelt out."""
        number = await self._at_hand(system, version)
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

    async def _at_hand(self, system: str, version: str | None = None) -> int | None:
        """The number of a system that is at hand; refused when it is there in another version than is asked for."""
        url, _, named = system.partition("|")
        number: int | None = None
        row = await self.ctx.tx.fetchrow(
            "SELECT s.id, l.version FROM reference.system s JOIN reference.code_list l ON l.system = s.id"
            " WHERE s.uri = $1 AND l.tenant IN (0, $2) ORDER BY l.tenant DESC LIMIT 1",
            url,
            self.ctx.tenant.id,
        )
        if row is not None:
            number = row["id"]
            self.versions.check(url, version or named or None, row["version"])
        if number is not None:
            self.systems.add(number)
        return number

    async def _filter(self, rule: Raw, system: str) -> str:
        """One filter (valueset-filter-operator)."""
        prop, op, value = (rule.get(name) for name in ("property", "op", "value"))
        if not (isinstance(prop, str) and isinstance(op, str) and isinstance(value, str) and value):
            raise UnknownFilter(f"{prop} {op} {value}")
        if op == "regex":
            try:
                await self.ctx.tx.fetchval("SELECT '' ~ $1::text", f"^(?:{value})$")
            except asyncpg.InvalidRegularExpressionError as wrong:
                raise UnknownFilter(value) from wrong
        if prop in ("concept", "code", "parent") and op in _TREE:
            return _TREE[op](system, self.arg(value))
        if op not in _TESTS:
            raise UnknownFilter(f"{prop} {op}")
        text = {"concept": "c.code", "code": "c.code", "display": "c.display", "parent": "c.parent"}.get(prop)
        text = text or f"c.properties ->> {self.arg(prop)}::text"
        return _TESTS[op](text, self.arg(value))


_ANCESTORS = "SELECT FROM reference.concept_ancestor a WHERE a.system = {0}::integer AND a.{1} = c.code AND a.{2} = {3}::text"


def _tree(code: str, ancestor: str, more: str = "") -> Callable[[str, str], str]:
    return lambda system, value: f"EXISTS ({_ANCESTORS.format(system, code, ancestor, value)}{more})"


_TREE: dict[str, Callable[[str, str], str]] = {
    "is-a": _tree("code", "ancestor"),
    "descendent-of": _tree("code", "ancestor", " AND a.code <> a.ancestor"),
    "is-not-a": lambda system, value: f"NOT {_tree('code', 'ancestor')(system, value)}",
    "generalizes": _tree("ancestor", "code"),
    "child-of": lambda _, value: f"c.parent = {value}::text",
}
_TESTS: dict[str, Callable[[str, str], str]] = {
    "=": lambda text, value: f"{text} = {value}::text",
    "in": lambda text, value: f"{text} = ANY(string_to_array({value}::text, ','))",
    "not-in": lambda text, value: f"NOT coalesce({text} = ANY(string_to_array({value}::text, ',')), false)",
    "regex": lambda text, value: f"{text} ~ ('^(?:' || {value}::text || ')$')",
    "exists": lambda text, value: f"(({text} IS NOT NULL) = ({value}::text = 'true'))",
}
