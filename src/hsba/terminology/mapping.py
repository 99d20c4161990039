"""Local codes to national ones: maps in making, what is not mapped yet by how often it occurs, and who decided what.

A decision is a line that nobody changes: another one takes its place, or it is undone; the latest that stands holds, and
`$translate` uses it at once.  Whoever may update a ConceptMap may decide here (`require`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hsba.fhir import json
from hsba.fhir.fold import fold, token
from hsba.fhir.problems import BadRequest, Conflict, Forbidden, NotFound
from hsba.terminology import choices, compose, concepts, likeness

if TYPE_CHECKING:
    from datetime import datetime

    from hsba.record.calls import Call
    from hsba.record.context import Context
    from hsba.terminology.likeness import Likely

Raw = dict[str, Any]

PAGE = 15
EQUIVALENCES = ("equivalent", "wider", "narrower", "inexact")
"""What a local code may be to the national one: the target means the same, more, less, or only nearly that."""
EXPLAINED = ("narrower", "inexact")
"""Those that a ConceptMap may have with a comment only (FHIR R4 cmd-1)."""
STATES = ("open", "accepted", "unmatched")
URL = "urn:hsba:map"


class UnknownMap(NotFound):
    """There is no such list of local codes being mapped."""

    vi = "Không có bảng ánh xạ này."


class MapThere(Conflict):
    """This list is already being mapped to that one; open it instead."""

    vi = "Danh mục này đã có bảng ánh xạ sang danh mục đó; hãy mở bảng ấy."


class NotInTarget(BadRequest):
    """This code is not in the target list today; nothing was decided."""

    vi = "Mã này không có (hoặc hết hiệu lực) trong danh mục đích; chưa ghi gì."


class NoDecision(Conflict):
    """This decision was undone already, or there is none."""

    vi = "Quyết định này đã được hoàn tác, hoặc không có."


@dataclass(frozen=True, slots=True)
class LocalMap:
    """A list of local codes that is brought to a national list."""

    id: str
    title: str
    source: str
    target: str
    """Address of the value set."""
    made: datetime
    account: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What somebody decided about a local code."""

    id: int
    code: str
    verdict: str
    system: str
    target: str
    display: str
    """The name of the target."""
    equivalence: str
    comment: str
    account: str
    decided: datetime


@dataclass(frozen=True, slots=True)
class LocalCode:
    """A local code: how often it was met, what was decided, and what it may be."""

    code: str
    display: str
    times: int
    decision: Decision | None = None
    likely: tuple[Likely, ...] = ()


@dataclass(frozen=True, slots=True)
class Work:
    """One page of a map."""

    map: LocalMap
    counts: dict[str, int]
    """How many codes are in which state."""
    codes: tuple[LocalCode, ...]
    latest: tuple[Decision, ...]
    """What was decided last."""


MAPS = """
SELECT m.id, m.title, s.uri AS source, m.target, m.made, m.account
FROM record.local_map m JOIN reference.system s ON s.id = m.source WHERE m.tenant = $1 ORDER BY m.title
"""
STANDING = """
SELECT DISTINCT ON (l.code) l.* FROM record.local_map_line l
WHERE l.tenant = $1 AND l.map = $2 AND l.undone IS NULL AND l.verdict <> 'rejected' ORDER BY l.code, l.id DESC
"""
CODES = f"""
WITH source AS (SELECT source AS system FROM record.local_map WHERE tenant = $1 AND id = $2),
listed AS (
    SELECT DISTINCT ON (c.code) c.code, c.display FROM reference.concept c JOIN source USING (system)
    WHERE c.tenant IN (0, $1) AND NOT c.abstract ORDER BY c.code, c.tenant DESC, c.valid_from DESC
), met AS (
    SELECT m.code, m.display, m.times FROM record.code_met m JOIN source USING (system) WHERE m.tenant = $1
), standing AS ({STANDING})
SELECT coalesce(l.code, m.code) AS code, coalesce(nullif(l.display, ''), m.display, '') AS display,
       coalesce(m.times, 0) AS times, coalesce(d.verdict, 'open') AS state, d.id AS decision
FROM listed l FULL JOIN met m USING (code) LEFT JOIN standing d ON d.code = coalesce(l.code, m.code)
"""
DECISIONS = """
SELECT l.id, l.code, l.verdict, coalesce(s.uri, '') AS system, l.target,
       coalesce((SELECT c.display FROM reference.concept c WHERE c.system = l.target_system AND c.code = l.target
                 AND c.tenant IN (0, $1) ORDER BY c.tenant DESC, c.valid_from DESC LIMIT 1), '') AS display,
       l.equivalence, l.comment, l.account, l.decided
FROM record.local_map_line l LEFT JOIN reference.system s ON s.id = l.target_system
WHERE l.tenant = $1 AND l.map = $2 AND l.undone IS NULL
"""
BEFORE = """
SELECT x.code, x.times, v.body FROM (
    SELECT code, count(*) AS times, max(resource) AS resource FROM record.ix_token
    WHERE tenant = $1 AND system = $2 GROUP BY code ORDER BY count(*) DESC LIMIT $3) x
JOIN record.resource r ON r.tenant = $1 AND r.key = x.resource
JOIN record.version v ON v.tenant = $1 AND v.resource = r.key AND v.vid = r.vid
"""
MOST_MET = 5000
"""Codes that are taken over from the record when a map is begun: the most frequent."""


