"""What was, at three levels: one resource, one type, everything (FHIR R4 http.html#history)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hsba.fhir.problems import BadRequest, NotFound
from hsba.fhir.query.expression import Ids
from hsba.record import hiding, interactions, owned
from hsba.store import history as versions
from hsba.store import resources
from hsba.store import search as searching
from hsba.store.history import Cursor, Entry, Span

if TYPE_CHECKING:
    from datetime import datetime

    from hsba.record.context import Context
    from hsba.store.resources import Stored

USUAL_COUNT = 50
LOOKS = 20
"""How often a page looks further when the policy leaves it short, before it answers what it has."""


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Versions with the names of their types, the newest first; `next` continues, `horizon` is a safe `_since`.

    All pages of one reading carry the horizon of the first: what commits while a client turns pages is in none of them.
    """

    entries: list[tuple[Stored, str]]
    next: str | None
    total: int | None
    horizon: datetime


async def history(
    ctx: Context,
    type: str | None = None,
    id: str | None = None,
    *,
    span: Span | None = None,
    count: int | None = None,
    cursor: str | None = None,
) -> HistoryPage:
    """One page of the history of a resource, a type, or everything (FHIR R4 http.html#history)."""
    owned.refuse_history(ctx, type)
    span = span or Span()
    limit = USUAL_COUNT if count is None else min(count, ctx.rules.max_search_count)
    if limit < 0:
        raise BadRequest("_count may not be negative.", vi="_count không được âm.")
    horizon = await versions.horizon(ctx.tx)
    if type is not None and id is not None:
        page = await _of_resource(ctx, type, id, span, limit, cursor, horizon)
    else:
        page = await _of_types(ctx, type, span, limit, cursor, horizon)
    await ctx.trail.add(ctx, "history", type, [stored for stored, _ in page.entries])
    return page


async def _of_resource(
    ctx: Context, type_: str, id_: str, span: Span, limit: int, cursor: str | None, horizon: datetime
) -> HistoryPage:
    """A resource's versions are numbered without gaps, so the number is the cursor."""
    current = await resources.read(ctx.tx, ctx.tenant.id, ctx.registry.type_id(type_), id_)
    if current is None:
        raise NotFound(f"{type_}/{id_}")
    await interactions.may_see(ctx, type_, id_)
    after = None if cursor is None else Cursor.of(cursor)
    before, horizon = (after.vid, after.horizon) if after else (None, horizon)
    found = await versions.of_resource(
        ctx.tx, ctx.tenant.id, current.key, span, before=before, limit=limit + 1
    )
    total = await versions.count(ctx.tx, ctx.tenant.id, current.key, span)
    shown = found[:limit]
    more = len(found) > limit and shown
    return HistoryPage(
        _shown(ctx, shown),
        Cursor(0, current.key, shown[-1].stored.vid, "1:1:", horizon).text() if more else None,
        total,
        horizon,
    )


async def _of_types(
    ctx: Context, type_: str | None, span: Span, limit: int, cursor: str | None, horizon: datetime
) -> HistoryPage:
    types = None if type_ is None else [ctx.registry.type_id(type_)]
    after = None if cursor is None else Cursor.of(cursor)
    snapshot = after.snapshot if after else await versions.snapshot(ctx.tx)
    horizon = after.horizon if after else horizon
    shown: list[Entry] = []
    more = limit > 0
    for _ in range(LOOKS):
        if not more or len(shown) > limit:
            break
        found = await versions.of_types(ctx.tx, ctx.tenant.id, types, span, after=after, limit=limit + 1)
        more = len(found) > limit
        shown.extend(await _visible(ctx, found))
        if found:
            last = found[-1]
            after = Cursor(last.xid, last.stored.key, last.stored.vid, snapshot, horizon)
    if len(shown) > limit:
        shown = shown[:limit]
        last = shown[-1]
        after, more = Cursor(last.xid, last.stored.key, last.stored.vid, snapshot, horizon), True
    return HistoryPage(_shown(ctx, shown), after.text() if more and after else None, None, horizon)


async def _visible(ctx: Context, found: list[Entry]) -> list[Entry]:
    """Those versions whose resource, as it is now, this actor may see."""
    if ctx.policy.unrestricted:
        return found
    wanted: dict[int, set[str]] = {}
    for entry in found:
        wanted.setdefault(entry.stored.type, set()).add(entry.stored.id)
    visible: set[int] = set()
    for type_, ids in wanted.items():
        keys = await searching.match_keys(
            ctx.tx, Ids(tuple(sorted(ids))), ctx.registry.type_name(type_), ctx, limit=len(ids), deleted=True
        )
        visible.update(key for key, _ in keys)
    return [entry for entry in found if entry.stored.key in visible]


def _shown(ctx: Context, entries: list[Entry]) -> list[tuple[Stored, str]]:
    shown = []
    for entry in entries:
        type_ = ctx.registry.type_name(entry.stored.type)
        shown.append((hiding.hide(ctx, type_, entry.stored), type_))
    return shown
