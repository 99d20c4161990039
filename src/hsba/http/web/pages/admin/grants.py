"""`/admin/grants`: who has which role where and until when; those that end soon; and taking one back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from hsba.access.administration import role_desk
from hsba.access.rights import grants
from hsba.http.web.page import Go, Page
from hsba.http.web.pages.admin.accounts import titles
from hsba.record.views import house

if TYPE_CHECKING:
    from hsba.access.administration.role_desk import Holding
    from hsba.http.web.pages.admin.room import Ask

SOON = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Grants:
    """What `admin/grants.html` shows."""

    may_change: bool
    problem: str
    login: str
    """Of the reader, who takes nothing back from himself."""
    holdings: tuple[Holding, ...]
    ending: bool
    """Whether only those that end soon are listed."""
    role: str
    days: int
    roles: dict[str, str]
    departments: dict[str, str]


async def given(ask: Ask) -> Page:
    """The grants in force and to come, of all roles or of one."""
    ending, role = ask.query("show") == "ending", ask.query("role")
    async with ask.looking() as office:
        holdings = await role_desk.holders(office, role=role or None, ending=SOON if ending else None)
        known, _ = await grants.every_role(office.tx, ask.tenant.id)
        departments = {one.id: one.name for one in await house.departments(ask.ctx(office.tx))}
    shown = Grants(
        ask.may_change,
        ask.problem,
        ask.caller.actor.account,
        tuple(holdings),
        ending,
        role,
        SOON.days,
        titles(known),
        departments,
    )
    return Page("admin/grants.html", shown, section="admin-grants")


async def take_back(ask: Ask) -> Page | Go:
    """End a grant now, and go back to the page it was sent from."""
    async with ask.changing() as office:
        ended = await role_desk.take_back(office, ask.id())
        holder = await role_desk.number(office, ended.account)
    ask.services.rights.forget(ask.tenant.id, ended.account)
    if ask.form.get("back") == "account" and holder is not None:
        return Go(f"/admin/accounts/{holder}")
    return Go("/admin/grants")