# --- who may -----------------------------------------------------------------------------------------------


def require(ctx: Context) -> None:
    """Refuse who may not update a ConceptMap: the codes of a house decide what is billed and reported."""
    ctx.policy.check(ctx, "update", "ConceptMap", before=None, after=None)


def may(ctx: Context) -> bool:
    """Whether the actor may decide about maps."""
    try:
        require(ctx)
    except Forbidden:
        return False
    return True


# --- maps --------------------------------------------------------------------------------------------------


async def maps(ctx: Context) -> list[tuple[LocalMap, dict[str, int]]]:
    """The maps in making, each with how many codes are in which state."""
    require(ctx)
    found = [LocalMap(*row) for row in await ctx.tx.fetch(MAPS, ctx.tenant.id)]
    return [(one, await _counts(ctx, one)) for one in found]


async def begin(ctx: Context, title: str, source: str, target: str) -> LocalMap:
    """Begin a map of a local list; what the record holds of its codes is counted."""
    require(ctx)
    title, source = " ".join(title.split())[:200], source.strip()
    if not title or not re.fullmatch(r"[a-z][a-z0-9+.-]*:\S{1,400}", source):
        raise BadRequest(
            "Give a title and the address (URI) of the local code system.",
            vi="Hãy đặt tên và ghi địa chỉ (URI) của hệ mã tại cơ sở.",
        )
    raw = await compose.value_set(ctx, target)
    await ctx.tx.execute(
        "INSERT INTO reference.system (uri) VALUES ($1) ON CONFLICT (uri) DO NOTHING", source
    )
    number = await ctx.tx.fetchval("SELECT id FROM reference.system WHERE uri = $1", source)
    bare = re.sub(r"[^a-z0-9]+", "-", fold(title)).strip("-")[:40] or "map"
    taken = {
        row[0]
        for row in await ctx.tx.fetch("SELECT id FROM record.local_map WHERE tenant = $1", ctx.tenant.id)
    }
    id_ = next(name for n in range(len(taken) + 1) if (name := f"{bare}-{n}" if n else bare) not in taken)
    made = await ctx.tx.fetchval(
        "INSERT INTO record.local_map (tenant, id, title, source, target, account) VALUES ($1, $2, $3, $4, $5, $6)"
        " ON CONFLICT DO NOTHING RETURNING id",
        ctx.tenant.id, id_, title, number, raw.get("url", target), ctx.actor.account,
    )  # fmt: skip
    if made is None:
        raise MapThere(source)
    await _count(ctx, source, number)
    return await one_map(ctx, id_)


async def _count(ctx: Context, source: str, number: int) -> None:
    """How often the record has each code of a list; its search rows have no capitals, so each is read once as it is."""
    rows = await ctx.tx.fetch(BEFORE, ctx.tenant.id, number, MOST_MET)
    times = {row["code"]: row["times"] for row in rows}
    found: dict[str, tuple[str, str]] = {}
    for row in rows:
        for system, code, display in choices.codings(json.stored(row["body"] or "{}")):
            if system == source:
                found.setdefault(token(code), (code, display))
    met = [(code, display, times[plain]) for plain, (code, display) in found.items() if plain in times]
    await ctx.tx.execute(
        "INSERT INTO record.code_met (tenant, system, code, display, times, latest)"
        " SELECT $1, $2, w.code, w.display, w.times, now()"
        " FROM unnest($3::text[], $4::text[], $5::bigint[]) AS w(code, display, times) ON CONFLICT DO NOTHING",
        ctx.tenant.id, number, *([one[part] for one in met] for part in range(3)),
    )  # fmt: skip


