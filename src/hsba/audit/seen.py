"""Who has seen this patient: the newest lines about him and those merged into him, lists included."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hsba.audit.asking import Statement, visible
from hsba.fhir.problems import Forbidden
from hsba.fhir.query.expression import Nothing
from hsba.record import interactions
from hsba.record.ports import AllowAll

if TYPE_CHECKING:
    from datetime import datetime

    from hsba.record.context import Context

MOST = 50
"""Lines on one page."""


@dataclass(frozen=True, slots=True)
class Look:
    """One act that touched a patient's record: who, in which role, when, through which door, for what, and what."""

    id: int
    recorded: datetime
    account: str
    role: str
    on_behalf_of: str
    workstation: str
    address: str
    channel: str
    purpose: str
    reason: str
    interaction: str
    refused: bool
    type: str
    shown: int
    """How many resources: of the patient, where one was asked for."""


def said(row: Any) -> dict[str, Any]:
    """What a row of `audit.line` says of an act, whatever it touched: the first members of a Look."""
    plain = ("id", "recorded", "account", "channel", "purpose", "interaction", "refused")
    often_empty = ("role", "on_behalf_of", "workstation", "address", "reason")
    return {name: row[name] for name in plain} | {name: row[name] or "" for name in often_empty}


@dataclass(frozen=True, slots=True)
class Looks:
    """A page of them, the newest first; `next` is where the next one begins."""

    looks: tuple[Look, ...]
    next: tuple[datetime, int] | None


async def seen(ctx: Context, patient: str, *, after: tuple[datetime, int] | None = None) -> Looks:
    """Who has seen a patient that the asker may see himself."""
    await interactions.require(ctx, "Patient", patient)
    if isinstance(ctx.policy.visible("AuditEvent"), Nothing):
        raise Forbidden
    return await _looks(ctx, patient, after, "audit-view")


async def of_own(ctx: Context, patient: str, *, after: tuple[datetime, int] | None = None) -> Looks:
    """Who has seen the record of who asks, or of whom he stands for: the caller has made sure of that."""
    return await _looks(replace(ctx, policy=AllowAll()), patient, after, "own-seen")


async def _looks(ctx: Context, patient: str, after: tuple[datetime, int] | None, act: str) -> Looks:
    statement = Statement(ctx)
    may_see = visible(statement)
    found = statement.lines_of(patient).replace(
        "SELECT s.line, s.recorded",
        "SELECT s.line, s.recorded, min(s.type) AS type, sum(s.shown) AS shown",
        1,
    )
    if after is not None:
        found += f" AND (s.recorded, s.line) < ({statement.arg(after[0])}, {statement.arg(after[1])})"
    rows = await ctx.tx.fetch(
        f"""
        SELECT l.*, s.type AS what, s.shown FROM (
            {found} GROUP BY s.recorded, s.line ORDER BY s.recorded DESC, s.line DESC LIMIT {MOST + 1}
        ) s JOIN audit.line l ON l.tenant = $1 AND l.id = s.line AND l.recorded = s.recorded AND {may_see}
        ORDER BY l.recorded DESC, l.id DESC
        """,
        *statement.args,
    )
    shown = rows[:MOST]
    await ctx.trail.add(ctx, act, "AuditEvent", [("Patient", patient)])
    looks = tuple(
        Look(
            **said(row),
            type=ctx.registry.type_name(row["what"]) if row["what"] is not None else "",
            shown=row["shown"],
        )
        for row in shown
    )
    last = (rows[MOST - 1]["recorded"], rows[MOST - 1]["id"]) if len(rows) > MOST else None
    return Looks(looks, last)
