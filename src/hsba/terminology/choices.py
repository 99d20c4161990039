"""What is chosen often: counted by account and department when a resource is first saved, and put first when finding.

The worker reads on in the feed of versions, so that no save waits for it.  Kept are code, account, department, a number
and the last time: no patient, no visit.  What a whole department chooses is shown only from `MANY` times on, so that one
colleague's one rare diagnosis is not told to the others.

Codes of a keeper's own lists are counted on the same way, whoever brought them, for the mapping workbench (`mapping`).
"""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from hsba.fhir import json
from hsba.record.context import OURS
from hsba.store import deliveries
from hsba.store import history as versions
from hsba.store.pool import RETRY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from hsba.record.context import Context, Tenant
    from hsba.record.work import Follower, House
    from hsba.store.pool import Connection, Pool

log = logging.getLogger("hsba.terminology")

Resource = dict[str, Any]

CHOSEN = frozenset({"AllergyIntolerance", "Condition", "MedicationRequest", "Procedure", "ServiceRequest"})
"""Types whose code somebody chose when they were saved."""
MET = CHOSEN | {
    "ChargeItem",
    "DiagnosticReport",
    "Immunization",
    "Medication",
    "MedicationDispense",
    "Observation",
}
"""Types in which codes of a keeper's own lists are looked for."""
PLACES = ("code", "medicationCodeableConcept", "vaccineCode")
PAGE = 1000
MANY = 3
"""Times that a department must have chosen a code before its members see it first."""
MOST = 200
"""Codes that are put first at most."""
HALVED = 60.0
"""Days after which a choice counts half."""

WRITTEN = """
SELECT v.body, v.account, v.type, o.id AS department, v.recorded
FROM unnest($2::bigint[], $3::integer[]) AS w(resource, vid)
JOIN record.version v ON v.tenant = $1 AND v.resource = w.resource AND v.vid = w.vid
JOIN record.resource r ON r.tenant = $1 AND r.key = v.resource
LEFT JOIN record.resource e ON e.tenant = $1 AND e.key = r.encounter
LEFT JOIN record.resource o ON o.tenant = $1 AND o.key = coalesce(r.department, e.department)
"""
COUNT = """
INSERT INTO record.code_choice AS c (tenant, account, department, system, code, times, latest)
SELECT $1, w.account, w.department, s.id, w.code, w.times, w.latest
FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::integer[], $7::timestamptz[])
     AS w(account, department, system, code, times, latest) JOIN reference.system s ON s.uri = w.system
ON CONFLICT (tenant, account, system, code, department) DO UPDATE
    SET times = c.times + excluded.times, latest = greatest(c.latest, excluded.latest)
"""
MEET = """
INSERT INTO record.code_met AS c (tenant, system, code, display, times, latest)
SELECT $1, s.id, w.code, w.display, w.times, w.latest
FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::timestamptz[])
     AS w(system, code, display, times, latest) JOIN reference.system s ON s.uri = w.system
ON CONFLICT (tenant, system, code) DO UPDATE
    SET times = c.times + excluded.times, latest = greatest(c.latest, excluded.latest),
        display = CASE WHEN excluded.display = '' THEN c.display ELSE excluded.display END
"""
FIRST = """
WITH own AS (
    SELECT system, code, sum(times) AS times, max(latest) AS latest FROM record.code_choice
    WHERE tenant = $1 AND account = $2 AND system = ANY($3) GROUP BY system, code
), theirs AS (
    SELECT system, code, sum(times) AS times, max(latest) AS latest FROM record.code_choice
    WHERE tenant = $1 AND system = ANY($3) AND department IN (
        SELECT department FROM record.code_choice WHERE tenant = $1 AND account = $2 AND department <> ''
        GROUP BY department ORDER BY max(latest) DESC LIMIT 3)
    GROUP BY system, code HAVING sum(times) >= $5
)
SELECT system, code, bool_or(mine) AS mine
FROM (SELECT own.*, true AS mine, 8.0 AS weight FROM own UNION ALL SELECT theirs.*, false, 1.0 FROM theirs) both_of
GROUP BY system, code
ORDER BY sum(weight * ln(1 + times) * exp(-ln(2) * greatest(extract(epoch FROM $4 - latest), 0) / 86400 / $6)) DESC,
         code
LIMIT $7
"""

_read: WeakKeyDictionary[Pool, dict[int, int]] = WeakKeyDictionary()
"""How far this process has read, by tenant: without anything new nothing is asked."""


