"""Why an account may or may not do something: which lines of which roles speak of it, and what each says of a resource."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hsba.access.rights.policy import READ
from hsba.fhir.problems import NotFound
from hsba.fhir.query import expression as e
from hsba.record.ports import AllowAll
from hsba.store import search as searching

if TYPE_CHECKING:
    from hsba.access.rights.policy import Fault, Given, RolePolicy
    from hsba.record.context import Context


@dataclass(frozen=True, slots=True)
class Word:
    """What one line says: whether it holds here, or why it means nothing."""

    given: Given
    holds: bool
    fault: Fault | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether it may be done, and all that speaks for and against it; what is kept back from what is shown."""

    allowed: bool
    words: tuple[Word, ...]
    hidden: frozenset[str]
    read_only: frozenset[str]


async def explain(ctx: Context, policy: RolePolicy, act: str, type: str, id: str | None) -> Verdict:
    """Why an account may do something to a resource, or, without an id, to some resource of a type.

    `ctx` sees everything; without an id a line holds when it may hold for something.
    """
    whole = replace(ctx, policy=AllowAll())
    if id is not None and not await _true(whole, type, id, e.Everything()):
        raise NotFound(f"{type}/{id}")
    words = [
        Word(
            one.given,
            not isinstance(one.where, e.Nothing) if id is None else await _true(whole, type, id, one.where),
            one.fault,
        )
        for one in policy.meant(act, type)
    ]
    bounds = policy.within(act, type)
    allowed = not isinstance(bounds, e.Nothing) if id is None else await _true(whole, type, id, bounds)
    if act not in (READ, "create") and id is not None:  # nothing is done to what is not seen
        allowed = allowed and await _true(whole, type, id, policy.visible(type))
    return Verdict(allowed, tuple(words), policy.hidden(type), policy.read_only(type))


async def _true(ctx: Context, type: str, id: str, where: e.Expression) -> bool:
    if isinstance(where, e.Nothing):
        return False
    return bool(await searching.match_keys(ctx.tx, e.all_of([e.Ids((id,)), where]), type, ctx, limit=1))
