"""The commands that a person types: each is a few lines that call the house and tell what happens.

Messages are Vietnamese, or English with HSBA_LANG=en.
"""

from __future__ import annotations

import asyncio
import dataclasses
import getpass
import os
import sys
import time
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from importlib.metadata import version as installed
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from zoneinfo import ZoneInfo

import asyncpg
import httpx
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from typer.core import TyperGroup

from hsba import config, logs
from hsba.access import accounts
from hsba.access.problems import BadAccount
from hsba.audit import keys, report, verifying
from hsba.fhir import json
from hsba.fhir.problems import Problem
from hsba.fhir.query.dates import interval
from hsba.fhir.vn import BASE, Canon
from hsba.http import listen
from hsba.ops import accounts as keeping_accounts
from hsba.ops import database as databases
from hsba.ops import demo as hospital
from hsba.ops import demo_folder, export_folder, loading, processes, selfcheck
from hsba.ops.role_desk import Desk
from hsba.ops.selfcheck import Words
from hsba.record import reindexing, tenants
from hsba.store import upgrade
from hsba.terminology import files as code_files

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

    from asyncpg import Connection

    from hsba.app import App as House
    from hsba.config import Settings
    from hsba.fhir.definitions import Definitions
    from hsba.ops.database import Database
    from hsba.record.bulk import Figures
    from hsba.record.exports.asked import Level
    from hsba.record.exports.work import State
    from hsba.store.embedded import Step

Done = TypeVar("Done")

TARGET = "hsba.app:asgi"
LOOPBACK = frozenset({listen.LOOPBACK, "127.0.0.1", "::1"})
READY_WITHIN = 60.0
TELL_EVERY = 0.5
MIGRATING = Words("Bringing the schema to this release", "Đang nâng lược đồ")
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
COLOURS = {"ok": "green", "warning": "yellow", "error": "red"}
MARKS = {"ok": "✓", "warning": "!", "error": "✗"}

console = Console(stderr=True, highlight=False)
output = Console(highlight=False)


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


app = typer.Typer(
    cls=Commands,
    help="HSBA, hồ sơ bệnh án điện tử · the electronic medical record",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)

account = typer.Typer(help="Tài khoản, do người vận hành máy chủ · Accounts, by the operator of the server")
app.add_typer(account, name="account", no_args_is_help=True)

Data = Annotated[
    Path | None, typer.Option(help="Thư mục dữ liệu (thay HSBA_DATA) · Data folder (instead of HSBA_DATA)")
]
Port = Annotated[int | None, typer.Option(help="Cổng (thay HSBA_PORT) · Port (instead of HSBA_PORT)")]
Demo = Annotated[bool, typer.Option("--demo", help="Dữ liệu của bản demo · The demo's data")]
Login = Annotated[str, typer.Argument(help="Tên đăng nhập · Name of the account")]
Lang = Annotated[str | None, typer.Option(help="vi | en")]


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


# --- Commands ----------------------------------------------------------------------------------------------


@app.command()
def version() -> None:
    """In phiên bản · Print the version."""
    output.print(f"hsba {installed('hsba')}, Python {sys.version.split()[0]}")


@app.command()
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


@app.command()
def doctor(*, data: Data = None, demo: Demo = False, lang: Lang = None) -> None:
    """Khám máy, thiết lập và dữ liệu · Examine the machine, the settings and the data."""
    settings = read_settings(data=data, lang=lang)
    folder = settings.folder("demo" if demo else "main")
    machine = selfcheck.Machine(folder, settings.host, settings.port, external=bool(settings.database_url))
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


@app.command()
def migrate(*, data: Data = None, demo: Demo = False) -> None:
    """Đưa cơ sở dữ liệu lên lược đồ của bản này · Bring the database to this release's schema."""
    settings = read_settings(data=data)
    progress = Progress(settings.lang)

    async def main() -> None:
        async with reached(settings, settings.folder("demo" if demo else "main"), progress) as database:
            applied = await prepare(settings, database, progress)
            password = None if demo else await keeping_accounts.first(database.owner)
        progress.end()
        _tell_first(password, settings.lang)
        output.print("\n".join(applied) or ("lược đồ đã đủ" if settings.lang == "vi" else "nothing to do"))

    processes.run(main())


@app.command("upgrade-database")
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


@app.command()
def serve(*, data: Data = None, port: Port = None) -> None:
    """Chạy máy chủ · Run the server."""
    settings = read_settings(data=data, port=port)
    processes.run(_serve(settings, settings.folder("main"), Progress(settings.lang)))


