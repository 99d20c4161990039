"""Commands that move the record as files, and make its search rows anew."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from hsba.cli.common import (
    Data,
    Demo,
    Progress,
    console,
    output,
    prepare,
    reached,
    read_settings,
)
from hsba.ops import database as databases
from hsba.ops import export_folder, loading, processes
from hsba.ops.selfcheck import Words
from hsba.record import reindexing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hsba.config import Settings
    from hsba.ops.database import Database
    from hsba.record.bulk import Figures
    from hsba.record.exports.asked import Level
    from hsba.record.exports.work import State

TELL_EVERY = 0.5
REINDEXING = {
    "begin": Words("Making search rows", "Đang lập chỉ mục tìm kiếm"),
    "alone": Words("Waiting for another reindex to end", "Đang chờ lượt lập chỉ mục khác xong"),
    "older transactions": Words(
        "Waiting for older transactions to end", "Đang chờ các giao dịch cũ kết thúc"
    ),
    "sweep": Words("Removing rows nobody searches", "Đang xóa dòng không còn dùng"),
}
"""What is told of a reindex, by its step."""
NOTHING_WAITS = Words("Nothing waits.", "Không có gì phải lập.")


def export(
    folder: Annotated[Path, typer.Argument(help="Thư mục trống để ghi tệp · An empty folder for the files")],
    *,
    type: Annotated[
        list[str] | None, typer.Option(help="Chỉ loại này, lặp lại được · Only this type; may be repeated")
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="Chỉ những gì đổi từ lúc này · Only what changed since this time")
    ] = None,
    group: Annotated[
        str | None, typer.Option(help="Người bệnh của Group này · The patients of this Group")
    ] = None,
    patient: Annotated[
        list[str] | None, typer.Option(help="Người bệnh này, lặp lại được · This patient; may be repeated")
    ] = None,
    gzip: Annotated[bool, typer.Option("--gzip", help="Nén tệp (.gz) · Compress the files (.gz)")] = False,
    tenant: Annotated[str | None, typer.Option(help="Cơ sở · Keeper of the record")] = None,
    data: Data = None,
    demo: Demo = False,
) -> None:
    """Xuất hồ sơ ra tệp NDJSON; chạy lại thì làm tiếp · Export the record as NDJSON files; run again to go on."""
    settings = read_settings(data=data)
    progress = Progress(settings.lang)
    level: Level = "Group" if group else "Patient" if patient else "system"
    what = {"types": type or (), "since": since, "group": group, "patients": patient or ()}

    def note(state: State) -> None:
        progress(
            Words(
                f"{state.resources} resources exported, now {state.type}",
                f"đã xuất {state.resources} tài nguyên, đang {state.type}",
            )
        )

    async def main() -> None:
        from hsba import app as house  # noqa: PLC0415 - the other commands are quick without the whole house

        async with reached(settings, settings.folder("demo" if demo else "main"), progress) as database:
            await prepare(settings, database, progress)
            async with house.opener(settings, database.runtime)() as opened:
                keeper = opened.tenants.get(tenant)
                state = await export_folder.to_folder(
                    opened, keeper, folder, level=level, compressed=gzip, note=note, **what
                )
        progress.end()
        words = Words(
            f"{state.resources} resources in {len(state.files)} files, as of {state.at}",
            f"{state.resources} tài nguyên trong {len(state.files)} tệp, tính đến {state.at}",
        )
        output.print(getattr(words, settings.lang), soft_wrap=True)

    processes.run(main())


def load(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Tệp NDJSON, .gz được, hoặc thư mục · NDJSON files, .gz too, or a folder of them"
        ),
    ],
    *,
    tenant: Annotated[str | None, typer.Option(help="Cơ sở · Keeper of the record")] = None,
    data: Data = None,
    demo: Demo = False,
) -> None:
    """Nạp tài nguyên từ tệp NDJSON · Load resources from NDJSON files."""
    settings = read_settings(data=data)
    progress = Progress(settings.lang)

    async def main() -> None:
        async with reached(settings, settings.folder("demo" if demo else "main"), progress) as database:
            await prepare(settings, database, progress)
            lines = loading.read_lines(export_folder.files_of(files))
            figures = await load_lines(settings, database, tenant, lines, progress)
        progress.end()
        for number, en, vi in figures.problems:
            console.print(f"[red]✗[/] {number}: {escape(vi if settings.lang == 'vi' else en)}")
        words = Words(
            f"{figures.created} new, {figures.updated} changed, {figures.unchanged} as they were, {figures.refused} refused",
            f"{figures.created} mới, {figures.updated} sửa, {figures.unchanged} như cũ, {figures.refused} bị từ chối",
        )
        output.print(getattr(words, settings.lang))
        if figures.refused:
            raise typer.Exit(1)

    processes.run(main())


def reindex(
    *,
    types: Annotated[
        list[str] | None,
        typer.Option("--type", help="Chỉ loại này, được nhiều lần · Only this type, repeatable"),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Lập lại mọi dòng tìm kiếm · Make all search rows anew")
    ] = False,
    data: Data = None,
    demo: Demo = False,
) -> None:
    """Lập chỉ mục tìm kiếm cho nội dung đã lưu · Make the search rows of what is stored."""
    settings = read_settings(data=data)
    progress = Progress(settings.lang)

    async def main() -> None:
        async with reached(settings, settings.folder("demo" if demo else "main"), progress) as database:
            await prepare(settings, database, progress)
            figures = await _reindex(settings, database, types or [], progress, everything=everything)
        progress.end()
        for name, (done, total, rows) in sorted(figures.types.items()):
            words = Words(f"{done} of {total}, {rows} rows", f"{done} trên {total}, {rows} dòng")
            output.print(f"{name}: {getattr(words, settings.lang)}")
        if not figures.types:
            output.print(getattr(NOTHING_WAITS, settings.lang))

    processes.run(main())


async def load_lines(
    settings: Settings, database: Database, tenant: str | None, lines: Iterable[bytes], progress: Progress
) -> Figures:
    """Load lines with a process per core while this one tells how far it is."""
    from hsba import app as house  # noqa: PLC0415 - the other commands are quick without the whole house

    opener = house.opener(settings, database.runtime)
    async with opener() as opened:
        slug = opened.tenants.get(tenant).slug

    def note(step: loading.Step) -> None:
        count = step.total.lines
        progress(Words(f"{count} resources loaded", f"đã nạp {count} tài nguyên"))

    figures = await asyncio.to_thread(loading.load, opener, slug, lines, note=note)
    progress(Words("Counting what is where", "Đang thống kê dữ liệu"))
    await databases.count(database.owner)
    return figures


async def _reindex(
    settings: Settings, database: Database, types: list[str], progress: Progress, *, everything: bool
) -> reindexing.Figures:
    """Make search rows in this process; named types are made wholly anew."""
    from hsba import app as house  # noqa: PLC0415 - the other commands are quick without the whole house

    told = (0.0, "")

    async def note(figures: reindexing.Figures) -> bool:
        nonlocal told
        if figures.step != told[1] or time.monotonic() - told[0] >= TELL_EVERY:
            told = (time.monotonic(), figures.step)
            progress(_how_far(figures))
        return True

    async with house.opener(settings, database.runtime, size=4)() as opened:
        for type_ in types:
            opened.registry.type_id(type_)  # a name that is no type is refused before anything is done
        return await reindexing.run(
            opened, note, types=types, everything=everything or bool(types), gently=False
        )


def _how_far(figures: reindexing.Figures) -> Words:
    """One line for a person who watches."""
    if figures.types and figures.step == "batches":
        name, (done, total, rows) = list(figures.types.items())[-1]
        return Words(f"{name}: {done} of {total}, {rows} rows", f"{name}: {done} trên {total}, {rows} dòng")
    return REINDEXING.get(figures.step, REINDEXING["begin"])