async def one_map(ctx: Context, id: str) -> LocalMap:
    """A map by its id."""
    for row in await ctx.tx.fetch(MAPS, ctx.tenant.id):
        if row["id"] == id:
            return LocalMap(*row)
    raise UnknownMap(id)


async def _counts(ctx: Context, of: LocalMap) -> dict[str, int]:
    rows = await ctx.tx.fetch(
        f"SELECT state, count(*) AS n FROM ({CODES}) c GROUP BY state", ctx.tenant.id, of.id
    )
    return dict.fromkeys(STATES, 0) | {row["state"]: row["n"] for row in rows}


# --- work --------------------------------------------------------------------------------------------------


async def work(ctx: Context, id: str, state: str = "open", page: int = 0, typed: str = "") -> Work:
    """A page of the codes in a state, the most frequent first; those that are open with what they may be."""
    require(ctx)
    of = await one_map(ctx, id)
    rows = await ctx.tx.fetch(
        f"SELECT * FROM ({CODES}) c WHERE state = $3 AND ($4 = '' OR strpos(lower(code), lower($4)) > 0"
        " OR strpos(lower(display), lower($4)) > 0)"
        f" ORDER BY times DESC, code LIMIT {PAGE} OFFSET {PAGE * page}",
        ctx.tenant.id, id, state if state in STATES else "open", " ".join(typed.split())[:100],
    )  # fmt: skip
    decisions = [Decision(*row) for row in await ctx.tx.fetch(
        f"{DECISIONS} AND l.id = ANY($3)", ctx.tenant.id, id, [row["decision"] for row in rows if row["decision"]]
    )]  # fmt: skip
    by_id = {one.id: one for one in decisions}
    some = [LocalCode(row["code"], row["display"], row["times"], by_id.get(row["decision"])) for row in rows]
    if state == "open" and some:
        found = await _likely(ctx, of, some)
        some = [replace(one, likely=found[one.code]) for one in some]
    latest = await ctx.tx.fetch(f"{DECISIONS} ORDER BY l.id DESC LIMIT 10", ctx.tenant.id, id)
    return Work(of, await _counts(ctx, of), tuple(some), tuple(Decision(*row) for row in latest))


async def _likely(ctx: Context, of: LocalMap, some: list[LocalCode]) -> dict[str, tuple[Likely, ...]]:
    """What each code may be, without what was rejected for it."""
    raw = await compose.value_set(ctx, of.target)
    compiled = await compose.compiled(ctx, raw)
    rejected = {
        (row["code"], row["target"])
        for row in await ctx.tx.fetch(
            "SELECT code, target FROM record.local_map_line"
            " WHERE tenant = $1 AND map = $2 AND verdict = 'rejected' AND undone IS NULL AND code = ANY($3)",
            ctx.tenant.id, of.id, [one.code for one in some],
        )
    }  # fmt: skip
    day = ctx.clock.now().astimezone(ctx.tenant.zone).date()
    found = await likeness.likely(ctx, compiled.systems, [(one.code, one.display) for one in some], day)
    return {
        code: tuple(one for one in likely if (code, one.code) not in rejected)[: likeness.SHOWN]
        for code, likely in found.items()
    }


