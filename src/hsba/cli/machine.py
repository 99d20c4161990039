"""Commands about the machine, the settings and the database itself."""

from __future__ import annotations

import asyncio
import sys
from importlib.metadata import version as installed
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import typer
from rich.markup import escape
from rich.table import Table

from hsba import config
from hsba.cli.accounts import tell_first
from hsba.cli.common import (
    Data,
    Demo,
    Lang,
    Progress,
    output,
    prepare,
    reached,
    read_settings,
)
from hsba.fhir.problems import Problem
from hsba.ops import accounts as keeping_accounts
from hsba.ops import processes, selfcheck
from hsba.ops.selfcheck import Words
from hsba.store import upgrade

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hsba.config import Settings

COLOURS = {"ok": "green", "warning": "yellow", "error": "red"}
MARKS = {"ok": "✓", "warning": "!", "error": "✗"}


def version() -> None:
    """In phiên bản · Print the version."""
    output.print(f"hsba {installed('hsba')}, Python {sys.version.split()[0]}")


def settings() -> None:
    """In mọi thiết lập và nơi đặt · Print every setting and where it was set."""
    lang = config.load().lang
    table = Table("", Words("value", "giá trị").vi if lang == "vi" else "value", "", show_edge=False)
    for setting, origin in ((one, config.origins()[one.name]) for one in config.SETTINGS):
        shown = "…" if setting.secret and origin.text else origin.text
        words = escape(getattr(setting, lang))
        table.add_row(
            f"[bold]{setting.env}[/]",
            escape(f"{shown} ({origin.source})"),
            f"[dim]{words} ({escape(setting.type)})[/]",
        )
    output.print(table)


def doctor(*, data: Data = None, demo: Demo = False, lang: Lang = None) -> None:
    """Khám máy, thiết lập và dữ liệu · Examine the machine, the settings and the data."""
    settings = read_settings(data=data, lang=lang)
    folder = settings.folder("demo" if demo else "main")
    machine = selfcheck.Machine(
        folder,
        settings.host,
        settings.port,
        external=bool(settings.database_url),
        pair=settings.pair,
        hosts=settings.allowed_hosts,
    )
    findings = list(selfcheck.machine(machine))
    if settings.database_url or (folder / "db").is_dir():
        findings += asyncio.run(_examine(settings, folder))
    tell(findings, settings.lang)
    if any(finding.level == "error" for finding in findings):
        raise typer.Exit(1)


async def _examine(settings: Settings, folder: Path) -> list[selfcheck.Finding]:
    subject = Words("Database", "Cơ sở dữ liệu")
    todo = Words(
        "Check DATABASE_URL and that the server runs.", "Hãy xem DATABASE_URL và máy chủ có chạy không."
    )
    try:
        async with reached(settings, folder, Progress(settings.lang)) as database:
            tx = await asyncpg.connect(database.owner, timeout=10)
            try:
                return [finding async for finding in selfcheck.database(tx)]
            finally:
                await tx.close()
    except (OSError, asyncpg.PostgresError, Problem) as exc:
        return [selfcheck.Finding("error", subject, selfcheck.same(exc), todo)]


def tell(findings: Iterable[selfcheck.Finding], lang: str) -> None:
    """Print the findings, one line each, and what to do below those that need it."""
    table = Table(show_header=False, show_edge=False, box=None)
    for finding in findings:
        colour = COLOURS[finding.level]
        todo = getattr(finding.todo, lang)
        found = escape(getattr(finding.found, lang)) + (f"\n[{colour}]→ {escape(todo)}[/]" if todo else "")
        table.add_row(f"[{colour}]{MARKS[finding.level]}[/]", escape(getattr(finding.subject, lang)), found)
    output.print(table)


def migrate(*, data: Data = None, demo: Demo = False) -> None:
    """Đưa cơ sở dữ liệu lên lược đồ của bản này · Bring the database to this release's schema."""
    settings = read_settings(data=data)
    progress = Progress(settings.lang)

    async def main() -> None:
        async with reached(settings, settings.folder("demo" if demo else "main"), progress) as database:
            applied = await prepare(settings, database, progress)
            password = None if demo else await keeping_accounts.first(database.owner)
        progress.end()
        tell_first(password, settings.lang)
        output.print("\n".join(applied) or ("lược đồ đã đủ" if settings.lang == "vi" else "nothing to do"))

    processes.run(main())


def upgrade_database(*, data: Data = None, demo: Demo = False) -> None:
    """Nâng PostgreSQL đi kèm lên bản chính mới · Bring the embedded PostgreSQL to its new major version."""
    settings = read_settings(data=data)
    progress = Progress(settings.lang)

    async def main() -> None:
        done = await upgrade.upgrade(settings.folder("demo" if demo else "main"), note=progress)
        progress.end()
        if done.kept is None:
            output.print(f"PostgreSQL {done.new} ✓")
        else:
            words = Words("the old data is kept in", "dữ liệu cũ còn ở")
            output.print(
                f"PostgreSQL {done.old} → {done.new} ✓ ({getattr(words, settings.lang)} {done.kept})"
            )

    processes.run(main())
