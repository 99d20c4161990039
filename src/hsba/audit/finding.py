"""What an investigation asks of the trail: whose acts, about which patient, when, of what kind, refused or not, from where.

The newest first, page by page; the same question may be written into a file.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hsba.audit import events, report
from hsba.audit.asking import HERE, Statement, visible
from hsba.audit.seen import MOST, Look, said
from hsba.audit.witness import CHANNEL, INSTALLATION
from hsba.fhir.problems import Forbidden
from hsba.fhir.query import expression as e
from hsba.record.ports import AllowAll
from hsba.store.search.run import match_keys

if TYPE_CHECKING:
    from datetime import datetime

    from hsba.record.context import Context

BATCH = 1000
"""Lines read at once for a file."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for; what is empty is not asked."""

    since: datetime
    until: datetime
    accounts: tuple[str, ...] | None = None
    """Acts of one of these; None is anybody's."""
    patient: str = ""
    """Logical id of a Patient."""
    acts: tuple[str, ...] = ()
    refused: bool | None = None
    address: str = ""
    workstation: str = ""


@dataclass(frozen=True, slots=True)
class Line(Look):
    """One act, as an investigation shows it: all that it touched, and not what it showed of one patient."""

    detail: str
    patients: tuple[str, ...]
    """Logical ids."""
    things: tuple[str, ...]
    """`Type/id` of what it touched beside the patients."""
    about_account: bool
    everywhere: bool
    """Whether it is a line of the whole installation."""


@dataclass(frozen=True, slots=True)
class Found:
    """A page of lines; `next` is the number that the following page goes on below."""

    lines: tuple[Line, ...]
    next: int | None


async def find(ctx: Context, wanted: Wanted, *, before: int | None = None) -> Found:
    """A page of what was asked; the question itself is a line."""
    rows = await _rows(ctx, wanted, before, MOST + 1)
    shown = rows[:MOST]
    patients = await report.patients(ctx, shown)
    await ctx.trail.add(ctx, "audit-search", events.TYPE, _about(wanted))
    lines = tuple(_line(ctx, row, patients) for row in shown)
    return Found(lines, lines[-1].id if len(rows) > MOST else None)


async def begin_file(ctx: Context, wanted: Wanted, *, as_csv: bool) -> str:
    """What a file of all that was asked begins with; the download is a line before its first piece."""
    may_ask(ctx)
    await ctx.trail.add(ctx, "audit-export", events.TYPE, _about(wanted))
    return "\ufeff" + report.head() if as_csv else ""


async def piece(ctx: Context, wanted: Wanted, before: int | None, *, as_csv: bool) -> tuple[str, int | None]:
    """The next piece of the file, and the number that the one after it goes on below."""
    rows = await _rows(ctx, wanted, before, BATCH)
    text = await report.written(ctx, rows, as_csv=as_csv) if rows else ""
    return text, rows[-1]["id"] if len(rows) == BATCH else None


def may_ask(ctx: Context) -> None:
    """Refuse who may see no line at all."""
    if isinstance(ctx.policy.visible(events.TYPE), e.Nothing):
        raise Forbidden


async def patient_of(ctx: Context, text: str) -> str | None:
    """The logical id of the patient that a number or an id names; nothing of him is shown, so no right to see him is asked."""
    text = text.strip().removeprefix("Patient/")
    if not text:
        return ""
    knowing = replace(ctx, policy=AllowAll())
    where = e.Or((e.Ids((text,)), e.Match("identifier", e.Token(None, text))))
    found = await match_keys(ctx.tx, where, "Patient", knowing, limit=2, deleted=True)
    return found[0][1] if len(found) == 1 else None


async def _rows(ctx: Context, wanted: Wanted, before: int | None, most: int) -> list[Any]:
    may_ask(ctx)
    s = Statement(ctx)
    parts = [HERE, visible(s)]
    parts.append(f"l.recorded >= {s.arg(wanted.since)} AND l.recorded <= {s.arg(wanted.until)}")
    if wanted.accounts is not None:
        accounts = s.arg(list(wanted.accounts))
        parts.append(f"(l.account = ANY({accounts}::text[]) OR l.on_behalf_of = ANY({accounts}::text[]))")
    if wanted.patient:
        parts.append(s.patient(e.Reference("Patient", wanted.patient)))
    if wanted.acts:
        parts.append(f"l.interaction = ANY({s.arg(list(wanted.acts))}::text[])")
    if wanted.refused is not None:
        parts.append("l.refused" if wanted.refused else "NOT l.refused")
    if wanted.address:
        parts.append(f"starts_with(l.address, {s.arg(wanted.address)}::text)")
    if wanted.workstation:
        parts.append(f"l.workstation = {s.arg(wanted.workstation)}::text")
    if before is not None:
        parts.append(f"l.id < {s.arg(before)}::bigint")
    sql = f"SELECT l.* FROM audit.whole l WHERE {' AND '.join(parts)} ORDER BY l.id DESC LIMIT {int(most)}"
    found: list[Any] = await ctx.tx.fetch(sql, *s.args)
    return found


def _about(wanted: Wanted) -> list[object]:
    """What the line of a question says of it."""
    words = [
        f"{wanted.since:%Y-%m-%dT%H:%MZ}/{wanted.until:%Y-%m-%dT%H:%MZ}",
        *(wanted.accounts or ())[:10],
        *wanted.acts[:3],
        wanted.address,
        wanted.workstation,
    ]
    patient: list[object] = [("Patient", wanted.patient)] if wanted.patient else []
    return [*patient, " ".join(word for word in words if word)]


def _line(ctx: Context, row: Any, patients: dict[int, str]) -> Line:
    whose = tuple(dict.fromkeys(patients[one[0]] for one in row["subjects"] if one[0] in patients))
    things = tuple(
        f"{ctx.registry.type_name(type_)}/{id_}"
        for _, _, type_, id_, _, _ in row["subjects"]
        if id_ is not None and type_ is not None and id_ not in whose
    )
    return Line(
        **said(row),
        type=ctx.registry.type_name(row["type"]) if row["type"] is not None else "",
        detail=row["detail"] or "",
        patients=whose,
        things=tuple(dict.fromkeys(things)),
        shown=sum(one[5] for one in row["subjects"]),
        about_account=row["channel"] == CHANNEL,
        everywhere=row["tenant"] == INSTALLATION,
    )
