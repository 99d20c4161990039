"""The codes of a value set and whether one is among them: $expand and $validate-code of ValueSet.

(FHIR R4 valueset-operations.html.)  `filter` finds as a doctor types; `date` says on which day the lists are read.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import uuid_utils.compat as uuid7s

from hsba.fhir.problems import BadRequest, TooCostly
from hsba.terminology import asked, choices, compose, concepts, lookup, versions
from hsba.terminology import find as finding
from hsba.terminology.asked import Coding, UnknownList, UnknownSystem
from hsba.terminology.words import folded, marked, words

if TYPE_CHECKING:
    from datetime import date

    from hsba.record.calls import Call
    from hsba.record.context import Context
    from hsba.terminology.compose import Compiled
    from hsba.terminology.concepts import Concept, System
    from hsba.terminology.versions import Versions

Raw = dict[str, Any]

NEAR = 400
"""Codes that are looked at by each way of finding; the likeliest of them are answered."""
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
    often: dict[tuple[int, str], bool] = field(default_factory=dict)
    """Codes that are chosen often: by this account itself, or only by its departments."""
    more: bool = False
    """Whether there may be more than that: not everything was looked at."""

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
    liked: bool = False,
    count: int,
    offset: int = 0,
    of: Versions | None = None,
) -> Codes:
    """The codes of a value set on a day, in the list's order or, when something was typed, the likeliest first.

    With `liked` what this account and its departments choose often stands first; where nothing was typed that is all.
    A code that was given again with another meaning is there once, as it was last begun by that day.
    """
    compiled = await compose.compiled(ctx, raw, of)
    args = compiled.args

    def arg(value: object) -> str:
        args.append(value)
        return f"${len(args)}"

    on, tenant = f"{arg(day)}::date", arg(ctx.tenant.id)
    if compiled.pinned:  # of these the version's own days are meant
        cases = " ".join(
            f"WHEN {int(number)} THEN {arg(one.on(day))}::date" for number, one in compiled.pinned.items()
        )
        on = f"(CASE c.system {cases} ELSE {on} END)"
    parts = [compiled.where, f"c.tenant IN (0, {tenant}::integer)", f"c.valid_from <= {on}"]
    if compiled.pinned:
        parts.append(f"(c.valid_to >= {on} OR c.system <> ALL({arg(list(compiled.pinned))}::integer[]))")
    again = "SELECT FROM reference.concept n WHERE n.system = c.system AND n.tenant = c.tenant AND n.code = c.code"
    if active:
        parts += [f"c.valid_to >= {on}", "NOT c.abstract", f"NOT {concepts.IS_RETIRED}"]
    else:
        parts.append(
            f"(c.valid_to >= {on} OR NOT EXISTS ({again} AND n.valid_from > c.valid_from AND n.valid_from <= {on}))"
        )
    if raw.get("compose", {}).get("inactive") is False:
        parts += [f"c.valid_to >= {on}", f"NOT {concepts.IS_RETIRED}"]
    if await _has_own(ctx):
        own = "SELECT FROM reference.concept o WHERE o.system = c.system AND o.code = c.code"
        parts.append(f"(c.tenant <> 0 OR NOT EXISTS ({own} AND o.tenant = {tenant}::integer))")
    order, whole = "c.system, c.place", True
    often = await choices.first(ctx, compiled.systems) if liked else {}
    if liked and not typed:
        keys = arg([f"{system}|{code}" for system, code in often])
        parts += [f"c.code = ANY({arg([code for _, code in often])}::text[])",
                  f"c.system || '|' || c.code = ANY({keys}::text[])"]  # fmt: skip
        order = f"array_position({keys}::text[], c.system || '|' || c.code)"
    if typed:
        what = finding.typed(typed)
        looks = finding.looks(what, arg, {*compiled.systems, *compiled.foreign}, often)
        whole = bool(compiled.listed) or offset + count > NEAR
        parts.append(f"({' OR '.join(looks.all())})" if whole else _near(looks, parts))
        order = finding.order(what, arg, often)
    rows = await ctx.tx.fetch(
        _page(
            _source(compiled, arg), " AND ".join(parts), order, count + 1, offset, narrow=not compiled.listed
        ),
        *args,
    )
    some = tuple(await concepts.supplemented(ctx, [concepts.concept(row) for row in rows[:count]]))
    total = rows[0]["total"] if rows else 0
    if not rows and offset:
        total = (await codes(ctx, raw, day, typed=typed, active=active, count=0, of=of)).total
    known = await concepts.systems(ctx, {one.system for one in some if one.system > 0})
    known |= compiled.pinned | compiled.saved
    return Codes(some, total, known, compiled.foreign, often, more=not whole and total >= NEAR)


def _page(source: str, where: str, order: str, count: int, offset: int, *, narrow: bool) -> str:
    """A page of the codes there are, with their number; of the table, whose rows are wide, only the page's are carried."""
    if not narrow:
        return (
            f"SELECT {concepts.COLUMNS}, count(*) OVER () AS total FROM {source} c"
            f" WHERE {where} ORDER BY {order} LIMIT {count} OFFSET {offset}"
        )
    return (
        f"WITH page AS MATERIALIZED (SELECT c.ctid AS at, count(*) OVER () AS total, row_number() OVER (ORDER BY {order})"
        f" AS row FROM {source} c WHERE {where} ORDER BY row LIMIT {count} OFFSET {offset})"
        f" SELECT {concepts.COLUMNS}, page.total FROM page JOIN {source} c ON c.ctid = page.at ORDER BY page.row"
    )


