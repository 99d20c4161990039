"""What the commands share: how they are told, the settings with what was typed over them, and the way to the database."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from typer.core import TyperGroup

from hsba import config
from hsba.fhir.problems import Problem
from hsba.ops import database as databases
from hsba.ops import processes
from hsba.ops.selfcheck import Words

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from hsba.app import App
    from hsba.config import Settings
    from hsba.ops.database import Database
    from hsba.store.embedded import Step

MIGRATING = Words("Bringing the schema to this release", "Đang nâng lược đồ")
console = Console(stderr=True, highlight=False)
output = Console(highlight=False)
Data = Annotated[
    Path | None, typer.Option(help="Thư mục dữ liệu (thay HSBA_DATA) · Data folder (instead of HSBA_DATA)")
]
Demo = Annotated[bool, typer.Option("--demo", help="Dữ liệu của bản demo · The demo's data")]
Tenant = Annotated[str | None, typer.Option(help="Cơ sở · Keeper of the record")]
Lang = Annotated[str | None, typer.Option(help="vi | en")]


class Commands(TyperGroup):
    """The commands; what a person can understand is told in a sentence and not as a trace."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except Problem as problem:
            console.print(f"[red]✗[/] {escape(problem.sentence_vi)}", soft_wrap=True)
            console.print(f"  [dim]{escape(problem.sentence)}[/]", soft_wrap=True)
            raise typer.Exit(processes.REFUSED) from problem


def read_settings(*, data: Path | None = None, port: int | None = None, lang: str | None = None) -> Settings:
    """The settings, with what the command line says over them."""
    given = {"data": str(data or ""), "port": str(port or ""), "lang": lang or ""}
    return config.load(given=given)


class Progress:
    """Tells a person what is going on: a moving line on a terminal, plain lines elsewhere."""

    def __init__(self, lang: str) -> None:
        self.lang = lang
        self.started = time.monotonic()
        self.status = console.status("")

    def __call__(self, words: Words | Step) -> None:
        """Go on to the next step."""
        text = getattr(words, self.lang)
        if console.is_terminal:
            self.status.update(f"{text} …")
            self.status.start()
        else:
            console.print(f"{time.monotonic() - self.started:6.1f} s  {escape(text)}")

    def end(self) -> None:
        """Nothing more to wait for."""
        self.status.stop()


@asynccontextmanager
async def reached(settings: Settings, folder: Path, progress: Progress) -> AsyncIterator[Database]:
    """The database that the settings name."""
    async with databases.reached(
        url=settings.database_url, owner_url=settings.owner_database_url, data=folder, note=progress
    ) as database:
        yield database


async def prepare(
    settings: Settings, database: Database, progress: Progress, *, tenant: tuple[str, str] | None = None
) -> list[str]:
    """Migrate, telling each step."""
    from hsba import app as house  # noqa: PLC0415 - the other commands are quick without the whole house

    return await house.prepare(
        settings,
        database.owner,
        tenant=tenant or house.FIRST_TENANT,
        note=lambda name: progress(MIGRATING.with_detail(name)),
    )


def in_house(
    work: Callable[[App, Settings], Awaitable[None]],
    data: Path | None = None,
    *,
    demo: bool = False,
    size: int = 2,
) -> None:
    """Do something in an opened house, its schema brought to this release."""
    from hsba import app as house  # noqa: PLC0415 - the other commands are quick without the whole house

    settings = read_settings(data=data)
    progress = Progress(settings.lang)

    async def main() -> None:
        async with reached(settings, settings.folder("demo" if demo else "main"), progress) as database:
            await prepare(settings, database, progress)
            progress.end()
            async with house.opener(settings, database.runtime, size=size)() as opened:
                await work(opened, settings)

    processes.run(main())
