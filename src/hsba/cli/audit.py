"""Commands about the audit trail: prove it, write it out."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import asyncpg
import typer
from rich.markup import escape

from hsba.access.ports import Happening
from hsba.audit import keys, pruning, report, verifying
from hsba.audit.witness import INSTALLATION, TrailWitness
from hsba.cli.common import (
    Commands,
    Data,
    Demo,
    Progress,
    console,
    output,
    prepare,
    reached,
    read_settings,
)
from hsba.fhir.problems import Problem
from hsba.fhir.query.dates import interval
from hsba.ops import processes
from hsba.ops.selfcheck import Words
from hsba.record.context import OPERATOR

if TYPE_CHECKING:
    from hsba.config import Settings

audit = typer.Typer(
    cls=Commands, help="Nhật ký truy cập · The audit trail", no_args_is_help=True, add_completion=False
)
From = Annotated[str | None, typer.Option("--from", help="Từ ngày, giờ này · From this day or time")]
To = Annotated[
    str | None, typer.Option("--to", help="Đến hết ngày, giờ này · To the end of this day or time")
]


WORDS_OF_KIND = {
    True: Words("about accounts and log-ins", "về tài khoản, đăng nhập"),
    False: Words("about patients' records", "về hồ sơ người bệnh"),
}


class NoTime(Problem):
    """That is no day or time; write 2026-03-31 or 2026-03-31T08:00:00+07:00."""

    status = 400
    vi = "Đó không phải ngày giờ; hãy viết 2026-03-31 hoặc 2026-03-31T08:00:00+07:00."


def _span(settings: Settings, first: str | None, last: str | None) -> tuple[datetime | None, datetime | None]:
    """The first and the last moment that are meant."""
    try:
        begin = interval(first, settings.zone)[0] if first else None
        return begin, interval(last, settings.zone)[1] if last else None
    except ValueError as exc:
        raise NoTime(str(first or last)) from exc


@audit.command()
def verify(*, first: From = None, last: To = None, data: Data = None, demo: Demo = False) -> None:
    """Chứng minh không dòng nào bị sửa, xóa, chèn hay đổi chỗ · Prove that no line was altered, removed, inserted or moved."""
    settings = read_settings(data=data)
    progress = Progress(settings.lang)
    since, until = _span(settings, first, last)
    folder = settings.folder("demo" if demo else "main")

    def note(found: verifying.Found) -> None:
        progress(Words(f"{found.lines} lines verified", f"đã kiểm tra {found.lines} dòng"))

    async def main() -> None:
        async with reached(settings, folder, progress) as database:
            tx = await asyncpg.connect(database.owner)
            try:
                found = await verifying.verify(
                    tx,
                    keys.public(folder / "files" / "keys"),
                    settings.audit_folder or folder / "audit",
                    since=since,
                    until=until,
                    note=note,
                )
            finally:
                await tx.close()
        progress.end()
        words = Words(
            f"{found.lines} lines in {found.segments} segments are as they were sealed; {found.tail} are not sealed yet",
            f"{found.lines} dòng trong {found.segments} đoạn còn nguyên như khi niêm phong; {found.tail} dòng chưa niêm phong",
        )
        output.print(getattr(words, settings.lang), soft_wrap=True)
        if found.pruned:
            words = Words(
                f"{found.pruned} lines were removed when their time was over, and signed for",
                f"{found.pruned} dòng đã được xóa khi hết thời hạn lưu, có ký xác nhận",
            )
            output.print(getattr(words, settings.lang), soft_wrap=True)
        if found.oldest is not None:
            words = Words(f"the oldest is of {found.oldest}", f"dòng cũ nhất lúc {found.oldest}")
            output.print(getattr(words, settings.lang), soft_wrap=True)
        if found.fault is not None:
            console.print(f"[red]✗[/] {escape(found.fault.sentence(settings.lang))}", soft_wrap=True)
            raise typer.Exit(1)

    processes.run(main())


@audit.command()
def prune(
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Xóa thật · Really remove")] = False,
    data: Data = None,
    demo: Demo = False,
) -> None:
    """Xóa dòng hết thời hạn lưu; không có --yes thì chỉ kể ra · Remove lines whose time is over; without --yes only tell."""
    settings = read_settings(data=data)
    progress = Progress(settings.lang)
    folder = settings.folder("demo" if demo else "main")
    now = datetime.now(UTC)
    kept = pruning.keeping(now, settings.audit_security_months, settings.audit_access_years)

    def note(done: pruning.Pruned) -> None:
        progress(Words(f"{done.lines} lines removed", f"đã xóa {done.lines} dòng"))

    async def main() -> None:
        async with reached(settings, folder, progress) as database:
            tx = await asyncpg.connect(database.owner)
            try:
                over = await pruning.look(tx, kept)
                progress.end()
                for (month, security), count in over.months.items():
                    words = WORDS_OF_KIND[security]
                    output.print(f"{month}  {count:>9}  {getattr(words, settings.lang)}")
                if yes and over.lines:
                    key = keys.signing(folder / "files" / "keys")
                    outside = settings.audit_folder or folder / "audit"
                    done = await pruning.prune(tx, key, outside, kept, now, note=note)
                    progress.end()
                    await TrailWitness().tell(
                        tx, Happening("audit-prune", OPERATOR.account, f"{done.lines}", tenant=INSTALLATION)
                    )
                    words = Words(
                        f"{done.lines} lines in {done.segments} segments were removed; hsba audit verify proves the rest",
                        f"đã xóa {done.lines} dòng trong {done.segments} đoạn; hsba audit verify chứng minh phần còn lại",
                    )
                else:
                    words = Words(
                        f"{over.lines} lines may be removed; nothing was: --yes removes those that are sealed",
                        f"{over.lines} dòng có thể xóa; chưa xóa gì: thêm --yes để xóa những dòng đã niêm phong",
                    )
                output.print(getattr(words, settings.lang), soft_wrap=True)
            finally:
                await tx.close()

    processes.run(main())


@audit.command("export")
def export_audit(
    file: Annotated[
        Path, typer.Argument(help="Tệp .csv hoặc .ndjson để ghi · A .csv or .ndjson file to write")
    ],
    *,
    first: From = None,
    last: To = None,
    tenant: Annotated[str | None, typer.Option(help="Cơ sở · Keeper of the record")] = None,
    data: Data = None,
    demo: Demo = False,
) -> None:
    """Xuất nhật ký ra CSV hoặc NDJSON (FHIR AuditEvent) · Write the audit trail as CSV or NDJSON (FHIR AuditEvent)."""
    settings = read_settings(data=data)
    progress = Progress(settings.lang)
    since, until = _span(settings, first, last)

    def note(count: int) -> None:
        progress(Words(f"{count} lines written", f"đã ghi {count} dòng"))

    async def main() -> None:
        from hsba import app as house  # noqa: PLC0415 - the other commands are quick without the whole house

        async with reached(settings, settings.folder("demo" if demo else "main"), progress) as database:
            await prepare(settings, database, progress)
            async with house.opener(settings, database.runtime)() as opened:
                count = await report.to_file(
                    opened, opened.tenants.get(tenant), file, since, until, note=note
                )
        progress.end()
        words = Words(f"{count} lines in {file}", f"{count} dòng trong {file}")
        output.print(getattr(words, settings.lang), soft_wrap=True)

    processes.run(main())
