"""Commands about registered apps and services, by the operator of the server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from hsba.access.oauth import apps
from hsba.access.oauth.apps import BadApp, Wanted
from hsba.cli.accounts import keep
from hsba.cli.common import Commands, Data, Demo, output, read_settings
from hsba.ops import accounts as keeping_accounts

if TYPE_CHECKING:
    from asyncpg import Connection

app = typer.Typer(
    cls=Commands, help="Ứng dụng và phần mềm kết nối (SMART, OAuth 2) · Apps and services that may come in"
)
Name = Annotated[str, typer.Argument(help="Tên ứng dụng (client_id) · Name of the app (client_id)")]
Title = Annotated[str, typer.Option(help="Tên hiển thị cho người dùng · Name that people read")]
AppScope = Annotated[
    str, typer.Option(help="Phạm vi nhiều nhất được xin, cách nhau bằng dấu cách · The most it may ask for")
]
Redirect = Annotated[
    list[str] | None,
    typer.Option(help="Địa chỉ quay về, lặp lại được · Address people are sent back to; may be repeated"),
]
Public = Annotated[
    bool,
    typer.Option("--public", help="Không giữ được bí mật (trình duyệt, điện thoại) · Cannot keep a secret"),
]
Keys = Annotated[Path | None, typer.Option(help="Tệp JWKS khóa công khai · File with its public keys (JWKS)")]
KeysUrl = Annotated[str, typer.Option(help="Địa chỉ JWKS · Address of its JWKS")]
LaunchUrl = Annotated[
    str, typer.Option(help="Địa chỉ mở từ hồ sơ · Address it is opened at from a patient's page")
]
Tenant = Annotated[
    list[str] | None, typer.Option(help="Cơ sở, mặc định là mọi cơ sở · Keeper; by default every one")
]


@app.command("register")
def register(
    name: Name,
    *,
    scope: AppScope,
    title: Title = "",
    redirect: Redirect = None,
    public: Public = False,
    keys: Keys = None,
    keys_url: KeysUrl = "",
    launch_url: LaunchUrl = "",
    tenant: Tenant = None,
    data: Data = None,
    demo: Demo = False,
) -> None:
    """Đăng ký ứng dụng; in bí mật nếu có · Register an app; prints its secret where it has one."""
    settings = read_settings(data=data)

    async def work(tx: Connection) -> str | None:
        wanted = await _wanted(
            tx, title or name, scope, redirect, keys, keys_url, launch_url, tenant, public=public
        )
        return await apps.register(
            tx, keeping_accounts.now(), name, wanted, hosts=settings.jwks_hosts, by=keeping_accounts.BY
        )

    if (secret := keep(work, data=data, demo=demo)) is not None:
        typer.echo(secret)


@app.command("change")
def change(
    name: Name,
    *,
    scope: AppScope,
    title: Title = "",
    redirect: Redirect = None,
    public: Public = False,
    keys: Keys = None,
    keys_url: KeysUrl = "",
    launch_url: LaunchUrl = "",
    tenant: Tenant = None,
    data: Data = None,
    demo: Demo = False,
) -> None:
    """Khai lại ứng dụng; các quyền đã cấp kết thúc · State an app anew; what it was let do before ends."""
    settings = read_settings(data=data)

    async def work(tx: Connection) -> str | None:
        wanted = await _wanted(
            tx, title or name, scope, redirect, keys, keys_url, launch_url, tenant, public=public
        )
        return await apps.change(
            tx, keeping_accounts.now(), name, wanted, hosts=settings.jwks_hosts, by=keeping_accounts.BY
        )

    if (secret := keep(work, data=data, demo=demo)) is not None:
        typer.echo(secret)


@app.command("list")
def listed(*, data: Data = None, demo: Demo = False) -> None:
    """Liệt kê ứng dụng và phạm vi · List apps, their scopes and last use."""
    table = Table("name", "title", "proves itself by", "scope", "state", "last use", show_edge=False)
    for one in keep(apps.every, data=data, demo=demo):
        used = f"{one.last_use:%Y-%m-%d %H:%M}Z" if one.last_use else "–"
        table.add_row(one.name, escape(one.title), one.proves, escape(one.scope), one.state, used)
    output.print(table)


@app.command("renew-secret")
def renew_secret(name: Name, *, data: Data = None, demo: Demo = False) -> None:
    """Đổi và in bí mật mới · Give an app a new secret and print it."""
    typer.echo(
        keep(
            lambda tx: apps.renew_secret(tx, keeping_accounts.now(), name, by=keeping_accounts.BY),
            data=data,
            demo=demo,
        )
    )


@app.command("disable")
def disable(name: Name, *, data: Data = None, demo: Demo = False) -> None:
    """Khóa ứng dụng và kết thúc mọi quyền đã cấp · Close an app and end all it was let do."""
    keep(
        lambda tx: apps.disable(tx, keeping_accounts.now(), name, by=keeping_accounts.BY),
        data=data,
        demo=demo,
    )


@app.command("enable")
def enable(name: Name, *, data: Data = None, demo: Demo = False) -> None:
    """Mở lại ứng dụng · Open an app again."""
    keep(
        lambda tx: apps.enable(tx, keeping_accounts.now(), name, by=keeping_accounts.BY), data=data, demo=demo
    )


async def _wanted(
    tx: Connection,
    title: str,
    scope: str,
    redirects: list[str] | None,
    keys: Path | None,
    keys_url: str,
    launch_url: str,
    slugs: list[str] | None,
    *,
    public: bool,
) -> Wanted:
    """What was typed, as an app is registered."""
    try:
        text = keys.read_text("utf-8") if keys is not None else ""
    except (OSError, UnicodeDecodeError) as exc:
        raise BadApp(f"{keys}: {exc}", vi=f"{keys}: {exc}") from exc
    numbers = await keeping_accounts.tenants(tx, slugs or (), every=not slugs)
    return Wanted(
        title=title,
        scope=scope,
        redirects=tuple(redirects or ()),
        public=public,
        keys=text,
        keys_url=keys_url,
        launch_url=launch_url,
        tenants=None if numbers is None else tuple(numbers),
    )
