"""Commands that load code lists and undo a load."""

from __future__ import annotations

import getpass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import asyncpg
import typer
from rich.markup import escape

from hsba.cli.common import (
    Commands,
    Data,
    Demo,
    Progress,
    output,
    prepare,
    reached,
    read_settings,
)
from hsba.ops import processes
from hsba.ops.selfcheck import Words
from hsba.record.tenants import Tenants
from hsba.terminology import files as code_files
from hsba.terminology import loads
from hsba.terminology.sources.mapping import address

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hsba.config import Settings
    from hsba.fhir.definitions import Definitions
    from hsba.terminology.loads import Report

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
lists = typer.Typer(
    cls=Commands, help="Danh mục mã · Code lists", no_args_is_help=True, pretty_exceptions_show_locals=False
)


Keeper = Annotated[
    str | None, typer.Option("--tenant", help="Chỉ cho một cơ sở · For one keeper of records only")
]


@lists.command("load")
def load_codes(
    file: Annotated[
        Path,
        typer.Argument(
            help="Bảng (CSV, XLSX), gói FHIR (.tgz, .json), bản phát hành SNOMED CT hoặc LOINC (thư mục, .zip)"
            " · A table, a FHIR package, a SNOMED CT or LOINC release"
        ),
    ],
    *,
    columns: Annotated[
        str,
        typer.Option(
            "--as",
            help="Tệp ánh xạ cột (TOML) hoặc tên ánh xạ có sẵn; hoặc fhir, snomed, loinc"
            " · What the columns mean (a TOML file, or the name of one that comes with the program); or the kind",
        ),
    ] = "",
    version: Annotated[
        str,
        typer.Option(
            "--list-version", help="Phiên bản, nếu tệp không ghi · The version, where the file does not say"
        ),
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Chỉ xem sẽ đổi gì · Only say what would change")
    ] = False,
    tenant: Keeper = None,
    data: Data = None,
    demo: Demo = False,
) -> None:
    """Nạp danh mục từ tệp · Load code lists from a file."""
    settings = read_settings(data=data)
    of = code_files.recognised(file, columns, settings.canonical_base)
    today = datetime.now(ZONE).date()
    progress = Progress(settings.lang)

    async def work(tx: asyncpg.Connection, definitions: Definitions) -> Words:
        done = await code_files.load(
            tx, definitions, file, of, account=getpass.getuser(), today=today, version=version,
            tenant=await _keeper(tx, tenant), dry=dry_run,
            note=lambda name, codes: progress(Words(f"{name}: {codes:,} codes read", f"{name}: đã đọc {codes:,} mã")),
        )  # fmt: skip
        for report in done.lists:
            _show(report, settings.lang)
        others = done.maps + done.resources
        kept = Words(
            f"dry run of {file.name}: nothing was changed"
            if dry_run
            else f"load {done.load}: {len(done.lists)} lists",
            f"chạy thử {file.name}: chưa thay đổi gì"
            if dry_run
            else f"lần nạp {done.load}: {len(done.lists)} danh mục",
        )
        return kept.with_detail(f"+ {others}") if others else kept

    _with_lists(settings, "demo" if demo else "main", work)


def _show(report: Report, lang: str) -> None:
    """What a load changed in one list."""
    begins = f" · {report.begins:%d/%m/%Y}" if report.begins else ""
    output.print(f"[bold]{escape(report.title or report.url)}[/]{begins}", soft_wrap=True)
    for mark, some in (("+", report.added), ("~", report.changed), ("-", report.ended)):
        if some.codes:
            more = " …" if some.total > len(some.codes) else ""
            output.print(f"{mark} {escape(' '.join(some.codes))}{more}", soft_wrap=True)
    counts = (report.added.total, report.changed.total, report.ended.total, report.same)
    words = Words(
        "{} new, {} changed, {} ended, {} as they were".format(*counts),
        "{} mới, {} sửa, {} hết hiệu lực, {} như cũ".format(*counts),
    )
    output.print(f"  {getattr(words, lang)}", soft_wrap=True)


@lists.command("loads")
def list_loads(*, tenant: Keeper = None, data: Data = None, demo: Demo = False) -> None:
    """Các lần nạp danh mục · What was loaded."""
    settings = read_settings(data=data)

    async def work(tx: asyncpg.Connection, _: Definitions) -> Words:
        rows = await loads.history(tx, await _keeper(tx, tenant))
        for row in rows:
            gone = " (đã hoàn tác · undone)" if row["undone"] else ""
            output.print(
                escape(
                    f"{row['id']}  {row['loaded'].astimezone(ZONE):%d/%m/%Y %H:%M}  {row['file']}  {row['account']}"
                    f"  +{row['added']} ~{row['changed']} -{row['ended']}  {row['lists'] or ''}{gone}"
                ),
                soft_wrap=True,
            )
        return Words(f"{len(rows)} loads", f"{len(rows)} lần nạp")

    _with_lists(settings, "demo" if demo else "main", work)


@lists.command("undo")
def undo_codes(
    what: Annotated[
        str,
        typer.Argument(
            help="Danh mục (vn-icd10-cs, hoặc địa chỉ) hoặc số của lần nạp · The list, its address, or the number of a load"
        ),
    ],
    *,
    tenant: Keeper = None,
    data: Data = None,
    demo: Demo = False,
) -> None:
    """Hoàn tác lần nạp gần nhất của một danh mục · Undo the last load of a code list."""
    settings = read_settings(data=data)
    url = "" if what.isdigit() else address(what, settings.canonical_base)

    async def work(tx: asyncpg.Connection, definitions: Definitions) -> Words:
        undone = await loads.undo(
            tx, definitions, system=url, number=int(what) if what.isdigit() else None,
            tenant=await _keeper(tx, tenant),
        )  # fmt: skip
        return Words(
            f"{undone['file']} undone, {undone['codes']} codes as before",
            f"đã hoàn tác {undone['file']}, {undone['codes']} mã như trước",
        )

    _with_lists(settings, "demo" if demo else "main", work)


async def _keeper(tx: asyncpg.Connection, name: str | None) -> int:
    """The number of a keeper of records; 0, which is every keeper, where none is named."""
    if name is None:
        return 0
    known = Tenants()
    await known.read(tx)
    return known.get(name).id


def _with_lists(
    settings: Settings,
    folder: str,
    work: Callable[[asyncpg.Connection, Definitions], Awaitable[Words]],
) -> None:
    """Do something with the code lists of a database that is brought to this release first."""
    progress = Progress(settings.lang)

    async def main() -> None:
        from hsba import app as house  # noqa: PLC0415 - the other commands are quick without the whole house

        async with reached(settings, settings.folder(folder), progress) as database:
            await prepare(settings, database, progress)
            tx = await asyncpg.connect(database.runtime, server_settings={"timezone": "UTC"})
            try:
                words = await work(tx, house.definitions(settings))
            finally:
                await tx.close()
        progress.end()
        output.print(getattr(words, settings.lang), soft_wrap=True)

    processes.run(main())