@app.command()
def demo(
    *,
    fresh: Annotated[bool, typer.Option("--fresh", help="Làm lại từ đầu · Start over")] = False,
    data: Data = None,
    port: Port = None,
) -> None:
    """Chạy bệnh viện mẫu · Run the demo hospital."""
    settings = dataclasses.replace(
        read_settings(data=data, port=port), database_url="", owner_database_url=""
    )
    folder = settings.folder("demo")
    demo_folder.claim(folder, fresh=fresh)
    processes.run(_serve(settings, folder, Progress(settings.lang), demo=True))


@app.command()
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


@app.command()
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
            figures = await _load(settings, database, tenant, lines, progress)
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


@app.command()
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


@account.command("create")
def account_create(
    login: Login,
    *,
    kind: Annotated[str, typer.Option(help=" | ".join(accounts.KINDS))] = "staff",
    name: Annotated[str, typer.Option(help="Tên hiển thị · Name that people read")] = "",
    role: Annotated[
        list[str] | None, typer.Option(help="Vai trò, lặp lại được · Role; may be repeated")
    ] = None,
    tenant: Annotated[
        list[str] | None, typer.Option(help="Cơ sở, mặc định là cơ sở đầu · Keeper; by default the first one")
    ] = None,
    every_tenant: Annotated[
        bool, typer.Option("--every-tenant", help="Mọi cơ sở · Every keeper, later ones too")
    ] = False,
    practitioner: Annotated[
        str | None, typer.Option(help="id của Practitioner · id of the Practitioner")
    ] = None,
    patient: Annotated[str | None, typer.Option(help="id của Patient · id of the Patient")] = None,
    data: Data = None,
    demo: Demo = False,
) -> None:
    """Tạo tài khoản; in mật khẩu phải đổi khi đăng nhập · Make an account; prints a password to be changed at log-in."""

    async def work(tx: Connection) -> str:
        return await accounts.create(
            tx,
            keeping_accounts.now(),
            login,
            kind,
            name or login,
            roles=role or (),
            tenants=await keeping_accounts.tenants(tx, tenant or (), every=every_tenant),
            practitioner=practitioner,
            patient=patient,
        )

    typer.echo(_keep(work, data=data, demo=demo))


@account.command("list")
def account_list(*, data: Data = None, demo: Demo = False) -> None:
    """Liệt kê tài khoản, vai trò, lần dùng cuối · List accounts, roles and last use."""
    table = Table("login", "kind", "name", "roles", "state", "last use", show_edge=False)
    at = keeping_accounts.now()
    for one in _keep(accounts.every, data=data, demo=demo):
        state = "locked" if one.locked_until is not None and one.locked_until > at else one.state
        used = f"{one.last_use:%Y-%m-%d %H:%M}Z" if one.last_use else "–"
        table.add_row(one.login, one.kind, escape(one.name), escape(", ".join(one.roles)), state, used)
    output.print(table)


@account.command("lock")
def account_lock(login: Login, *, data: Data = None, demo: Demo = False) -> None:
    """Khóa tài khoản và kết thúc mọi phiên · Close an account and end all its sessions."""
    _keep(lambda tx: accounts.disable(tx, keeping_accounts.now(), login), data=data, demo=demo)


@account.command("unlock")
def account_unlock(login: Login, *, data: Data = None, demo: Demo = False) -> None:
    """Mở lại tài khoản · Open an account again."""
    _keep(lambda tx: accounts.enable(tx, keeping_accounts.now(), login), data=data, demo=demo)


@account.command("reset-password")
def account_reset(login: Login, *, data: Data = None, demo: Demo = False) -> None:
    """Đặt lại và in mật khẩu phải đổi · Reset the password and print it; it must be changed."""
    typer.echo(_keep(lambda tx: accounts.renew(tx, keeping_accounts.now(), login), data=data, demo=demo))


@account.command("create-client")
def account_create_client(
    name: Annotated[str, typer.Argument(help="Tên máy khách · Name of the client")],
    *,
    title: Annotated[str, typer.Option(help="Tên hiển thị · Name that people read")] = "",
    scope: Annotated[
        str, typer.Option(help="Phạm vi, cách nhau bằng dấu cách · Scopes, with spaces")
    ] = keeping_accounts.SCOPE,
    tenant: Annotated[list[str] | None, typer.Option(help="Cơ sở · Keeper")] = None,
    data: Data = None,
    demo: Demo = False,
) -> None:
    """Tạo máy khách dịch vụ và in bí mật của nó · Make a service client and print its secret."""

    async def work(tx: Connection) -> str:
        numbers = await keeping_accounts.tenants(tx, tenant or ())
        at = keeping_accounts.now()
        return await accounts.create_client(tx, at, name, title or name, scope=scope, tenants=numbers)

    typer.echo(_keep(work, data=data, demo=demo))


