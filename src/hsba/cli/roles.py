"""Commands about roles: what they hold, who has them, and what somebody may do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hsba.access.rights.roles import Role
from hsba.cli.common import Commands, Data, Demo, Tenant, in_house, output
from hsba.ops.role_desk import Desk

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hsba.app import App as House

roles = typer.Typer(
    cls=Commands, help="Vai trò và quyền · Roles and rights", no_args_is_help=True, add_completion=False
)
Account = Annotated[str, typer.Argument(help="Tài khoản · Account")]
Hours = Annotated[
    str | None,
    typer.Option(
        help="Khung giờ trong tuần, như “mon-fri 07:00-17:00; sat 19:00-07:00” · Hours of the week, over midnight too"
    ),
]
Proposed = Annotated[
    int, typer.Argument(help="Số của đề xuất, xem `hsba role waiting` · Number of the proposal")
]
WAITS = "#%s %s: chờ người thứ hai duyệt · waits for a second person"
Name = Annotated[str, typer.Argument(help="Tên vai trò, xem `hsba role list` · Name of a role")]


@roles.command("list")
def role_list(*, tenant: Tenant = None, data: Data = None, demo: Demo = False) -> None:
    """Liệt kê vai trò và các lần cấp · List the roles, and to whom they are given."""

    async def work(desk: Desk, _: House) -> None:
        output.print("\n".join(await desk.roles()), soft_wrap=True, markup=False)

    at_desk(work, tenant, data, demo=demo)


@roles.command("show")
def role_show(
    name: Name,
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="Dạng JSON, cho `hsba role set` · As JSON, for `hsba role set`")
    ] = False,
    tenant: Tenant = None,
    data: Data = None,
    demo: Demo = False,
) -> None:
    """In các dòng của một vai trò · Print the lines of a role."""

    async def work(desk: Desk, _: House) -> None:
        text = await desk.written(name) if as_json else "\n".join(await desk.role(name))
        output.print(text, soft_wrap=True, markup=False)

    at_desk(work, tenant, data, demo=demo)


@roles.command("set")
def role_set(
    name: Name,
    file: Annotated[
        Path,
        typer.Argument(
            exists=True,
            dir_okay=False,
            help="Tệp JSON như `hsba role show --json` · JSON as shown by `--json`",
        ),
    ],
    *,
    tenant: Tenant = None,
    data: Data = None,
    demo: Demo = False,
) -> None:
    """Tạo hoặc sửa vai trò của đơn vị từ tệp · Make or change a role of the house's own from a file."""

    async def work(desk: Desk, _: House) -> None:
        made = await desk.put(name, file.read_bytes())
        if isinstance(made, Role):
            output.print(f"{made.name}: {len(made.lines)}", markup=False)
        else:
            output.print(WAITS % (made.id, made.name), markup=False)

    at_desk(work, tenant, data, demo=demo)


@roles.command("remove")
def role_remove(name: Name, *, tenant: Tenant = None, data: Data = None, demo: Demo = False) -> None:
    """Bỏ vai trò của đơn vị mà không ai giữ · Remove a role of the house's own that nobody has."""

    async def work(desk: Desk, _: House) -> None:
        made = await desk.remove(name)
        output.print(f"✗ {name}" if made is None else WAITS % (made.id, made.name), markup=False)

    at_desk(work, tenant, data, demo=demo)


@roles.command("waiting")
def role_waiting(*, tenant: Tenant = None, data: Data = None, demo: Demo = False) -> None:
    """Liệt kê thay đổi vai trò đang chờ duyệt · List the changes of roles that wait for approval."""

    async def work(desk: Desk, _: House) -> None:
        output.print("\n".join(await desk.waiting()), soft_wrap=True, markup=False)

    at_desk(work, tenant, data, demo=demo)


@roles.command("approve")
def role_approve(number: Proposed, *, tenant: Tenant = None, data: Data = None, demo: Demo = False) -> None:
    """Duyệt thay đổi do người khác đề xuất · Approve a change that somebody else proposed."""

    async def work(desk: Desk, _: House) -> None:
        output.print(f"✓ {(await desk.approve(number)).name}", markup=False)

    at_desk(work, tenant, data, demo=demo)


@roles.command("decline")
def role_decline(
    number: Proposed,
    *,
    reason: Annotated[str, typer.Option(help="Lý do · Reason")] = "",
    tenant: Tenant = None,
    data: Data = None,
    demo: Demo = False,
) -> None:
    """Từ chối thay đổi được đề xuất, hoặc rút đề xuất của mình · Decline a proposed change, or withdraw one's own."""

    async def work(desk: Desk, _: House) -> None:
        output.print(f"✗ {(await desk.decline(number, reason)).name}", markup=False)

    at_desk(work, tenant, data, demo=demo)


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
    hours: Hours = None,
    crossing: Annotated[
        str | None,
        typer.Option(
            help="Tài khoản của cơ sở khác, vì: referral, province, emergency · Of another keeper, because of"
        ),
    ] = None,
    tenant: Tenant = None,
    data: Data = None,
    demo: Demo = False,
) -> None:
    """Cấp vai trò cho tài khoản · Give a role to an account."""

    async def work(desk: Desk, _: House) -> None:
        number = await desk.grant(
            account,
            name,
            department=department,
            begin=begin,
            end=end,
            reason=reason,
            person=person,
            hours=hours,
            crossing=crossing,
        )
        output.print(f"#{number}")

    at_desk(work, tenant, data, demo=demo)


@roles.command("hours")
def role_hours(
    account: Account,
    *,
    hours: Hours = None,
    begin: Annotated[
        str | None, typer.Option("--from", help="Từ ngày giờ này · From this day or time")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="Hết ngày giờ này · Until its end")] = None,
    reason: Annotated[str | None, typer.Option(help="Lý do · Reason")] = None,
    tenant: Tenant = None,
    data: Data = None,
    demo: Demo = False,
) -> None:
    """Đặt giờ làm việc của tài khoản, cho mọi vai trò · Say when an account may work, in whatever role."""

    async def work(desk: Desk, _: House) -> None:
        await desk.hours(account, hours, begin=begin, end=end, reason=reason)

    at_desk(work, tenant, data, demo=demo)


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

    at_desk(work, tenant, data, demo=demo)


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

    at_desk(work, tenant, data, demo=demo)


def at_desk(
    work: Callable[[Desk, House], Awaitable[None]], tenant: str | None, data: Path | None, *, demo: bool
) -> None:
    """Do something about roles in an opened house."""
    in_house(
        lambda house, settings: work(
            Desk(house, house.tenants.get(tenant), approval=settings.role_approval), house
        ),
        data,
        demo=demo,
    )
