"""What is written lies within the right to write it, before and after: asked of the database, in the write's transaction.

A policy's condition is an expression, and the one compiler says exactly what it means.  So the old state is asked before
the versions are saved, the new one after, and who is refused has changed nothing: raising rolls back (decision 0010).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hsba.fhir import json
from hsba.fhir.problems import Forbidden
from hsba.fhir.query.expression import Everything, Ids, all_of
from hsba.record import consents
from hsba.record.ports import AllowAll
from hsba.store import search as searching

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hsba.record.context import Context
    from hsba.record.saving import Pending

Resource = dict[str, Any]
Asked = tuple[str, str, str]
"""An act, a type and an id."""

ACTS = {"C": "create", "U": "update", "D": "delete", "M": "merge"}
"""The act that each letter of a version stands for."""
LABEL = "label"
"""The act of changing sensitivity labels, beside the one that saves them."""


class OutOfBounds(Forbidden):
    """You have this right, but not for this content as it is or would become; nothing was saved."""

    vi = "Bạn có quyền này nhưng không phải với nội dung này (hiện có hoặc sau khi ghi); chưa lưu gì."


def is_about_labels(ctx: Context, before: Resource | None, after: Resource | None) -> bool:
    """Whether a write adds or removes sensitivity labels, or is a Consent that lifts some; a delete takes them along."""
    if after is None:
        return False
    if after["resourceType"] == "Consent" and consents.lifts(after, ctx.tenant.zone) is not None:
        return True
    return _labels(before) != _labels(after)


def _labels(resource: Resource | None) -> set[tuple[str, str]]:
    codings = (resource or {}).get("meta", {}).get("security", ())
    return {(one.get("system", ""), one.get("code", "")) for one in codings}


async def before(ctx: Context, pending: Sequence[Pending]) -> list[Asked]:
    """Refuse to change what lies outside the right to change it; answers what must be asked again of the new state."""
    if ctx.policy.unrestricted:
        return []
    asked: list[Asked] = []
    there: list[Asked] = []
    for one in pending:
        old = one.before
        current = one.current
        if old is None and current is not None and current.body is not None:
            old = json.stored(current.body)
        acts = [ACTS[one.interaction]]
        if is_about_labels(ctx, old, one.resource):
            acts.append(LABEL)
        asked += [(act, one.type, one.id) for act in acts]
        if current is not None and current.vid and not current.deleted:
            there += [(act, one.type, one.id) for act in acts]
    await require(ctx, there)
    return [one for one, kept in zip(asked, _kept(asked, pending), strict=True) if kept]


def _kept(asked: Sequence[Asked], pending: Sequence[Pending]) -> Iterable[bool]:
    """Whether there is something left after each act: a delete leaves nothing to ask."""
    gone = {(one.type, one.id) for one in pending if one.resource is None}
    return ((type_, id_) not in gone for _, type_, id_ in asked)


async def require(ctx: Context, asked: Sequence[Asked]) -> None:
    """Refuse unless each of these resources, as it is at this moment of the transaction, lies within the right."""
    if ctx.policy.unrestricted:
        return
    wanted: dict[tuple[str, str], set[str]] = {}
    for act, type_, id_ in asked:
        wanted.setdefault((act, type_), set()).add(id_)
    whole = replace(ctx, policy=AllowAll())
    for (act, type_), ids in wanted.items():
        bounds = ctx.policy.within(act, type_)
        if isinstance(bounds, Everything):
            continue
        where = all_of([Ids(tuple(sorted(ids))), bounds])
        found = await searching.match_keys(ctx.tx, where, type_, whole, limit=len(ids))
        if {id_ for _, id_ in found} != ids:
            raise OutOfBounds(f"({act} {type_})")
