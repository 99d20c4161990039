"""One human, several Patients: merge and un-merge inside a keeper's record, and one person above the keepers.

Merge never rewrites references (signed bytes stay, and un-merge stays possible): both Patients get a `link`, and
`record.merged` tells searches whom a Patient counts as.  `direct` is whom it was merged into, `survivor` whom it counts
as now: A into B, then B into C makes A count as C; taking B out again makes A count as B.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hsba.fhir import json
from hsba.fhir.problems import Conflict, Gone, NotFound
from hsba.record import fence, hiding, interactions, lifecycle
from hsba.record.saving import Pending, save
from hsba.store import resources

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from hsba.record.context import Context
    from hsba.store.resources import Current, Stored

Resource = dict[str, Any]

MERGE = "M"
"""The letter of a version that a merge or un-merge made."""


class CannotMerge(Conflict):
    """These two patients cannot be merged; nothing was changed."""

    code = "business-rule"
    vi = "Không gộp được hai bệnh nhân này; chưa thay đổi gì."


class NotMerged(Conflict):
    """This patient is not merged into another; nothing was changed."""

    code = "business-rule"
    vi = "Bệnh nhân này chưa được gộp vào ai; chưa thay đổi gì."


@dataclass(frozen=True, slots=True)
class Merged:
    """Both Patients as they are after a merge, and whom the merged one counts as from now on."""

    survivor: Stored
    other: Stored


@dataclass(frozen=True, slots=True)
class Written:
    """Something written about a survivor while another was merged into him: it may belong to either."""

    type: str
    id: str
    recorded: datetime


@dataclass(frozen=True, slots=True)
class Unmerged:
    """Both Patients after they were parted, and what a person must assign."""

    survivor: Stored
    other: Stored
    written: tuple[Written, ...]


async def merge(ctx: Context, survivor: str, other: str) -> Merged:
    """Let `other` count as `survivor` from now on: searches, compartments and $everything of the survivor include him."""
    if survivor == other:
        raise CannotMerge("It is one patient.", vi="Đây là cùng một bệnh nhân.")
    await _lock_merges(ctx)
    kept, gone = await _both(ctx, survivor, other)
    links = await _links(ctx)
    if gone.key in links:
        raise CannotMerge(f"Patient/{other} is merged already.", vi=f"Patient/{other} đã được gộp rồi.")
    final = _final(links, kept.key)
    if final == gone.key:
        raise CannotMerge(
            f"Patient/{survivor} is itself merged into Patient/{other}.",
            vi=f"Chính Patient/{survivor} đã được gộp vào Patient/{other}.",
        )
    made = await _save(
        ctx,
        "merge",
        (survivor, kept, lambda resource: _with_link(resource, other, "replaces")),
        (other, gone, lambda resource: _with_link(resource, survivor, "replaced-by")),
    )
    await ctx.tx.execute(
        "INSERT INTO record.merged (tenant, patient, survivor, direct, merged) VALUES ($1, $2, $3, $4, $5)",
        ctx.tenant.id,
        gone.key,
        final,
        kept.key,
        ctx.clock.now(),
    )
    await _flatten(ctx, {**links, gone.key: kept.key})
    return Merged(*(hiding.hide(ctx, "Patient", stored) for stored in made))


async def unmerge(ctx: Context, other: str) -> Unmerged:
    """Take a merged patient out again, exactly; what was written about the survivor in between is listed."""
    await _lock_merges(ctx)
    row = await ctx.tx.fetchrow(
        "SELECT m.patient, m.direct, m.merged, d.id FROM record.resource r"
        " JOIN record.merged m ON m.tenant = r.tenant AND m.patient = r.key"
        " JOIN record.resource d ON d.tenant = r.tenant AND d.key = m.direct"
        " WHERE r.tenant = $1 AND r.type = $2 AND r.id = $3",
        ctx.tenant.id,
        ctx.registry.type_id("Patient"),
        other,
    )
    if row is None:
        raise NotMerged(f"Patient/{other}")
    survivor: str = row["id"]
    kept, gone = await _both(ctx, survivor, other)
    links = await _links(ctx)
    chain = _chain(links, gone.key)
    made = await _save(
        ctx,
        "unmerge",
        (survivor, kept, lambda resource: _without_link(resource, other, "replaces")),
        (other, gone, lambda resource: _without_link(resource, survivor, "replaced-by")),
    )
    await ctx.tx.execute(
        "DELETE FROM record.merged WHERE tenant = $1 AND patient = $2", ctx.tenant.id, row["patient"]
    )
    del links[gone.key]
    await _flatten(ctx, links)
    written = await _written(ctx, chain, row["merged"])
    kept_stored, gone_stored = (hiding.hide(ctx, "Patient", stored) for stored in made)
    return Unmerged(kept_stored, gone_stored, written)


async def counts_as(ctx: Context, patient: str) -> list[str]:
    """The ids of all Patients that a Patient stands for: himself and everybody merged into him."""
    rows = await ctx.tx.fetch(
        "SELECT o.id FROM record.resource r JOIN record.merged m ON m.tenant = r.tenant AND m.survivor = r.key"
        " JOIN record.resource o ON o.tenant = r.tenant AND o.key = m.patient"
        " WHERE r.tenant = $1 AND r.type = $2 AND r.id = $3 ORDER BY m.merged",
        ctx.tenant.id,
        ctx.registry.type_id("Patient"),
        patient,
    )
    return [patient, *(row["id"] for row in rows)]


# --- the person above the keepers --------------------------------------------------------------------------


async def link_person(ctx: Context, patient: str, person: int | None = None) -> int:
    """Say which human a Patient is; without a number he is a new one.  Patients of one human share the number."""
    ctx.policy.check(ctx, "link-person", "Patient", before=None, after=None)
    await fence.require(ctx, [("link-person", "Patient", patient)])
    if person is None:
        person = await ctx.tx.fetchval("INSERT INTO record.person DEFAULT VALUES RETURNING id")
    elif not await ctx.tx.fetchval("SELECT EXISTS (SELECT FROM record.person WHERE id = $1)", person):
        raise NotFound(f"person {person}")
    found = await ctx.tx.fetchval(
        "UPDATE record.resource SET person = $4"
        " WHERE tenant = $1 AND type = $2 AND id = $3 AND vid > 0 AND NOT deleted RETURNING person",
        ctx.tenant.id,
        ctx.registry.type_id("Patient"),
        patient,
        person,
    )
    if found is None:
        raise NotFound(f"Patient/{patient}")
    await ctx.trail.add(ctx, "link-person", "Patient", [("Patient", patient)])
    return int(found)


async def person_of(ctx: Context, patient: str) -> int | None:
    """The number of the human a Patient is, where somebody said so."""
    number: int | None = await ctx.tx.fetchval(
        "SELECT person FROM record.resource WHERE tenant = $1 AND type = $2 AND id = $3",
        ctx.tenant.id,
        ctx.registry.type_id("Patient"),
        patient,
    )
    return number


async def patients_of(ctx: Context, person: int) -> list[str]:
    """The Patients of one human in this keeper's record; for another keeper's, ask with a context of that tenant."""
    rows = await ctx.tx.fetch(
        "SELECT id FROM record.resource WHERE tenant = $1 AND person = $2 AND NOT deleted ORDER BY key",
        ctx.tenant.id,
        person,
    )
    return [row["id"] for row in rows]


# --- how it is done ----------------------------------------------------------------------------------------


async def _lock_merges(ctx: Context) -> None:
    """One merge at a time in a keeper's record, so that two of them never make a ring; they are rare."""
    await ctx.tx.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('hsba merge ' || $1::text, 0))", str(ctx.tenant.id)
    )