def _near(looks: finding.Looks, parts: list[str]) -> str:
    """What was typed as a condition: of a long list only so many rows are looked at as make an answer.

    Each step is asked only as far as those before it did not fill that, and words apart from the other conditions
    (OFFSET 0): the planner would else read a whole list through another index, or a whole table for a common word.
    """
    others = " AND ".join(parts)

    def rows(where: str, limit: str) -> str:
        return (
            f"(SELECT c.at FROM (SELECT c.ctid AS at, c.* FROM reference.concept c WHERE {where} OFFSET 0) c"
            f" WHERE {others} LIMIT {limit})"
        )

    begins = [
        f"(SELECT c.ctid AS at FROM reference.concept c WHERE {one} AND {others} LIMIT {NEAR})"
        for one in looks.begins
    ] or ["(SELECT '(0,0)'::tid AS at WHERE false)"]
    made = [("step0", " UNION ALL ".join(begins))]
    for number, one in enumerate(looks.steps, 1):
        had = " + ".join(f"(SELECT count(*) FROM step{n})" for n in range(number))
        made.append((f"step{number}", rows(one, f"(SELECT greatest({NEAR} - ({had}), 0))")))
    made += [(f"synonym{number}", rows(one, str(NEAR // 4))) for number, one in enumerate(looks.synonyms, 1)]
    nothing = " AND ".join(f"NOT EXISTS (SELECT FROM {name})" for name, _ in made)
    made.append(("loose", rows(looks.loose, f"(SELECT CASE WHEN {nothing} THEN {NEAR} ELSE 0 END)")))
    tables = ", ".join(f"{name} AS MATERIALIZED ({one})" for name, one in made)
    found = " UNION ALL ".join(f"SELECT at FROM {name}" for name, _ in made)
    return f"c.ctid = ANY(ARRAY(WITH {tables} {found}))"


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
        f" w.folded, array_to_tsvector(string_to_array(w.words, ' ')) FROM unnest({arg([one.system for one in listed])}"
        f"::integer[], {arg([one.code for one in listed])}::text[], {arg([one.display for one in listed])}::text[],"
        f" {arg([folded(one.display) for one in listed])}::text[],"
        f" {arg([marked(set(words(one.display)), one.system) for one in listed])}::text[],"
        f" {arg([json.dumps(one.designations if one else ()) for one in whole])}::text[],"
        f" {arg([json.dumps(one.properties if one else {}) for one in whole])}::text[],"
        f" {arg([one.parent if one else '' for one in whole])}::text[],"
        f" {arg([one is not None and one.abstract for one in whole])}::boolean[])"
        " WITH ORDINALITY AS w(system, code, display, folded, words, designations, properties, parent, abstract, place))"
    )


async def _has_own(ctx: Context) -> bool:
    """Whether this keeper has codes of its own."""
    found: bool = await ctx.tx.fetchval(
        "SELECT EXISTS (SELECT FROM reference.code_list WHERE tenant = $1)", ctx.tenant.id
    )
    return found


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
        of=versions.of(call),
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
        **({} if found.more else {"total": found.total}),
        "offset": offset,
        "parameter": told,
    }
    if found.some:
        flat = [_contained(one, found, day, language, designations=with_designations) for one in found.some]
        nested = "excludeNested" in _said(call) and not asked.flag(call, "excludeNested")
        whole = not typed and not offset and len(flat) == found.total
        expansion["contains"] = _nested(found.some, flat) if nested and whole else flat
    kept = ("url", "version", "name", "title", "language")
    head = {"resourceType": "ValueSet", **{key: raw[key] for key in kept if key in raw}}
    return {**head, "status": raw.get("status", "active"), "expansion": expansion}


def _said(call: Call) -> set[str]:
    """The names of what was said."""
    return {one["name"] for one in call.parameters}


def _nested(some: tuple[Concept, ...], flat: list[Raw]) -> list[Raw]:
    """The codes under those above them, as far as these are there too; in the list's order."""
    there = {(one.system, one.code): made for one, made in zip(some, flat, strict=True)}
    top: list[Raw] = []
    for one, made in zip(some, flat, strict=True):
        above = there.get((one.system, one.parent)) if one.parent != one.code else None
        if above is None:
            top.append(made)
        else:
            above.setdefault("contains", []).append(made)
    return top


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
    """Whether a code is in a value set, under this name, on this day.

    Of several codings one in the set is enough, as long as no other is wrong in itself: a code that its system does not
    have, or a wrong name.
    """
    raw = await asked_for(ctx, call)
    how, of = lookup.manner(ctx, call), versions.of(call)
    codings = asked.codings(call)
    if asked.flag(call, "inferSystem"):
        codings = [await _with_system(ctx, raw, coding) for coding in codings]
    answers = [await _judge(ctx, raw, coding, how, of) for coding in codings]
    wrong = next((answer for answer, sound in answers if not sound), None)
    right = next((answer for answer, _ in answers if answer["parameter"][0]["valueBoolean"]), None)
    return wrong or right or answers[-1][0]


async def _with_system(ctx: Context, raw: Raw, coding: Coding) -> Coding:
    """A code with the system that it has in the value set, where it is of one only (inferSystem)."""
    if coding.system:
        return coding
    compiled = await compose.compiled(ctx, raw)

    def arg(value: object) -> str:
        compiled.args.append(value)
        return f"${len(compiled.args)}"

    rows = await ctx.tx.fetch(
        f"SELECT DISTINCT c.system FROM {_source(compiled, arg)} c WHERE {compiled.where}"
        f" AND c.code = {arg(coding.code)}::text AND c.tenant IN (0, {arg(ctx.tenant.id)}::integer) LIMIT 2",
        *compiled.args,
    )
    if len(rows) != 1:
        return coding
    number = rows[0]["system"]
    url = compiled.foreign[number] if number < 0 else (await concepts.systems(ctx, [number]))[number].url
    return Coding(url, coding.code, coding.display)


async def _judge(
    ctx: Context, raw: Raw, coding: Coding, how: lookup.Manner, which: Versions
) -> tuple[Raw, bool]:
    """The answer about one code, and whether it is sound in itself."""
    if not coding.system:
        text = "Say of which system the code is. · Hãy nêu hệ mã (system) của mã."
        return lookup.verdict(False, coding, text=text), True
    of = await concepts.system(ctx, coding.system)
    try:
        compiled = await compose.compiled(ctx, raw, which)
    except (UnknownSystem, UnknownList) as missing:
        return lookup.verdict(False, coding, message=missing), True
    if of is not None:
        of = _as_meant(of, compiled, coding)
    if of is None:
        numbers = {url: number for number, url in compiled.foreign.items() if number not in compiled.saved}
        for one in compiled.listed:
            if numbers.get(coding.system.partition("|")[0]) == one.system and one.code == coding.code:
                return lookup.verdict(True, coding, display=one.display), True
        if not numbers:
            return lookup.verdict(False, coding, message=await lookup.unknown(ctx, coding.system)), True
        return lookup.verdict(False, coding, text=_not_in(raw, coding)), True
    concept = await concepts.find(ctx, of, coding.code, how.day)
    judged = lookup.judge(coding, concept, of, how)
    if concept is None:
        return judged, False

    def arg(value: object) -> str:
        compiled.args.append(value)
        return f"${len(compiled.args)}"

    code = arg(concept.code)
    inside = await ctx.tx.fetchval(
        f"SELECT EXISTS (SELECT FROM {_source(compiled, arg)} c WHERE {compiled.where} AND c.code = {code}::text"
        f" AND c.system = {int(of.number)} AND c.tenant IN (0, {int(ctx.tenant.id)}))",
        *compiled.args,
    )
    named = lookup.judge(
        coding, concept, of, lookup.Manner(how.day, language=how.language, lenient=how.lenient)
    )
    sound = bool(named["parameter"][0]["valueBoolean"])
    meant = compiled.pinned.get(of.number, of)
    if (
        not inside
        or meant.version != of.version
        or (concept.retired and raw.get("compose", {}).get("inactive") is False)
    ):
        return lookup.verdict(False, coding, text=_not_in(raw, coding)), sound
    return judged, sound


def _as_meant(of: System, compiled: Compiled, coding: Coding) -> System:
    """The system of a code in the version that the value set means, where the code is told without one."""
    saved = (one for one in compiled.saved.values() if one.url == of.url)
    if "|" in coding.system:
        return of if of.saved is None else next((one for one in saved if one.version == of.version), of)
    if of.number in compiled.systems:
        return compiled.pinned.get(of.number, of)
    return next(saved, of)


def _not_in(raw: Raw, coding: Coding) -> str:
    name = raw.get("title") or raw.get("url") or "ValueSet"
    return f"{coding.code} is not in “{name}”. · Mã {coding.code} không có trong “{name}”."
