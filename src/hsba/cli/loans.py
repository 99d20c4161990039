"""Commands about records that are lent for reading."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from hsba.cli.common import Commands, Data, Demo, Tenant, output
from hsba.cli.roles import Account, at_desk

if TYPE_CHECKING:
    from hsba.app import App as House
    from hsba.ops.role_desk import Desk

loans = typer.Typer(
    cls=Commands, help="Cho mượn hồ sơ · Records lent", no_args_is_help=True, add_completion=False
)


@loans.command("give")
def loan_give(
    account: Account,
    patient: Annotated[str, typer.Argument(help="Mã Patient · Id of the Patient")],
    *,
    purpose: Annotated[
        str,
        typer.Option(
            help="Mục đích · What for: TREAT, HRESCH, HLEGAL, HPAYMT, HOPERAT, PATRQT (đơn người bệnh), FAMRQT (người đại diện)"
        ),
    ],
    reason: Annotated[str, typer.Option(help="Lý do, số đơn · Reason, number of the request")],
    end: Annotated[str, typer.Option("--to", help="Đến hết ngày giờ này · Until its end")],
    dossier: Annotated[
        str | None, typer.Option(help="Chỉ một hồ sơ bệnh án (mã Composition) · Only this dossier")
    ] = None,
    tenant: Tenant = None,
    data: Data = None,
    demo: Demo = False,
) -> None:
    """Cho một tài khoản mượn hồ sơ để đọc · Lend a record to an account for reading."""

    async def work(desk: Desk, opened: House) -> None:
        number = await desk.lend(
            opened.lending, account, patient, purpose=purpose, reason=reason, end=end, dossier=dossier
        )
        output.print(f"#{number}")

    at_desk(work, tenant, data, demo=demo)


@loans.command("list")
def loan_list(*, tenant: Tenant = None, data: Data = None, demo: Demo = False) -> None:
    """Liệt kê các lần cho mượn · List what was lent."""

    async def work(desk: Desk, _: House) -> None:
        output.print("\n".join(await desk.loans()), soft_wrap=True, markup=False)

    at_desk(work, tenant, data, demo=demo)


@loans.command("return")
def loan_return(
    number: Annotated[int, typer.Argument(help="Số của lần cho mượn · Number of the loan")],
    *,
    tenant: Tenant = None,
    data: Data = None,
    demo: Demo = False,
) -> None:
    """Nhận lại hồ sơ · Take a record back."""

    async def work(desk: Desk, opened: House) -> None:
        output.print(f"✗ {await desk.take_back(opened.lending, number)}", soft_wrap=True, markup=False)

    at_desk(work, tenant, data, demo=demo)