async def _both(ctx: Context, survivor: str, other: str) -> tuple[Current, Current]:
    """Both Patients, locked, changeable, and visible to who asks."""
    number = ctx.registry.type_id("Patient")
    found = await resources.currents(ctx.tx, ctx.tenant.id, [(number, survivor), (number, other)])
    result = []
    for id_ in (survivor, other):
        current = found.get((number, id_))
        if current is None or current.vid == 0:
            raise NotFound(f"Patient/{id_}")
        await interactions.may_see(ctx, "Patient", id_)
        if current.body is None:
            raise Gone(f"Patient/{id_}")
        lifecycle.check_change(current)
        before = json.stored(current.body)
        ctx.policy.check(ctx, "merge", "Patient", before=before, after=None)
        result.append(current)
    return result[0], result[1]


async def _links(ctx: Context) -> dict[int, int]:
    """Who was merged into whom directly, in the whole record of this keeper."""
    rows = await ctx.tx.fetch("SELECT patient, direct FROM record.merged WHERE tenant = $1", ctx.tenant.id)
    return {row["patient"]: row["direct"] for row in rows}


def _chain(links: dict[int, int], key: int) -> list[int]:
    """Those a Patient was merged into, step by step, without himself."""
    found: list[int] = []
    while key in links:
        key = links[key]
        found.append(key)
    return found


