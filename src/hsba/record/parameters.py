"""Search parameters added at run time: a SearchParameter that is saved and active works for the whole installation.

It takes effect in the transaction that saves it, so that what cannot work is refused with its reason and what was
acknowledged is in force (decision 0007).  The search rows of what is stored already are made by `record.reindexing`.
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING, Any

from hsba.fhir import added, json
from hsba.fhir.paths import catalogue
from hsba.store import generation, jobs
from hsba.store.generation import Brought

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hsba.fhir.definitions import Definitions
    from hsba.record.context import Context
    from hsba.record.saving import Pending

Resource = dict[str, Any]

TYPE = "SearchParameter"
JOB = "reindex"


def check(ctx: Context, resource: Resource) -> None:
    """Refuse an active SearchParameter that could not work here, beside those of the packages."""
    if resource["resourceType"] == TYPE and added.works(resource):
        packages = ctx.definitions.with_parameters([], ctx.definitions.generation)
        if not packages.has(resource["url"]):
            others = [raw for url, raw in ctx.definitions.added.items() if raw["code"] != resource["code"]]
            added.check(resource, packages.with_parameters(others, ctx.definitions.generation))


def concerned(pending: Sequence[Pending]) -> bool:
    """Whether some of these versions are SearchParameters."""
    return any(one.type == TYPE for one in pending)


async def take_effect(ctx: Context, pending: Sequence[Pending]) -> None:
    """Let the SearchParameters among some saved versions work, or work no more, once their transaction commits."""
    if not concerned(pending):
        return
    mine = [one for one in pending if one.type == TYPE]
    before = {(one.tenant, one.id): one for one in await generation.brought(ctx.tx)}
    packages = ctx.definitions.with_parameters([], 0)
    after = dict(before)
    for one in mine:
        place = (ctx.tenant.id, one.id)
        after.pop(place, None)
        raw = one.resource
        # What a package defines already stays as the package has it.
        if raw is not None and added.works(raw) and not packages.has(raw["url"]):
            after[place] = _brought(ctx.tenant.id, one.id, raw)
    if after == before:
        return
    await generation.lock(ctx.tx, ctx.definitions.generation + ctx.tx.stepped)
    for place in before.keys() - after.keys():
        await generation.remove(ctx.tx, *place)
    for place, row in after.items():
        if before.get(place) != row:
            _refuse_other(row, after.values())
            await generation.put(ctx.tx, row)
    was, now = _distinct(before.values()), _distinct(after.values())
    if {url: row.digest for url, row in was.items()} == {url: row.digest for url, row in now.items()}:
        return
    changed = {
        url
        for url in was.keys() | now.keys()
        if (was[url].digest if url in was else None) != (now[url].digest if url in now else None)
    }
    ctx.tx.wrote = True  # no path or number that this transaction sees may be remembered before it commits
    number = await generation.step(ctx.tx)
    old = packages.with_parameters(map(_raw, was.values()), number - 1)
    new = packages.with_parameters(map(_raw, now.values()), number)
    for url in sorted(changed & now.keys()):
        others = [_raw(row) for other, row in now.items() if other != url]
        added.check(_raw(now[url]), packages.with_parameters(others, number))
    raws = [_raw(rows[url]) for rows in (was, now) for url in changed & rows.keys()]
    unused = await _change_paths(ctx, old, new, {base for raw in raws for base in raw["base"]}, number)
    await jobs.enqueue(ctx.tx, JOB, {"generation": number, "unused": unused})


async def _change_paths(
    ctx: Context, old: Definitions, new: Definitions, bases: set[str], number: int
) -> list[str]:
    """Close for searches the paths that the change adds, and give up those it drops; answers the types not in use.

    Nothing is stored of those, unless somebody does so for the first time at this moment: the job looks there again.
    """
    came: list[int] = []
    gone: list[int] = []
    types = new.types_of(bases)
    in_use = await ctx.registry.types_in_use(ctx.tx)
    for type_ in types:
        if type_ not in in_use:
            continue
        before, after = catalogue(old, type_), catalogue(new, type_)
        numbers = await ctx.registry.paths(ctx.tx, after, make=True)
        came += [numbers[key] for key in after.paths.keys() - before.paths.keys()]
        dropped = before.paths.keys() - after.paths.keys()
        if dropped:
            numbers = await ctx.registry.paths(ctx.tx, before, make=False)
            gone += [numbers[key] for key in dropped if key in numbers]
        await asyncio.sleep(0)  # a parameter of all types is much to read: others get their turn
    await generation.change_paths(ctx.tx, number, added=sorted(came), dropped=sorted(gone))
    return [type_ for type_ in types if type_ not in in_use]


def _brought(tenant: int, id_: str, raw: Resource) -> Brought:
    digest = hashlib.sha256(json.dump(added.meaning(raw))).digest()
    return Brought(tenant, id_, raw["url"], digest, json.dump(raw).decode())


def _raw(row: Brought) -> Resource:
    return json.stored(row.body)


def _distinct(rows: Iterable[Brought]) -> dict[str, Brought]:
    """One row for each address, the one that the database tells first."""
    found: dict[str, Brought] = {}
    for row in sorted(rows, key=lambda row: (row.url, row.tenant, row.id)):
        found.setdefault(row.url, row)
    return found


def _refuse_other(row: Brought, rows: Iterable[Brought]) -> None:
    """Several may bring the same search parameter, but not two different ones under one address."""
    for other in rows:
        if other.url == row.url and other.digest != row.digest:
            raise added.ParameterTaken(
                f"{row.url} is there with another meaning; both must say the same.",
                vi=f"{row.url} đã có với nội dung khác; hai bên phải giống nhau.",
                path="SearchParameter.url",
            )


def from_bodies(definitions: Definitions, known: generation.Known) -> Definitions:
    """The definitions with the search parameters that the database has."""
    return definitions.with_parameters((json.parse(body.encode()) for body in known.bodies), known.number)


__all__ = ["JOB", "check", "from_bodies", "take_effect"]