@app.command()
def token(
    *,
    account: Annotated[str | None, typer.Option(help="Tài khoản · Account")] = None,
    client: Annotated[str | None, typer.Option(help="Máy khách dịch vụ · Service client")] = None,
    scope: Annotated[str, typer.Option(help="Phạm vi · Scopes")] = keeping_accounts.SCOPE,
    hours: Annotated[int, typer.Option(min=1, help="Số giờ hiệu lực · Hours it holds")] = 12,
    data: Data = None,
    demo: Demo = False,
) -> None:
    """In một bearer token, không in gì khác · Print a bearer token, and nothing else."""
    if (account is None) == (client is None):
        raise BadAccount("Name --account or --client.", vi="Hãy nêu --account hoặc --client.")

    def work(tx: Connection) -> Awaitable[str]:
        lasts = timedelta(hours=hours)
        at = keeping_accounts.now()
        return accounts.token(tx, at, account=account, client=client, scope=scope, lasts=lasts)

    typer.echo(_keep(work, data=data, demo=demo))


lists = typer.Typer(
    cls=Commands, help="Danh mục mã · Code lists", no_args_is_help=True, pretty_exceptions_show_locals=False
)
app.add_typer(lists, name="codes")


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


roles = typer.Typer(
    cls=Commands, help="Vai trò và quyền · Roles and rights", no_args_is_help=True, add_completion=False
)
app.add_typer(roles, name="role")
Tenant = Annotated[str | None, typer.Option(help="Cơ sở · Keeper of the record")]
Account = Annotated[str, typer.Argument(help="Tài khoản · Account")]
Name = Annotated[str, typer.Argument(help="Tên vai trò, xem `hsba role list` · Name of a role")]


@roles.command("list")
def role_list(*, tenant: Tenant = None, data: Data = None, demo: Demo = False) -> None:
    """Liệt kê vai trò và các lần cấp · List the roles, and to whom they are given."""

    async def work(desk: Desk, _: House) -> None:
        output.print("\n".join(await desk.roles()), soft_wrap=True, markup=False)

    _at_desk(work, tenant, data, demo=demo)


@roles.command("show")
def role_show(name: Name, *, tenant: Tenant = None, data: Data = None, demo: Demo = False) -> None:
    """In các dòng của một vai trò · Print the lines of a role."""

    async def work(desk: Desk, _: House) -> None:
        output.print("\n".join(await desk.role(name)), soft_wrap=True, markup=False)

    _at_desk(work, tenant, data, demo=demo)


@roles.command("grant")
def role_grant(
    account: Account,
    name: Name,
    *,
    department: Annotated[
        str | None, typer.Option(help="Chỉ ở khoa này (mã Organization) · Only in this Organization")
    ] = None,
    begin: Annotated[
        str | None, typer.Option("--from", help="Từ ngày giờ này · From this day or time")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="Hết ngày giờ này · Until its end")] = None,
    reason: Annotated[str | None, typer.Option(help="Lý do · Reason")] = None,
    person: Annotated[
        str | None,
        typer.Option(help="Tài khoản là ai: Practitioner/… hoặc Patient/… · Who the account is"),
    ] = None,
    tenant: Tenant = None,
    data: Data = None,
    demo: Demo = False,
) -> None:
    """Cấp vai trò cho tài khoản · Give a role to an account."""

    async def work(desk: Desk, _: House) -> None:
        number = await desk.grant(
            account, name, department=department, begin=begin, end=end, reason=reason, person=person
        )
        output.print(f"#{number}")

    _at_desk(work, tenant, data, demo=demo)


@roles.command("revoke")
def role_revoke(
    number: Annotated[int, typer.Argument(help="Số của lần cấp · Number of the grant")],
    *,
    tenant: Tenant = None,
    data: Data = None,
    demo: Demo = False,
) -> None:
    """Thu hồi một lần cấp · End a grant now."""

    async def work(desk: Desk, _: House) -> None:
        output.print(f"✗ {await desk.revoke(number)}", soft_wrap=True, markup=False)

    _at_desk(work, tenant, data, demo=demo)


