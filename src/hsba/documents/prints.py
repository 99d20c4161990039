"""Prints of the record: each is marked, and kept in mind, so that whoever holds the paper can ask what it is.

What is kept says which form, when, by whom, and the file's digest; nothing of the patient.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import segno

from hsba.documents.order import Attached, Mark, Order
from hsba.record import fence

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from hsba.documents.compose import Composed
    from hsba.documents.press import Press
    from hsba.record.context import Context
    from hsba.store.pool import Connection

ADDRESS = "/verify/"
PRINT = "print"
"""The act, as rights and the trail call it."""
ENTRY = "QuestionnaireResponse"
FACTS = "SELECT title, sheets, made, name, size, sha256 FROM record.print WHERE tenant = $1 AND id = $2"
KEEP = (
    "INSERT INTO record.print (tenant, id, title, sheets, made, account, name, size, sha256)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
)


@dataclass(frozen=True, slots=True)
class Print:
    """What is known of a print."""

    title: str
    sheets: int
    made: datetime
    name: str
    """Who printed it."""
    size: int
    digest: str
    """SHA-256 of the file."""


@dataclass(frozen=True, slots=True)
class Printer:
    """Who prints, and what the marks of this house say."""

    press: Press
    name: str
    base: str
    """The address that people reach this installation at."""
    system: str
    practice: bool = False


async def make(
    ctx: Context,
    printer: Printer,
    composed: Sequence[Composed],
    patient: str,
    bundle: str,
    *,
    title: str = "",
) -> bytes:
    """Print sheets of a patient as one marked PDF, with a line in the trail; to read is not to print."""
    await allowed(ctx, composed)
    number, at = uuid4(), ctx.clock.now()
    said = title or f"{composed[0].form.code} {composed[0].form.name}"
    order = Order(
        sheets=tuple(one.node for one in composed), at=at, title=said, practice=printer.practice, contents=len(composed) > 1,
        mark=mark(printer, ctx.tenant.title, at.astimezone(ctx.tenant.zone), number),
        files=(Attached("hsba.json", bundle, description="FHIR R4 Bundle: QuestionnaireResponse"),),
    )  # fmt: skip
    pdf = await printer.press.render(order)
    digest = sha256(pdf).digest()
    await ctx.tx.execute(
        KEEP,
        ctx.tenant.id,
        number,
        said,
        len(composed),
        at,
        ctx.actor.account,
        printer.name,
        len(pdf),
        digest,
    )
    await ctx.trail.add(ctx, PRINT, ENTRY, [("Patient", patient), f"{said} {number}"])
    return pdf


async def allowed(ctx: Context, composed: Iterable[Composed]) -> None:
    """Refuse who may not print, or not one of these entries."""
    ctx.policy.check(ctx, PRINT, ENTRY, before=None, after=None)
    await fence.require(ctx, [(PRINT, ENTRY, body["id"]) for one in composed for body in one.bodies])


def mark(printer: Printer, facility: str, at: datetime, number: UUID) -> Mark:
    """The lines and the code at the foot of a print."""
    address = f"{printer.base.rstrip('/')}{ADDRESS}{number}"
    drawn = io.BytesIO()
    segno.make(address, error="m").save(drawn, kind="svg", xmldecl=False, border=0)
    lines = (
        f"Bản chuyển đổi từ bản điện tử · {facility} · {printer.system}",
        f"In lúc {at:%H:%M ngày %d/%m/%Y} · Người in: {printer.name}",
        f"Kiểm tra: {address}",
    )
    return Mark(lines, drawn.getvalue().decode())


async def known(tx: Connection, tenant: int, number: UUID) -> Print | None:
    """What is known of a print of this keeper."""
    row = await tx.fetchrow(FACTS, tenant, number)
    if row is None:
        return None
    return Print(row["title"], row["sheets"], row["made"], row["name"], row["size"], row["sha256"].hex())
