"""Commands that run the server, and the demo hospital that it may serve."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import httpx
import typer
from rich.markup import escape
from rich.table import Table

from hsba import config, logs
from hsba.access.rights import roles
from hsba.cli.accounts import tell_first
from hsba.cli.common import (
    Data,
    Progress,
    output,
    prepare,
    reached,
    read_settings,
)
from hsba.cli.records import load_lines
from hsba.fhir import json
from hsba.fhir.problems import Problem
from hsba.fhir.vn import BASE, Canon
from hsba.http import listen, redirect
from hsba.ops import accounts as keeping_accounts
from hsba.ops import certificates, demo_folder, processes
from hsba.ops import demo as hospital
from hsba.ops.selfcheck import Words
from hsba.record import tenants

if TYPE_CHECKING:
    from hsba.config import Settings
    from hsba.ops.database import Database

TARGET = "hsba.app:asgi"
LOOPBACK = frozenset({listen.LOOPBACK, "127.0.0.1", "::1"})
READY_WITHIN = 60.0
Port = Annotated[int | None, typer.Option(help="Cổng (thay HSBA_PORT) · Port (instead of HSBA_PORT)")]


def serve(*, data: Data = None, port: Port = None) -> None:
    """Chạy máy chủ · Run the server."""
    settings = read_settings(data=data, port=port)
    processes.run(_serve(settings, settings.folder("main"), Progress(settings.lang)))


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


def http() -> None:
    """Phục vụ HTTP, do `hsba serve` khởi động · Serve HTTP; started by `hsba serve`."""
    settings = config.load()
    logs.configure(settings.log_format, settings.log_level)
    processes.die_with_parent()
    listen.serve(TARGET, host=settings.host, port=settings.port, workers=settings.workers, pair=settings.pair)


class PlainHttp(Problem):
    """Passwords would travel openly: set HSBA_TLS_CERTIFICATE and HSBA_TLS_KEY, use a TLS proxy, or listen on localhost."""

    vi = (
        "Mật khẩu sẽ đi trên mạng không mã hóa: hãy đặt HSBA_TLS_CERTIFICATE và HSBA_TLS_KEY, hoặc đặt một proxy TLS"
        " phía trước và bật HSBA_BEHIND_TLS_PROXY, hoặc để HSBA_HOST là localhost."
    )


class DemoRefused(Problem):
    """The demo hospital does not satisfy its own profiles; this is a mistake in the release."""

    vi = "Dữ liệu mẫu không đạt hồ sơ mẫu; đây là lỗi của bản phát hành."


async def _furnish_demo(settings: Settings, database: Database, folder: Path, progress: Progress) -> None:
    """Load the demo hospital unless it is there; a load that was cut off goes on where it stopped."""
    from hsba import app as house  # noqa: PLC0415 - the other commands are quick without the whole house

    done = folder / "demo-loaded"
    if done.exists():
        return
    lines = (json.dump(resource) for resource in hospital.generate())
    figures = await load_lines(settings, database, hospital.HOSPITAL.slug, lines, progress)
    async with house.opener(settings, database.runtime)() as opened, opened.pool.bare() as tx:
        keeper = opened.tenants.get(hospital.HOSPITAL.slug)
        await tenants.add_code(tx, keeper.id, Canon(BASE).identifier("ma-cskcb"), hospital.HOSPITAL.facility)
    if figures.refused:
        raise DemoRefused(figures.problems[0][1], vi=figures.problems[0][2])
    done.touch()


async def _serve(settings: Settings, folder: Path, progress: Progress, *, demo: bool = False) -> None:
    """Have the database up and ready, then keep the server processes up until told to stop."""
    pair = settings.pair
    if pair is not None:
        pair.check()
    elif settings.host not in LOOPBACK and not settings.behind_tls_proxy:
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
        if demo:  # its printed accounts open with their password alone
            environ["HSBA_SECOND_FACTOR_WAIVED"] = "yes"
        children = [
            processes.Process("http", (sys.executable, "-m", "hsba.cli", "http"), environ),
            processes.Process("worker", (sys.executable, "-m", "hsba.worker"), environ),
        ]
        progress(Words("Starting the server", "Đang khởi động máy chủ"))
        plain = settings.tls_redirect_port if pair is not None else 0
        async with (
            redirect.redirecting(settings.allowed_hosts, host=settings.host, port=plain, to=settings.port),
            processes.keeping(children) as kept,
        ):
            address = f"http{'s' if pair else ''}://localhost:{settings.port}"
            await _until_ready(address, kept)
            progress.end()
            words = Words("Ctrl-C stops it", "Ctrl-C để dừng")
            if demo:
                _tell_demo(invented, settings.lang)
            else:
                tell_first(first, settings.lang)
            line = f"[bold green]HSBA[/] [bold]{address}[/]  ({getattr(words, settings.lang)})"
            output.print(line, soft_wrap=True)
            await kept
        progress.end()


def _tell_demo(invented: keeping_accounts.Shown, lang: str) -> None:
    """Tell who may log in to the demo."""
    table = Table(show_header=False, show_edge=False, box=None)
    known = roles.built_in()
    for one in invented.faces:
        title = known[one.role].title if one.role else one.kind
        table.add_row(f"  [bold]{one.login}[/]", escape(title), escape(one.name))
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
    # Our own process answers here, by a certificate that was made for another name than localhost.
    async with httpx.AsyncClient(trust_env=False, verify=certificates.unverified()) as client:
        while not kept.done():
            try:
                if (await client.get(f"{address}/readyz")).status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                if time.monotonic() > until:
                    raise
            await asyncio.sleep(0.05)
    kept.result()
