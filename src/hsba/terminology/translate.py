"""From the codes of one list to those of another: ConceptMap/$translate (FHIR R4 conceptmap-operation-translate.html)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hsba.fhir.problems import BadRequest
from hsba.record.calls import parameters
from hsba.terminology import asked, concepts
from hsba.terminology.asked import UnknownList

if TYPE_CHECKING:
    from hsba.record.calls import Call
    from hsba.record.context import Context

Raw = dict[str, Any]

LINES = """
SELECT m.url, e.{there}_system AS system, e.{there} AS code, e.equivalence, e.comment
FROM reference.map_element e JOIN reference.concept_map m ON m.id = e.map
JOIN reference.system s ON s.id = e.{here}_system
WHERE m.replaced IS NULL AND m.tenant IN (0, current_setting('hsba.tenant')::integer)
  AND s.uri = $1 AND e.{here} = $2 AND ($3::text IS NULL OR m.url = $3)
  AND ($4::text IS NULL OR e.{there}_system = (SELECT id FROM reference.system WHERE uri = $4))
ORDER BY m.url, e.{there}
LIMIT 1000
"""
TURNED = {"wider": "narrower", "narrower": "wider", "subsumes": "specializes", "specializes": "subsumes"}
"""What an equivalence is when it is read from the other side."""
MATCHES = frozenset(
    {"relatedto", "equivalent", "equal", "wider", "subsumes", "narrower", "specializes", "inexact"}
)


async def translate(ctx: Context, call: Call) -> Raw:
    """What a code is in the other list of a map, or in all maps that lead to the system asked for."""
    url = await _map(ctx, call)
    coding = asked.codings(call)[0]
    if not coding.system:
        raise BadRequest("Say of which system the code is.", vi="Hãy nêu hệ mã (system) của mã.")
    reverse = asked.flag(call, "reverse")
    here, there = ("target", "source") if reverse else ("source", "target")
    wanted = call.text("targetsystem")
    rows = await ctx.tx.fetch(
        LINES.format(here=here, there=there), coding.system.partition("|")[0], coding.code, url, wanted
    )
    known = await concepts.systems(ctx, [row["system"] for row in rows])
    day, _ = asked.day(ctx, call)
    parts: list[Raw] = []
    for row in rows:
        of = known[row["system"]]
        concept = await concepts.find(ctx, of, row["code"], day)
        equivalence = TURNED.get(row["equivalence"], row["equivalence"]) if reverse else row["equivalence"]
        target: Raw = {"system": of.url, "code": row["code"]}
        if concept is not None:
            target["display"] = concept.shown(call.text("displayLanguage"), of.language)
        match: list[Raw] = [
            {"name": "equivalence", "valueCode": equivalence},
            {"name": "concept", "valueCoding": target},
            {"name": "source", "valueUri": row["url"]},
        ]
        if row["comment"]:
            match.append({"name": "message", "valueString": row["comment"]})
        parts.append({"name": "match", "part": match})
    result = any(one["part"][0]["valueCode"] in MATCHES for one in parts)
    told: list[Raw] = [{"name": "result", "valueBoolean": result}]
    if not result:
        told.append(
            {
                "name": "message",
                "valueString": f"No map leads from {coding.code}. · Không có ánh xạ cho mã {coding.code}.",
            }
        )
    return parameters(*told, *parts)


async def _map(ctx: Context, call: Call) -> str | None:
    """The map asked for; none when every map with the code is meant."""
    if call.id is not None:
        url: str | None = await ctx.tx.fetchval(
            "SELECT url FROM reference.concept_map WHERE url LIKE '%/ConceptMap/' || $1 ORDER BY id LIMIT 1",
            call.id.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_"),
        )
        if url is None:
            raise UnknownList(f"ConceptMap/{call.id}")
        return url
    asked_url = call.text("url")
    if asked_url is None:
        return None
    bare = asked_url.partition("|")[0]
    if not await ctx.tx.fetchval("SELECT EXISTS (SELECT FROM reference.concept_map WHERE url = $1)", bare):
        raise UnknownList(bare)
    return bare
