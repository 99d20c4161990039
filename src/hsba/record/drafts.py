"""Drafts are not versions: the last state of what somebody is writing, and twenty steps back.

They are kept per author and target, seen by nobody else, and are in no search, history or export.  Committing one
makes exactly one version, however often it is asked for.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hsba.fhir import json
from hsba.fhir.problems import BadRequest, NotFound
from hsba.record import idempotency, interactions
from hsba.record.context import new_id
from hsba.record.saving import Saved
from hsba.store import resources

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from hsba.record.context import Context

STEPS_BACK = 20

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody is writing: for which resource, the how-many-eth state, when kept, in which editing session."""

    target: str
    step: int
    saved: datetime
    session: UUID
    body: Resource


def new_target(type: str) -> str:
    """The target of something new: its id is given now, so that committing twice makes one resource."""
    return f"{type}/{new_id()}"


async def save(ctx: Context, target: str, body: Resource, *, session: UUID) -> Draft:
    """Keep a state; an unchanged one makes no step, and the oldest beyond twenty steps back is dropped."""
    type_, id_ = _parts(ctx, target)
    body = {**body, "resourceType": type_, "id": id_}
    await _may_write(ctx, type_, id_, body)
    text = json.dump(body).decode()
    last = await _last(ctx, target, lock=True)
    if last is not None and json.dump(last.body).decode() == text:
        return last
    draft = Draft(target, last.step + 1 if last else 1, ctx.clock.now(), session, body)
    await ctx.tx.execute(
        "INSERT INTO record.draft (tenant, account, target, step, saved, session, body)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
        ctx.tenant.id,
        ctx.actor.account,
        target,
        draft.step,
        draft.saved,
        session,
        text,
    )
    await ctx.tx.execute(
        "DELETE FROM record.draft WHERE tenant = $1 AND account = $2 AND target = $3 AND step < $4",
        ctx.tenant.id,
        ctx.actor.account,
        target,
        draft.step - STEPS_BACK,
    )
    if last is None or last.session != session:  # one line in the trail for each editing session
        await ctx.trail.add(ctx, "draft", type_, [(type_, id_)])
    return draft


async def load(ctx: Context, target: str) -> Draft | None:
    """The last state this author kept; None when there is no draft of his."""
    return await _last(ctx, target)


async def steps(ctx: Context, target: str) -> list[Draft]:
    """Every state still kept, the newest first."""
    rows = await ctx.tx.fetch(
        "SELECT step, saved, session, body FROM record.draft"
        " WHERE tenant = $1 AND account = $2 AND target = $3 ORDER BY step DESC",
        ctx.tenant.id,
        ctx.actor.account,
        target,
    )
    return [Draft(target, row[0], row[1], row[2], json.parse(row[3].encode())) for row in rows]


async def back(ctx: Context, target: str) -> Draft | None:
    """Go one step back: the newest state is dropped and the one before is answered; the first one stays."""
    last = await _last(ctx, target, lock=True)
    if last is None:
        return None
    await ctx.tx.execute(
        "DELETE FROM record.draft d WHERE tenant = $1 AND account = $2 AND target = $3 AND step = $4"
        " AND EXISTS (SELECT FROM record.draft b WHERE b.tenant = d.tenant AND b.account = d.account"
        "             AND b.target = d.target AND b.step < d.step)",
        ctx.tenant.id,
        ctx.actor.account,
        target,
        last.step,
    )
    return await _last(ctx, target)


async def discard(ctx: Context, target: str) -> None:
    """Throw this author's draft away with all its steps."""
    await ctx.tx.execute(
        "DELETE FROM record.draft WHERE tenant = $1 AND account = $2 AND target = $3",
        ctx.tenant.id,
        ctx.actor.account,
        target,
    )


async def mine(ctx: Context) -> list[tuple[str, datetime]]:
    """What this author has begun and not finished: targets and when each was last kept, the newest first."""
    rows = await ctx.tx.fetch(
        "SELECT target, max(saved) AS saved FROM record.draft WHERE tenant = $1 AND account = $2"
        " GROUP BY target ORDER BY 2 DESC",
        ctx.tenant.id,
        ctx.actor.account,
    )
    return [(row["target"], row["saved"]) for row in rows]


async def commit(ctx: Context, target: str, *, session: UUID, if_match: str | None = None) -> Saved:
    """Make the last state a version and drop the draft; asked again for the same session, answer that version."""
    type_, id_ = _parts(ctx, target)
    draft = await _last(ctx, target, lock=True)
    key = f"draft:{session}"
    request = hashlib.sha256(target.encode()).digest()
    done = await idempotency.find(ctx, key, request)
    if done is not None:
        return Saved(
            await interactions.vread(ctx, type_, id_, done.headers["version"]), created=False, changed=False
        )
    if draft is None:
        raise NotFound(f"There is no draft of {target}.", vi=f"Không có bản nháp của {target}.")
    saved = await interactions.update(ctx, draft.body, if_match=if_match)
    await discard(ctx, target)
    await idempotency.keep(
        ctx,
        key,
        request,
        idempotency.Answer(201 if saved.created else 200, {"version": str(saved.stored.vid)}),
    )
    return saved


async def _last(ctx: Context, target: str, *, lock: bool = False) -> Draft | None:
    row = await ctx.tx.fetchrow(
        "SELECT step, saved, session, body FROM record.draft WHERE tenant = $1 AND account = $2 AND target = $3"
        " ORDER BY step DESC LIMIT 1" + (" FOR UPDATE" if lock else ""),
        ctx.tenant.id,
        ctx.actor.account,
        target,
    )
    return None if row is None else Draft(target, row[0], row[1], row[2], json.parse(row[3].encode()))


async def _may_write(ctx: Context, type_: str, id_: str, body: Resource) -> None:
    """The rights of the write that the draft is to become."""
    stored = await resources.read(ctx.tx, ctx.tenant.id, ctx.registry.type_id(type_), id_)
    if stored is None or stored.body is None:
        ctx.policy.check(ctx, "create", type_, before=None, after=body)
        return
    await interactions.may_see(ctx, type_, id_)
    ctx.policy.check(ctx, "update", type_, before=json.stored(stored.body), after=body)


def _parts(ctx: Context, target: str) -> tuple[str, str]:
    """A draft is always of one resource: `Type/id`."""
    type_, _, id_ = target.partition("/")
    if type_ not in ctx.definitions.resource_types or not id_ or "/" in id_:
        raise BadRequest(
            f"A draft's target is Type/id, not {target}.",
            vi=f"Bản nháp gắn với Loại/id, không phải {target}.",
        )
    return type_, id_
