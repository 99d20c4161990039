"""The interactions of FHIR R4 (http.html): the one crossing to the record for every door.

Each takes `ctx` first; the transaction, the actor and the rights are in it.  Raising rolls back, returning commits.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hsba.fhir import json
from hsba.fhir import patch as patches
from hsba.fhir.problems import (
    BadRequest,
    Busy,
    Conflict,
    Gone,
    MultipleMatches,
    NotFound,
    PreconditionRequired,
    Unprocessable,
    VersionConflict,
)
from hsba.fhir.query.expression import Everything, Expression
from hsba.fhir.validate import validate
from hsba.record import consents, consequences, derived, hiding, lifecycle, owned, parameters
from hsba.record.context import new_id
from hsba.record.ports import ReadsApart
from hsba.record.saving import Pending, Saved, commits_alone, provenance, save
from hsba.record.subscriptions import check as subscriptions
from hsba.store import resources
from hsba.store import search as searching

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hsba.fhir.problems import Issue
    from hsba.fhir.query.parse import Search
    from hsba.record.context import Context
    from hsba.store.resources import Current, Stored
    from hsba.store.search import Page

Resource = dict[str, Any]

RULES: dict[str, Callable[[Context, Resource], tuple[Issue, ...]]] = {
    "Consent": consents.issues,
    "Subscription": subscriptions.issues,
}
"""What a type must fulfil beyond its definition, because this server acts on it."""


# --- reading -----------------------------------------------------------------------------------------------


async def read(ctx: Context, type: str, id: str) -> Stored:
    """The current version of a resource (FHIR R4 http.html#read)."""
    if (own := ctx.stores.get(type)) is not None:
        found = await own.read(ctx, id)
        await ctx.trail.add(ctx, "read", type, [(type, id)])
        return hiding.hide(ctx, type, found)
    if (there := await owned.on_shelf(ctx, type, id)) is not None:
        await ctx.trail.add(ctx, "read", type, [(type, id)])
        return hiding.hide(ctx, type, there)
    await may_see(ctx, type, id)
    number = ctx.registry.type_id(type)
    if ctx.trail.written_by_store:
        stored = await resources.read_told(
            ctx.tx, ctx.tenant.id, number, id, provenance(ctx), ctx.clock.now()
        )
    else:
        stored = await resources.read(ctx.tx, ctx.tenant.id, number, id)
    if stored is None:
        raise NotFound(f"{type}/{id}")
    if stored.deleted:
        raise Gone(f"{type}/{id}")
    if ctx.trail.written_by_store:
        ctx.told.add("read")
    else:
        await ctx.trail.add(ctx, "read", type, [stored])
    return hiding.hide(ctx, type, stored)


async def vread(ctx: Context, type: str, id: str, vid: str) -> Stored:
    """One version of a resource (FHIR R4 http.html#vread)."""
    owned.refuse_history(ctx, type)
    stored = None
    if vid.isascii() and vid.isdigit() and len(vid) < 10:
        stored = await resources.vread(ctx.tx, ctx.tenant.id, ctx.registry.type_id(type), id, int(vid))
    if stored is None:
        raise NotFound(f"{type}/{id}/_history/{vid}")
    await may_see(ctx, type, id)
    if stored.deleted:
        raise Gone(f"{type}/{id}/_history/{vid}")
    await ctx.trail.add(ctx, "vread", type, [stored])
    return hiding.hide(ctx, type, stored)


async def search(ctx: Context, wanted: Search) -> Page:
    """The resources that fit and may be seen (FHIR R4 http.html#search)."""
    type_ = wanted.types[0] if len(wanted.types) == 1 else None
    if (own := owned.store(ctx, wanted.types)) is not None:
        page = await own.search(ctx, wanted)
        await ctx.trail.add(ctx, "search", type_, [(type_, one.id) for one in page.matches])
    elif type_ is not None and type_ in ctx.shelves:
        page = await owned.with_shelf(ctx, wanted)
        await ctx.trail.add(ctx, "search", type_, [(type_, one.id) for one in page.matches])
    else:
        page = await searching.run(ctx.tx, wanted, ctx)
        await ctx.trail.add(ctx, "search", type_, page.all())
    return hiding.hide_page(ctx, page)


async def require(ctx: Context, type: str, id: str) -> None:
    """Refuse, as a read does, what is not there, was deleted or may not be seen; nothing is shown and nobody is told."""
    stored = await resources.read(ctx.tx, ctx.tenant.id, ctx.registry.type_id(type), id)
    if stored is None:
        raise NotFound(f"{type}/{id}")
    await may_see(ctx, type, id)
    if stored.deleted:
        raise Gone(f"{type}/{id}")


async def may_see(ctx: Context, type: str, id: str) -> None:
    """Answer 404 for what this actor may not know of; the policy is a search like any other."""
    if isinstance(ctx.policy, ReadsApart):
        ctx = replace(ctx, policy=ctx.policy.to_read())
    if ctx.policy.unrestricted or isinstance(ctx.policy.visible(type), Everything):
        return
    if not await searching.sees(ctx.tx, type, id, ctx):
        raise NotFound(f"{type}/{id}")


# --- writing -----------------------------------------------------------------------------------------------


async def create(ctx: Context, resource: Resource, *, if_none_exist: Expression | None = None) -> Saved:
    """Save a new resource under an id of the server's (FHIR R4 http.html#create, #ccreate)."""
    type_ = resource["resourceType"]
    owned.refuse_write(ctx, type_)
    if if_none_exist is not None and (found := await match_one(ctx, type_, if_none_exist)):
        return Saved(await read(ctx, type_, found), created=False, changed=False)
    ctx.policy.check(ctx, "create", type_, before=None, after=resource)
    issues = await checked(ctx, resource)
    derived.check(ctx, resource)
    (stored,) = await save(ctx, [Pending("C", type_, new_id(), resource)])
    await consequences.follow(ctx, type_, stored.id, before=None, after=resource)
    return Saved(hiding.hide(ctx, type_, stored), created=True, issues=issues)


async def update(ctx: Context, resource: Resource, *, if_match: str | None = None) -> Saved:
    """Replace a resource by a new version, or create it at the id given (FHIR R4 http.html#update, #upsert)."""
    type_, id_ = resource["resourceType"], resource["id"]
    owned.refuse_write(ctx, type_)
    alone = commits_alone(ctx) and type_ not in ctx.consequences
    current = await resources.current(
        ctx.tx, ctx.tenant.id, ctx.registry.type_id(type_), id_, lock=True, alone=alone
    )
    exists = current is not None and current.vid > 0
    if exists:
        await may_see(ctx, type_, id_)
    require_match(current, if_match)
    before = json.stored(current.body) if current is not None and current.body is not None else None
    ctx.policy.check(ctx, "update" if exists else "create", type_, before=before, after=resource)
    if current is not None:
        lifecycle.check_change(current)
    derived.check(ctx, before, resource)
    resource = hiding.keep_hidden(ctx, type_, before, resource)
    issues = await checked(ctx, resource)
    if before is not None and current is not None and unchanged(before, resource):
        stored = resources.Stored(
            current.key,
            ctx.registry.type_id(type_),
            id_,
            current.vid,
            current.recorded,
            deleted=False,
            body=current.body,
        )
        await ctx.trail.add(ctx, "read", type_, [stored])  # nothing was written, but it is shown
        return Saved(hiding.hide(ctx, type_, stored), created=False, issues=issues, changed=False)
    pending = Pending("U" if exists else "C", type_, id_, resource, current, before=before)
    try:
        (stored,) = await save(ctx, [pending])
    except VersionConflict as conflict:
        if alone and if_match is None:
            raise Busy from conflict  # changed since we looked: a second try builds on that
        raise
    await consequences.follow(ctx, type_, id_, before=before, after=resource)
    return Saved(
        hiding.hide(ctx, type_, stored),
        created=not exists or (current is not None and current.deleted),
        issues=issues,
    )


async def update_where(
    ctx: Context, resource: Resource, where: Expression, *, if_match: str | None = None
) -> Saved:
    """Replace the one resource that fits, or create it (FHIR R4 http.html#cond-update)."""
    type_ = resource["resourceType"]
    found = await match_one(ctx, type_, where)
    given = resource.get("id")
    if found is None:
        if given is None:
            return await create(ctx, resource)
        taken = await resources.read(ctx.tx, ctx.tenant.id, ctx.registry.type_id(type_), given)
        if taken is not None:
            raise Conflict(
                f"{type_}/{given} does not fit the condition.", vi=f"{type_}/{given} không khớp điều kiện."
            )
        return await update(ctx, resource)
    if given is not None and given != found:
        raise BadRequest(
            f"The content has id {given}, the condition fits {found}.",
            vi=f"Nội dung mang id {given}, điều kiện lại khớp {found}.",
        )
    return await update(ctx, {**resource, "id": found}, if_match=if_match)


async def patch(
    ctx: Context, type: str, id: str, change: patches.Patch, *, if_match: str | None = None
) -> Saved:
    """Change part of a resource by JSON Patch or FHIRPath Patch (FHIR R4 http.html#patch)."""
    owned.refuse_write(ctx, type)
    current = await resources.current(ctx.tx, ctx.tenant.id, ctx.registry.type_id(type), id, lock=True)
    if current is None or current.vid == 0:
        raise NotFound(f"{type}/{id}")
    await may_see(ctx, type, id)
    if current.body is None:
        raise Gone(f"{type}/{id}")
    require_match(current, if_match)
    before = json.stored(current.body)
    shown = hiding.without_hidden(ctx, type, before)
    after = patches.apply(shown, change, ctx.definitions)
    if after.get("resourceType") != type or after.get("id") != id:
        raise Unprocessable(
            "A patch may not change the type or the id.", vi="Không được đổi loại hoặc id khi vá."
        )
    return await update(ctx, after, if_match=None)


async def patch_where(
    ctx: Context, type: str, change: patches.Patch, where: Expression, *, if_match: str | None = None
) -> Saved:
    """Patch the one resource that fits (FHIR R4 http.html#patch, conditional)."""
    found = await match_one(ctx, type, where)
    if found is None:
        raise NotFound(f"No {type} fits the condition.", vi=f"Không có {type} khớp điều kiện.")
    return await patch(ctx, type, found, change, if_match=if_match)


async def delete(ctx: Context, type: str, id: str, *, if_match: str | None = None) -> Stored | None:
    """Leave a tombstone version (FHIR R4 http.html#delete); None when there was nothing left to delete."""
    owned.refuse_write(ctx, type)
    current = await resources.current(ctx.tx, ctx.tenant.id, ctx.registry.type_id(type), id, lock=True)
    if current is None or current.vid == 0:
        raise NotFound(f"{type}/{id}")
    await may_see(ctx, type, id)
    if current.deleted or current.body is None:
        return None
    require_match(current, if_match)
    before = json.stored(current.body)
    ctx.policy.check(ctx, "delete", type, before=before, after=None)
    await lifecycle.check_delete(ctx, current)
    derived.check(ctx, before)
    (stored,) = await save(ctx, [Pending("D", type, id, None, current)])
    await consequences.follow(ctx, type, id, before=before, after=None)
    return stored


async def delete_where(ctx: Context, type: str, where: Expression, *, multiple: bool = False) -> list[Stored]:
    """Delete what fits: one, or all where the door allows several (FHIR R4 http.html#3.1.0.7.1)."""
    owned.refuse_write(ctx, type)
    keys = await searching.match_keys(ctx.tx, where, type, ctx, limit=1000 if multiple else 2)
    if len(keys) > 1 and not multiple:
        raise MultipleMatches
    deleted = [await delete(ctx, type, id_) for _, id_ in keys]
    return [one for one in deleted if one is not None]


# --- what the verbs share ----------------------------------------------------------------------------------


def check(ctx: Context, resource: Resource, *, profiles: Sequence[str] = ()) -> tuple[Issue, ...]:
    """Validate; refuse (422) with every problem found, or answer the warnings."""
    found: Sequence[Issue] = ()
    if ctx.rules.validate:
        found = validate(resource, ctx.definitions, codes=ctx.codes, against=tuple(profiles))
    return settle(ctx, resource, found)


async def checked(ctx: Context, resource: Resource) -> tuple[Issue, ...]:
    """The same; of a large request in the process that is there for it."""
    if ctx.aside is None or not ctx.rules.validate:
        return check(ctx, resource)
    (found,) = await ctx.aside.issues([resource])
    return settle(ctx, resource, found)


def settle(ctx: Context, resource: Resource, found: Sequence[Issue]) -> tuple[Issue, ...]:
    """Refuse (422) with every problem that validation and the type's own rules found, or answer the warnings."""
    issues = tuple(found)
    if resource["resourceType"] in RULES and not any(issue.blocks for issue in issues):
        issues += RULES[resource["resourceType"]](ctx, resource)
    if any(issue.blocks for issue in issues):
        raise Unprocessable(issues=issues)
    parameters.check(ctx, resource)
    return issues


async def match_one(ctx: Context, type: str, where: Expression) -> str | None:
    """The id of the one resource that fits; 412 when several do.

    The condition is locked first, so that two clients who ask at once do not both create (FHIR R4 http.html#ccreate).
    """
    owned.refuse_write(ctx, type)
    await searching.lock_condition(ctx.tx, ctx.tenant.id, type, where)
    keys = await searching.match_keys(ctx.tx, where, type, ctx, limit=2)
    if len(keys) > 1:
        raise MultipleMatches
    return keys[0][1] if keys else None


def require_match(current: Current | None, if_match: str | None) -> None:
    """Refuse (412) when the version named by If-Match is not the current one."""
    if if_match is None:
        return
    wanted = if_match.strip().removeprefix("W/").strip('"')
    if wanted == "*":
        if current is None or current.vid == 0:
            raise VersionConflict
        return
    if not wanted:
        raise PreconditionRequired
    if current is None or str(current.vid) != wanted:
        raise VersionConflict


def unchanged(before: Resource, after: Resource) -> bool:
    """Whether an update would change nothing but the stamp; the order of names does not matter, digits do."""
    one, other = _bare(before), _bare(after)
    return one == other and _equal(
        one, other
    )  # the first is quick to see a difference, the second sees every digit


def _bare(resource: Resource) -> Resource:
    """A resource without its stamp."""
    meta = {k: v for k, v in resource.get("meta", {}).items() if k not in ("versionId", "lastUpdated")}
    rest = {k: v for k, v in resource.items() if k != "meta"}
    return {**rest, "meta": meta} if meta else rest


def _equal(one: Any, other: Any) -> bool:
    if type(one) is not type(other):
        return False
    if type(one) is dict:
        return one.keys() == other.keys() and all(_equal(value, other[key]) for key, value in one.items())
    if type(one) is list:
        return len(one) == len(other) and all(map(_equal, one, other))
    if type(one) is Decimal:  # 1.50 is not 1.5: the digits are part of what was measured
        return bool(one.as_tuple() == other.as_tuple())
    return bool(one == other)
