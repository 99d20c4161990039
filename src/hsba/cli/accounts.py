"""Commands about accounts, service clients and their tokens, by the operator of the server."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from rich.markup import escape
from rich.table import Table

from hsba.access import accounts
from hsba.access.factors import second_factor
from hsba.access.problems import BadAccount
from hsba.access.rights import grants
from hsba.cli.common import (
    Commands,
    Data,
    Demo,
    Progress,
    output,
    reached,
    read_settings,
)
from hsba.ops import accounts as keeping_accounts
from hsba.ops import processes
from hsba.ops.selfcheck import Words

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from asyncpg import Connection


Done = TypeVar("Done")
account = typer.Typer(
    cls=Commands, help="Tài khoản, do người vận hành máy chủ · Accounts, by the operator of the server"
)
Login = Annotated[str, typer.Argument(help="Tên đăng nhập · Name of the account")]


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
    person: Annotated[
        str | None,
        typer.Option(help="Practitioner/… | Patient/…: người ấy là ai · who that is in the record"),
    ] = None,
    data: Data = None,
    demo: Demo = False,
) -> None:
    """Tạo tài khoản; in mật khẩu phải đổi khi đăng nhập · Make an account; prints a password to be changed at log-in."""

    async def work(tx: Connection) -> str:
        at, numbers = (
            keeping_accounts.now(),
            await keeping_accounts.tenants(tx, tenant or (), every=every_tenant),
        )
        password = await accounts.create(
            tx, at, login, kind, name or login, tenants=numbers, by=keeping_accounts.BY
        )
        who = None if person is None else grants.person(person)
        await keeping_accounts.give(tx, accounts.folded(login), role or (), person=who, tenants=numbers)
        return password

    typer.echo(keep(work, data=data, demo=demo))


@account.command("list")
def account_list(*, data: Data = None, demo: Demo = False) -> None:
    """Liệt kê tài khoản, vai trò, lần dùng cuối · List accounts, roles and last use."""
    table = Table("login", "kind", "name", "roles", "state", "last use", show_edge=False)
    at = keeping_accounts.now()
    for one in keep(accounts.every, data=data, demo=demo):
        state = "locked" if one.locked_until is not None and one.locked_until > at else one.state
        used = f"{one.last_use:%Y-%m-%d %H:%M}Z" if one.last_use else "–"
        table.add_row(one.login, one.kind, escape(one.name), escape(", ".join(one.roles)), state, used)
    output.print(table)


@account.command("lock")
def account_lock(login: Login, *, data: Data = None, demo: Demo = False) -> None:
    """Khóa tài khoản và kết thúc mọi phiên · Close an account and end all its sessions."""
    keep(
        lambda tx: accounts.disable(tx, keeping_accounts.now(), login, by=keeping_accounts.BY),
        data=data,
        demo=demo,
    )


@account.command("unlock")
def account_unlock(login: Login, *, data: Data = None, demo: Demo = False) -> None:
    """Mở lại tài khoản · Open an account again."""
    keep(
        lambda tx: accounts.enable(tx, keeping_accounts.now(), login, by=keeping_accounts.BY),
        data=data,
        demo=demo,
    )


@account.command("reset-password")
def account_reset(login: Login, *, data: Data = None, demo: Demo = False) -> None:
    """Đặt lại và in mật khẩu phải đổi · Reset the password and print it; it must be changed."""
    typer.echo(
        keep(
            lambda tx: accounts.renew(tx, keeping_accounts.now(), login, by=keeping_accounts.BY),
            data=data,
            demo=demo,
        )
    )


@account.command("reset-second-factor")
def account_reset_second_factor(login: Login, *, data: Data = None, demo: Demo = False) -> None:
    """Gỡ lớp xác thực thứ hai và mã khôi phục · Remove all second factors and recovery codes."""
    witness = keeping_accounts.BY.witness
    keep(
        lambda tx: second_factor.reset(tx, keeping_accounts.now(), login, witness=witness),
        data=data,
        demo=demo,
    )


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
        by = keeping_accounts.BY
        return await accounts.create_client(tx, at, name, title or name, scope=scope, tenants=numbers, by=by)

    typer.echo(keep(work, data=data, demo=demo))


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
        by = keeping_accounts.BY
        return accounts.token(tx, at, account=account, client=client, scope=scope, lasts=lasts, by=by)

    typer.echo(keep(work, data=data, demo=demo))


def keep(work: Callable[[Connection], Awaitable[Done]], *, data: Path | None, demo: bool) -> Done:
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


def tell_first(password: str | None, lang: str) -> None:
    """Tell the first administrator's password: now, and never again."""
    if password is None:
        return
    words = Words(
        f"First administrator: {accounts.FIRST}, password {password} (shown only now; it is changed at the first log-in)",
        f"Quản trị đầu tiên: {accounts.FIRST}, mật khẩu {password} (chỉ hiện lần này; phải đổi khi đăng nhập lần đầu)",
    )
    typer.echo(getattr(words, lang))
