"""Commands that load code lists and undo a load."""

from __future__ import annotations

import getpass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import asyncpg
import typer

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
from hsba.terminology import files as code_files

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hsba.config import Settings
    from hsba.fhir.definitions import Definitions

lists = typer.Typer(
    cls=Commands, help="Danh mục mã · Code lists", no_args_is_help=True, pretty_exceptions_show_locals=False
)


@lists.command("load")
def load_codes(
    file: Annotated[Path, typer.Argument(help="Tệp CSV · A CSV file")],
    *,
    columns: Annotated[
        Path, typer.Option("--as", help="Tệp ánh xạ cột (TOML) · What the columns mean (TOML)")
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Chỉ xem sẽ đổi gì · Only say what would change")
    ] = False,
    data: Data = None,
    demo: Demo = False,
) -> None:
    """Nạp một danh mục từ tệp · Load a code list from a file."""
    settings = read_settings(data=data)
    of = code_files.mapping(columns, settings.canonical_base)
    today = datetime.now(ZoneInfo("Asia/Ho_Chi_Minh")).date()

    async def work(tx: asyncpg.Connection, definitions: Definitions) -> Words:
        done = await code_files.load(
            tx, definitions, file, of, account=getpass.getuser(), today=today, dry=dry_run
        )
        for mark, codes in (("+", done.added), ("~", done.changed), ("-", done.ended)):
            if codes:
                output.print(
                    f"{mark} {' '.join(codes[:20])}{' …' if len(codes) > 20 else ''}", soft_wrap=True
                )
        return Words(
            f"{len(done.added)} new, {len(done.changed)} changed, {len(done.ended)} ended, {done.same} as they were"
            + (" (dry run: nothing was changed)" if dry_run else ""),
            f"{len(done.added)} mới, {len(done.changed)} sửa, {len(done.ended)} hết hiệu lực, {done.same} như cũ"
            + (" (chạy thử: chưa thay đổi gì)" if dry_run else ""),
        )

    _with_lists(settings, "demo" if demo else "main", work)


@lists.command("undo")
def undo_codes(
    system: Annotated[
        str, typer.Argument(help="Danh mục: vn-icd10-cs, hoặc địa chỉ · The list, or its address")
    ],
    *,
    data: Data = None,
    demo: Demo = False,
) -> None:
    """Hoàn tác lần nạp gần nhất của một danh mục · Undo the last load of a code list."""
    settings = read_settings(data=data)
    url = code_files.address(system, settings.canonical_base)

    async def work(tx: asyncpg.Connection, definitions: Definitions) -> Words:
        undone = await code_files.undo(tx, definitions, url)
        return Words(
            f"{undone['file']} undone, {undone['codes']} codes as before",
            f"đã hoàn tác {undone['file']}, {undone['codes']} mã như trước",
        )

    _with_lists(settings, "demo" if demo else "main", work)


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
