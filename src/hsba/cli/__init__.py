"""The commands that a person types: each is a few lines that call the house and tell what happens.

They may use every room. They never decide anything: what they tell is what a room answered. Messages are Vietnamese, or
English with HSBA_LANG=en.
"""

from __future__ import annotations

import typer

from hsba.cli import accounts, apps, audit, codes, forms, loans, machine, records, roles, serving
from hsba.cli.common import Commands

app = typer.Typer(
    cls=Commands,
    help="HSBA, hồ sơ bệnh án điện tử · the electronic medical record",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)

for command in (
    machine.version, machine.settings, machine.doctor, machine.migrate, machine.upgrade_database,
    serving.serve, serving.demo, records.export, records.load, records.reindex, accounts.token,
):  # fmt: skip
    app.command(command.__name__.replace("_", "-"))(command)
app.command(hidden=True)(serving.http)
for name, group in {
    "account": accounts.account,
    "app": apps.app,
    "audit": audit.audit,
    "codes": codes.lists,
    "forms": forms.forms,
    "loan": loans.loans,
    "role": roles.roles,
}.items():
    app.add_typer(group, name=name, no_args_is_help=True)

__all__ = ["app"]
