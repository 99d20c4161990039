"""The codes of a value set and whether one is among them: $expand and $validate-code of ValueSet.

(FHIR R4 valueset-operations.html.)  `filter` finds as a doctor types; `date` says on which day the lists are read.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import uuid_utils.compat as uuid7s

from hsba.fhir.problems import BadRequest, TooCostly
from hsba.terminology import asked, compose, concepts, lookup
from hsba.terminology import find as finding
from hsba.terminology.words import folded, mark

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from hsba.record.calls import Call
    from hsba.record.context import Context
    from hsba.terminology.asked import Coding
    from hsba.terminology.compose import Compiled
    from hsba.terminology.concepts import Concept, System

Raw = dict[str, Any]

MOST = 1000
"""Codes of one answer; more are asked for by the page."""


class TooManyCodes(TooCostly):
    """The value set has more codes than one answer holds; ask for pages (count, offset) or filter it."""

    vi = "Tập giá trị có quá nhiều mã cho một lần trả lời; hãy lấy từng trang (count, offset) hoặc lọc."


@dataclass(frozen=True, slots=True)
class Codes:
    """Some codes of a value set, and how many there are."""

    some: tuple[Concept, ...]
    total: int
    systems: dict[int, System]
    foreign: dict[int, str]

    def url(self, number: int) -> str:
        """The address of a system."""
        return self.foreign[number] if number < 0 else self.systems[number].url


async def codes(
    ctx: Context,
    raw: Raw,
    day: date,
    *,
    typed: str = "",
    active: bool = False,
    count: int,
    offset: int = 0,
    versions: Mapping[str, str] | None = None,
) -> Codes:
    """The codes of a value set on a day, in the list's order or, when something was typed, the likeliest first.

    A code that was given again with another meaning is there once, as it was last begun by that day.
    """
    compiled = await compose.compiled(ctx, raw, versions)
    args = compiled.args

    def arg(value: object) -> str:
        args.append(value)
        return f"${len(args)}"

    on, tenant = f"{arg(day)}::date", arg(ctx.tenant.id)
    if compiled.pinned:  # of these the version's own days are meant
        cases = " ".join(
            f"WHEN {int(number)} THEN {arg(of.on(day))}::date" for number, of in compiled.pinned.items()
        )
        on = f"(CASE c.system {cases} ELSE {on} END)"
    parts = [compiled.where, f"c.tenant IN (0, {tenant}::integer)", f"c.valid_from <= {on}"]
    if compiled.pinned:
        parts.append(f"(c.valid_to >= {on} OR c.system <> ALL({arg(list(compiled.pinned))}::integer[]))")
    again = "SELECT FROM reference.concept n WHERE n.system = c.system AND n.tenant = c.tenant AND n.code = c.code"
    if active:
        parts += [f"c.valid_to >= {on}", "NOT c.abstract"]
    else:
        parts.append(
            f"(c.valid_to >= {on} OR NOT EXISTS ({again} AND n.valid_from > c.valid_from AND n.valid_from <= {on}))"
        )
    if await _has_own(ctx):
        own = "SELECT FROM reference.concept o WHERE o.system = c.system AND o.code = c.code"
        parts.append(f"(c.tenant <> 0 OR NOT EXISTS ({own} AND o.tenant = {tenant}::integer))")
    order = "c.system, c.place"
    if typed:
        what = finding.typed(typed)
        parts.append(finding.condition(what, arg, [mark(number) for number in await _systems_of(ctx, raw)]))
        order = finding.order(what, arg)
    rows = await ctx.tx.fetch(
        f"SELECT {concepts.COLUMNS}, count(*) OVER () AS total FROM {_source(compiled, arg)} c"
        f" WHERE {' AND '.join(parts)} ORDER BY {order} LIMIT {count + 1} OFFSET {offset}",
        *args,
    )
    some = tuple(await concepts.supplemented(ctx, [concepts.concept(row) for row in rows[:count]]))
    total = rows[0]["total"] if rows else 0
    if not rows and offset:
        total = (await codes(ctx, raw, day, typed=typed, active=active, count=0, versions=versions)).total
    known = await concepts.systems(ctx, {one.system for one in some if one.system > 0})
    known |= compiled.pinned | compiled.saved
    return Codes(some, total, known, compiled.foreign)


def _source(compiled: Compiled, arg: Any) -> str:
    """Where the codes come from: the table, and beside it what a value set spells out itself."""
    if not compiled.listed:
        return "reference.concept"
    names = (
        "system, tenant, code, valid_from, valid_to, display, designations, properties, parent, also, place, abstract,"
        " successor, plain, folded, words"
    )
    listed = compiled.listed
    whole = [one.concept for one in listed]
    return (
        f"(SELECT {names} FROM reference.concept UNION ALL SELECT w.system, 0, w.code, '-infinity'::date,"
        " 'infinity'::date, w.display, w.designations::jsonb, w.properties::jsonb, w.parent, '{}'::text[],"
        " w.place::integer, w.abstract, '', lower(w.code),"
        f" w.folded, array_to_tsvector(string_to_array(w.folded, ' ')) FROM unnest({arg([one.system for one in listed])}"
        f"::integer[], {arg([one.code for one in listed])}::text[], {arg([one.display for one in listed])}::text[],"
        f" {arg([folded(one.display) for one in listed])}::text[],"
        f" {arg([json.dumps(one.designations if one else ()) for one in whole])}::text[],"
        f" {arg([json.dumps(one.properties if one else {}) for one in whole])}::text[],"
        f" {arg([one.parent if one else '' for one in whole])}::text[],"
        f" {arg([one is not None and one.abstract for one in whole])}::boolean[])"
        " WITH ORDINALITY AS w(system, code, display, folded, designations, properties, parent, abstract, place))"
    )


async def _has_own(ctx: Context) -> bool:
    """Whether this keeper has codes of its own."""
    found: bool = await ctx.tx.fetchval(
        "SELECT EXISTS (SELECT FROM reference.code_list WHERE tenant = $1)", ctx.tenant.id
    )
    return found


async def _systems_of(ctx: Context, raw: Raw) -> list[int]:
    """The numbers of the systems that a plain value set is made of; none where it is not so plain."""
    parts = raw.get("compose", {}).get("include", ())
    if not parts or any("valueSet" in one or "concept" in one for one in parts):
        return []
    found = [await concepts.system(ctx, one["system"]) for one in parts]
    if any(one is None or one.saved is not None for one in found):
        return []
    return [one.number for one in found if one is not None]


async def expand(ctx: Context, call: Call) -> Raw:
    """The codes of a value set, whole, by the page, or those found by what was typed."""
    raw = await asked_for(ctx, call)
    day, _ = asked.day(ctx, call)
    count, offset = asked.number(call, "count"), asked.number(call, "offset") or 0
    typed = call.text("filter") or ""
    active = asked.flag(call, "activeOnly")
    language = call.text("displayLanguage")
    found = await codes(
        ctx, raw, day, typed=typed, active=active, count=min(count if count is not None else MOST, MOST), offset=offset,
        versions=_versions(call),
    )  # fmt: skip
    if count is None and not typed and found.total - offset > MOST:
        raise TooManyCodes(f"{found.total} codes.", vi=f"Có {found.total} mã.")
    with_designations = asked.flag(call, "includeDesignations")
    told: list[Raw] = [{"name": "date", "valueDateTime": day.isoformat()}]
    told += [
        {"name": name, "valueInteger": value} for name, value in (("count", count),) if value is not None
    ]
    told += [{"name": "filter", "valueString": typed}] if typed else []
    told += [{"name": "activeOnly", "valueBoolean": True}] if active else []
    told += [
        {"name": "version", "valueUri": f"{one.url}|{one.version}"}
        for one in found.systems.values()
        if one.version
    ]
    expansion: Raw = {
        "identifier": f"urn:uuid:{uuid7s.uuid7()}",
        "timestamp": ctx.clock.now().isoformat(timespec="seconds"),
        "total": found.total,
        "offset": offset,
        "parameter": told,
    }
    if found.some:
        expansion["contains"] = [
            _contained(one, found, day, language, designations=with_designations) for one in found.some
        ]
    kept = ("url", "version", "name", "title", "language")
    head = {"resourceType": "ValueSet", **{key: raw[key] for key in kept if key in raw}}
    return {**head, "status": raw.get("status", "active"), "expansion": expansion}


def _versions(call: Call) -> dict[str, str]:
    """The versions of systems that are meant where a value set names none: `system-version`."""
    told = [one.partition("|") for one in call.all("system-version") if isinstance(one, str)]
    return {system: version for system, _, version in told if version}


def _contained(one: Concept, found: Codes, day: date, language: str | None, *, designations: bool) -> Raw:
    made: Raw = {"system": found.url(one.system)}
    if one.abstract:
        made["abstract"] = True
    of = found.systems.get(one.system)
    if not one.in_force(of.on(day) if of else day):
        made["inactive"] = True
    if of and (of.pinned or of.saved is not None) and of.version:
        made["version"] = of.version
    made["code"] = one.code
    made["display"] = one.shown(language, of.language) if of else one.display
    if designations and one.designations:
        made["designation"] = list(one.designations)
    return made


async def asked_for(ctx: Context, call: Call) -> Raw:
    """The value set that is asked about: by `url`, as parameter `valueSet`, or the one that was called on."""
    given = call.resource("valueSet") or call.resource()
    if given is not None:
        if given["resourceType"] != "ValueSet":
            raise BadRequest("valueSet is a ValueSet.", vi="valueSet phải là ValueSet.")
        return given
    if call.id is not None:
        return await compose.stored(ctx, call.id)
    url = call.text("url")
    if not url:
        raise BadRequest("Give the url of the value set.", vi="Hãy đưa địa chỉ (url) của tập giá trị.")
    version = call.text("valueSetVersion")
    return await compose.value_set(ctx, f"{url}|{version}" if version and "|" not in url else url)


async def validate_code(ctx: Context, call: Call) -> Raw:
    """Whether a code is in a value set, under this name, on this day; of several codings one is enough."""
    raw = await asked_for(ctx, call)
    day, given = asked.day(ctx, call)
    answer: Raw = {}
    for coding in asked.codings(call):
        answer = await _judge(ctx, raw, coding, day, given=given, language=call.text("displayLanguage"))
        if answer["parameter"][0]["valueBoolean"]:
            break
    return answer


async def _judge(
    ctx: Context, raw: Raw, coding: Coding, day: date, *, given: bool, language: str | None
) -> Raw:
    if not coding.system:
        return lookup.verdict(
            False, coding, text="Say of which system the code is. · Hãy nêu hệ mã (system) của mã."
        )
    of = await concepts.system(ctx, coding.system)
    compiled = await compose.compiled(ctx, raw)
    if of is not None and not of.pinned and of.number in compiled.pinned:
        of = compiled.pinned[of.number]
    if of is not None and of.saved is not None:
        of = next(
            (one for one in compiled.saved.values() if (one.url, one.version) == (of.url, of.version)), of
        )
    if of is None:
        numbers = {url: number for number, url in compiled.foreign.items()}
        for one in compiled.listed:
            if numbers.get(coding.system) == one.system and one.code == coding.code:
                return lookup.verdict(True, coding, display=one.display)
        if not numbers:
            return lookup.verdict(False, coding, message=await lookup.unknown(ctx, coding.system))
        return lookup.verdict(False, coding, text=_not_in(raw, coding))
    concept = await concepts.find(ctx, of, coding.code, day)
    if concept is None:
        return lookup.judge(coding, concept, of, day, given=given, language=language)

    def arg(value: object) -> str:
        compiled.args.append(value)
        return f"${len(compiled.args)}"

    code = arg(concept.code)
    inside = await ctx.tx.fetchval(
        f"SELECT EXISTS (SELECT FROM {_source(compiled, arg)} c WHERE {compiled.where} AND c.code = {code}::text"
        f" AND c.system = {int(of.number)} AND c.tenant IN (0, {int(ctx.tenant.id)}))",
        *compiled.args,
    )
    if not inside:
        return lookup.verdict(False, coding, text=_not_in(raw, coding))
    return lookup.judge(coding, concept, of, day, given=given, language=language)


def _not_in(raw: Raw, coding: Coding) -> str:
    name = raw.get("title") or raw.get("url") or "ValueSet"
    return f"{coding.code} is not in “{name}”. · Mã {coding.code} không có trong “{name}”."