def _final(links: dict[int, int], key: int) -> int:
    """Whom a Patient counts as."""
    return (_chain(links, key) or [key])[-1]


async def _flatten(ctx: Context, links: dict[int, int]) -> None:
    """Write for every merged Patient whom he counts as now; only what differs is touched."""
    await ctx.tx.execute(
        "UPDATE record.merged m SET survivor = w.survivor FROM unnest($2::bigint[], $3::bigint[]) AS w(patient, survivor)"
        " WHERE m.tenant = $1 AND m.patient = w.patient AND m.survivor <> w.survivor",
        ctx.tenant.id,
        list(links),
        [_final(links, key) for key in links],
    )


async def _save(ctx: Context, told: str, *changes: Any) -> list[Stored]:
    pending = []
    for id_, current, change in changes:
        resource = change(json.stored(current.body or ""))
        interactions.check(ctx, resource)
        pending.append(Pending(MERGE, "Patient", id_, resource, current))
    return await save(ctx, pending, told=told)


def _with_link(resource: Resource, to: str, kind: str) -> Resource:
    links = resource.get("link", [])
    wanted = {"other": {"reference": f"Patient/{to}"}, "type": kind}
    return resource if _place(links, to, kind) is not None else {**resource, "link": [*links, wanted]}


def _without_link(resource: Resource, to: str, kind: str) -> Resource:
    links = resource.get("link", [])
    place = _place(links, to, kind)
    left = [link for number, link in enumerate(links) if number != place]
    rest = {name: value for name, value in resource.items() if name != "link"}
    return {**rest, "link": left} if left else rest


def _place(links: Sequence[Resource], to: str, kind: str) -> int | None:
    """Where a link to this Patient stands."""
    for place, link in enumerate(links):
        if link.get("type") == kind and link.get("other", {}).get("reference") == f"Patient/{to}":
            return place
    return None


async def _written(ctx: Context, chain: list[int], since: datetime) -> tuple[Written, ...]:
    """What was recorded about those the patient was merged into while he was: somebody must say whose it is."""
    rows = await ctx.tx.fetch(
        "SELECT type, id, recorded FROM record.resource WHERE tenant = $1 AND patient = ANY($2) AND recorded >= $3"
        " AND vid > 0 AND NOT deleted AND type <> $4 ORDER BY recorded, key",
        ctx.tenant.id,
        chain,
        since.replace(microsecond=since.microsecond // 1000 * 1000),
        ctx.registry.type_id("Patient"),
    )
    return tuple(Written(ctx.registry.type_name(row[0]), row[1], row[2]) for row in rows)