@roles.command("check")
def role_check(
    account: Account,
    act: Annotated[str, typer.Argument(help="Việc: view, create, update, export … · The act")],
    target: Annotated[str, typer.Argument(help="Type hoặc Type/id · Type or Type/id")],
    *,
    tenant: Tenant = None,
    data: Data = None,
    demo: Demo = False,
) -> None:
    """Nói tài khoản có được làm việc đó không, và vì dòng nào · Say whether an account may do this, and by which line."""

    async def work(desk: Desk, opened: House) -> None:
        verdict, lines = await desk.check(opened.rights, account, act, target)
        output.print("✓" if verdict.allowed else "✗", account, act, target, markup=False)
        output.print("\n".join(lines), soft_wrap=True, markup=False)
        if not verdict.allowed:
            raise typer.Exit(1)

    _at_desk(work, tenant, data, demo=demo)


def _at_desk(
    work: Callable[[Desk, House], Awaitable[None]], tenant: str | None, data: Path | None, *, demo: bool
) -> None:
    """Do something about roles in an opened house."""
    settings = read_settings(data=data)
    progress = Progress(settings.lang)

    async def main() -> None:
        from hsba import app as house  # noqa: PLC0415 - the other commands are quick without the whole house

        async with reached(settings, settings.folder("demo" if demo else "main"), progress) as database:
            await prepare(settings, database, progress)
            progress.end()
            async with house.opener(settings, database.runtime, size=2)() as opened:
                await work(Desk(opened, opened.tenants.get(tenant)), opened)

    processes.run(main())


@app.command(hidden=True)
def http() -> None:
    """Phục vụ HTTP, do `hsba serve` khởi động · Serve HTTP; started by `hsba serve`."""
    settings = config.load()
    logs.configure(settings.log_format, settings.log_level)
    processes.die_with_parent()
    listen.serve(TARGET, host=settings.host, port=settings.port, workers=settings.workers)


# --- The audit trail ---------------------------------------------------------------------------------------

audit = typer.Typer(
    cls=Commands, help="Nhật ký truy cập · The audit trail", no_args_is_help=True, add_completion=False
)
app.add_typer(audit, name="audit")

From = Annotated[str | None, typer.Option("--from", help="Từ ngày, giờ này · From this day or time")]
To = Annotated[
    str | None, typer.Option("--to", help="Đến hết ngày, giờ này · To the end of this day or time")
]


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
        if found.oldest is not None:
            words = Words(f"the oldest is of {found.oldest}", f"dòng cũ nhất lúc {found.oldest}")
            output.print(getattr(words, settings.lang), soft_wrap=True)
        if found.fault is not None:
            console.print(f"[red]✗[/] {escape(found.fault.sentence(settings.lang))}", soft_wrap=True)
            raise typer.Exit(1)

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


def _keep(work: Callable[[Connection], Awaitable[Done]], *, data: Path | None, demo: bool) -> Done:
    """Do something with the accounts, on a connection that may."""
    settings = read_settings(data=data)
    progress = Progress(settings.lang)

    done: list[Done] = []

    async def main() -> None:
        async with (
            reached(settings, settings.folder("demo" if demo else "main"), progress) as database,
            keeping_accounts.connected(database.owner) as tx,
        ):
            done.append(await work(tx))
        progress.end()

    processes.run(main())
    if not done:
        raise typer.Exit(processes.REFUSED)  # it was told to stop
    return done[0]


# --- What the commands share -------------------------------------------------------------------------------


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


class PlainHttp(Problem):
    """Passwords would travel openly: keep HSBA_HOST as localhost, or put a TLS proxy before and set HSBA_BEHIND_TLS_PROXY."""

    vi = (
        "Mật khẩu sẽ đi trên mạng không mã hóa: hãy đặt một proxy TLS phía trước và bật HSBA_BEHIND_TLS_PROXY, hoặc để"
        " HSBA_HOST là localhost."
    )


