"""The trail as files: CSV for people with a spreadsheet, NDJSON of AuditEvents for machines; read in small pieces."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from hsba.audit import events
from hsba.fhir.problems import Problem
from hsba.fhir.query.dates import BEGINNING
from hsba.record.saving import instant

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from datetime import datetime
    from pathlib import Path

    from hsba.record.context import Context, Tenant
    from hsba.record.work import House

BATCH = 1000

ROWS = """
SELECT w.* FROM audit.whole w WHERE w.tenant IN ($1, 0) AND (w.recorded, w.id) > ($2, $3)
  AND ($4::timestamptz IS NULL OR w.recorded <= $4) ORDER BY w.recorded, w.id LIMIT $5
"""

COLUMNS = (
    "id", "recorded", "account", "role", "on_behalf_of", "workstation", "address", "channel", "purpose", "reason",
    "interaction", "type", "result", "patients", "resources", "detail", "request",
)  # fmt: skip

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a cell may not begin with, or a spreadsheet would carry it out (OWASP, CSV injection)."""


def safe(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.lstrip(" ").startswith(FORMULA) or cell.startswith(FORMULA) else cell


def head() -> str:
    """The first line of the CSV."""
    return ",".join(COLUMNS) + "\r\n"


class FileTaken(Problem):
    """The file is there already, so nothing was written; name another one."""

    status = 409
    vi = "Tệp đã có nên chưa ghi gì; hãy đặt tên khác."


class WhichForm(Problem):
    """The file's name ends in neither .csv nor .ndjson; nothing was written."""

    status = 400
    vi = "Tên tệp phải kết thúc bằng .csv hoặc .ndjson; chưa ghi gì."


async def to_file(
    house: House,
    tenant: Tenant,
    file: Path,
    since: datetime | None,
    until: datetime | None,
    *,
    note: Callable[[int], None] = lambda _: None,
) -> int:
    """Write a keeper's lines into a new file and answer how many; the form is told by the file's name."""
    if file.suffix not in (".csv", ".ndjson"):
        raise WhichForm(str(file))
    if file.exists():
        raise FileTaken(str(file))
    written = 0
    new = file.with_name(file.name + ".new")
    async with house.pool.searching(tenant.id) as tx:
        ctx = house.context(tx=tx, tenant=tenant, channel="export")
        until = until or ctx.clock.now()  # what is written about this export comes after it
        await ctx.trail.add(ctx, "audit-export", "AuditEvent", [file.name])
        with new.open("w", encoding="utf-8-sig" if file.suffix == ".csv" else "utf-8", newline="") as opened:
            if file.suffix == ".csv":
                opened.write(head())
            async for count, text in lines(ctx, since or BEGINNING, until, as_csv=file.suffix == ".csv"):
                opened.write(text)
                written += count
                note(written)
    new.replace(file)
    return written


async def lines(
    ctx: Context, since: datetime, until: datetime | None, *, as_csv: bool
) -> AsyncIterator[tuple[int, str]]:
    """Pieces of the file, each with how many lines it holds."""
    at, number = since, -1
    while rows := await ctx.tx.fetch(ROWS, ctx.tenant.id, at, number, until, BATCH):
        yield len(rows), await written(ctx, rows, as_csv=as_csv)
        at, number = rows[-1]["recorded"], rows[-1]["id"]


async def written(ctx: Context, rows: list[Any], *, as_csv: bool) -> str:
    """Rows of `audit.whole` as they stand in the file."""
    if as_csv:
        return _csv(ctx, rows, await patients(ctx, rows))
    return "".join(f"{one.body}\n" for one in await events.stored(ctx, rows))


async def patients(ctx: Context, rows: list[Any]) -> dict[int, str]:
    """The ids behind the keys of the patients that rows of `audit.whole` are about."""
    keys = {subject[0] for row in rows for subject in row["subjects"] if subject[0] is not None}
    found = await ctx.tx.fetch(
        "SELECT key, id FROM record.resource WHERE tenant = $1 AND key = ANY($2)", ctx.tenant.id, list(keys)
    )
    return {one[0]: one[1] for one in found}


def _csv(ctx: Context, rows: list[Any], whose: dict[int, str]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    for row in rows:
        values = {name: row[name] for name in COLUMNS if name in row}
        values["recorded"] = instant(row["recorded"], ctx)
        values["type"] = ctx.registry.type_name(row["type"]) if row["type"] is not None else ""
        values["result"] = "refused" if row["refused"] else "ok"
        values["patients"] = " ".join(dict.fromkeys(whose[s[0]] for s in row["subjects"] if s[0] in whose))
        values["resources"] = " ".join(_named(ctx, s) for s in row["subjects"] if s[3] is not None)
        writer.writerow(safe(str(values[name])) if values[name] is not None else "" for name in COLUMNS)
    return text.getvalue()


def _named(ctx: Context, subject: Any) -> str:
    _, _, type_, id_, vid, _ = subject
    version = f"/_history/{vid}" if vid is not None else ""
    return f"{ctx.registry.type_name(type_)}/{id_}{version}"