async def first(ctx: Context, systems: set[int]) -> dict[tuple[int, str], bool]:
    """The codes that this account and its departments choose, the likeliest first, and whether it chose them itself."""
    if not systems or ctx.actor.account in OURS:
        return {}
    rows = await ctx.tx.fetch(
        FIRST, ctx.tenant.id, ctx.actor.account, sorted(systems), ctx.clock.now(), MANY, HALVED, MOST
    )
    return {(row["system"], row["code"]): row["mine"] for row in rows}


async def met(tx: Connection, tenant: int, system: str, code: str, display: str, now: datetime) -> None:
    """Note a code of a keeper's own list that a gateway met."""
    await tx.execute(MEET, tenant, [system], [code], [display], [1], [now])


async def count(house: House) -> int:
    """Read on in the feeds of all tenants and count what was chosen; answers how many versions it read."""
    known = _read.setdefault(house.pool, {})
    async with house.pool.bare() as tx:
        end = await versions.bound(tx)
    found = 0
    for tenant in house.tenants.all():
        if end <= known.get(tenant.id, -1) + 1:
            continue
        try:
            async with house.pool.writing(tenant.id) as tx:
                page = await _page(house, tx, tenant)
        except RETRY:
            log.warning("choices will be counted again", extra={"tenant": tenant.slug})
            continue
        if page is not None:
            known[tenant.id], read = page
            found += read
    return found


async def _page(house: House, tx: Connection, tenant: Tenant) -> tuple[int, int] | None:
    """Count one page: how far it is read, and how many versions that was; None when another process is at it."""
    name = f"choices/{tenant.id}"
    if not await deliveries.alone(tx, name):
        return None
    kept = await deliveries.place(tx, name)
    lists = dict(
        await tx.fetch(
            "SELECT s.uri, min(m.made) FROM record.local_map m JOIN reference.system s ON s.id = m.source"
            " WHERE m.tenant = $1 GROUP BY s.uri",
            tenant.id,
        )
    )
    types = {house.registry.type_id(one): one for one in (MET if lists else CHOSEN)}
    await tx.execute("SET LOCAL plan_cache_mode = force_custom_plan")
    entries, read = await versions.feed(tx, tenant.id, kept, limit=PAGE, types=sorted(types), bodies=False)
    new = [one.stored for one in entries if one.stored.interaction == "C"]
    if new:
        rows = await tx.fetch(WRITTEN, tenant.id, [one.key for one in new], [one.vid for one in new])
        await _keep(tx, tenant, rows, types, lists)
    if entries or read - kept > 1_000_000:
        await deliveries.move(tx, name, read)
    return read, len(entries)


async def _keep(
    tx: Connection, tenant: Tenant, rows: list[Any], types: dict[int, str], lists: dict[str, datetime]
) -> None:
    chosen: Counter[tuple[str, str, str, str]] = Counter()
    seen: Counter[tuple[str, str]] = Counter()
    latest: dict[tuple[str, ...], datetime] = {}
    names: dict[tuple[str, str], str] = {}
    for row in rows:
        own = types[row["type"]] in CHOSEN and row["account"] not in OURS
        if row["body"] is None or not (own or lists):
            continue
        for system, code, display in codings(json.stored(row["body"])):
            if own:
                key = (row["account"], row["department"] or "", system, code)
                chosen[key] += 1
                latest[key] = max(latest.get(key, row["recorded"]), row["recorded"])
            if (
                system in lists and row["recorded"] >= lists[system]
            ):  # what was there before is counted already
                seen[system, code] += 1
                names[system, code] = display or names.get((system, code), "")
                latest[system, code] = max(latest.get((system, code), row["recorded"]), row["recorded"])
    if chosen:
        columns = [list(one) for one in zip(*chosen, strict=True)]
        await tx.execute(COUNT, tenant.id, *columns, list(chosen.values()), [latest[key] for key in chosen])
    if seen:
        systems, codes = ([key[part] for key in seen] for part in (0, 1))
        shown = [names[key] for key in seen]
        await tx.execute(
            MEET, tenant.id, systems, codes, shown, list(seen.values()), [latest[key] for key in seen]
        )


def codings(resource: Resource) -> Iterator[tuple[str, str, str]]:
    """System, code and name of what a resource is about."""
    for place in PLACES:
        for one in resource.get(place, {}).get("coding", ()):
            if one.get("system") and one.get("code"):
                yield one["system"], one["code"], one.get("display") or resource[place].get("text", "")


FOLLOWERS: tuple[Follower, ...] = (count,)
"""What reads the feed for the code lists."""
