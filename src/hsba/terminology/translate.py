"""From the codes of one list to those of another: ConceptMap/$translate (FHIR R4 conceptmap-operation-translate.html).

Maps are those of the packages and loads (tables), what this keeper has accepted on the mapping workbench, and the
ConceptMaps that were saved or are given with the question.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hsba.fhir import json
from hsba.fhir.problems import BadRequest, NotFound, Problem
from hsba.fhir.query import expression as e
from hsba.record import interactions
from hsba.record.calls import parameters
from hsba.store import search as searching
from hsba.terminology import asked, concepts, mapping
from hsba.terminology.asked import UnknownList

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hsba.record.calls import Call
    from hsba.record.context import Context
    from hsba.terminology.asked import Coding

Raw = dict[str, Any]

LINES = """
SELECT m.url, t.uri AS system, e.{there} AS code, e.equivalence, e.comment
FROM reference.map_element e JOIN reference.concept_map m ON m.id = e.map
JOIN reference.system s ON s.id = e.{here}_system JOIN reference.system t ON t.id = e.{there}_system
WHERE m.replaced IS NULL AND m.tenant IN (0, $4) AND s.uri = $1 AND e.{here} = $2 AND ($3::text IS NULL OR m.url = $3)
ORDER BY m.url, e.{there}
LIMIT 1000
"""
LOCAL = """
SELECT m.id AS map, CASE WHEN $5 THEN s.uri ELSE t.uri END AS system, CASE WHEN $5 THEN l.code ELSE l.target END AS code,
       l.equivalence, l.comment, l.verdict
FROM record.local_map m JOIN reference.system s ON s.id = m.source
CROSS JOIN LATERAL (
    SELECT DISTINCT ON (l.code) l.* FROM record.local_map_line l
    WHERE l.tenant = m.tenant AND l.map = m.id AND l.undone IS NULL AND l.verdict <> 'rejected'
      AND ($5 OR l.code = $3) ORDER BY l.code, l.id DESC) l
LEFT JOIN reference.system t ON t.id = l.target_system
WHERE m.tenant = $1 AND CASE WHEN $5 THEN t.uri = $2 AND l.target = $3 ELSE s.uri = $2 END
  AND ($4::text IS NULL OR m.id = $4)