async def decide(
    ctx: Context,
    id: str,
    code: str,
    verdict: str,
    *,
    system: str = "",
    target: str = "",
    equivalence: str = "equivalent",
    comment: str = "",
) -> int:
    """Accept or reject a national code for a local one, or say that there is none; answers the decision's number."""
    require(ctx)
    of = await one_map(ctx, id)
    if verdict not in ("accepted", "rejected", "unmatched") or equivalence not in EQUIVALENCES:
        raise BadRequest("This is no decision.", vi="Không phải là quyết định hợp lệ.")
    known = await ctx.tx.fetchval(
        f"SELECT EXISTS (SELECT FROM ({CODES}) c WHERE code = $3)", ctx.tenant.id, id, code
    )
    if not known:
        raise BadRequest(f"{code} is no code of this list.", vi=f"Danh mục tại cơ sở không có mã {code}.")
    number: int | None = None
    if verdict == "unmatched":
        target = ""
    else:
        number, target = await _in_target(ctx, of, system, target)
    made: int = await ctx.tx.fetchval(
        "INSERT INTO record.local_map_line (tenant, map, code, target_system, target, verdict, equivalence, comment, account)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id",
        ctx.tenant.id, id, code, number, target, verdict, equivalence, comment[:500], ctx.actor.account,
    )  # fmt: skip
    return made


async def _in_target(ctx: Context, of: LocalMap, system: str, code: str) -> tuple[int, str]:
    """The number and the code of a target that the list has today."""
    raw = await compose.value_set(ctx, of.target)
    compiled = await compose.compiled(ctx, raw)
    day = ctx.clock.now().astimezone(ctx.tenant.zone).date()
    some = await concepts.systems(ctx, compiled.systems)
    wanted = [one for one in some.values() if not system or one.url == system]
    for one in wanted:
        found = await concepts.find(ctx, one, code, day)
        if found is None or found.abstract or not found.in_force(day):
            continue
        place = len(compiled.args)
        inside = await ctx.tx.fetchval(
            f"SELECT EXISTS (SELECT FROM reference.concept c WHERE {compiled.where}"
            f" AND c.system = ${place + 1}::integer AND c.code = ${place + 2}::text AND c.tenant IN (0, ${place + 3}::integer))",
            *compiled.args, one.number, found.code, ctx.tenant.id,
        )  # fmt: skip
        if inside:
            return one.number, found.code
    raise NotInTarget(code)


async def undo(ctx: Context, id: str, number: int) -> None:
    """Take a decision back; what stood before it holds again."""
    require(ctx)
    done = await ctx.tx.fetchval(
        "UPDATE record.local_map_line SET undone = now(), undone_by = $4"
        " WHERE tenant = $1 AND map = $2 AND id = $3 AND undone IS NULL RETURNING id",
        ctx.tenant.id, id, number, ctx.actor.account,
    )  # fmt: skip
    if done is None:
        raise NoDecision(str(number))


# --- as a ConceptMap ---------------------------------------------------------------------------------------


def address(ctx: Context, id: str) -> str:
    """The canonical address of a keeper's own map."""
    return f"{URL}:{ctx.tenant.slug}:{id}"


async def resource(ctx: Context, call: Call) -> Raw:
    """ConceptMap/$local: what was decided, as a ConceptMap (FHIR R4 conceptmap.html)."""
    require(ctx)
    of = await one_map(ctx, call.id or call.text("map") or "")
    rows = await ctx.tx.fetch(
        f"SELECT c.code, c.display, d.* FROM ({CODES}) c JOIN ({DECISIONS}) d ON d.id = c.decision"
        " ORDER BY d.system, c.code",
        ctx.tenant.id, of.id,
    )  # fmt: skip
    groups: dict[str, list[Raw]] = {}
    for code, display, *rest in rows:
        one = Decision(*rest)
        element: Raw = {"code": code, **({"display": display} if display else {})}
        target: Raw = {"equivalence": "unmatched"}
        if one.verdict == "accepted":
            target = {"code": one.target, "display": one.display, "equivalence": one.equivalence}
            comment = one.comment or (
                f"{one.account}, {one.decided:%d/%m/%Y}" if one.equivalence in EXPLAINED else ""
            )
            target |= {"comment": comment} if comment else {}
        groups.setdefault(one.system, []).append({**element, "target": [target]})
    made: Raw = {
        "resourceType": "ConceptMap", "id": of.id, "url": address(ctx, of.id),
        "name": "Map_" + re.sub(r"\W", "_", of.id, flags=re.ASCII), "title": of.title, "status": "active",
        "date": ctx.clock.now().astimezone(ctx.tenant.zone).isoformat(timespec="seconds"),
        "sourceUri": of.source, "targetCanonical": of.target,
    }  # fmt: skip
    if groups:
        made["group"] = [
            {"source": of.source, **({"target": system} if system else {}), "element": elements}
            for system, elements in groups.items()
        ]
    return made
