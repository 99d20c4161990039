"""States of a dossier, and the lock of what was signed: tables of what may follow what.

A lock lies beside the version it protects, so that closing or archiving a dossier changes no signed byte.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hsba.fhir.problems import BadRequest, Conflict, SignedRecord, StillReferenced
from hsba.record import fence

if TYPE_CHECKING:
    from hsba.record.context import Context
    from hsba.store.resources import Current

STATES = ("none", "draft", "active", "closed", "archived", "destroyed", "cancelled")
"""The numbers kept in `record.resource.state` are the places in this tuple; `none` is what has no lifecycle."""


class WrongState(Conflict):
    """The dossier's state does not allow this step; nothing was changed."""

    vi = "Trạng thái hồ sơ không cho phép bước này; chưa thay đổi gì."


@dataclass(frozen=True, slots=True)
class Step:
    """A transition: from which states, to which, the right it needs, and whether a reason must be given."""

    name: str
    source: tuple[str, ...]
    target: str
    right: str
    reason: bool


STEPS: dict[str, Step] = {
    step.name: step
    for step in (
        Step("open", ("none",), "draft", "Composition:create", reason=False),
        Step("activate", ("draft",), "active", "Composition:update", reason=False),
        Step("close", ("active",), "closed", "Composition:close", reason=False),
        Step("reopen", ("closed",), "active", "Composition:reopen", reason=True),
        Step("archive", ("closed",), "archived", "Composition:archive", reason=False),
        Step("destroy", ("archived",), "destroyed", "Composition:destroy", reason=True),
        Step("cancel", ("draft", "active"), "cancelled", "Composition:cancel", reason=True),
        Step("restore", ("cancelled",), "active", "Composition:restore", reason=True),
    )
}

FROZEN = frozenset({"closed", "archived", "destroyed", "cancelled"})
FROZEN_NUMBERS = [number for number, state in enumerate(STATES) if state in FROZEN]
"""In these states neither the dossier nor what belongs to it may be changed."""


async def lock(ctx: Context, type: str, id: str, vid: int, *, why: str) -> None:
    """Lock a version by the acting account: from now on this resource refuses update and delete (409)."""
    row = await ctx.tx.fetchrow(
        "SELECT key, vid FROM record.resource WHERE tenant = $1 AND type = $2 AND id = $3 AND NOT deleted FOR UPDATE",
        ctx.tenant.id,
        ctx.registry.type_id(type),
        id,
    )
    if row is None or not 0 < vid <= row["vid"]:
        raise BadRequest(
            f"There is no version {vid} of {type}/{id}.", vi=f"Không có bản {vid} của {type}/{id}."
        )
    await ctx.tx.execute(
        "INSERT INTO record.version_lock (tenant, resource, vid, locked, account, reason)"
        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        ctx.tenant.id,
        row["key"],
        vid,
        ctx.clock.now(),
        ctx.actor.account,
        why,
    )


def check_change(current: Current) -> None:
    """Refuse to change what is locked, or a dossier whose state is frozen."""
    if current.locked:
        raise SignedRecord
    if STATES[current.state] in FROZEN:
        raise WrongState(
            f"It is {STATES[current.state]}.", vi=f"Hồ sơ đang ở trạng thái «{STATES[current.state]}»."
        )


def frozen(state: int) -> WrongState:
    """The refusal to add to or change what belongs to a dossier that is closed, archived, destroyed or cancelled."""
    name = STATES[state]
    return WrongState(f"The dossier is {name}.", vi=f"Hồ sơ bệnh án đang ở trạng thái «{name}».")


async def check_delete(ctx: Context, current: Current) -> None:
    """Refuse to delete what is locked or what a locked version refers to."""
    check_change(current)
    signed = await ctx.tx.fetchval(
        "SELECT EXISTS (SELECT FROM record.ix_reference x"
        " JOIN record.version_lock l ON l.tenant = x.tenant AND l.resource = x.resource"
        " WHERE x.tenant = $1 AND x.target = $2 AND x.path IN (SELECT id FROM reference.path WHERE kind = 'reference')"
        ")",
        ctx.tenant.id,
        current.key,
    )
    if signed:
        raise StillReferenced


async def move(ctx: Context, type: str, id: str, step: str) -> str:
    """Take a step of the dossier's lifecycle and answer the new state; the header's versions are not touched."""
    wanted = STEPS.get(step)
    if wanted is None:
        raise BadRequest(f"Steps are: {', '.join(STEPS)}.", vi=f"Các bước là: {', '.join(STEPS)}.")
    act = wanted.right.split(":")[1]
    ctx.policy.check(ctx, act, type, before=None, after=None)
    await fence.require(ctx, [(act, type, id)])
    if wanted.reason and not ctx.reason:
        raise BadRequest("This step needs a reason.", vi="Bước này phải có lý do.")
    row = await ctx.tx.fetchrow(
        "SELECT key, state FROM record.resource"
        " WHERE tenant = $1 AND type = $2 AND id = $3 AND vid > 0 AND NOT deleted FOR UPDATE",
        ctx.tenant.id,
        ctx.registry.type_id(type),
        id,
    )
    if row is None or STATES[row["state"]] not in wanted.source:
        state = "absent" if row is None else STATES[row["state"]]
        raise WrongState(f"It is {state}.", vi=f"Hồ sơ đang ở trạng thái «{state}».")
    await ctx.tx.execute(
        "UPDATE record.resource SET state = $3 WHERE tenant = $1 AND key = $2",
        ctx.tenant.id,
        row["key"],
        STATES.index(wanted.target),
    )
    await ctx.tx.execute(
        "INSERT INTO record.state_change"
        " (tenant, resource, step, before, after, changed, account, role, reason, request)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        ctx.tenant.id,
        row["key"],
        step,
        row["state"],
        STATES.index(wanted.target),
        ctx.clock.now(),
        ctx.actor.account,
        ctx.actor.role,
        ctx.reason,
        ctx.request,
    )
    await ctx.trail.add(ctx, step, type, [(type, id)])
    return wanted.target