ORDER BY m.id, l.code LIMIT 1000
"""
TURNED = {"wider": "narrower", "narrower": "wider", "subsumes": "specializes", "specializes": "subsumes"}
"""What an equivalence is when it is read from the other side."""
MATCHES = frozenset(
    {"relatedto", "equivalent", "equal", "wider", "subsumes", "narrower", "specializes", "inexact"}
)
SAVED = 50
"""Saved maps that are looked at where none is named."""
DEEPEST = 10
"""Maps that send on to others (unmapped: other-map)."""


@dataclass(frozen=True, slots=True)
class Line:
    """Where a map leads from a code."""

    map: str
    system: str
    code: str
    equivalence: str
    comment: str = ""
    display: str = ""
    products: tuple[Raw, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """What a translation is asked for."""

    coding: Coding
    reverse: bool
    targetsystem: str | None
    source: str | None
    target: str | None
    """Value sets that the map is from and to."""
    dependencies: frozenset[tuple[str, str]]
    """Element and code of what else is known."""


class CyclicMap(Problem):
    """These maps send on to each other without end; mend their unmapped part."""

    status, code = 422, "processing"
    vi = "Các bảng ánh xạ chuyển tiếp lẫn nhau không dừng; hãy sửa phần unmapped."


async def translate(ctx: Context, call: Call) -> Raw:
    """What a code is in the other list of a map, or in all maps that lead on; of several codings the first that is mapped."""
    answer: Raw = {}
    for coding in asked.codings(call):
        answer = await _one(ctx, call, coding)
        if answer["parameter"][0]["valueBoolean"]:
            break
    return answer


async def _one(ctx: Context, call: Call, coding: Coding) -> Raw:
    if not coding.system:
        raise BadRequest("Say of which system the code is.", vi="Hãy nêu hệ mã (system) của mã.")
    wanted = Asked(
        asked.Coding(coding.system.partition("|")[0], coding.code, coding.display),
        asked.flag(call, "reverse"),
        call.text("targetsystem"),
        call.text("source"),
        call.text("target"),
        frozenset(_dependencies(call)),
    )
    lines = [line for line in await _lines(ctx, call, wanted) if _fits(ctx, line, wanted)]
    day, _ = asked.day(ctx, call)
    language = call.text("displayLanguage")
    parts: list[Raw] = []
    for line in lines:
        match: list[Raw] = [{"name": "equivalence", "valueCode": line.equivalence}]
        if line.code:
            target: Raw = {"system": line.system, "code": line.code}
            if display := await _display(ctx, line, day, language):
                target["display"] = display
            match.append({"name": "concept", "valueCoding": target})
        match += [{"name": "product", "part": _product(one)} for one in line.products]
        match.append({"name": "source", "valueUri": line.map})
        if line.comment:
            match.append({"name": "message", "valueString": line.comment})
        parts.append({"name": "match", "part": match})
    result = any(line.equivalence in MATCHES for line in lines)
    told: list[Raw] = [{"name": "result", "valueBoolean": result}]
    if not result:
        told.append(
            {
                "name": "message",
                "valueString": f"No map leads from {coding.code}. · Không có ánh xạ cho mã {coding.code}.",
            }
        )
    return parameters(*told, *parts)


async def _display(ctx: Context, line: Line, day: Any, language: str | None) -> str:
    of = await concepts.system(ctx, line.system)
    concept = None if of is None else await concepts.find(ctx, of, line.code, day)
    return line.display if of is None or concept is None else concept.shown(language, of.language)


def _fits(ctx: Context, line: Line, wanted: Asked) -> bool:
    """Whether a line leads where it was asked to."""
    if wanted.targetsystem and line.code and line.system != wanted.targetsystem.partition("|")[0]:
        return False
    return not (
        wanted.target and line.code and ctx.codes.member(wanted.target, line.system, line.code) is False
    )


# --- where lines come from ---------------------------------------------------------------------------------


async def _lines(ctx: Context, call: Call, wanted: Asked) -> list[Line]:
    """All lines of the map that is named, or of every map that has the code."""
    given = call.resource("conceptMap")
    if given is not None:
        if given["resourceType"] != "ConceptMap":
            raise BadRequest("conceptMap is a ConceptMap.", vi="conceptMap phải là ConceptMap.")
        return await _of_resource(ctx, given, wanted)
    url = (call.text("url") or "").partition("|")[0] or None
    if call.id is not None:
        return await _by_id(ctx, call.id, wanted)
    if url is not None:
        return await _by_url(ctx, url, wanted)
    lines = [*await _of_workbench(ctx, wanted, None), *await _of_tables(ctx, wanted, None)]
    place = "target" if wanted.reverse else "source"
    keys = await searching.match_keys(
        ctx.tx, e.Match(f"{place}-system", e.Uri(wanted.coding.system)), "ConceptMap", ctx, limit=SAVED
    )
    for _, id_ in keys:
        lines += await _of_resource(ctx, await _saved(ctx, id_), wanted)
    return lines


async def _by_id(ctx: Context, id: str, wanted: Asked) -> list[Line]:
    if await ctx.tx.fetchval(
        "SELECT EXISTS (SELECT FROM record.local_map WHERE tenant = $1 AND id = $2)", ctx.tenant.id, id
    ):
        return await _of_workbench(ctx, wanted, id)
    url: str | None = await ctx.tx.fetchval(
        "SELECT url FROM reference.concept_map WHERE url LIKE '%/ConceptMap/' || $1"
        " AND replaced IS NULL AND tenant IN (0, $2) ORDER BY id LIMIT 1",
        id.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_"),
        ctx.tenant.id,
    )
    if url is not None:
        return await _of_tables(ctx, wanted, url)
    try:
        return await _of_resource(ctx, await _saved(ctx, id), wanted)
    except NotFound:
        raise UnknownList(f"ConceptMap/{id}") from None


async def _by_url(ctx: Context, url: str, wanted: Asked, within: tuple[str, ...] = ()) -> list[Line]:
    if url.startswith(own := mapping.address(ctx, "")):
        await mapping.one_map(ctx, url.removeprefix(own))
        return await _of_workbench(ctx, wanted, url.removeprefix(own))
    if await ctx.tx.fetchval(
        "SELECT EXISTS (SELECT FROM reference.concept_map WHERE url = $1 AND replaced IS NULL AND tenant IN (0, $2))",
        url,
        ctx.tenant.id,
    ):
        return await _of_tables(ctx, wanted, url)
    keys = await searching.match_keys(ctx.tx, e.Match("url", e.Uri(url)), "ConceptMap", ctx, limit=1)
    if not keys:
        raise UnknownList(url)
    return await _of_resource(ctx, await _saved(ctx, keys[0][1]), wanted, within)


async def _saved(ctx: Context, id: str) -> Raw:
    found = await interactions.read(ctx, "ConceptMap", id)
    raw: Raw = json.stored(found.body or "")
    return raw


async def _of_tables(ctx: Context, wanted: Asked, url: str | None) -> list[Line]:
    here, there = ("target", "source") if wanted.reverse else ("source", "target")
    rows = await ctx.tx.fetch(
        LINES.format(here=here, there=there), wanted.coding.system, wanted.coding.code, url, ctx.tenant.id
    )
    return [
        Line(row["url"], row["system"], row["code"], _turned(row["equivalence"], wanted), row["comment"])
        for row in rows
    ]


async def _of_workbench(ctx: Context, wanted: Asked, id: str | None) -> list[Line]:
    rows = await ctx.tx.fetch(
        LOCAL, ctx.tenant.id, wanted.coding.system, wanted.coding.code, id, wanted.reverse
    )
    return [
        Line(
            mapping.address(ctx, row["map"]),
            row["system"] or "",
            row["code"],
            "unmatched" if row["verdict"] == "unmatched" else _turned(row["equivalence"], wanted),
            row["comment"],
        )
        for row in rows
    ]


async def _of_resource(ctx: Context, raw: Raw, wanted: Asked, within: tuple[str, ...] = ()) -> list[Line]:
    """The lines of a ConceptMap resource; what it does not map goes by the group's `unmapped`."""
    url = raw.get("url") or f"ConceptMap/{raw.get('id', '')}"
    if url in within or len(within) >= DEEPEST:
        raise CyclicMap(url)
    for place, asked_for in (("source", wanted.source), ("target", wanted.target)):
        scope = raw.get(f"{place}Canonical") or raw.get(f"{place}Uri")
        if asked_for and scope and scope.partition("|")[0] != asked_for.partition("|")[0]:
            return []
    lines: list[Line] = []
    for group in raw.get("group", ()):
        if group.get("target" if wanted.reverse else "source", "").partition("|")[0] != wanted.coding.system:
            continue
        if wanted.reverse:
            lines += _reversed(url, group, wanted)
        elif any(one.get("code") == wanted.coding.code for one in group.get("element", ())):
            lines += _forward(url, group, wanted)
        else:
            lines += await _unmapped(ctx, url, group, wanted, (*within, url))
    return lines