async def _load(
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

    return await asyncio.to_thread(loading.load, opener, slug, lines, note=note)


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


async def _furnish_demo(settings: Settings, database: Database, folder: Path, progress: Progress) -> None:
    """Load the demo hospital unless it is there; a load that was cut off goes on where it stopped."""
    from hsba import app as house  # noqa: PLC0415 - the other commands are quick without the whole house

    done = folder / "demo-loaded"
    if done.exists():
        return
    lines = (json.dump(resource) for resource in hospital.generate())
    figures = await _load(settings, database, hospital.HOSPITAL.slug, lines, progress)
    async with house.opener(settings, database.runtime)() as opened, opened.pool.bare() as tx:
        keeper = opened.tenants.get(hospital.HOSPITAL.slug)
        await tenants.add_code(tx, keeper.id, Canon(BASE).identifier("ma-cskcb"), hospital.HOSPITAL.facility)
    if figures.refused:
        raise DemoRefused(figures.problems[0][1], vi=figures.problems[0][2])
    done.touch()


class DemoRefused(Problem):
    """The demo hospital does not satisfy its own profiles; this is a mistake in the release."""

    vi = "Dữ liệu mẫu không đạt hồ sơ mẫu; đây là lỗi của bản phát hành."


async def _serve(settings: Settings, folder: Path, progress: Progress, *, demo: bool = False) -> None:
    """Have the database up and ready, then keep the server processes up until told to stop."""
    if settings.host not in LOOPBACK and not settings.behind_tls_proxy:
        raise PlainHttp
    logs.configure(settings.log_format, settings.log_level)
    listen.bind(settings.host, settings.port).close()  # a taken port is told before anything is started
    async with reached(settings, folder, progress) as database:
        tenant = (hospital.HOSPITAL.slug, hospital.HOSPITAL.title) if demo else None
        await prepare(settings, database, progress, tenant=tenant)
        if demo:
            await _furnish_demo(settings, database, folder, progress)
            invented = await keeping_accounts.furnish_demo(database.owner, folder)
        else:
            first = await keeping_accounts.first(database.owner)
        environ = {
            **os.environ,
            "DATABASE_URL": database.runtime,
            "HSBA_OWNER_DATABASE_URL": database.owner,
            "HSBA_DATA": str(folder),
            "HSBA_PORT": str(settings.port),
        }
        children = [
            processes.Process("http", (sys.executable, "-m", "hsba.cli", "http"), environ),
            processes.Process("worker", (sys.executable, "-m", "hsba.worker"), environ),
        ]
        progress(Words("Starting the server", "Đang khởi động máy chủ"))
        async with processes.keeping(children) as kept:
            address = f"http://localhost:{settings.port}"
            await _until_ready(address, kept)
            progress.end()
            words = Words("Ctrl-C stops it", "Ctrl-C để dừng")
            if demo:
                _tell_demo(invented, settings.lang)
            else:
                _tell_first(first, settings.lang)
            line = f"[bold green]HSBA[/] [bold]{address}[/]  ({getattr(words, settings.lang)})"
            output.print(line, soft_wrap=True)
            await kept
        progress.end()


def _tell_first(password: str | None, lang: str) -> None:
    """Tell the first administrator's password: now, and never again."""
    if password is None:
        return
    words = Words(
        f"First administrator: {accounts.FIRST}, password {password} (shown only now; it is changed at the first log-in)",
        f"Quản trị đầu tiên: {accounts.FIRST}, mật khẩu {password} (chỉ hiện lần này; phải đổi khi đăng nhập lần đầu)",
    )
    typer.echo(getattr(words, lang))


def _tell_demo(invented: keeping_accounts.Shown, lang: str) -> None:
    """Tell who may log in to the demo."""
    table = Table(show_header=False, show_edge=False, box=None)
    for one in keeping_accounts.DEMO:
        table.add_row(f"  [bold]{one.login}[/]", one.kind, escape(one.name))
    words = Words("Log in with this password for each of them", "Đăng nhập bằng mật khẩu chung này")
    output.print(f"{getattr(words, lang)}: [bold]{escape(invented.password)}[/]", soft_wrap=True)
    output.print(table)
    client = f"  {keeping_accounts.DEMO_CLIENT}: client_secret {invented.client_secret}"
    output.print(
        f"{escape(client)}; hsba token --demo --client {keeping_accounts.DEMO_CLIENT}", soft_wrap=True
    )


async def _until_ready(address: str, kept: asyncio.Task[None]) -> None:
    """Wait until the server answers that it can serve; a server that does not come up ends the wait."""
    until = time.monotonic() + READY_WITHIN
    async with httpx.AsyncClient(trust_env=False) as client:
        while not kept.done():
            try:
                if (await client.get(f"{address}/readyz")).status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                if time.monotonic() > until:
                    raise
            await asyncio.sleep(0.05)
    kept.result()


if __name__ == "__main__":
    app()