def _forward(url: str, group: Raw, wanted: Asked) -> Iterator[Line]:
    for element in group["element"]:
        for target in element.get("target", ()) if element.get("code") == wanted.coding.code else ():
            needs = {(one["property"], one["value"]) for one in target.get("dependsOn", ())}
            if needs <= wanted.dependencies:
                yield Line(
                    url, group.get("target", "").partition("|")[0], target.get("code", ""), target["equivalence"],
                    target.get("comment", ""), target.get("display", ""), tuple(target.get("product", ())),
                )  # fmt: skip


def _reversed(url: str, group: Raw, wanted: Asked) -> Iterator[Line]:
    for element in group.get("element", ()):
        for target in element.get("target", ()):
            if target.get("code") == wanted.coding.code and "code" in element:
                yield Line(
                    url, group.get("source", "").partition("|")[0], element["code"],
                    _turned(target["equivalence"], wanted), target.get("comment", ""), element.get("display", ""),
                )  # fmt: skip


async def _unmapped(ctx: Context, url: str, group: Raw, wanted: Asked, within: tuple[str, ...]) -> list[Line]:
    """What a code is that the group does not name (conceptmap-unmapped-mode)."""
    rule = group.get("unmapped", {})
    system = group.get("target", "").partition("|")[0]
    match rule.get("mode"):
        case "provided":
            return [Line(url, system, wanted.coding.code, "equal", display=wanted.coding.display or "")]
        case "fixed":
            return [Line(url, system, rule.get("code", ""), "inexact", display=rule.get("display", ""))]
        case "other-map":
            return await _by_url(ctx, rule.get("url", "").partition("|")[0], wanted, within)
    return []


def _turned(equivalence: str, wanted: Asked) -> str:
    return TURNED.get(equivalence, equivalence) if wanted.reverse else equivalence


def _dependencies(call: Call) -> Iterator[tuple[str, str]]:
    """`dependency` parameters: an element, and the code known for it."""
    for one in call.parameters:
        if one["name"] == "dependency":
            parts = {part.get("name"): part for part in one.get("part", ())}
            concept = parts.get("concept", {}).get("valueCodeableConcept", {})
            for coding in concept.get("coding", ()):
                yield parts.get("element", {}).get("valueUri", ""), coding.get("code", "")


def _product(one: Raw) -> list[Raw]:
    coding = {key: one[key] for key in ("system", "display") if key in one}
    return [
        {"name": "element", "valueUri": one.get("property", "")},
        {"name": "concept", "valueCoding": {**coding, "code": one.get("value", "")}},
    ]
